#include "known.h"

#define DUMP_PAGE 500 /* 500 rows of 270 bytes: within a message of 160 KiB */

typedef struct Load {
	unsigned stages, viewers, publishers;
} Load;

struct Known {
	unsigned workers;
	Load loads[MESH_WORKERS_MAX];
	GHashTable *peers;  /* id → KnownPeer, owned */
	GHashTable *stages; /* id → KnownStage, owned */
	uint64_t serials;
};

static unsigned *count_of(KnownPeer *peer)
{
	Load *load = &peer->known->loads[peer->worker];
	return peer->role == ROLE_VIEWER ? &load->viewers : &load->publishers;
}

static void peer_free(void *data)
{
	KnownPeer *peer = data;
	*count_of(peer) -= 1;
	json_decref(peer->result);
	json_decref(peer->restarted);
	g_free(peer);
}

Known *known_new(unsigned workers)
{
	Known *known = g_new0(Known, 1);
	known->workers = workers;
	known->peers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, peer_free);
	known->stages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return known;
}

void known_free(Known *known)
{
	if (!known)
		return;
	g_hash_table_unref(known->peers);
	g_hash_table_unref(known->stages);
	g_free(known);
}

/* -- peers -- */

KnownPeer *known_peer(const Known *known, const char *id)
{
	return g_hash_table_lookup(known->peers, id);
}

KnownPeer *known_peer_of(const Known *known, const char *id, uint64_t serial)
{
	KnownPeer *peer = known_peer(known, id);
	return peer && peer->serial == serial ? peer : NULL;
}

KnownPeer *known_add_peer(Known *known, const char *id, const char *stage, const char *owner,
	Role role, unsigned worker)
{
	KnownPeer *peer = g_new0(KnownPeer, 1);
	peer->known = known;
	peer->role = role;
	peer->worker = worker;
	peer->serial = ++known->serials;
	g_strlcpy(peer->id, id, sizeof peer->id);
	g_strlcpy(peer->stage, stage, sizeof peer->stage);
	g_strlcpy(peer->owner, owner, sizeof peer->owner);
	*count_of(peer) += 1;
	g_hash_table_replace(known->peers, peer->id, peer);
	return peer;
}

void known_remove_peer(Known *known, const char *id)
{
	g_hash_table_remove(known->peers, id);
}

unsigned known_peers(const Known *known)
{
	return g_hash_table_size(known->peers);
}

unsigned known_opening(const Known *known)
{
	unsigned count = 0;
	GHashTableIter iter;
	void *peer;
	g_hash_table_iter_init(&iter, known->peers);
	while (g_hash_table_iter_next(&iter, NULL, &peer))
		count += ((KnownPeer *)peer)->state == TRANSPORT_NEW;
	return count;
}

/* -- stages -- */

static unsigned least_loaded(const Known *known)
{
	unsigned best = 0;
	for (unsigned i = 1; i < known->workers; i++) {
		const Load *load = &known->loads[i], *least = &known->loads[best];
		if (load->stages != least->stages ? load->stages < least->stages
						  : load->viewers + load->publishers <
							    least->viewers + least->publishers)
			best = i;
	}
	return best;
}

unsigned known_calmest(const Known *known)
{
	unsigned best = 0;
	for (unsigned i = 1; i < known->workers; i++)
		if (known->loads[i].viewers < known->loads[best].viewers)
			best = i;
	return best;
}

KnownStage *known_stage(const Known *known, const char *id)
{
	return g_hash_table_lookup(known->stages, id);
}

KnownStage *known_add_stage(Known *known, const char *id)
{
	KnownStage *stage = g_new0(KnownStage, 1);
	stage->home = least_loaded(known);
	known->loads[stage->home].stages++;
	g_hash_table_insert(known->stages, g_strdup(id), stage);
	return stage;
}

static gboolean is_of_stage(void *key, void *value, void *stage)
{
	const KnownPeer *peer = value;
	return !strcmp(peer->stage, stage);
}

void known_remove_stage(Known *known, const char *id)
{
	const KnownStage *stage = known_stage(known, id);
	if (!stage)
		return;
	g_hash_table_foreach_remove(known->peers, is_of_stage, (void *)(uintptr_t)id);
	known->loads[stage->home].stages--;
	g_hash_table_remove(known->stages, id);
}

unsigned known_stages(const Known *known)
{
	return g_hash_table_size(known->stages);
}

/* -- told -- */

const char *known_state_name(TransportState state)
{
	static const char *const names[] = { "new", "connected", "stalled", "closed" };
	return names[state];
}

const char *known_role_name(Role role)
{
	return role == ROLE_VIEWER ? "viewer" : "publisher";
}

void known_tell_line(json_t *row, const RationNews *line)
{
	if (!line->why)
		return;
	json_object_set_new(row, "rung", json_integer(line->rung));
	json_object_set_new(row, "why", json_string(line->why));
	json_object_set_new(row, "rate_bps", json_integer(line->rate_bps));
	json_object_set_new(row, "loss_percent", json_integer(line->loss_percent));
	json_object_set_new(
		row, "rtt_ms", line->rtt_ms < 0 ? json_null() : json_integer(line->rtt_ms));
}

static int by_id(const void *a, const void *b)
{
	const KnownPeer *const *left = a, *const *right = b;
	return strcmp((*left)->id, (*right)->id);
}

static json_t *row_of(const KnownPeer *peer)
{
	json_t *row = json_pack("{s:s,s:I,s:s,s:s,s:s,s:s,s:s}", "peer", peer->id, "rev", peer->rev,
		"stage", peer->stage, "owner", peer->owner, "role", known_role_name(peer->role),
		"state", known_state_name(peer->state), "transport", peer->transport);
	known_tell_line(row, &peer->line);
	return row;
}

json_t *known_dump(const Known *known, const char *boot, const char *after)
{
	g_autoptr(GPtrArray) order = g_ptr_array_new();
	GHashTableIter iter;
	void *key, *value;
	json_t *stages = json_array(), *peers = json_array();

	g_hash_table_iter_init(&iter, known->stages);
	while (g_hash_table_iter_next(&iter, &key, &value))
		json_array_append_new(stages, json_pack("{s:s,s:I}", "stage", (const char *)key,
						      "rev", ((KnownStage *)value)->rev));
	g_hash_table_iter_init(&iter, known->peers);
	while (g_hash_table_iter_next(&iter, &key, &value))
		if (!after || strcmp(key, after) > 0)
			g_ptr_array_add(order, value);
	g_ptr_array_sort(order, by_id);
	for (unsigned i = 0; i < order->len && i < DUMP_PAGE; i++)
		json_array_append_new(peers, row_of(order->pdata[i]));
	return json_pack("{s:s,s:o,s:o,s:b}", "boot", boot, "stages", stages, "peers", peers,
		"more", order->len > DUMP_PAGE);
}

json_t *known_count(const Known *known)
{
	unsigned viewers = 0, publishers = 0, connected = 0;
	GHashTableIter iter;
	void *value;
	g_hash_table_iter_init(&iter, known->peers);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const KnownPeer *peer = value;
		viewers += peer->role == ROLE_VIEWER;
		publishers += peer->role == ROLE_PUBLISHER;
		connected += peer->state == TRANSPORT_CONNECTED;
	}
	return json_pack("{s:i,s:i,s:i,s:i,s:i}", "peers", (int)(viewers + publishers), "viewers",
		(int)viewers, "publishers", (int)publishers, "peers_connected", (int)connected,
		"stages", (int)known_stages(known));
}
