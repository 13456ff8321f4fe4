#include "session.h"
#include "common/rpc.h"
#include "hub.h"
#include "method.h"
#include "seating.h"
#include <string.h>

#define CLOSE_NORMAL 1000
#define CLOSE_POLICY 1008

void *session_open(Socket *socket, void *hub)
{
	Session *session = g_new0(Session, 1);
	session->hub = hub;
	session->socket = socket;
	session->limit = RUNG_TOP;
	hub_add_session(hub, session);
	return session;
}

static void release(Session *session)
{
	hub_drop_session(session->hub, session);
	g_free(session);
}

void session_closed(void *data, bool is_silent)
{
	Session *session = data;
	if (session->seat)
		seating_leave(session, is_silent);
	release(session);
}

Role session_role(const Session *session)
{
	return session->seat ? session->seat->role : ROLE_STRANGER;
}

void session_send(Session *session, Frame *frame)
{
	socket_send(session->socket, frame);
}

static void send_text(Session *session, char *text)
{
	g_autoptr(Frame) frame = frame_new(text);
	session_send(session, frame);
	g_free(text);
}

void session_notify(Session *session, const char *method, json_t *params)
{
	send_text(session, rpc_write_notification(method, params));
}

void session_answer(Session *session, json_t *id, json_t *result)
{
	send_text(session, rpc_write_result(id, result));
}

void session_refuse(Session *session, json_t *id, const Refusal *refusal)
{
	json_t *data = NULL;
	if (refusal->retry_ms)
		data = json_pack("{s:i}", "retry_ms", (int)refusal->retry_ms);
	send_text(session,
		rpc_write_error(id, refusal->code, refusal->message, refusal->reason, data));
}

void session_end(Session *session, const char *reason)
{
	session_notify(session, "bye", json_pack("{s:s}", "reason", reason));
	socket_close(session->socket, CLOSE_NORMAL);
	release(session);
}

/* Not a proper request: said once each, and then enough. True when that was the last. */
static void fault(Session *session, json_t *id, const Refusal *refusal)
{
	session_refuse(session, id, refusal);
	if (++session->faults < SESSION_FAULTS_MAX)
		return;
	Socket *socket = session->socket;
	session_closed(session, false);
	socket_close(socket, CLOSE_POLICY);
}

static void run(Session *session, const RpcMessage *message)
{
	const Method *method = method_find(message->method);
	if (!method) {
		fault(session, message->id, &REFUSE_UNKNOWN_METHOD);
		return;
	}
	const Refusal *refusal = method_judge(method, session_role(session), session->is_waiting);
	if (refusal) {
		session_refuse(session, message->id, refusal);
		return;
	}
	Params params = { 0 };
	const char *what = NULL;
	if (!method->read(message->params, &params, &what)) {
		g_debug("session %" G_GUINT64_FORMAT ": %s: %s", session->serial, method->name,
			what ? what : "bad parameters");
		fault(session, message->id, &REFUSE_BAD_PARAMS);
	} else {
		method->run(session, message->id, &params);
	}
	params_clear(&params);
}

void session_receive(void *data, const char *text, size_t len)
{
	Session *session = data;
	g_auto(RpcMessage) message = { 0 };
	int code = 0;
	const char *reason = NULL;
	if (!rpc_read(&message, text, len, SERVER_MESSAGE_MAX, &code, &reason) ||
		message.kind != RPC_REQUEST) {
		Refusal refusal = REFUSE_BAD_MESSAGE;
		refusal.code = code ? code : RPC_INVALID_REQUEST;
		fault(session, NULL, &refusal);
	} else if (!bucket_take(&session->requests, SESSION_RATE, SESSION_BURST,
			   g_get_monotonic_time())) {
		session_refuse(session, message.id, &REFUSE_TOO_FAST);
	} else {
		run(session, &message);
	}
}
