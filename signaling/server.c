#include "server.h"
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <string.h>

#define KEEPALIVE_S 5 /* a page has all it needs by then */
#define HEADERS_S 5
#define CHUNK 16384 /* of a body, a turn */
#define DRAIN_MAX                                                                                  \
	(256 * 1024) /* of a refused body: read on so that the answer is not lost to a RST */

struct Server {
	GMainLoop *loop;
	struct lws_context *context;
	struct lws_vhost *http, *admin;
	SSL_CTX *tls;
	Gate *gate, *admin_gate;
	ServerEvents events;
	void *user;
	char *cert, *key;
	GHashTable *exchanges, *sockets; /* sets; for the clock */
	unsigned tick;
	ServerCounts counts;
};

/* What libwebsockets keeps for us with each connection. Which port it came by is remembered here:
 * lws moves a connection to the vhost that its Host header names. */
typedef struct Connection {
	Visitor *visitor;
	bool is_admin;
} Connection;

typedef enum BodyState { BODY_NONE, BODY_PLAIN, BODY_CHUNKED, BODY_REFUSED } BodyState;

struct Exchange {
	unsigned refs; /* the connection's and the answerer's */
	Server *server;
	struct lws *wsi; /* NULL once it has gone */
	Visitor *visitor;
	char *method, *path, *headers[6];
	GString *body;
	BodyState body_state;
	size_t chunk_left, drained;
	int chunk_phase;
	int64_t since_us;
	bool is_admin, is_asked, is_answered, is_head, ends_connection;

	unsigned status, header_count;
	char *names[EXCHANGE_HEADERS_MAX], *values[EXCHANGE_HEADERS_MAX];
	GBytes *content;
	size_t sent;
	bool headers_sent;
};

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

/* And with each request, each WebSocket. */
typedef struct HttpUser {
	Exchange *exchange;
} HttpUser;
typedef struct WsUser {
	Socket *socket;
} WsUser;

static void kill_connection(struct lws *wsi)
{
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* ---- HTTP ---- */

static void exchange_unref(Exchange *exchange)
{
	if (--exchange->refs)
		return;
	g_free(exchange->method);
	g_free(exchange->path);
	for (unsigned i = 0; i < G_N_ELEMENTS(exchange->headers); i++)
		g_free(exchange->headers[i]);
	for (unsigned i = 0; i < exchange->header_count; i++) {
		g_free(exchange->names[i]);
		g_free(exchange->values[i]);
	}
	if (exchange->body)
		g_string_free(exchange->body, TRUE);
	g_clear_pointer(&exchange->content, g_bytes_unref);
	g_free(exchange);
}

static void exchange_detach(HttpUser *http)
{
	Exchange *exchange = http ? g_steal_pointer(&http->exchange) : NULL;
	if (!exchange)
		return;
	g_hash_table_remove(exchange->server->exchanges, exchange);
	exchange->wsi = NULL;
	exchange->visitor = NULL;
	exchange_unref(exchange);
}

static char *copy_header(struct lws *wsi, enum lws_token_indexes token)
{
	int len = lws_hdr_total_length(wsi, token);
	char *text = g_malloc0((size_t)MAX(len, 0) + 1);
	if (len > 0 && lws_hdr_copy(wsi, text, len + 1, token) < 0)
		*text = '\0';
	return text;
}

/* In the order of lws_http_get_uri_and_method(). */
static const char *const methods[] = { "GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE",
	"CONNECT", "HEAD" };

static void refuse_early(Exchange *exchange, unsigned status, const char *text)
{
	exchange->is_asked = true;
	exchange->refs++;
	exchange->ends_connection = true;
	exchange_answer_text(exchange, status, "text/plain; charset=utf-8", text);
}

static void ask(Exchange *exchange)
{
	if (exchange->is_asked)
		return;
	exchange->is_asked = true;
	exchange->refs++;
	exchange->server->counts.requests++;
	Request request = { .method = exchange->method,
		.path = exchange->path,
		.host = exchange->headers[0],
		.authorization = exchange->headers[1],
		.content_type = exchange->headers[2],
		.if_none_match = exchange->headers[3],
		.accept_encoding = exchange->headers[4],
		.body = exchange->body ? exchange->body->str : "",
		.body_len = exchange->body ? exchange->body->len : 0,
		.is_admin = exchange->is_admin };
	exchange->server->events.request(exchange, &request, exchange->server->user);
}

/* How the body will come; the size is judged here, before any of it is read. */
static bool judge_body(Exchange *exchange)
{
	g_autofree char *length = copy_header(exchange->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
	g_autofree char *coding = copy_header(exchange->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING);
	bool takes_body = g_str_equal(exchange->method, "POST") ||
			  g_str_equal(exchange->method, "PUT") ||
			  g_str_equal(exchange->method, "PATCH");
	if (*coding) {
		exchange->ends_connection = true;
		if (*length || g_ascii_strcasecmp(coding, "chunked") != 0 || !takes_body) {
			refuse_early(exchange, 400, "Yêu cầu không hợp lệ.\n");
			return false;
		}
		exchange->body_state = BODY_CHUNKED;
		exchange->body = g_string_new(NULL);
		return true;
	}
	if (!*length) {
		/* libwebsockets would read on until the connection ends. */
		exchange->ends_connection = takes_body;
		return true;
	}
	guint64 size = 0;
	bool sound = g_ascii_string_to_unsigned(length, 10, 0, G_MAXINT64, &size, NULL);
#ifndef GUARD_OFF_BODY_MAX
	if (sound && size > SERVER_BODY_MAX) {
		refuse_early(exchange, 413, "Nội dung quá lớn.\n");
		exchange->body_state = BODY_REFUSED;
		return false;
	}
#endif
	/* A number that is none may be longer than 64 bits: too large, whatever it is. */
	if (!sound) {
		bool digits = strspn(length, "0123456789") == strlen(length);
		refuse_early(exchange, digits ? 413 : 400, "Yêu cầu không hợp lệ.\n");
		exchange->body_state = BODY_REFUSED;
		return false;
	}
	if (size) {
		exchange->body_state = BODY_PLAIN;
		exchange->body = g_string_new(NULL);
		/* A DELETE or GET with a body: not waited for, and the connection ends with it. */
		if (!takes_body) {
			exchange->body_state = BODY_NONE;
			exchange->ends_connection = true;
		}
	}
	return true;
}

static int on_request(Server *server, struct lws *wsi, HttpUser *http, const char *path, size_t len)
{
	exchange_detach(http);
	char *uri = NULL;
	int uri_len = 0;
	int method = lws_http_get_uri_and_method(wsi, &uri, &uri_len);
	if (method < 0 || method >= (int)G_N_ELEMENTS(methods))
		return -1;

	Exchange *exchange = g_new0(Exchange, 1);
	exchange->refs = 1;
	exchange->server = server;
	exchange->wsi = wsi;
	const Connection *connection = lws_get_opaque_user_data(wsi);
	exchange->visitor = connection->visitor;
	exchange->is_admin = connection->is_admin;
	exchange->method = g_strdup(methods[method]);
	exchange->is_head = g_str_equal(exchange->method, "HEAD");
	exchange->path = g_strndup(path, len);
	exchange->since_us = g_get_monotonic_time();
	static const enum lws_token_indexes tokens[] = { WSI_TOKEN_HOST,
		WSI_TOKEN_HTTP_AUTHORIZATION, WSI_TOKEN_HTTP_CONTENT_TYPE,
		WSI_TOKEN_HTTP_IF_NONE_MATCH, WSI_TOKEN_HTTP_ACCEPT_ENCODING, WSI_TOKEN_ORIGIN };
	for (unsigned i = 0; i < G_N_ELEMENTS(tokens); i++)
		exchange->headers[i] = copy_header(wsi, tokens[i]);
	http->exchange = exchange;
	g_hash_table_add(server->exchanges, exchange);
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, SERVER_BODY_S + 5);

	if (!judge_body(exchange))
		return 0;
	if (exchange->body_state == BODY_NONE)
		ask(exchange);
	return 0;
}

/* RFC 9112 §7.1. Phases: 0 size line, 1 data, 2 line end after data, 3 trailers. True when whole;
 * *sound turns false when it is no such thing. */
static bool take_chunked(Exchange *exchange, const char *in, size_t len, bool *sound)
{
	GString *line = exchange->body;
	size_t i = 0;
	while (i < len) {
		if (exchange->chunk_phase == 1) {
			size_t part = MIN(len - i, exchange->chunk_left);
			g_string_append_len(exchange->body, in + i, (gssize)part);
			exchange->chunk_left -= part;
			i += part;
			if (!exchange->chunk_left)
				exchange->chunk_phase = 2;
			continue;
		}
		char c = in[i++];
		if (c == '\r')
			continue;
		if (exchange->chunk_phase == 2) {
			*sound = c == '\n';
			if (!*sound)
				return false;
			exchange->chunk_phase = 0;
			exchange->drained = 0;
			continue;
		}
		if (exchange->chunk_phase ==
			3) { /* trailers are skipped: the empty line ends them */
			if (c == '\n' && exchange->drained == 0)
				return true;
			exchange->drained = c == '\n' ? 0 : exchange->drained + 1;
			*sound = exchange->drained < 256;
			if (!*sound)
				return false;
			continue;
		}
		if (c == '\n') {
			*sound = exchange->drained > 0;
			if (!*sound)
				return false;
			exchange->chunk_phase = exchange->chunk_left ? 1 : 3;
			exchange->drained = 0;
		} else {
			int digit = g_ascii_xdigit_value(c);
			*sound = digit >= 0 && ++exchange->drained <= 6;
			exchange->chunk_left = exchange->chunk_left * 16 + (size_t)MAX(digit, 0);
			if (!*sound || line->len + exchange->chunk_left > SERVER_BODY_MAX)
				return false;
		}
	}
	return false;
}

static int on_body(HttpUser *http, const char *in, size_t len)
{
	Exchange *exchange = http ? http->exchange : NULL;
	if (!exchange)
		return -1;
	if (exchange->is_asked) {
		exchange->drained += len;
		return exchange->drained > DRAIN_MAX ? -1 : 0;
	}
	if (exchange->body_state == BODY_PLAIN) {
		if (exchange->body->len + len > SERVER_BODY_MAX)
			return -1; /* its header was judged: it sends more than it said */
		g_string_append_len(exchange->body, in, (gssize)len);
		return 0;
	}
	bool sound = true;
	if (exchange->body_state == BODY_CHUNKED && take_chunked(exchange, in, len, &sound)) {
		ask(exchange);
	} else if (!sound) {
		refuse_early(exchange, 400, "Yêu cầu không hợp lệ.\n");
	} else if (exchange->chunk_phase == 0 &&
		   exchange->body->len + exchange->chunk_left > SERVER_BODY_MAX) {
		refuse_early(exchange, 413, "Nội dung quá lớn.\n");
	}
	return 0;
}

void exchange_vouch(Exchange *exchange)
{
	if (exchange->visitor)
		gate_vouch(exchange->visitor);
}

void exchange_header(Exchange *exchange, const char *name, const char *value)
{
	g_assert(exchange->header_count < EXCHANGE_HEADERS_MAX);
	exchange->names[exchange->header_count] = g_strconcat(name, ":", NULL);
	exchange->values[exchange->header_count++] = g_strdup(value);
}

void exchange_answer(Exchange *exchange, unsigned status, const char *type, GBytes *body)
{
	g_assert(!exchange->is_answered);
	exchange->is_answered = true;
	exchange->status = status;
	if (type)
		exchange_header(exchange, "content-type", type);
	exchange->content = body ? g_bytes_ref(body) : NULL;
	if (exchange->wsi)
		lws_callback_on_writable(exchange->wsi);
	exchange_unref(exchange);
}

void exchange_answer_text(Exchange *exchange, unsigned status, const char *type, const char *text)
{
	g_autoptr(GBytes) body = g_bytes_new(text, strlen(text));
	exchange_answer(exchange, status, type, body);
}

static bool write_headers(Exchange *exchange)
{
	static const char *const own[][2] = {
		/* Everything a page may do; the rest no page of ours does. */
		{ "content-security-policy:",
			"default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
			"object-src 'none'; base-uri 'none'; form-action 'none'; "
			"frame-ancestors 'none'" },
		{ "x-content-type-options:", "nosniff" },
		{ "x-frame-options:", "DENY" },
		{ "referrer-policy:", "no-referrer" },
		{ "permissions-policy:", "camera=(self), microphone=(self), "
					 "display-capture=(self), autoplay=(self), "
					 "fullscreen=(self), screen-wake-lock=(self), "
					 "geolocation=(), payment=(), usb=()" },
		{ "cross-origin-opener-policy:", "same-origin" },
	};
	unsigned char buffer[LWS_PRE + 8192];
	unsigned char *start = buffer + LWS_PRE, *at = start, *end = buffer + sizeof(buffer) - 1;
	struct lws *wsi = exchange->wsi;
	size_t size = exchange->content ? g_bytes_get_size(exchange->content) : 0;
	bool ok = lws_add_http_header_status(
			  wsi, exchange->status | LWSAHH_FLAG_NO_SERVER_NAME, &at, end) == 0;
	for (unsigned i = 0; ok && i < G_N_ELEMENTS(own); i++)
		ok = lws_add_http_header_by_name(wsi, (const unsigned char *)own[i][0],
			     (const unsigned char *)own[i][1], (int)strlen(own[i][1]), &at,
			     end) == 0;
	for (unsigned i = 0; ok && i < exchange->header_count; i++)
		ok = lws_add_http_header_by_name(wsi, (const unsigned char *)exchange->names[i],
			     (const unsigned char *)exchange->values[i],
			     (int)strlen(exchange->values[i]), &at, end) == 0;
	if (ok && exchange->ends_connection)
		ok = lws_add_http_header_by_name(wsi,
			     (const unsigned char *)"connection:", (const unsigned char *)"close",
			     5, &at, end) == 0;
	if (ok && exchange->status != 204 && exchange->status != 304)
		ok = lws_add_http_header_content_length(wsi, size, &at, end) == 0;
	ok = ok && lws_finalize_http_header(wsi, &at, end) == 0;
	int len = (int)(at - start);
	return ok && lws_write(wsi, start, (size_t)len, LWS_WRITE_HTTP_HEADERS) == len;
}

/* The answer is out: the connection serves the next request, or ends. */
static int finish(HttpUser *http)
{
	Exchange *exchange = http->exchange;
	struct lws *wsi = exchange->wsi;
	if (exchange->body_state == BODY_REFUSED && exchange->drained < DRAIN_MAX) {
		/* Its body is still coming; give the answer time to be read. */
		lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, 2);
		return 0;
	}
	bool ends = exchange->ends_connection;
	exchange_detach(http);
	return ends || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_http_writable(HttpUser *http)
{
	Exchange *exchange = http ? http->exchange : NULL;
	if (!exchange || !exchange->is_answered)
		return 0;
	struct lws *wsi = exchange->wsi;
	size_t size = 0;
	const unsigned char *data =
		exchange->content ? g_bytes_get_data(exchange->content, &size) : NULL;
	if (!exchange->headers_sent) {
		exchange->headers_sent = true;
		if (!write_headers(exchange))
			return -1;
		if (exchange->is_head || !size)
			return finish(http);
		lws_callback_on_writable(wsi);
		return 0;
	}
	if (exchange->sent == size) /* refused, and still reading */
		return 0;
	unsigned char chunk[LWS_PRE + CHUNK];
	size_t part = MIN(size - exchange->sent, CHUNK);
	bool last = exchange->sent + part == size;
	memcpy(chunk + LWS_PRE, data + exchange->sent, part);
	if (lws_write(wsi, chunk + LWS_PRE, part, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
		return -1;
	exchange->sent += part;
	/* A slow reader is given this long for each piece. */
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, SERVER_BODY_S);
	if (last)
		return finish(http);
	lws_callback_on_writable(wsi);
	return 0;
}

/* A WebSocket only from our own pages: the browser says where the page came from. */
static int judge_upgrade(Server *server, struct lws *wsi)
{
	g_autofree char *host = copy_header(wsi, WSI_TOKEN_HOST);
	g_autofree char *origin = copy_header(wsi, WSI_TOKEN_ORIGIN);
	g_autofree char *path = copy_header(wsi, WSI_TOKEN_GET_URI);
	g_autofree char *own = g_strconcat("https://", host, NULL);
	unsigned status = 0;
	if (((Connection *)lws_get_opaque_user_data(wsi))->is_admin || !g_str_equal(path, "/ws"))
		status = 404;
	else if (!*host || g_ascii_strcasecmp(origin, own) != 0)
		status = 403;
#ifdef GUARD_OFF_ORIGIN
	if (status == 403)
		status = 0;
#endif
	if (!status)
		return 0;
	server->counts.refused_upgrades++;
	return lws_return_http_status(wsi, status, NULL) < 0 ? -1 : 1;
}

static int on_http(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	Server *server = lws_context_user(lws_get_context(wsi));
	switch (reason) {
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		server->tls = user;
		return 0;
	case LWS_CALLBACK_HTTP:
		return on_request(server, wsi, user, in, len);
	case LWS_CALLBACK_HTTP_BODY:
		return on_body(user, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION: {
		HttpUser *http = user;
		if (http->exchange && http->exchange->body_state != BODY_CHUNKED)
			ask(http->exchange);
		return 0;
	}
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return on_http_writable(user);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
		exchange_detach(user);
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return judge_upgrade(server, wsi);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return -1; /* named no subprotocol of ours */
	case LWS_CALLBACK_WSI_DESTROY: {
		Connection *connection = lws_get_opaque_user_data(wsi);
		lws_set_opaque_user_data(wsi, NULL);
		if (connection)
			gate_leave(connection->visitor);
		g_free(connection);
		return 0;
	}
	default:
		return 0;
	}
}

/* ---- WebSocket ---- */

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
		kill_connection(socket->wsi);
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

static void on_open(Server *server, struct lws *wsi, WsUser *ws)
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

static void on_closed(WsUser *ws)
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

static int on_message(Socket *socket, const char *in, size_t len)
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

static int on_ws_writable(Socket *socket)
{
	unsigned char nothing[LWS_PRE + 1];
	if (socket->wants_ping) {
		socket->wants_ping = false;
		if (lws_write(socket->wsi, nothing + LWS_PRE, 0, LWS_WRITE_PING) < 0)
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

static int on_ws(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	Server *server = lws_context_user(lws_get_context(wsi));
	WsUser *ws = user;
	switch (reason) {
	case LWS_CALLBACK_ESTABLISHED:
		on_open(server, wsi, ws);
		return 0;
	case LWS_CALLBACK_RECEIVE:
		return ws->socket ? on_message(ws->socket, in, len) : -1;
	case LWS_CALLBACK_RECEIVE_PONG:
		if (ws->socket)
			ws->socket->heard_us = g_get_monotonic_time();
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return ws->socket ? on_ws_writable(ws->socket) : 0;
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		if (ws)
			on_closed(ws);
		return 0;
	default:
		return 0;
	}
}

/* ---- the clock ---- */

/* True when the socket's time is over. */
static bool watch_socket(Server *server, Socket *socket, int64_t now_us)
{
	bool is_late =
		!socket->is_vouched && now_us - socket->opened_us > SERVER_HELLO_S * G_USEC_PER_SEC;
#ifdef GUARD_OFF_HELLO
	is_late = false;
#endif
	if (now_us - socket->heard_us > SERVER_SILENCE_S * G_USEC_PER_SEC) {
		socket->is_silent = true;
		server->counts.silent_closed++;
		return true;
	}
	if (is_late)
		return true;
	if (now_us - MAX(socket->pinged_us, socket->opened_us) >= SERVER_PING_S * G_USEC_PER_SEC) {
		socket->pinged_us = now_us;
		socket->wants_ping = true;
		lws_callback_on_writable(socket->wsi);
	}
	return false;
}

static gboolean on_tick(void *data)
{
	Server *server = data;
	int64_t now_us = g_get_monotonic_time();
	g_autoptr(GPtrArray) over = g_ptr_array_new(); /* closing changes the tables */
	GHashTableIter at;
	Socket *socket;
	Exchange *exchange;
	g_hash_table_iter_init(&at, server->sockets);
	while (g_hash_table_iter_next(&at, (void **)&socket, NULL)) {
		if (watch_socket(server, socket, now_us))
			g_ptr_array_add(over, socket->wsi);
	}
	g_hash_table_iter_init(&at, server->exchanges);
	while (g_hash_table_iter_next(&at, (void **)&exchange, NULL)) {
		if (!exchange->is_asked &&
			now_us - exchange->since_us > SERVER_BODY_S * G_USEC_PER_SEC)
			g_ptr_array_add(over, exchange->wsi);
	}
	/* Allowed here, outside of any callback of libwebsockets. */
	for (unsigned i = 0; i < over->len; i++)
		lws_set_timeout(over->pdata[i], PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
	return G_SOURCE_CONTINUE;
}

/* ---- life ---- */

static const struct lws_protocols protocols[] = {
	{ .name = "http",
		.callback = on_http,
		.per_session_data_size = sizeof(HttpUser),
		.rx_buffer_size = 4096 },
	{ .name = "diemcau.v1",
		.callback = on_ws,
		.per_session_data_size = sizeof(WsUser),
		.rx_buffer_size = 4096 },
	{ 0 },
};

static void admit(int fd, Visitor *visitor, struct lws_vhost *vhost, bool is_admin)
{
	/* On failure the socket is closed and nothing of it is left. */
	struct lws *wsi = lws_adopt_socket_vhost(vhost, fd);
	if (!wsi) {
		gate_leave(visitor);
		return;
	}
	Connection *connection = g_new0(Connection, 1);
	connection->visitor = visitor;
	connection->is_admin = is_admin;
	lws_set_opaque_user_data(wsi, connection);
}

static void admit_http(int fd, Visitor *visitor, void *user)
{
	admit(fd, visitor, ((Server *)user)->http, false);
}

static void admit_admin(int fd, Visitor *visitor, void *user)
{
	admit(fd, visitor, ((Server *)user)->admin, true);
}

static void on_lws_log(int level, const char *line)
{
	/* Libwebsockets names no secret in errors and warnings, but each broken handshake. */
	g_autofree char *text = g_strchomp(g_strdup(line));
	g_debug("lws: %s", text);
}

static struct lws_context *make_context(Server *server)
{
	void *loops[1] = { server->loop };
	struct lws_context_creation_info info = { 0 };
	info.options = LWS_SERVER_OPTION_GLIB | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
		       LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
	info.foreign_loops = loops;
	info.user = server;
	info.timeout_secs = HEADERS_S;
	info.timeout_secs_ah_idle = HEADERS_S;
	info.max_http_header_data2 = SERVER_HEADERS_MAX;
	info.max_http_header_pool2 = 1024; /* made as needed; one a request in the making */
	info.pt_serv_buf_size = 16384;
	/* lws keeps tables of this size; a process has no more descriptors than its limit. */
	return lws_create_context(&info);
}

static struct lws_vhost *make_vhost(Server *server, const char *name, const ServerConfig *tls)
{
	struct lws_context_creation_info info = { 0 };
	info.vhost_name = name;
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = protocols;
	info.keepalive_timeout = KEEPALIVE_S;
	info.timeout_secs = HEADERS_S;
	info.timeout_secs_ah_idle = HEADERS_S;
	info.user = server;
	info.alpn = "http/1.1"; /* h2 breaks WebSocket: design note browsers.md §1.5 */
	if (tls) {
		info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = tls->cert;
		info.ssl_private_key_filepath = tls->key;
		info.ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 |
				       SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;
	}
	return lws_create_vhost(server->context, &info);
}

Server *server_new(GMainLoop *loop, const ServerConfig *config, const ServerEvents *events,
	void *user, GError **error)
{
	lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
	Server *server = g_new0(Server, 1);
	server->loop = loop;
	server->events = *events;
	server->user = user;
	server->cert = g_strdup(config->cert);
	server->key = g_strdup(config->key);
	server->exchanges = g_hash_table_new(NULL, NULL);
	server->sockets = g_hash_table_new(NULL, NULL);
	server->context = make_context(server);
	if (server->context) {
		server->http = make_vhost(server, "http", config);
		server->admin = make_vhost(server, "admin", NULL);
	}
	if (!server->http || !server->admin) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			"the HTTPS server cannot start (certificate %s, key %s)", config->cert,
			config->key);
		server_free(server);
		return NULL;
	}
	GateLimits admin_limits = { .strangers_per_address = 64, .visitors = 128 };
	server->gate = gate_new(config->http_fd, &config->limits, admit_http, server);
	server->admin_gate = gate_new(config->admin_fd, &admin_limits, admit_admin, server);
	server->tick = g_timeout_add(1000, on_tick, server);
	return server;
}

void server_stop(Server *server)
{
	gate_close(server->gate);
	gate_close(server->admin_gate);
}

void server_free(Server *server)
{
	if (!server)
		return;
	if (server->tick)
		g_source_remove(server->tick);
	if (server->gate)
		server_stop(server);
	if (server->context)
		lws_context_destroy(server->context);
	gate_free(server->gate);
	gate_free(server->admin_gate);
	g_hash_table_unref(server->exchanges);
	g_hash_table_unref(server->sockets);
	g_free(server->cert);
	g_free(server->key);
	g_free(server);
}

bool server_reload(Server *server, GError **error)
{
	/* Checked apart first, so that a wrong pair of files leaves the old one in use. */
	SSL_CTX *fresh = SSL_CTX_new(TLS_server_method());
	bool sound = fresh && SSL_CTX_use_certificate_chain_file(fresh, server->cert) == 1 &&
		     SSL_CTX_use_PrivateKey_file(fresh, server->key, SSL_FILETYPE_PEM) == 1 &&
		     SSL_CTX_check_private_key(fresh) == 1;
	SSL_CTX_free(fresh);
	if (sound && server->tls)
		sound = SSL_CTX_use_certificate_chain_file(server->tls, server->cert) == 1 &&
			SSL_CTX_use_PrivateKey_file(server->tls, server->key, SSL_FILETYPE_PEM) ==
				1;
	if (!sound)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"certificate %s and key %s cannot be used", server->cert, server->key);
	return sound;
}

void server_counts(const Server *server, ServerCounts *counts)
{
	*counts = server->counts;
	counts->connections = gate_visitors(server->gate);
	counts->parked = gate_parked(server->gate);
	counts->sockets = g_hash_table_size(server->sockets);
}
