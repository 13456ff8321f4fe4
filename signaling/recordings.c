#include "recordings.h"
#include "http.h"
#include "range.h"
#include "ticket.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_MAX_LEN 64

typedef struct Listing {
	Hub *hub;
	RecordingsListed listed;
	void *user;
} Listing;

/* -- names -- */

static size_t name_len(const char *text)
{
	size_t len = 0;
	while (g_ascii_isalnum(text[len]) || text[len] == '-' || text[len] == '_')
		len++;
	return len <= NAME_MAX_LEN ? len : 0;
}

/* STAGE.TAKE: both as the recorder names folders. */
static bool id_is_sound(const char *id)
{
	size_t stage = name_len(id);
	size_t take = stage && id[stage] == '.' ? name_len(id + stage + 1) : 0;
	return take && !id[stage + 1 + take] && stage + 1 + take <= TICKET_ID_MAX;
}

static bool is_of(const char *id, const Forum *forum)
{
	size_t len = strlen(forum->stage);
	return id_is_sound(id) && strncmp(id, forum->stage, len) == 0 && id[len] == '.';
}

/* -- lists -- */

static json_t *address_of(Hub *hub, const char *id)
{
	char ticket[TICKET_SIZE];
	int64_t until_s = g_get_real_time() / G_USEC_PER_SEC + TICKET_S;
	ticket_write(registry_links(hub->registry), id, until_s, ticket);
	g_autofree char *url = g_strdup_printf(
		RECORDINGS_PATH "%s.webm?e=%" G_GINT64_FORMAT "&s=%s", id, until_s, ticket);
	return json_pack("{s:s, s:I}", "url", url, "expires", (json_int_t)until_s * 1000);
}

static json_int_t number(json_t *take, const char *key)
{
	return json_integer_value(json_object_get(take, key));
}

static const char *word(json_t *take, const char *key)
{
	const char *text = json_string_value(json_object_get(take, key));
	return text ? text : "";
}

static json_t *row_of(Hub *hub, json_t *take)
{
	const char *id = word(take, "id"), *state = word(take, "state");
	json_t *row = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "id", id, "state",
		state, "reason", word(take, "reason"), "started", number(take, "started_us") / 1000,
		"ended", number(take, "ended_us") / 1000, "length_ms",
		number(take, "length_us") / 1000, "bytes", number(take, "bytes"), "gaps",
		number(take, "gaps"));
	if (strcmp(state, "ready") == 0 && id_is_sound(id)) {
		json_t *address = address_of(hub, id);
		json_object_update(row, address);
		json_decref(address);
	}
	return row;
}

static void on_takes(json_t *takes, void *user)
{
	Listing *listing = user;
	json_t *take, *rows = takes && !listing->hub->is_ending ? json_array() : NULL;
	size_t i;
	json_array_foreach(rows ? takes : NULL, i, take)
		json_array_append_new(rows, row_of(listing->hub, take));
	listing->listed(rows, listing->user);
	json_decref(rows);
	g_free(listing);
}

void recordings_list(Hub *hub, Forum *forum, RecordingsListed listed, void *user)
{
	Listing *listing = g_new0(Listing, 1);
	*listing = (Listing){ hub, listed, user };
	recording_takes(hub->recording, forum->stage, on_takes, listing);
}

json_t *recordings_open(Hub *hub, const Forum *forum, const char *id)
{
	return is_of(id, forum) ? address_of(hub, id) : NULL;
}

static void on_listed_http(json_t *rows, void *user)
{
	Exchange *exchange = user;
	if (rows)
		http_json(exchange, 200, json_pack("{s:O}", "recordings", rows));
	else
		http_refuse(exchange, 503, &REFUSE_RECORDER_AWAY);
}

void recordings_answer_list(Hub *hub, Exchange *exchange, Forum *forum)
{
	recordings_list(hub, forum, on_listed_http, exchange);
}

/* -- a page's methods -- */

/* Who asked, in case he has gone when the recorder answers. */
typedef struct Reply {
	Hub *hub;
	uint64_t serial;
	json_t *id;
} Reply;

static void on_listed(json_t *rows, void *user)
{
	Reply *reply = user;
	Session *session = reply->hub->is_ending ? NULL : hub_session(reply->hub, reply->serial);
	if (session && rows)
		session_answer(session, reply->id, json_pack("{s:O}", "recordings", rows));
	else if (session)
		session_refuse(session, reply->id, &REFUSE_RECORDER_AWAY);
	json_decref(reply->id);
	g_free(reply);
}

void on_recording_list(Session *session, json_t *id, const Params *params)
{
	Reply *reply = g_new0(Reply, 1);
	*reply = (Reply){ session->hub, session->serial, json_incref(id) };
	recordings_list(session->hub, session->seat->forum, on_listed, reply);
}

void on_recording_open(Session *session, json_t *id, const Params *params)
{
	json_t *address = recordings_open(session->hub, session->seat->forum, params->recording);
	if (address)
		session_answer(session, id, address);
	else
		session_refuse(session, id, &REFUSE_NO_RECORDING);
}

/* -- files -- */

/* Beneath the folder whatever lies there: no link of any kind is followed. */
static int open_file(const char *root, const char *id)
{
	const char *dot = strchr(id, '.');
	g_autofree char *path =
		g_strdup_printf("%.*s/%s/recording.webm", (int)(dot - id), id, dot + 1);
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	int folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return -1;
	int fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
	close(folder);
	return fd;
}

/* Value of a name in the query; "" where it is not. */
static char *query_value(const char *query, const char *name)
{
	g_auto(GStrv) parts = g_strsplit(query, "&", 8);
	size_t len = strlen(name);
	for (char **part = parts; *part; part++)
		if (strncmp(*part, name, len) == 0 && (*part)[len] == '=')
			return g_strdup(*part + len + 1);
	return g_strdup("");
}

/* The id of a path that is one; NULL. */
static char *id_of(const char *path)
{
	const char *name = path + strlen(RECORDINGS_PATH);
	if (!g_str_has_suffix(name, ".webm"))
		return NULL;
	char *id = g_strndup(name, strlen(name) - strlen(".webm"));
	if (!id_is_sound(id))
		g_clear_pointer(&id, g_free);
	return id;
}

static bool has_ticket(Hub *hub, const char *id, const char *query)
{
	g_autofree char *until = query_value(query, "e");
	g_autofree char *ticket = query_value(query, "s");
	guint64 until_s = 0;
	return g_ascii_string_to_unsigned(until, 10, 1, G_MAXINT64, &until_s, NULL) &&
	       ticket_is_good(registry_links(hub->registry), id, (int64_t)until_s, ticket,
		       g_get_real_time() / G_USEC_PER_SEC);
}

static void name_file(Exchange *exchange, const Request *request, const char *id)
{
	g_autofree char *wants = query_value(request->query, "download");
	if (strcmp(wants, "1") != 0)
		return;
	g_autofree char *text =
		g_strdup_printf("attachment; filename=\"diemcau-%s.webm\"", strchr(id, '.') + 1);
	exchange_header(exchange, "content-disposition", text);
}

/* A part is given only of the file that the asker has the beginning of. */
static RangeVerdict judge(const Request *request, const char *tag, uint64_t size, Range *range)
{
	bool is_other = *request->if_range && strcmp(request->if_range, tag) != 0;
	bool is_get = strcmp(request->method, "GET") == 0; /* RFC 9110 §14.2: for no other */
	return range_read(is_get && !is_other ? request->range : "", size, range);
}

static void send_file(Exchange *exchange, const Request *request, int fd, const struct stat *about)
{
	uint64_t size = (uint64_t)about->st_size;
	g_autofree char *tag = g_strdup_printf("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER
					       "x-%" G_GINT64_MODIFIER "x\"",
		(guint64)about->st_ino, size,
		(guint64)about->st_mtim.tv_sec * 1000000000 + (guint64)about->st_mtim.tv_nsec);
	g_autofree char *content = NULL;
	Range range;
	exchange_header(exchange, "accept-ranges", "bytes");
	exchange_header(exchange, "etag", tag);
	exchange_header(exchange, "cache-control", "private, no-store");
	if (*request->if_none_match && strstr(request->if_none_match, tag)) {
		close(fd);
		exchange_answer(exchange, 304, NULL, NULL);
		return;
	}
	switch (judge(request, tag, size, &range)) {
	case RANGE_OUTSIDE:
		close(fd);
		content = g_strdup_printf("bytes */%" G_GUINT64_FORMAT, size);
		exchange_header(exchange, "content-range", content);
		exchange_answer_text(
			exchange, 416, "text/plain; charset=utf-8", "Tệp không có phần này.\n");
		return;
	case RANGE_PART:
		content = g_strdup_printf("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
					  "/%" G_GUINT64_FORMAT,
			range.first, range.first + range.length - 1, size);
		exchange_header(exchange, "content-range", content);
		exchange_answer_file(exchange, 206, "video/webm", fd, range.first, range.length);
		return;
	default:
		exchange_answer_file(exchange, 200, "video/webm", fd, 0, size);
	}
}

void recordings_answer_file(Hub *hub, Exchange *exchange, const Request *request)
{
	g_autofree char *id = id_of(request->path);
	struct stat about;
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
		http_refuse_method(exchange, "GET, HEAD");
		return;
	}
	if (!id) {
		http_refuse(exchange, 404, &REFUSE_NO_RECORDING);
		return;
	}
	/* Whether there is such a recording is told to nobody without a ticket. */
	if (!has_ticket(hub, id, request->query)) {
		http_refuse(exchange, 403, &REFUSE_NO_TICKET);
		return;
	}
	exchange_vouch(exchange);
	int fd = open_file(hub->recordings, id);
	if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
		if (fd >= 0)
			close(fd);
		http_refuse(exchange, 404, &REFUSE_NO_RECORDING);
		return;
	}
	name_file(exchange, request, id);
	send_file(exchange, request, fd, &about);
}
