#include "seating.h"
#include "view.h"
#include <string.h>

static json_t *resumed(bool receive, bool publish)
{
	return json_pack("{s:b, s:b}", "receive", receive, "publish", publish);
}

static json_t *result_of(const Seat *seat, bool is_waiting, json_t *peers)
{
	const Forum *forum = seat->forum;
	json_t *result = json_pack("{s:s, s:s, s:s, s:{s:s, s:s}, s:b, s:o}", "seat", seat->id,
		"role", role_name(seat->role), "name", seat->name, "forum", "id", forum->id,
		"title", forum->title, "waiting", is_waiting, "resumed", peers);
	if (is_waiting) { /* it sees nothing of the forum yet */
		json_object_set_new(result, "stage",
			json_pack("{s:i, s:n, s:n, s:[]}", "rev", 0, "main", "slides", "on_air"));
		json_object_set_new(result, "queue", json_array());
		return result;
	}
	json_object_set_new(result, "stage", view_stage(forum));
	json_object_set_new(result, "queue", view_queue(forum));
	if (seat->role & ROLES_HUB)
		json_object_set_new(result, "sites", view_sites(forum));
	if (seat->role == ROLE_SITE && seat->checked.at_ms)
		json_object_set_new(result, "check", preflight_view(&seat->checked));
	return result;
}

/* A peer the page still has lives on; one it does not name is of no use to anybody. */
static bool keep_peer(Hub *hub, SeatPeer *peer, const char *named)
{
	if (*peer->id && named && strcmp(peer->id, named) == 0)
		return true;
	hub_close_peer(hub, peer);
	return false;
}

static json_t *sit_down(Session *session, Seat *seat, const char *receive, const char *publish)
{
	Hub *hub = session->hub;
	session->seat = seat;
	session->is_waiting = false;
	seat->holder = session;
	seat->lost_us = 0;
	seat->is_held = false;
	g_strlcpy(seat->device, session->device, sizeof(seat->device));
	g_hash_table_remove(hub->away, seat);
	bool has_receive = keep_peer(hub, &seat->receive, receive);
	bool has_publish = keep_peer(hub, &seat->publish, publish);
	forum_touch(seat->forum, seat);
	g_info("seat %s: taken", seat->id);
	recording_greet(hub->recording, session);
	json_t *result = result_of(seat, false, resumed(has_receive, has_publish));
	if (has_receive && seat->receive.rung.why)
		json_object_set_new(result, "line", view_line(&seat->receive.rung));
	return result;
}

static json_t *wait_for(Session *session, Seat *seat)
{
	session->seat = seat;
	session->is_waiting = true;
	seat->candidate = session;
	forum_touch(seat->forum, seat);
	g_info("seat %s: a second device waits", seat->id);
	return result_of(seat, true, resumed(false, false));
}

static bool is_of(const Session *session, const char *device)
{
	return session && strcmp(session->device, device) == 0;
}

const Refusal *seating_enter(Session *session, Seat *seat, const char *device, const char *receive,
	const char *publish, json_t **result)
{
	int64_t now_us = g_get_monotonic_time();
	bool is_same = *seat->device && strcmp(seat->device, device) == 0;
	bool must_wait = !is_same && seat_is_held(seat, now_us);
#ifdef GUARD_OFF_SECOND_DEVICE
	must_wait = false;
#endif
	if (must_wait && seat->candidate && !is_of(seat->candidate, device))
		return &REFUSE_WAITING_FULL;

	g_strlcpy(session->device, device, sizeof(session->device));
	if (is_of(seat->candidate, device))
		session_end(g_steal_pointer(&seat->candidate), "replaced");
	if (must_wait) {
		*result = wait_for(session, seat);
	} else {
		Session *before = g_steal_pointer(&seat->holder);
		if (before)
			session_end(before, "replaced");
		*result = sit_down(session, seat, receive, publish);
	}
	return NULL;
}

/* The device that waits gets the seat; whoever sat there leaves. */
static void let_in(Hub *hub, Seat *seat)
{
	Session *session = g_steal_pointer(&seat->candidate);
	Session *before = g_steal_pointer(&seat->holder);
	if (before)
		session_end(before, "replaced");
	session_notify(session, "seat.admitted", sit_down(session, seat, NULL, NULL));
	hub_settle(hub, seat->forum);
}

void seating_leave(Session *session, bool is_silent)
{
	Hub *hub = session->hub;
	Seat *seat = session->seat;
	if (hub->is_ending)
		return;
	if (seat->candidate == session) {
		seat->candidate = NULL;
	} else if (seat->holder == session) {
		seat->holder = NULL;
		seat->lost_us = g_get_monotonic_time();
		seat->is_held = is_silent;
		g_hash_table_add(hub->away, seat);
		g_info("seat %s: left%s", seat->id, is_silent ? " without a word" : "");
	}
	session->seat = NULL;
	forum_touch(seat->forum, seat);
	if (!seat->holder && seat->candidate && !seat_is_held(seat, g_get_monotonic_time()))
		let_in(hub, seat);
	hub_settle(hub, seat->forum);
	hub_commit(hub, NULL, NULL);
}

const Refusal *seating_admit(Hub *hub, Seat *seat)
{
	if (!seat->candidate)
		return &REFUSE_NOBODY_WAITS;
	let_in(hub, seat);
	return NULL;
}

const Refusal *seating_refuse(Hub *hub, Seat *seat)
{
	Session *session = g_steal_pointer(&seat->candidate);
	if (!session)
		return &REFUSE_NOBODY_WAITS;
	session_end(session, "refused");
	forum_touch(seat->forum, seat);
	return NULL;
}

void seating_expel(Hub *hub, Seat *seat, const char *reason)
{
	Session *holder = g_steal_pointer(&seat->holder);
	Session *candidate = g_steal_pointer(&seat->candidate);
	if (holder)
		session_end(holder, reason);
	if (candidate)
		session_end(candidate, reason);
	hub_close_peer(hub, &seat->receive);
	hub_close_peer(hub, &seat->publish);
	(void)forum_leave_air(seat->forum, seat);
	forum_lower_hand(seat->forum, seat);
	*seat->device = '\0';
	seat->is_held = false;
	seat->lost_us = 0;
	g_hash_table_remove(hub->away, seat);
	forum_touch(seat->forum, seat);
	hub_settle(hub, seat->forum);
}

void seating_restore(Hub *hub, int64_t now_us)
{
	GPtrArray *forums = registry_forums(hub->registry);
	for (unsigned i = 0; i < forums->len; i++) {
		Forum *forum = forums->pdata[i];
		/* Pages have seen a higher one than is on disk when we were killed in between. */
		forum->rev += 1000;
		GHashTableIter at;
		Seat *seat;
		g_hash_table_iter_init(&at, forum->seats);
		while (g_hash_table_iter_next(&at, NULL, (void **)&seat)) {
			if (!*seat->device)
				continue;
			seat->lost_us = now_us;
			seat->is_held = true;
			g_hash_table_add(hub->away, seat);
		}
	}
}

void seating_tick(Hub *hub, int64_t now_us)
{
	g_autoptr(GPtrArray) forums = g_ptr_array_new();
	g_autoptr(GPtrArray) free_now = g_ptr_array_new();
	GHashTableIter at;
	Seat *seat;
	g_hash_table_iter_init(&at, hub->away);
	while (g_hash_table_iter_next(&at, (void **)&seat, NULL)) {
		if (seat->candidate && !seat_is_held(seat, now_us))
			g_ptr_array_add(free_now, seat);
		if (now_us - seat->lost_us < SEAT_PEERS_US)
			continue;
		hub_close_peer(hub, &seat->receive);
		hub_close_peer(hub, &seat->publish);
		*seat->device = '\0';
		forum_fade(seat->forum, seat);
		forum_touch(seat->forum, seat);
		g_ptr_array_add(forums, seat->forum);
		g_hash_table_iter_remove(&at);
	}
	for (unsigned i = 0; i < free_now->len; i++) {
		seat = free_now->pdata[i];
		let_in(hub, seat);
	}
	for (unsigned i = 0; i < forums->len; i++)
		hub_settle(hub, forums->pdata[i]);
	if (forums->len || free_now->len)
		hub_commit(hub, NULL, NULL);
}
