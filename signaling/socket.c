#include "lws_side.h"
#include <string.h>

struct Frame {
	gatomicrefcount refs;
	size_t len;
	unsigned char *bytes; /* LWS_PRE of room, then the text */
};

struct Socket {
	Server *server;
	struct lws *wsi;
	Visitor *visitor;
	void *session;
	GString *inbox;
	unsigned fragments;
	GQueue outbox; /* Frame */
	size_t queued;
	int64_t opened_us, heard_us, pinged_us;
	unsigned close_code;
	bool is_vouched, is_closing, is_silent, wants_ping;
};

Frame *frame_new(const char *text)
{
	Frame *frame = g_new0(Frame, 1);
	g_atomic_ref_count_init(&frame->refs);
	frame->len = strlen(text);
	frame->bytes = g_malloc(LWS_PRE + frame->len);
	memcpy(frame->bytes + LWS_PRE, text, frame->len);
	return frame;
}

void frame_unref(Frame *frame)
{
	if (!frame || !g_atomic_ref_count_dec(&frame->refs))
		return;
	g_free(frame->bytes);
	g_free(frame);
}

static Frame *pop_frame(Socket *socket)
{
	Frame *frame = g_queue_pop_head(&socket->outbox);
	if (frame)
		socket->queued -= frame->len;
	return frame;
}

void socket_send(Socket *socket, Frame *frame)
{
	if (socket->is_closing)
		return;
	if (socket->queued + frame->len > SERVER_QUEUE_MAX) {
		socket->server->counts.slow_closed++;
		socket->is_closing = true;
		server_kill(socket->wsi);
		return;
	}
	g_atomic_ref_count_inc(&frame->refs);
	g_queue_push_tail(&socket->outbox, frame);
	socket->queued += frame->len;
	lws_callback_on_writable(socket->wsi);
}

void socket_vouch(Socket *socket)
{
	socket->is_vouched = true;
	gate_vouch(socket->visitor);
}

void socket_close(Socket *socket, unsigned code)
{
	socket->session = NULL;
	if (socket->is_closing)
		return;
	socket->is_closing = true;
	socket->close_code = code;
	lws_set_timeout(socket->wsi, PENDING_TIMEOUT_USER_OK, SERVER_HELLO_S);
	lws_callback_on_writable(socket->wsi);
}

void socket_on_open(Server *server, struct lws *wsi, WsUser *ws)
{
	Socket *socket = g_new0(Socket, 1);
	socket->server = server;
	socket->wsi = wsi;
	socket->visitor = ((Connection *)lws_get_opaque_user_data(wsi))->visitor;
	socket->inbox = g_string_new(NULL);
	g_queue_init(&socket->outbox);
	socket->opened_us = socket->heard_us = socket->pinged_us = g_get_monotonic_time();
	ws->socket = socket;
	g_hash_table_add(server->sockets, socket);
	socket->session = server->events.open(socket, server->user);
}

void socket_on_closed(WsUser *ws)
{
	Socket *socket = g_steal_pointer(&ws->socket);
	if (!socket)
		return;
	Server *server = socket->server;
	g_hash_table_remove(server->sockets, socket);
	if (socket->session)
		server->events.closed(socket->session, socket->is_silent);
	Frame *frame;
	while ((frame = pop_frame(socket)))
		frame_unref(frame);
	g_string_free(socket->inbox, TRUE);
	g_free(socket);
}

static int break_off(Socket *socket, enum lws_close_status code)
{
	lws_close_reason(socket->wsi, code, NULL, 0);
	return -1;
}

int socket_on_message(Socket *socket, const char *in, size_t len)
{
	struct lws *wsi = socket->wsi;
	socket->heard_us = g_get_monotonic_time();
	if (socket->is_closing || !socket->session)
		return 0;
	if (lws_frame_is_binary(wsi))
		return break_off(socket, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE);
	if (lws_is_first_fragment(wsi)) {
		g_string_truncate(socket->inbox, 0);
		socket->fragments = 0;
	}
	bool frame_ends = !lws_remaining_packet_payload(wsi);
	socket->fragments += frame_ends;
	if (socket->inbox->len + len > SERVER_MESSAGE_MAX ||
		socket->fragments > SERVER_FRAGMENTS_MAX)
		return break_off(socket, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
	g_string_append_len(socket->inbox, in, (gssize)len);
	if (!frame_ends || !lws_is_final_fragment(wsi))
		return 0;
	socket->server->events.message(socket->session, socket->inbox->str, socket->inbox->len);
	g_string_truncate(socket->inbox, 0);
	return 0;
}

int socket_on_writable(Socket *socket)
{
	/* Not empty: libwebsockets 4.1 tells of no pong without a payload. */
	unsigned char ping[LWS_PRE + 1] = { 0 };
	if (socket->wants_ping) {
		socket->wants_ping = false;
		if (lws_write(socket->wsi, ping + LWS_PRE, 1, LWS_WRITE_PING) < 0)
			return -1;
		if (socket->outbox.length)
			lws_callback_on_writable(socket->wsi);
		return 0;
	}
	g_autoptr(Frame) frame = pop_frame(socket);
	if (frame && lws_write(socket->wsi, frame->bytes + LWS_PRE, frame->len, LWS_WRITE_TEXT) < 0)
		return -1;
	if (socket->outbox.length) {
		lws_callback_on_writable(socket->wsi);
		return 0;
	}
	if (!socket->is_closing)
		return 0;
	if (frame) { /* let it leave first */
		lws_callback_on_writable(socket->wsi);
		return 0;
	}
	return break_off(socket, (enum lws_close_status)socket->close_code);
}

void socket_on_pong(Socket *socket)
{
	socket->heard_us = g_get_monotonic_time();
}

struct lws *socket_overdue(Socket *socket, int64_t now_us)
{
	bool is_late =
		!socket->is_vouched && now_us - socket->opened_us > SERVER_HELLO_S * G_USEC_PER_SEC;
#ifdef GUARD_OFF_HELLO
	is_late = false;
#endif
	if (now_us - socket->heard_us > SERVER_SILENCE_S * G_USEC_PER_SEC) {
		socket->is_silent = true;
		socket->server->counts.silent_closed++;
		return socket->wsi;
	}
	if (is_late)
		return socket->wsi;
	if (now_us - MAX(socket->pinged_us, socket->opened_us) >= SERVER_PING_S * G_USEC_PER_SEC) {
		socket->pinged_us = now_us;
		socket->wants_ping = true;
		lws_callback_on_writable(socket->wsi);
	}
	return NULL;
}
