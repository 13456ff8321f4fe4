#include "plan.h"
#include <gio/gio.h>
#include <string.h>

#define VOICES 3
#define LINE_MAX_BYTES 16384

/* Who is in the slots from then on. */
typedef struct Slots {
	int64_t t_us;
	const char *main, *voices[VOICES];
} Slots;

/* Who may not be heard from then on. */
typedef struct Muted {
	int64_t t_us;
	GPtrArray *owners; /* interned */
} Muted;

struct Plan {
	int64_t start_us;
	GHashTable *tracks; /* port → PlanTrack */
	GHashTable *by_id;  /* id of the tap (char *) → PlanTrack, borrowed */
	GArray *ports, *slots, *muted, *gaps;
	Timing *timing;
};

static void muted_clear(void *data)
{
	g_ptr_array_unref(((Muted *)data)->owners);
}

Plan *plan_new(void)
{
	Plan *plan = g_new0(Plan, 1);
	plan->tracks = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	plan->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	plan->ports = g_array_new(FALSE, FALSE, sizeof(uint16_t));
	plan->slots = g_array_new(FALSE, FALSE, sizeof(Slots));
	plan->muted = g_array_new(FALSE, FALSE, sizeof(Muted));
	g_array_set_clear_func(plan->muted, muted_clear);
	plan->gaps = g_array_new(FALSE, FALSE, sizeof(PlanGap));
	plan->timing = timing_new();
	return plan;
}

void plan_free(Plan *plan)
{
	if (!plan)
		return;
	g_hash_table_unref(plan->by_id);
	g_hash_table_unref(plan->tracks);
	g_array_unref(plan->ports);
	g_array_unref(plan->slots);
	g_array_unref(plan->muted);
	g_array_unref(plan->gaps);
	timing_free(plan->timing);
	g_free(plan);
}

static const char *word(json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));
	return text ? g_intern_string(text) : NULL;
}

static int64_t number(json_t *line, const char *key)
{
	return json_integer_value(json_object_get(line, key));
}

static void learn_track(Plan *plan, json_t *line)
{
	const char *id = word(line, "track"), *source = word(line, "source");
	int64_t port = number(line, "port");
	PlanTrack track = { .owner = word(line, "owner"),
		.codec = word(line, "codec"),
		.clock_rate = (unsigned)number(line, "clock_rate"),
		.payload_type = (unsigned)number(line, "payload_type") & 127 };
	if (!id || !source || !track.owner || !track.codec || port <= 0 || port > UINT16_MAX ||
		g_hash_table_contains(plan->by_id, id))
		return;
	track.port = (uint16_t)port;
	track.kind = !strcmp(source, "mic")      ? PLAN_VOICE
		     : !strcmp(source, "screen") ? PLAN_SLIDES
						 : PLAN_PICTURE;
	PlanTrack *kept = g_memdup2(&track, sizeof track);
	g_hash_table_insert(plan->tracks, GUINT_TO_POINTER(track.port), kept);
	g_hash_table_insert(plan->by_id, g_strdup(id), kept);
	g_array_append_val(plan->ports, track.port);
	timing_add_track(plan->timing, track.port, track.owner, track.clock_rate);
}

/* In order of their time, as all entries begin with it: what held before is told again to a
 * recorder that comes back. */
static void insert(GArray *entries, unsigned size, const void *entry)
{
	unsigned at = entries->len;
	while (at && *(const int64_t *)(const void *)(entries->data + (gsize)(at - 1) * size) >
			     *(const int64_t *)entry)
		at--;
	g_array_insert_vals(entries, at, entry, 1);
}

static void learn_stage(Plan *plan, json_t *line, int64_t t_us)
{
	Muted muted = { .t_us = t_us, .owners = g_ptr_array_new() };
	json_t *one;
	size_t i;
	json_array_foreach(json_object_get(line, "on_air"), i, one)
	{
		const char *owner = word(one, "owner");
		if (owner && json_is_true(json_object_get(one, "muted")))
			g_ptr_array_add(muted.owners, (void *)(uintptr_t)owner);
	}
	insert(plan->muted, sizeof muted, &muted);
}

static void learn_slots(Plan *plan, json_t *line, int64_t t_us)
{
	static const char *const names[VOICES] = { "a0", "a1", "a2" };
	Slots slots = { .t_us = t_us, .main = word(line, "main") };
	for (unsigned i = 0; i < VOICES; i++)
		slots.voices[i] = word(line, names[i]);
	insert(plan->slots, sizeof slots, &slots);
}

void plan_learn(Plan *plan, json_t *line)
{
	const char *kind = json_string_value(json_object_get(line, "kind"));
	int64_t t_us = number(line, "t_us");
	if (!kind)
		return;
	if (!strcmp(kind, "take")) {
		plan->start_us = t_us;
	} else if (!strcmp(kind, "track")) {
		learn_track(plan, line);
	} else if (!strcmp(kind, "stage")) {
		learn_stage(plan, line, t_us);
	} else if (!strcmp(kind, "slots")) {
		learn_slots(plan, line, t_us);
	} else if (!strcmp(kind, "gap")) {
		PlanGap gap = { t_us, word(line, "reason") };
		g_array_append_val(plan->gaps, gap);
	} else if (!strcmp(kind, "report")) {
		const char *id = json_string_value(json_object_get(line, "track"));
		const PlanTrack *track = id ? g_hash_table_lookup(plan->by_id, id) : NULL;
		if (track)
			timing_add_report(plan->timing, track->port, t_us,
				number(line, "sender_us"), (uint32_t)number(line, "rtp"));
	}
}

Plan *plan_read(const char *path, GError **error)
{
	char text[LINE_MAX_BYTES];
	g_autoptr(Plan) plan = plan_new();
	FILE *file = fopen(path, "re");
	while (file && fgets(text, sizeof text, file)) {
		json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		if (line)
			plan_learn(plan, line);
		json_decref(line);
	}
	if (file)
		fclose(file);
	if (!plan->start_us) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s is no index of a take",
			path);
		return NULL;
	}
	return g_steal_pointer(&plan);
}

int64_t plan_start_us(const Plan *plan)
{
	return plan->start_us;
}

const PlanTrack *plan_track(const Plan *plan, uint16_t port)
{
	return g_hash_table_lookup(plan->tracks, GUINT_TO_POINTER(port));
}

const GArray *plan_ports(const Plan *plan)
{
	return plan->ports;
}

const GArray *plan_gaps(const Plan *plan)
{
	return plan->gaps;
}

Timing *plan_timing(const Plan *plan)
{
	return plan->timing;
}

/* Index of the entry that holds then: both kinds begin with their time. -1: none yet. */
static int holding(const GArray *entries, unsigned size, int64_t t_us)
{
	int low = -1, high = (int)entries->len;
	while (high - low > 1) {
		int middle = (low + high) / 2;
		int64_t from =
			*(const int64_t *)(const void *)(entries->data + (gsize)middle * size);
		if (from <= t_us)
			low = middle;
		else
			high = middle;
	}
	return low;
}

const char *plan_main(const Plan *plan, int64_t t_us)
{
	int at = holding(plan->slots, sizeof(Slots), t_us);
	return at < 0 ? NULL : g_array_index(plan->slots, Slots, at).main;
}

static bool is_muted(const Plan *plan, const char *owner, int64_t t_us)
{
	int at = holding(plan->muted, sizeof(Muted), t_us);
	return at >= 0 &&
	       g_ptr_array_find(g_array_index(plan->muted, Muted, at).owners, owner, NULL);
}

bool plan_hears(const Plan *plan, const char *owner, int64_t t_us)
{
	if (is_muted(plan, owner, t_us))
		return false;
	int at = MAX(holding(plan->slots, sizeof(Slots), t_us), 0);
	for (unsigned i = (unsigned)at; i < plan->slots->len; i++) {
		const Slots *slots = &g_array_index(plan->slots, Slots, i);
		if (slots->t_us > t_us + PLAN_LEAD_US)
			break;
		for (unsigned n = 0; n < VOICES; n++)
			if (slots->voices[n] == owner)
				return true;
	}
	return false;
}
