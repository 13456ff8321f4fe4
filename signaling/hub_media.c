#include "hub_media.h"
#include <string.h>

#define SPREAD_MS_A_PAGE 8 /* 442 pages come back over 3.5 s: 125 handshakes a second */
#define SPREAD_MAX_MS 4000 /* with the restart itself, everybody is back within 10 s */

/* The seat a peer stands for; NULL when its owner is no seat of ours. */
static Seat *seat_of(Hub *hub, const MediaPeer *peer)
{
	Forum *forum = registry_forum_of_stage(hub->registry, peer->stage);
	return forum ? forum_find(forum, peer->owner) : NULL;
}

static void follow(SeatPeer *mine, const MediaPeer *peer)
{
	mine->is_connected = peer->is_connected;
	g_strlcpy(mine->transport, peer->transport, sizeof(mine->transport));
	mine->rung = peer->rung;
}

static void on_found(const MediaPeer *peer, void *user)
{
	Hub *hub = user;
	HttpPeer *http = registry_peer(hub->registry, peer->id);
	Seat *seat = seat_of(hub, peer);
	SeatPeer *place = !seat ? NULL : peer->is_publisher ? &seat->publish : &seat->receive;
	if (http && !http->seat)
		return; /* a WHEP viewer goes on */
	bool is_wanted = place && !*place->id && (!peer->is_publisher || seat->on_air) &&
			 (http || seat->origin != SEAT_OF_ENCODER);
	if (!is_wanted) {
		media_delete_peer(hub->media, peer->id);
		return;
	}
	g_strlcpy(place->id, peer->id, sizeof(place->id));
	follow(place, peer);
	place->was_limited = true; /* by a life of ours before this one, perhaps */
	/* Its page has a minute to come back and name it: seating_tick. */
	if (!http && !seat->holder && !seat->lost_us) {
		seat->lost_us = g_get_monotonic_time();
		g_hash_table_add(hub->away, seat);
	}
	forum_touch(seat->forum, seat);
}

static void on_state(const MediaPeer *peer, void *user)
{
	Hub *hub = user;
	Seat *seat = seat_of(hub, peer);
	SeatPeer *mine = seat ? seat_peer(seat, peer->id) : NULL;
	if (!mine)
		return;
	bool is_other = !rung_is_same(&mine->rung, &peer->rung);
	follow(mine, peer);
	if (is_other) /* it changed while our line to the sfu was down */
		hub_tell_line(hub, seat);
	forum_touch(seat->forum, seat);
	hub_settle(hub, seat->forum);
	hub_commit(hub, NULL, NULL);
}

static void on_rung(const MediaPeer *peer, void *user)
{
	Hub *hub = user;
	Seat *seat = seat_of(hub, peer);
	SeatPeer *mine = seat ? seat_peer(seat, peer->id) : NULL;
	if (!mine)
		return; /* a WHEP viewer, or its offer is not answered yet */
	mine->rung = peer->rung;
	hub_tell_line(hub, seat);
}

static void on_closed(const MediaPeer *peer, const char *reason, void *user)
{
	Hub *hub = user;
	HttpPeer *http = registry_peer(hub->registry, peer->id);
	Forum *forum = registry_forum_of_stage(hub->registry, peer->stage);
	Seat *seat = seat_of(hub, peer);
	SeatPeer *mine = seat ? seat_peer(seat, peer->id) : NULL;
	if (http) {
		hub_end_http_peer(hub, http);
	} else if (mine) {
		bool is_receive = mine == &seat->receive;
		seat_peer_clear(mine);
		if (seat->holder)
			session_notify(seat->holder, "peer.lost",
				json_pack("{s:s, s:s}", "which", is_receive ? "receive" : "publish",
					"reason", reason));
		forum_touch(forum, seat);
	} else {
		return;
	}
	hub_settle(hub, forum);
	hub_commit(hub, NULL, NULL);
}

/* What an encoder sends is what it has switched on; pages say it themselves. */
static void on_track(
	const char *stage, const char *owner, const char *source, bool flowing, void *user)
{
	Hub *hub = user;
	Forum *forum = registry_forum_of_stage(hub->registry, stage);
	Seat *seat = forum ? forum_find(forum, owner) : NULL;
	if (!seat || seat->origin != SEAT_OF_ENCODER || !seat->on_air)
		return;
	bool mic = strcmp(source, "mic") == 0 ? flowing : seat->mic;
	bool camera = strcmp(source, "camera") == 0 ? flowing : seat->camera;
	bool screen = strcmp(source, "screen") == 0 ? flowing : seat->screen_order != 0;
	(void)forum_set_sources(forum, seat, mic, camera, screen);
	hub_settle(hub, forum);
	hub_commit(hub, NULL, NULL);
}

static void on_away(void *user)
{
	Hub *hub = user;
	g_warning("sfu: away");
	g_hash_table_remove_all(hub->staged);
}

/* WHIP and WHEP peers that the sfu no longer has: all of them after its restart. */
static void drop_http_peers(Hub *hub)
{
	g_autoptr(GPtrArray) gone = g_ptr_array_new();
	GHashTableIter at;
	HttpPeer *peer;
	g_hash_table_iter_init(&at, registry_peers(hub->registry));
	while (g_hash_table_iter_next(&at, NULL, (void **)&peer)) {
		if (!media_has_peer(hub->media, peer->id))
			g_ptr_array_add(gone, peer);
	}
	for (unsigned i = 0; i < gone->len; i++)
		hub_end_http_peer(hub, gone->pdata[i]);
}

static void forget_peer(Hub *hub, Seat *seat, SeatPeer *peer)
{
	if (!*peer->id || media_has_peer(hub->media, peer->id))
		return;
	seat_peer_clear(peer);
	forum_touch(seat->forum, seat);
}

/* The stage is put again where the sfu has it or somebody is in. */
static void resume_forum(Hub *hub, Forum *forum)
{
	bool is_used = forum->on_air->len || media_stage_rev(hub->media, forum->stage);
	GHashTableIter at;
	Seat *seat;
	g_hash_table_iter_init(&at, forum->seats);
	while (g_hash_table_iter_next(&at, NULL, (void **)&seat)) {
		is_used = is_used || seat->holder;
		forget_peer(hub, seat, &seat->receive);
		forget_peer(hub, seat, &seat->publish);
		hub_limit(hub, seat);
	}
	if (is_used)
		(void)hub_stage_ready(hub, forum);
	hub_settle(hub, forum);
}

/* Who is on stage offers again at once, the others one after another in random order. */
static void tell_restart(Hub *hub)
{
	unsigned pages = g_hash_table_size(hub->sessions);
	unsigned spread = MIN(pages * SPREAD_MS_A_PAGE, SPREAD_MAX_MS);
	GHashTableIter at;
	Session *session;
	g_hash_table_iter_init(&at, hub->sessions);
	while (g_hash_table_iter_next(&at, NULL, (void **)&session)) {
		if (!session->seat || session->is_waiting)
			continue;
		int after_ms = session->seat->on_air ? 0 : g_random_int_range(0, (int)spread + 1);
		session_notify(
			session, "media.restarted", json_pack("{s:i}", "after_ms", after_ms));
	}
}

static void on_synced(bool restarted, void *user)
{
	Hub *hub = user;
	g_message("sfu: %s", restarted ? "started anew" : "here");
	g_hash_table_remove_all(hub->staged);
	drop_http_peers(hub);
	GPtrArray *forums = registry_forums(hub->registry);
	for (unsigned i = 0; i < forums->len; i++)
		resume_forum(hub, forums->pdata[i]);
	hub_commit(hub, NULL, NULL);
	if (restarted)
		tell_restart(hub);
	hub_synced(hub);
}

Media *hub_media_open(Hub *hub, const char *sfu_path)
{
	static const MediaEvents events = { on_synced, on_away, on_found, on_state, on_rung,
		on_closed, on_track };
	return media_new(sfu_path, &events, hub);
}
