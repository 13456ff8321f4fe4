#include "media.h"
#include "common/channel.h"
#include "common/rpc.h"
#include <string.h>

#define FIRST_REV 1     /* of a peer */
#define RETRY_MS 1000   /* an sfu that answers no hello on an open line is asked again */
#define PEERS_MAX 20000 /* beyond what one sfu serves; a page of it that lies ends there */

struct Media {
	Channel *channel;
	MediaEvents events;
	void *user;
	char boot[ID_SIZE + 42]; /* whatever the sfu calls its life, cut to this */
	bool is_synced, restarted;
	GHashTable *peers;  /* id -> MediaPeer */
	GHashTable *stages; /* id -> uint64_t* */
	GHashTable *dumped; /* what `dump` has listed so far; NULL outside of it */
	unsigned retry;
};

typedef struct Put {
	Media *media;
	MediaPut put;
	void *user;
	char peer[ID_SIZE];
} Put;

static void greet(Media *media);

static void copy(char *into, size_t size, json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	g_strlcpy(into, text ? text : "", size);
}

static bool is(json_t *object, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text && strcmp(text, value) == 0;
}

static gboolean on_retry(void *data)
{
	Media *media = data;
	media->retry = 0;
	if (channel_is_up(media->channel))
		greet(media);
	return G_SOURCE_REMOVE;
}

static void retry_later(Media *media)
{
	g_clear_pointer(&media->dumped, g_hash_table_unref);
	if (!media->retry)
		media->retry = g_timeout_add(RETRY_MS, on_retry, media);
}

static void read_peer(MediaPeer *peer, json_t *object)
{
	copy(peer->stage, sizeof(peer->stage), object, "stage");
	copy(peer->owner, sizeof(peer->owner), object, "owner");
	copy(peer->transport, sizeof(peer->transport), object, "transport");
	peer->rev = (uint64_t)json_integer_value(json_object_get(object, "rev"));
	peer->is_publisher = is(object, "role", "publisher");
	peer->is_connected = is(object, "state", "connected");
	const char *what;
	if (!peer->is_publisher)
		(void)rung_read(object, &peer->rung, &what); /* a new viewer has none yet */
}

static void close_peer(Media *media, const char *id, const char *reason)
{
	MediaPeer *known = g_hash_table_lookup(media->peers, id);
	if (!known)
		return;
	MediaPeer peer = *known;
	g_hash_table_remove(media->peers, id);
	media->events.closed(&peer, reason, media->user);
}

/* The whole list is here: what we know and it does not is gone, what it knows and we do not is
 * shown to the hub. */
static void compare(Media *media)
{
	g_autoptr(GHashTable) dumped = g_steal_pointer(&media->dumped);
	g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter at;
	char *id;
	MediaPeer *peer;
	g_hash_table_iter_init(&at, media->peers);
	while (g_hash_table_iter_next(&at, (void **)&id, NULL)) {
		if (!g_hash_table_contains(dumped, id))
			g_ptr_array_add(gone, g_strdup(id));
	}
	media->is_synced = true;
	bool restarted = media->restarted;
	media->restarted = false;
	for (unsigned i = 0; i < gone->len; i++) {
		if (restarted)
			g_hash_table_remove(media->peers, gone->pdata[i]);
		else
			close_peer(media, gone->pdata[i], "lost");
	}
	g_hash_table_iter_init(&at, dumped);
	while (g_hash_table_iter_next(&at, (void **)&id, (void **)&peer)) {
		bool known = g_hash_table_contains(media->peers, id);
		MediaPeer *mine = g_memdup2(peer, sizeof(*peer));
		g_hash_table_replace(media->peers, mine->id, mine);
		if (known)
			media->events.state(peer, media->user);
		else
			media->events.found(peer, media->user);
	}
	media->events.synced(restarted, media->user);
}

static void ask_dump(Media *media, const char *after);

static void on_dump(json_t *result, json_t *error, void *user)
{
	Media *media = user;
	if (!media->dumped)
		return;
	json_t *peers = json_object_get(result, "peers");
	if (!result || !is(result, "boot", media->boot) || !json_is_array(peers)) {
		retry_later(media);
		return;
	}
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(result, "stages"), i, item)
	{
		const char *stage = json_string_value(json_object_get(item, "stage"));
		uint64_t rev = (uint64_t)json_integer_value(json_object_get(item, "rev"));
		if (id_is_valid(stage))
			g_hash_table_replace(
				media->stages, g_strdup(stage), g_memdup2(&rev, sizeof(rev)));
	}
	char last[ID_SIZE] = "";
	json_array_foreach(peers, i, item)
	{
		const char *id = json_string_value(json_object_get(item, "peer"));
		if (!id_is_valid(id) || is(item, "state", "closed"))
			continue;
		MediaPeer *peer = g_new0(MediaPeer, 1);
		g_strlcpy(peer->id, id, sizeof(peer->id));
		g_strlcpy(last, id, sizeof(last));
		read_peer(peer, item);
		g_hash_table_replace(media->dumped, peer->id, peer);
	}
	bool more = json_is_true(json_object_get(result, "more"));
	if (more && *last && g_hash_table_size(media->dumped) < PEERS_MAX)
		ask_dump(media, last);
	else
		compare(media);
}

static void ask_dump(Media *media, const char *after)
{
	json_t *params = after ? json_pack("{s:s}", "after", after) : json_object();
	channel_call(media->channel, "dump", params, on_dump, media);
}

static void on_hello(json_t *result, json_t *error, void *user)
{
	Media *media = user;
	const char *boot = json_string_value(json_object_get(result, "boot"));
	if (!boot || !*boot) {
		if (channel_is_up(media->channel))
			retry_later(media);
		return;
	}
	char cut[sizeof(media->boot)];
	g_strlcpy(cut, boot, sizeof(cut));
	if (*media->boot && strcmp(media->boot, cut) != 0)
		media->restarted = true;
	g_strlcpy(media->boot, cut, sizeof(media->boot));
	g_clear_pointer(&media->dumped, g_hash_table_unref);
	media->dumped = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	g_hash_table_remove_all(media->stages);
	ask_dump(media, NULL);
}

static void greet(Media *media)
{
	channel_call(media->channel, "hello", json_object(), on_hello, media);
}

static void on_up(void *user)
{
	greet(user);
}

static void on_down(void *user)
{
	Media *media = user;
	bool was_synced = media->is_synced;
	media->is_synced = false;
	g_clear_pointer(&media->dumped, g_hash_table_unref);
	if (was_synced)
		media->events.away(media->user);
}

static void on_peer_state(Media *media, json_t *params)
{
	const char *id = json_string_value(json_object_get(params, "peer"));
	if (!id)
		return;
	bool closed = is(params, "state", "closed");
	if (closed && media->dumped)
		g_hash_table_remove(media->dumped, id);
	if (closed) {
		const char *reason = json_string_value(json_object_get(params, "reason"));
		close_peer(media, id, reason && *reason ? reason : "closed");
		return;
	}
	MediaPeer *peer = g_hash_table_lookup(media->peers, id);
	if (!peer)
		return;
	peer->is_connected = is(params, "state", "connected");
	copy(peer->transport, sizeof(peer->transport), params, "transport");
	MediaPeer now = *peer;
	media->events.state(&now, media->user);
}

/* The row of a viewer; NULL when there is none. */
static MediaPeer *find_viewer(GHashTable *peers, const char *id)
{
	MediaPeer *peer = peers && id ? g_hash_table_lookup(peers, id) : NULL;
	return peer && !peer->is_publisher ? peer : NULL;
}

static void on_peer_rung(Media *media, json_t *params)
{
	const char *id = json_string_value(json_object_get(params, "peer"));
	MediaPeer *listed = find_viewer(media->dumped, id);
	MediaPeer *peer = find_viewer(media->peers, id);
	Rung rung;
	const char *what;
	if (!rung_read(params, &rung, &what)) {
		g_debug("sfu: peer.rung: %s", what);
		return;
	}
	if (listed)
		listed->rung = rung; /* newer than its row in the dump */
	if (!peer)
		return;
	peer->rung = rung;
	MediaPeer now = *peer;
	media->events.rung(&now, media->user);
}

static void on_track_state(Media *media, json_t *params)
{
	const char *stage = json_string_value(json_object_get(params, "stage"));
	const char *owner = json_string_value(json_object_get(params, "owner"));
	const char *source = json_string_value(json_object_get(params, "source"));
	bool flowing = json_is_true(json_object_get(params, "flowing"));
	if (stage && owner && source)
		media->events.track(stage, owner, source, flowing, media->user);
}

static void on_notification(const char *method, json_t *params, void *user)
{
	Media *media = user;
	if (!is(params, "boot", media->boot))
		return; /* of a life whose hello we have not had yet; the dump will tell */
	if (strcmp(method, "peer.state") == 0)
		on_peer_state(media, params);
	else if (strcmp(method, "peer.rung") == 0)
		on_peer_rung(media, params);
	else if (strcmp(method, "track.state") == 0)
		on_track_state(media, params);
}

Media *media_new(const char *path, const MediaEvents *events, void *user)
{
	static const ChannelEvents channel_events = { on_up, on_down, on_notification };
	Media *media = g_new0(Media, 1);
	media->events = *events;
	media->user = user;
	media->peers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	media->stages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	media->channel = channel_new(path, &channel_events, media);
	return media;
}

void media_free(Media *media)
{
	if (!media)
		return;
	channel_free(media->channel);
	if (media->retry)
		g_source_remove(media->retry);
	g_clear_pointer(&media->dumped, g_hash_table_unref);
	g_hash_table_unref(media->stages);
	g_hash_table_unref(media->peers);
	g_free(media);
}

bool media_is_synced(const Media *media)
{
	return media->is_synced;
}

bool media_has_peer(const Media *media, const char *peer)
{
	return g_hash_table_contains(media->peers, peer);
}

uint64_t media_peer_rev(const Media *media, const char *peer)
{
	const MediaPeer *known = g_hash_table_lookup(media->peers, peer);
	return known ? known->rev : 0;
}

uint64_t media_stage_rev(const Media *media, const char *stage)
{
	const uint64_t *rev = g_hash_table_lookup(media->stages, stage);
	return rev ? *rev : 0;
}

static void on_stage_put(json_t *result, json_t *error, void *user)
{
	if (error)
		g_warning("sfu: stage.put refused: %s",
			json_string_value(json_object_get(error, "message")));
}

void media_put_stage(Media *media, json_t *params)
{
	if (media->is_synced)
		channel_call(media->channel, "stage.put", params, on_stage_put, media);
	else
		json_decref(params);
}

static const Refusal *refusal_of(json_t *error)
{
	switch (json_integer_value(json_object_get(error, "code"))) {
	case RPC_REFUSED:
		return &REFUSE_BAD_OFFER;
	case RPC_INVALID_PARAMS:
		return &REFUSE_BAD_PARAMS;
	case RPC_TOO_MANY:
		return is(json_object_get(error, "data"), "reason", "busy") ? &REFUSE_MEDIA_BUSY
									    : &REFUSE_ROOM_FULL;
	case RPC_NOT_FOUND:
		return is(json_object_get(error, "data"), "reason", "no-peer") ? &REFUSE_NO_PEER
									       : &REFUSE_MEDIA_AWAY;
	default:
		return &REFUSE_MEDIA_AWAY;
	}
}

static void on_peer_put(json_t *result, json_t *error, void *user)
{
	Put *put = user;
	MediaAnswer answer = { .peer = put->peer };
	answer.sdp = json_string_value(json_object_get(result, "answer"));
	answer.slots = json_object_get(result, "slots");
	if (!answer.sdp) {
		answer.refusal = error ? refusal_of(error) : &REFUSE_MEDIA_AWAY;
		answer.detail = json_string_value(json_object_get(error, "message"));
		/* It may stand there all the same: an answer that came too late. */
		media_delete_peer(put->media, put->peer);
	}
	put->put(&answer, put->user);
	g_free(put);
}

void media_put_peer(Media *media, const char *stage, const char *owner, bool is_publisher,
	const char *offer, json_t *sources, MediaPut put, void *user)
{
	Put *call = g_new0(Put, 1);
	call->media = media;
	call->put = put;
	call->user = user;
	id_make(call->peer);

	MediaPeer *peer = g_new0(MediaPeer, 1);
	g_strlcpy(peer->id, call->peer, sizeof(peer->id));
	g_strlcpy(peer->stage, stage, sizeof(peer->stage));
	g_strlcpy(peer->owner, owner, sizeof(peer->owner));
	peer->is_publisher = is_publisher;
	peer->rev = FIRST_REV;
	g_hash_table_replace(media->peers, peer->id, peer);

	json_t *params = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s}", "peer", call->peer, "rev",
		FIRST_REV, "stage", stage, "owner", owner, "role",
		is_publisher ? "publisher" : "viewer", "offer", offer);
	if (sources)
		json_object_set_new(params, "sources", sources);
	channel_call(media->channel, "peer.put", params, on_peer_put, call);
}

static void on_peer_restart(json_t *result, json_t *error, void *user)
{
	Put *put = user;
	MediaAnswer answer = { .peer = put->peer };
	MediaPeer *known = g_hash_table_lookup(put->media->peers, put->peer);
	uint64_t rev = (uint64_t)json_integer_value(json_object_get(result, "rev"));
	answer.sdp = json_string_value(json_object_get(result, "fragment"));
	if (known)
		known->rev = MAX(known->rev, rev);
	if (!result) {
		answer.refusal = error ? refusal_of(error) : &REFUSE_MEDIA_AWAY;
		answer.detail = json_string_value(json_object_get(error, "message"));
	}
	put->put(&answer, put->user);
	g_free(put);
}

void media_restart_peer(
	Media *media, const char *peer, const char *fragment, MediaPut restarted, void *user)
{
	MediaPeer *known = g_hash_table_lookup(media->peers, peer);
	Put *call = g_new0(Put, 1);
	call->media = media;
	call->put = restarted;
	call->user = user;
	g_strlcpy(call->peer, peer, sizeof(call->peer));
	/* Two that are under way at once have two numbers; the later one holds. */
	uint64_t rev = known ? known->rev_asked = MAX(known->rev_asked, known->rev) + 1 : 0;
	channel_call(media->channel, "peer.restart",
		json_pack("{s:s, s:I, s:s}", "peer", peer, "rev", (json_int_t)rev, "fragment",
			fragment),
		on_peer_restart, call);
}

Rung media_peer_rung(const Media *media, const char *peer)
{
	const MediaPeer *known = find_viewer(media->peers, peer);
	return known ? known->rung : (Rung){ 0 };
}

static void on_limited(json_t *result, json_t *error, void *user)
{
	json_int_t code = json_integer_value(json_object_get(error, "code"));
	/* A peer that has just been closed; a sfu that is away, and is told when it is back. */
	if (!error || code == RPC_NOT_FOUND || code == RPC_UNAVAILABLE)
		return;
	g_warning("sfu: peer.limit refused: %s",
		json_string_value(json_object_get(error, "message")));
}

void media_limit_peer(Media *media, const char *peer, unsigned rung)
{
	if (media->is_synced)
		channel_call(media->channel, "peer.limit",
			json_pack("{s:s, s:i}", "peer", peer, "rung", (int)rung), on_limited,
			media);
}

void media_delete_peer(Media *media, const char *peer)
{
	if (!*peer)
		return;
	json_t *params = json_pack("{s:s}", "peer", peer);
	g_hash_table_remove(media->peers, peer);
	if (channel_is_up(media->channel))
		channel_call(media->channel, "peer.delete", params, NULL, NULL);
	else
		json_decref(params); /* the next dump shows it as found, and it is deleted then */
}

typedef struct Stats {
	MediaStats reply;
	void *user;
} Stats;

static void on_stats(json_t *result, json_t *error, void *user)
{
	Stats *stats = user;
	stats->reply(result, stats->user);
	g_free(stats);
}

void media_stats(Media *media, MediaStats reply, void *user)
{
	Stats *stats = g_new0(Stats, 1);
	stats->reply = reply;
	stats->user = user;
	channel_call(media->channel, "stats", json_object(), on_stats, stats);
}
