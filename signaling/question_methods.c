#include "question_methods.h"
#include "hub.h"
#include "view.h"

/* Who asked, in case he has gone when the disk answers. */
typedef struct Reply {
	Hub *hub;
	Forum *forum;
	uint64_t serial;
	json_t *id;
	bool with_counts;
} Reply;

static Reply *reply_to(Session *session, json_t *id)
{
	Reply *reply = g_new0(Reply, 1);
	reply->hub = session->hub;
	reply->forum = session->seat->forum;
	reply->serial = session->serial;
	reply->id = json_incref(id);
	return reply;
}

static Session *session_of(const Reply *reply)
{
	return reply->hub->is_ending ? NULL : hub_session(reply->hub, reply->serial);
}

/* result stolen. */
static void conclude(Reply *reply, const Refusal *refusal, json_t *result)
{
	Session *session = session_of(reply);
	if (session && refusal)
		session_refuse(session, reply->id, refusal);
	else if (session)
		session_answer(session, reply->id, json_incref(result));
	json_decref(result);
	json_decref(reply->id);
	g_free(reply);
}

static void on_asked(const Refusal *refusal, const QuestionRow *row, bool is_new, void *user)
{
	conclude(user, refusal, refusal ? NULL : view_receipt(row));
}

void on_question_ask(Session *session, json_t *id, const Params *params)
{
	Asking asked = { .key = params->key, .text = params->text, .name = params->name };
	desk_ask(session->hub, session->seat, &asked, on_asked, reply_to(session, id));
}

static void on_set(const Refusal *refusal, const QuestionRow *row, bool is_new, void *user)
{
	conclude(user, refusal, refusal ? NULL : json_object());
}

void on_question_set(Session *session, json_t *id, const Params *params)
{
	desk_set(session->hub, session->seat, params->question, params->state, on_set,
		reply_to(session, id));
}

static void on_listed(bool ok, GPtrArray *rows, bool more, void *user)
{
	Reply *reply = user;
	if (!ok || reply->hub->is_ending) {
		conclude(reply, &REFUSE_STORE, NULL);
		return;
	}
	json_t *result = view_questions(reply->forum, rows, reply->with_counts);
	json_object_set_new(result, "more", json_boolean(more));
	conclude(reply, NULL, result);
}

void on_question_list(Session *session, json_t *id, const Params *params)
{
	Reply *reply = reply_to(session, id);
	reply->with_counts = true;
	QuestionQuery query = { .forum = reply->forum->id,
		.state = params->has_state ? &params->state : NULL,
		.after = params->after,
		.limit = (unsigned)params->limit };
	store_list_questions(session->hub->store, &query, on_listed, reply);
}

void on_question_mine(Session *session, json_t *id, const Params *params)
{
	Refusal refusal;
	if (!desk_shows(session->seat, g_get_monotonic_time(), &refusal)) {
		session_refuse(session, id, &refusal);
		return;
	}
	Reply *reply = reply_to(session, id);
	QuestionQuery query = { .forum = reply->forum->id,
		.seat = session->seat->id,
		.after = params->after,
		.limit = STORE_PAGE_MAX };
	store_list_questions(session->hub->store, &query, on_listed, reply);
}
