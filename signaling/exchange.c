#include "lws_side.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHUNK 16384        /* of a body, a turn */
#define AHEAD (512 * 1024) /* of a file, that the kernel is asked to read before it is needed */
#define AGAIN_MS 5         /* to look whether it has */
#define AGAIN_MAX 200      /* then it is waited for after all */
#define QUERY_PART_MAX 256
#define QUERY_PARTS_MAX 8
#define DRAIN_MAX (256 * 1024) /* of a refused body: read, or the answer is lost to a RST */

typedef enum BodyState { BODY_NONE, BODY_PLAIN, BODY_CHUNKED, BODY_REFUSED } BodyState;

struct Exchange {
	unsigned refs; /* the connection's and the answerer's */
	Server *server;
	struct lws *wsi; /* NULL once it has gone */
	Visitor *visitor;
	char *method, *path, *headers[10];
	GString *body;
	BodyState body_state;
	size_t chunk_left, drained;
	int chunk_phase;
	int64_t since_us;
	bool is_admin, is_asked, is_answered, is_head, ends_connection;

	unsigned status, header_count;
	char *names[EXCHANGE_HEADERS_MAX], *values[EXCHANGE_HEADERS_MAX];
	GBytes *content;
	uint64_t size, sent; /* of the content, or of the part of a file */
	int fd;              /* -1: no file */
	uint64_t offset;
	unsigned again, retries; /* timer while the disk is slow */
	bool headers_sent;
};

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
	if (exchange->fd >= 0)
		close(exchange->fd);
	g_free(exchange);
}

void exchange_detach(HttpUser *http)
{
	Exchange *exchange = http ? g_steal_pointer(&http->exchange) : NULL;
	if (!exchange)
		return;
	g_hash_table_remove(exchange->server->exchanges, exchange);
	exchange->wsi = NULL;
	if (exchange->again)
		g_source_remove(exchange->again);
	exchange->again = 0;
	exchange->visitor = NULL;
	exchange_unref(exchange);
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
		.origin = exchange->headers[5],
		.range = exchange->headers[6],
		.if_range = exchange->headers[7],
		.if_match = exchange->headers[8],
		.query = exchange->headers[9],
		.body = exchange->body ? exchange->body->str : "",
		.body_len = exchange->body ? exchange->body->len : 0,
		.is_admin = exchange->is_admin };
	exchange->server->events.request(exchange, &request, exchange->server->user);
}

/* How the body will come; the size is judged here, before any of it is read. */
static bool judge_body(Exchange *exchange)
{
	g_autofree char *length = server_header(exchange->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
	g_autofree char *coding = server_header(exchange->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING);
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

/* lws keeps each part by itself, and copied as one they are joined by commas. */
static char *query_of(struct lws *wsi)
{
	char part[QUERY_PART_MAX];
	GString *query = g_string_new(NULL);
	for (int i = 0; i < QUERY_PARTS_MAX; i++) {
		int len =
			lws_hdr_copy_fragment(wsi, part, sizeof(part), WSI_TOKEN_HTTP_URI_ARGS, i);
		if (len < 0)
			break;
		g_string_append_printf(query, "%s%.*s", i ? "&" : "", len, part);
	}
	return g_string_free(query, FALSE);
}

int exchange_on_request(
	Server *server, struct lws *wsi, HttpUser *http, const char *path, size_t len)
{
	exchange_detach(http);
	char *uri = NULL;
	int uri_len = 0;
	int method = lws_http_get_uri_and_method(wsi, &uri, &uri_len);
	if (method < 0 || method >= (int)G_N_ELEMENTS(methods))
		return -1;

	Exchange *exchange = g_new0(Exchange, 1);
	exchange->refs = 1;
	exchange->fd = -1;
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
		WSI_TOKEN_HTTP_IF_NONE_MATCH, WSI_TOKEN_HTTP_ACCEPT_ENCODING, WSI_TOKEN_ORIGIN,
		WSI_TOKEN_HTTP_RANGE, WSI_TOKEN_HTTP_IF_RANGE, WSI_TOKEN_HTTP_IF_MATCH };
	for (unsigned i = 0; i < G_N_ELEMENTS(tokens); i++)
		exchange->headers[i] = server_header(wsi, tokens[i]);
	exchange->headers[G_N_ELEMENTS(tokens)] = query_of(wsi);
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

int exchange_on_body(HttpUser *http, const char *in, size_t len)
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
	exchange->size = body ? g_bytes_get_size(body) : exchange->size;
	if (exchange->wsi)
		lws_callback_on_writable(exchange->wsi);
	exchange_unref(exchange);
}

void exchange_answer_file(Exchange *exchange, unsigned status, const char *type, int fd,
	uint64_t offset, uint64_t length)
{
	exchange->fd = fd;
	exchange->offset = offset;
	exchange->size = length;
	(void)posix_fadvise(fd, (off_t)offset, AHEAD, POSIX_FADV_WILLNEED);
	exchange_answer(exchange, status, type, NULL);
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
		ok = lws_add_http_header_content_length(wsi, exchange->size, &at, end) == 0;
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

static gboolean on_again(void *user)
{
	Exchange *exchange = user;
	exchange->again = 0;
	lws_callback_on_writable(exchange->wsi);
	return G_SOURCE_REMOVE;
}

/* Bytes of the file that are in memory already; 0: not yet, it looks again; -1: it cannot be read.
 */
static ssize_t read_file(Exchange *exchange, unsigned char *into, size_t most)
{
	struct iovec part = { into, most };
	off_t at = (off_t)(exchange->offset + exchange->sent);
	ssize_t got = preadv2(exchange->fd, &part, 1, at, RWF_NOWAIT);
	bool is_late = exchange->retries >= AGAIN_MAX;
	if (got < 0 && (is_late || errno != EAGAIN)) /* some filesystems know no NOWAIT */
		got = pread(exchange->fd, into, most, at);
	else if (got < 0) {
		exchange->retries++;
		(void)posix_fadvise(exchange->fd, at, AHEAD, POSIX_FADV_WILLNEED);
		exchange->again = g_timeout_add(AGAIN_MS, on_again, exchange);
		return 0;
	}
	if (at / AHEAD != (at + got) / AHEAD)
		(void)posix_fadvise(exchange->fd, at + got, AHEAD, POSIX_FADV_WILLNEED);
	exchange->retries = 0;
	return got > 0 ? got : -1; /* shorter than it was: it cannot be what was promised */
}

/* The next piece of the answer, as above. */
static ssize_t read_piece(Exchange *exchange, unsigned char *into)
{
	size_t most = (size_t)MIN(exchange->size - exchange->sent, CHUNK);
	if (exchange->fd >= 0)
		return read_file(exchange, into, most);
	const unsigned char *data = g_bytes_get_data(exchange->content, NULL);
	memcpy(into, data + exchange->sent, most);
	return (ssize_t)most;
}

int exchange_on_writable(HttpUser *http)
{
	Exchange *exchange = http ? http->exchange : NULL;
	if (!exchange || !exchange->is_answered)
		return 0;
	struct lws *wsi = exchange->wsi;
	if (!exchange->headers_sent) {
		exchange->headers_sent = true;
		if (!write_headers(exchange))
			return -1;
		if (exchange->is_head || !exchange->size)
			return finish(http);
		lws_callback_on_writable(wsi);
		return 0;
	}
	if (exchange->again || exchange->sent == exchange->size)
		return 0; /* the disk is slow; or refused, and still reading */
	unsigned char chunk[LWS_PRE + CHUNK];
	ssize_t part = read_piece(exchange, chunk + LWS_PRE);
	if (part <= 0)
		return part < 0 ? -1 : 0;
	bool last = exchange->sent + (size_t)part == exchange->size;
	if (lws_write(wsi, chunk + LWS_PRE, (size_t)part,
		    last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
		return -1;
	exchange->sent += (size_t)part;
	/* A slow reader is given this long for each piece. */
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT,
		exchange->fd >= 0 ? SERVER_FILE_S : SERVER_BODY_S);
	if (last)
		return finish(http);
	lws_callback_on_writable(wsi);
	return 0;
}

void exchange_on_body_end(HttpUser *http)
{
	if (http->exchange && http->exchange->body_state != BODY_CHUNKED)
		ask(http->exchange);
}

struct lws *exchange_overdue(const Exchange *exchange, int64_t now_us)
{
	bool is_late =
		!exchange->is_asked && now_us - exchange->since_us > SERVER_BODY_S * G_USEC_PER_SEC;
	return is_late ? exchange->wsi : NULL;
}
