#include "hub.h"
#include "common/rpc.h"
#include "hub_media.h"
#include "seating.h"
#include "view.h"
#include <string.h>

typedef struct Entering {
	uint64_t serial;
	json_t *id, *params;
	HubEnter enter;
} Entering;

typedef struct Answer {
	Hub *hub;
	uint64_t serial;
	json_t *id, *result;
} Answer;

static gboolean on_tick(void *data)
{
	seating_tick(data, g_get_monotonic_time());
	return G_SOURCE_CONTINUE;
}

Hub *hub_new(Store *store, Registry *registry, const char *sfu_path, const char *base)
{
	Hub *hub = g_new0(Hub, 1);
	hub->store = store;
	hub->registry = registry;
	hub->base = g_strdup(base);
	hub->sessions = g_hash_table_new(g_int64_hash, g_int64_equal);
	hub->staged = g_hash_table_new(NULL, NULL);
	hub->dirty = g_hash_table_new(NULL, NULL);
	hub->away = g_hash_table_new(NULL, NULL);
	hub->entering = g_ptr_array_new();
	seating_restore(hub, g_get_monotonic_time());
	hub->media = hub_media_open(hub, sfu_path);
	hub->tick = g_timeout_add(1000, on_tick, hub);
	return hub;
}

static void enter_all(Hub *hub)
{
	GPtrArray *entering = g_steal_pointer(&hub->entering);
	hub->entering = g_ptr_array_new();
	for (unsigned i = 0; i < entering->len; i++) {
		Entering *one = entering->pdata[i];
		Session *session = hub_session(hub, one->serial);
		if (session && !hub->is_ending) {
			session->is_entering = false;
			one->enter(session, one->id, one->params);
		}
		json_decref(one->id);
		json_decref(one->params);
		g_free(one);
	}
	g_ptr_array_unref(entering);
}

void hub_free(Hub *hub)
{
	if (!hub)
		return;
	hub->is_ending = true;
	enter_all(hub);
	media_free(hub->media);
	g_source_remove(hub->tick);
	if (hub->dirty_timer)
		g_source_remove(hub->dirty_timer);
	if (hub->entering_timer)
		g_source_remove(hub->entering_timer);
	g_ptr_array_unref(hub->entering);
	g_hash_table_unref(hub->away);
	g_hash_table_unref(hub->dirty);
	g_hash_table_unref(hub->staged);
	g_hash_table_unref(hub->sessions);
	g_free(hub->base);
	g_free(hub);
}

void hub_add_session(Hub *hub, Session *session)
{
	session->serial = ++hub->serials;
	g_hash_table_insert(hub->sessions, &session->serial, session);
}

void hub_drop_session(Hub *hub, Session *session)
{
	g_hash_table_remove(hub->sessions, &session->serial);
}

Session *hub_session(Hub *hub, uint64_t serial)
{
	return g_hash_table_lookup(hub->sessions, &serial);
}

/* To every page of the forum that has its seat and one of these roles. */
static void broadcast(Forum *forum, unsigned roles, const char *method, json_t *params)
{
	char *text = rpc_write_notification(method, params);
	g_autoptr(Frame) frame = frame_new(text);
	g_free(text);
	GHashTableIter at;
	Seat *seat;
	g_hash_table_iter_init(&at, forum->seats);
	while (g_hash_table_iter_next(&at, NULL, (void **)&seat)) {
		if (seat->holder && (seat->role & roles))
			session_send(seat->holder, frame);
	}
}

static gboolean on_dirty(void *data)
{
	Hub *hub = data;
	hub->dirty_timer = 0;
	g_autoptr(GHashTable) rows = g_hash_table_new(NULL, NULL); /* Forum -> json array */
	GHashTableIter at;
	Seat *seat;
	Forum *forum;
	json_t *sites;
	g_hash_table_iter_init(&at, hub->dirty);
	while (g_hash_table_iter_next(&at, (void **)&seat, NULL)) {
		sites = g_hash_table_lookup(rows, seat->forum);
		if (!sites) {
			sites = json_array();
			g_hash_table_insert(rows, seat->forum, sites);
		}
		json_array_append_new(sites, view_site(seat));
	}
	g_hash_table_remove_all(hub->dirty);
	g_hash_table_iter_init(&at, rows);
	while (g_hash_table_iter_next(&at, (void **)&forum, (void **)&sites))
		broadcast(forum, ROLES_HUB, "sites.state", json_pack("{s:o}", "sites", sites));
	return G_SOURCE_REMOVE;
}

static void soil(Hub *hub, Seat *seat)
{
	if (seat->origin != SEAT_OF_SITE)
		return;
	g_hash_table_add(hub->dirty, seat);
	if (!hub->dirty_timer)
		hub->dirty_timer = g_timeout_add(SITES_STATE_MS, on_dirty, hub);
}

static void put_stage(Hub *hub, Forum *forum)
{
	if (!media_is_synced(hub->media))
		return;
	g_hash_table_add(hub->staged, forum);
	media_put_stage(hub->media, view_stage_put(forum));
}

bool hub_stage_ready(Hub *hub, Forum *forum)
{
	if (!media_is_synced(hub->media))
		return false;
	if (!g_hash_table_contains(hub->staged, forum)) {
		/* The sfu may have heard of more than was on disk when we were killed. */
		forum->rev = MAX(forum->rev, media_stage_rev(hub->media, forum->stage)) + 1;
		put_stage(hub, forum);
	}
	return true;
}

/* Each seat in the queue learns its place when that has changed. */
static void tell_places(Forum *forum)
{
	for (unsigned i = 0; i < forum->queue->len; i++) {
		Seat *seat = forum->queue->pdata[i];
		if (seat->told_place != i + 1)
			forum_touch(forum, seat);
	}
}

void hub_settle(Hub *hub, Forum *forum)
{
	if (forum->changes & CHANGED_QUEUE)
		tell_places(forum);
	if (forum->changes & CHANGED_STAGE) {
		if (g_hash_table_contains(hub->staged, forum))
			put_stage(hub, forum);
		else
			(void)hub_stage_ready(hub, forum);
		registry_save_forum(hub->registry, forum);
		broadcast(forum, ROLES_SEATED, "stage.state", view_stage(forum));
	}
	if (forum->changes & CHANGED_QUEUE)
		broadcast(forum, ROLES_SEATED, "queue.state",
			json_pack("{s:o}", "queue", view_queue(forum)));
	for (unsigned i = 0; i < forum->changed->len; i++) {
		Seat *seat = forum->changed->pdata[i];
		seat->told_place = forum_place(forum, seat);
		registry_save_seat(hub->registry, seat);
		soil(hub, seat);
		if (seat->holder)
			session_notify(seat->holder, "seat.state", view_seat(seat));
	}
	forum_settled(forum);
}

void hub_commit(Hub *hub, void (*done)(bool ok, void *user), void *user)
{
	store_commit(hub->store, done, user);
}

static void on_committed(bool ok, void *user)
{
	Answer *answer = user;
	Session *session = answer->hub->is_ending ? NULL : hub_session(answer->hub, answer->serial);
	if (session && ok)
		session_answer(session, answer->id, json_incref(answer->result));
	else if (session)
		session_refuse(session, answer->id, &REFUSE_STORE);
	json_decref(answer->id);
	json_decref(answer->result);
	g_free(answer);
}

void hub_answer(Hub *hub, Forum *forum, Session *session, json_t *id, json_t *result)
{
	Answer *answer = g_new0(Answer, 1);
	answer->hub = hub;
	answer->serial = session->serial;
	answer->id = json_incref(id);
	answer->result = result ? result : json_object();
	hub_settle(hub, forum);
	hub_commit(hub, on_committed, answer);
}

void hub_close_peer(Hub *hub, SeatPeer *peer)
{
	media_delete_peer(hub->media, peer->id);
	seat_peer_clear(peer);
}

void hub_end_http_peer(Hub *hub, HttpPeer *peer)
{
	if (peer->seat)
		g_info("seat %s: the encoder has gone", peer->seat->id);
	registry_drop_peer(hub->registry, peer);
}

const Refusal *hub_take_off_air(Hub *hub, Seat *seat)
{
	const Refusal *refusal = forum_leave_air(seat->forum, seat);
	if (refusal)
		return refusal;
	HttpPeer *peer = seat->origin == SEAT_OF_ENCODER
				 ? registry_peer(hub->registry, seat->publish.id)
				 : NULL;
	hub_close_peer(hub, &seat->publish);
	if (peer)
		hub_end_http_peer(hub, peer);
	return NULL;
}

static gboolean on_entering(void *data)
{
	Hub *hub = data;
	hub->entering_timer = 0;
	enter_all(hub);
	return G_SOURCE_REMOVE;
}

void hub_enter_later(Hub *hub, Session *session, json_t *id, json_t *params, HubEnter enter)
{
	Entering *one = g_new0(Entering, 1);
	one->serial = session->serial;
	one->id = json_incref(id);
	one->params = params;
	one->enter = enter;
	session->is_entering = true;
	g_ptr_array_add(hub->entering, one);
	if (!hub->entering_timer)
		hub->entering_timer = g_timeout_add(SYNC_WAIT_MS, on_entering, hub);
}

/* From hub_media.c: the sfu's list is known. */
void hub_synced(Hub *hub)
{
	if (hub->entering_timer)
		g_source_remove(hub->entering_timer);
	hub->entering_timer = 0;
	enter_all(hub);
}
