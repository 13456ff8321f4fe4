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
	hub->news = news_new();
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
	if (hub->entering_timer)
		g_source_remove(hub->entering_timer);
	g_ptr_array_unref(hub->entering);
	g_hash_table_unref(hub->away);
	news_free(hub->news);
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

void hub_settle(Hub *hub, Forum *forum)
{
	if (forum->changes & CHANGED_STAGE) {
		if (g_hash_table_contains(hub->staged, forum))
			put_stage(hub, forum);
		else
			(void)hub_stage_ready(hub, forum);
		registry_save_forum(hub->registry, forum);
		news_stage(hub->news, forum);
	}
	if (forum->changes & CHANGED_QUEUE)
		news_queue(hub->news, forum);
	for (unsigned i = 0; i < forum->changed->len; i++) {
		Seat *seat = forum->changed->pdata[i];
		seat->told_place = forum_place(forum, seat);
		registry_save_seat(hub->registry, seat);
		news_site(hub->news, seat);
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

void hub_tell_line(Hub *hub, Seat *seat)
{
	if (seat->holder)
		session_notify(seat->holder, "line.state",
			json_pack("{s:o}", "line", view_line(&seat->receive.rung)));
	news_line(hub->news, seat);
}

void hub_limit(Hub *hub, Seat *seat)
{
	SeatPeer *peer = &seat->receive;
	if (!seat->holder || !*peer->id || !media_is_synced(hub->media))
		return;
	if (seat->holder->limit == RUNG_TOP && !peer->was_limited)
		return; /* as every peer begins */
	peer->was_limited = true;
	media_limit_peer(hub->media, peer->id, seat->holder->limit);
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
