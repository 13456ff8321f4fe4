#include "recording.h"
#include "common/channel.h"
#include <string.h>

#define RETRY_MS 1000 /* a recorder that does not answer on an open line is asked again */

static const char AWAY[] = "máy ghi không chạy";

struct Recording {
	Channel *channel;
	Registry *registry;
	GHashTable *stages; /* set of id: a take of it runs */
	GHashTable *told;   /* Forum -> the words last told (char *) */
	bool is_well;
	char *reason;
	unsigned timer; /* while it is away, or is to be asked again */
};

static void tell(Session *session, json_t *state)
{
	session_notify(session, "recording.state", json_deep_copy(state));
}

/* on, off, or failed with the reason. */
static json_t *state_of(const Recording *recording, const Forum *forum)
{
	if (!recording->is_well)
		return json_pack("{s:s,s:s}", "state", "failed", "reason", recording->reason);
	bool is_on = g_hash_table_contains(recording->stages, forum->stage);
	return json_pack("{s:s,s:s}", "state", is_on ? "on" : "off", "reason", "");
}

static void tell_forum(Recording *recording, Forum *forum)
{
	json_t *state = state_of(recording, forum);
	char *words = json_dumps(state, JSON_COMPACT | JSON_SORT_KEYS);
	const char *before = g_hash_table_lookup(recording->told, forum);
	GHashTableIter at;
	Seat *seat;
	g_hash_table_iter_init(&at, forum->seats);
	while (g_strcmp0(words, before) && g_hash_table_iter_next(&at, NULL, (void **)&seat))
		if (seat->holder)
			tell(seat->holder, state);
	g_hash_table_insert(recording->told, forum, words);
	json_decref(state);
}

static void tell_all(Recording *recording)
{
	GPtrArray *forums = registry_forums(recording->registry);
	for (unsigned i = 0; i < forums->len; i++)
		tell_forum(recording, forums->pdata[i]);
}

static void set_well(Recording *recording, bool is_well, const char *reason)
{
	recording->is_well = is_well;
	g_free(recording->reason);
	recording->reason = g_strdup(reason);
}

static void set_timer(Recording *recording, unsigned ms, GSourceFunc run)
{
	if (recording->timer)
		g_source_remove(recording->timer);
	recording->timer = run ? g_timeout_add(ms, run, recording) : 0;
}

static gboolean on_away(void *user)
{
	Recording *recording = user;
	recording->timer = 0;
	g_warning("recorder: away");
	g_hash_table_remove_all(recording->stages);
	set_well(recording, false, AWAY);
	tell_all(recording);
	return G_SOURCE_REMOVE;
}

static void on_up(void *user);

static gboolean on_retry(void *user)
{
	((Recording *)user)->timer = 0;
	on_up(user);
	return G_SOURCE_REMOVE;
}

static void on_status(json_t *result, json_t *error, void *user)
{
	Recording *recording = user;
	const char *reason = json_string_value(json_object_get(result, "reason"));
	json_t *take;
	size_t i;
	if (!reason) {
		if (channel_is_up(recording->channel))
			set_timer(recording, RETRY_MS, on_retry);
		return;
	}
	set_timer(recording, 0, NULL);
	set_well(recording, json_is_true(json_object_get(result, "well")), reason);
	g_hash_table_remove_all(recording->stages);
	json_array_foreach(json_object_get(result, "takes"), i, take)
	{
		const char *stage = json_string_value(json_object_get(take, "stage"));
		if (stage)
			g_hash_table_add(recording->stages, g_strdup(stage));
	}
	tell_all(recording);
}

static void on_up(void *user)
{
	Recording *recording = user;
	channel_call(recording->channel, "status", json_object(), on_status, recording);
}

static void on_down(void *user)
{
	set_timer(user, RECORDING_AWAY_MS, on_away);
}

static void on_take_state(Recording *recording, json_t *params)
{
	const char *stage = json_string_value(json_object_get(params, "stage"));
	const char *state = json_string_value(json_object_get(params, "state"));
	Forum *forum = stage ? registry_forum_of_stage(recording->registry, stage) : NULL;
	if (!forum || !state)
		return;
	if (strcmp(state, "recording") == 0)
		g_hash_table_add(recording->stages, g_strdup(stage));
	else if (strcmp(state, "ended") == 0)
		g_hash_table_remove(recording->stages, stage);
	tell_forum(recording, forum);
}

static void on_notification(const char *method, json_t *params, void *user)
{
	Recording *recording = user;
	const char *reason = json_string_value(json_object_get(params, "reason"));
	if (strcmp(method, "take.state") == 0) {
		on_take_state(recording, params);
	} else if (strcmp(method, "recorder.state") == 0 && reason) {
		set_well(recording, json_is_true(json_object_get(params, "well")), reason);
		if (!recording->is_well)
			g_hash_table_remove_all(recording->stages);
		tell_all(recording);
	}
}

Recording *recording_new(const char *path, Registry *registry)
{
	static const ChannelEvents events = { on_up, on_down, on_notification };
	Recording *recording = g_new0(Recording, 1);
	recording->registry = registry;
	recording->stages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	recording->told = g_hash_table_new_full(NULL, NULL, NULL, free);
	recording->is_well = true; /* until it has been away for a while */
	recording->reason = g_strdup("");
	recording->channel = channel_new(path, &events, recording);
	set_timer(recording, RECORDING_AWAY_MS, on_away);
	return recording;
}

void recording_free(Recording *recording)
{
	if (!recording)
		return;
	set_timer(recording, 0, NULL);
	channel_free(recording->channel);
	g_hash_table_unref(recording->stages);
	g_hash_table_unref(recording->told);
	g_free(recording->reason);
	g_free(recording);
}

void recording_greet(Recording *recording, Session *session)
{
	if (!recording)
		return;
	json_t *state = state_of(recording, session->seat->forum);
	tell(session, state);
	json_decref(state);
}

typedef struct Wish {
	RecordingTakes takes;
	void *user;
} Wish;

static void on_takes(json_t *result, json_t *error, void *user)
{
	Wish *wish = user;
	json_t *takes = json_object_get(result, "takes");
	wish->takes(json_is_array(takes) ? takes : NULL, wish->user);
	g_free(wish);
}

void recording_takes(Recording *recording, const char *stage, RecordingTakes takes, void *user)
{
	Wish *wish = g_new0(Wish, 1);
	*wish = (Wish){ takes, user };
	channel_call(
		recording->channel, "takes", json_pack("{s:s}", "stage", stage), on_takes, wish);
}

bool recording_is_well(const Recording *recording)
{
	return recording->is_well;
}
