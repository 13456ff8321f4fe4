#include "method.h"
#include "media_methods.h"
#include "preflight_methods.h"
#include "question_methods.h"
#include "recordings.h"
#include "stage_methods.h"
#include <glib.h>
#include <string.h>

static const Method methods[] = {
	{ "hello", ROLES_ANYONE, params_hello, on_hello },

	{ "receive.offer", ROLES_SEATED, params_offer, on_receive_offer },
	{ "receive.restart", ROLES_SEATED, params_restart, on_receive_restart },
	{ "receive.close", ROLES_SEATED, params_nothing, on_receive_close },
	{ "publish.offer", ROLES_SEATED, params_publish, on_publish_offer },
	{ "publish.restart", ROLES_SEATED, params_restart, on_publish_restart },
	{ "publish.close", ROLES_SEATED, params_nothing, on_publish_close },
	{ "publish.set", ROLES_SEATED, params_set, on_publish_set },

	{ "line.limit", ROLES_SEATED, params_limit, on_line_limit },

	{ "hand.raise", ROLES_QUEUE, params_nothing, on_hand_raise },
	{ "hand.lower", ROLES_QUEUE | ROLES_HUB, params_own_or_seat, on_hand_lower },
	{ "stage.join", ROLES_DIRECT | ROLE_SPEAKER, params_nothing, on_stage_join },
	{ "stage.leave", ROLES_SEATED, params_nothing, on_stage_leave },
	{ "stage.call", ROLES_DIRECT, params_seat, on_stage_call },
	{ "stage.dismiss", ROLES_DIRECT, params_seat, on_stage_dismiss },
	{ "stage.main", ROLES_DIRECT, params_seat_or_null, on_stage_main },
	{ "stage.mute", ROLES_DIRECT, params_mute, on_stage_mute },
	{ "seat.admit", ROLES_HUB, params_seat, on_seat_admit },
	{ "seat.refuse", ROLES_HUB, params_seat, on_seat_refuse },

	{ "question.ask", ROLES_ASK, params_ask, on_question_ask },
	{ "question.mine", ROLES_ASK, params_mine, on_question_mine },
	{ "question.list", ROLES_STAFF, params_list, on_question_list },
	{ "question.set", ROLES_STAFF, params_state, on_question_set },

	{ "preflight.report", ROLE_SITE, params_preflight, on_preflight_report },
	{ "preflight.list", ROLES_HUB, params_seat, on_preflight_list },

	{ "recording.list", ROLES_REVIEW, params_nothing, on_recording_list },
	{ "recording.open", ROLES_REVIEW, params_recording, on_recording_open },
};

const Method *method_table(unsigned *count)
{
	*count = G_N_ELEMENTS(methods);
	return methods;
}

const Method *method_find(const char *name)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) {
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	}
	return NULL;
}

const Refusal *method_judge(const Method *method, Role role, bool is_waiting)
{
#ifndef GUARD_OFF_ROLES
	if (role == ROLE_STRANGER && !(method->roles & ROLE_STRANGER))
		return &REFUSE_NOT_SEATED;
	if (!(method->roles & role))
		return &REFUSE_NOT_ALLOWED;
#endif
	if (is_waiting && !(method->roles & ROLE_STRANGER))
		return &REFUSE_WAITING;
	return NULL;
}
