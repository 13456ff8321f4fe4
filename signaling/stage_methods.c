#include "stage_methods.h"
#include "hub.h"
#include "seating.h"
#include <string.h>

/* Answers: a refusal, or {} once what changed is on disk. */
static void conclude(Session *session, json_t *id, const Refusal *refusal)
{
	if (refusal)
		session_refuse(session, id, refusal);
	else
		hub_answer(session->hub, session->seat->forum, session, id, NULL);
}

static Seat *find(Session *session, const Params *params)
{
	return forum_find(session->seat->forum, params->seat);
}

void on_hand_raise(Session *session, json_t *id, const Params *params)
{
	Seat *seat = session->seat;
	Forum *forum = seat->forum;
	const Refusal *refusal = forum_raise_hand(forum, seat, g_get_real_time() / 1000);
	if (refusal) {
		session_refuse(session, id, refusal);
		return;
	}
	hub_answer(session->hub, forum, session, id,
		json_pack("{s:i}", "place", (int)forum_place(forum, seat)));
}

void on_hand_lower(Session *session, json_t *id, const Params *params)
{
	Seat *seat = session->seat;
	const Refusal *refusal = NULL;
	if (params->seat && strcmp(params->seat, seat->id) != 0) {
		if (!(seat->role & ROLES_HUB))
			refusal = &REFUSE_NOT_ALLOWED;
		seat = find(session, params);
		if (!refusal && !seat)
			refusal = &REFUSE_NO_SEAT;
	}
	if (!refusal)
		forum_lower_hand(seat->forum, seat);
	conclude(session, id, refusal);
}

void on_stage_join(Session *session, json_t *id, const Params *params)
{
	conclude(session, id, forum_go_on_air(session->seat->forum, session->seat));
}

void on_stage_leave(Session *session, json_t *id, const Params *params)
{
	const Refusal *refusal = hub_take_off_air(session->hub, session->seat);
	conclude(session, id, refusal ? &REFUSE_NOT_ON_STAGE : NULL);
}

void on_stage_call(Session *session, json_t *id, const Params *params)
{
	Seat *seat = find(session, params);
	const Refusal *refusal = NULL;
	if (!seat)
		refusal = &REFUSE_NO_SEAT;
	else if (!seat_is_online(seat))
		refusal = &REFUSE_SEAT_AWAY;
	else
		refusal = forum_go_on_air(seat->forum, seat);
	conclude(session, id, refusal);
}

void on_stage_dismiss(Session *session, json_t *id, const Params *params)
{
	Seat *seat = find(session, params);
	conclude(session, id, seat ? hub_take_off_air(session->hub, seat) : &REFUSE_NO_SEAT);
}

void on_stage_main(Session *session, json_t *id, const Params *params)
{
	Seat *seat = params->seat ? find(session, params) : NULL;
	const Refusal *refusal = params->seat && !seat ? &REFUSE_NO_SEAT : NULL;
	if (!refusal)
		refusal = forum_set_main(session->seat->forum, seat);
	conclude(session, id, refusal);
}

void on_stage_mute(Session *session, json_t *id, const Params *params)
{
	Seat *seat = find(session, params);
	conclude(
		session, id, seat ? forum_mute(seat->forum, seat, params->muted) : &REFUSE_NO_SEAT);
}

void on_seat_admit(Session *session, json_t *id, const Params *params)
{
	Hub *hub = session->hub;
	uint64_t serial = session->serial;
	Seat *seat = find(session, params);
	const Refusal *refusal = seat ? seating_admit(hub, seat) : &REFUSE_NO_SEAT;
	/* Who lets another device onto his own seat has left it by that. */
	if (hub_session(hub, serial))
		conclude(session, id, refusal);
	else
		hub_commit(hub, NULL, NULL);
}

void on_seat_refuse(Session *session, json_t *id, const Params *params)
{
	Seat *seat = find(session, params);
	conclude(session, id, seat ? seating_refuse(session->hub, seat) : &REFUSE_NO_SEAT);
}
