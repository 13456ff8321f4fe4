#include "common/csv.h"
#include "sheet.h"
#include "talk.h"
#include "verbs.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART_ROWS 100          /* a message; each may bring several errors back */
#define PART_BYTES (48 * 1024) /* of rows, before the last one */

/* All of the file, which is bounded; NULL with error. */
static char *read_table(const char *path, size_t *len, GError **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	g_autofree char *bytes = g_malloc(CSV_BYTES_MAX + 1);
	ssize_t n = fd < 0 ? -1 : 0;
	for (*len = 0; fd >= 0 && *len <= CSV_BYTES_MAX; *len += (size_t)n) {
		n = read(fd, bytes + *len, CSV_BYTES_MAX + 1 - *len);
		if (n <= 0)
			break;
	}
	int code = errno;
	if (fd >= 0)
		close(fd);
	if (n >= 0)
		return g_steal_pointer(&bytes);
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot read %s: %s", path,
		g_strerror(code));
	return NULL;
}

/* 22 letters, as every id. */
static char *make_id(void)
{
	guint8 bytes[16] = { 0 };
	(void)!getrandom(bytes, sizeof(bytes), 0);
	char *id = g_base64_encode(bytes, sizeof(bytes));
	g_strdelimit(g_strdelimit(id, "+", '-'), "/", '_');
	id[22] = '\0';
	return id;
}

static void take_errors(Sheet *sheet, json_t *answer)
{
	size_t i;
	json_t *error;
	json_array_foreach(json_object_get(answer, "errors"), i, error)
		sheet_tell(sheet, (unsigned)json_integer_value(json_object_get(error, "line")),
			verb_text(error, "message"));
}

/* The rows from *at on that go into one message. */
static json_t *next_part(const json_t *rows, size_t *at)
{
	json_t *part = json_array();
	size_t bytes = 0;
	while (*at < json_array_size(rows) && json_array_size(part) < PART_ROWS &&
		bytes < PART_BYTES) {
		json_t *row = json_array_get(rows, (*at)++);
		bytes += json_dumpb(row, NULL, 0, JSON_COMPACT);
		json_array_append(part, row);
	}
	return part;
}

/* Sends all rows; the last answer, NULL with error. A list with errors of ours is still judged by
 * the server, so that they are all told at once. */
static json_t *send_rows(Talk *talk, const Words *words, Sheet *sheet, GError **error)
{
	g_autofree char *id = make_id();
	g_autoptr(json_t) answer = NULL;
	size_t at = 0;
	do {
		json_t *part = next_part(sheet->rows, &at);
		bool is_last = at >= json_array_size(sheet->rows);
		bool is_dry = words->is_dry || sheet->errors->len;
		json_decref(answer);
		answer = talk_ask(talk, "site.import",
			json_pack("{s:s, s:s, s:o, s:b, s:b}", "import", id, "forum",
				words->arguments[0], "rows", part, "last", is_last, "dry", is_dry),
			error);
		if (!answer)
			return NULL;
		take_errors(sheet, answer);
	} while (at < json_array_size(sheet->rows));
	return g_steal_pointer(&answer);
}

static void print_counts(const Words *words, const json_t *answer)
{
	if (words->is_json) {
		verb_print_json(answer);
		return;
	}
	printf("%s%d sites added, %d brought up to date, %d as they were\n",
		words->is_dry ? "would be: " : "",
		(int)json_integer_value(json_object_get(answer, "added")),
		(int)json_integer_value(json_object_get(answer, "updated")),
		(int)json_integer_value(json_object_get(answer, "same")));
}

bool site_import(const Words *words, GError **error)
{
	size_t len;
	g_autofree char *bytes = read_table(words->arguments[1], &len, error);
	g_autoptr(Talk) talk = bytes ? talk_open(words, error) : NULL;
	if (!talk)
		return false;
	g_auto(Sheet) sheet = { 0 };
	sheet_read(&sheet, bytes, len);
	g_autoptr(json_t) answer = NULL;
	if (json_array_size(sheet.rows) || !sheet.errors->len) {
		answer = send_rows(talk, words, &sheet, error);
		if (!answer)
			return false;
	}
	if (sheet.ignored->len)
		fprintf(stderr, "Columns that mean nothing here: %s\n", sheet.ignored->str);
	g_autofree char *errors = sheet_errors(&sheet, words->arguments[1]);
	fputs(errors, stderr);
	if (!sheet.errors->len) {
		print_counts(words, answer);
		return true;
	}
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
		"nothing was imported: %u error%s in %s", sheet.errors->len,
		sheet.errors->len == 1 ? "" : "s", words->arguments[1]);
	return false;
}

static json_t *get_sites(const Words *words, GError **error)
{
	g_autoptr(Talk) talk = talk_open(words, error);
	if (!talk)
		return NULL;
	return talk_list(talk, "site.list", json_pack("{s:s}", "forum", words->arguments[0]),
		"sites", error);
}

/* The headings are what `site import` reads. */
static void print_table(const json_t *sites, bool with_links)
{
	g_autoptr(GString) table = g_string_new(CSV_BOM);
	const char *const join = with_links ? "link tham gia" : NULL; /* ends the row where NULL */
	csv_write(table, "điểm cầu", "huyện", "tỉnh", "điện thoại", join, "link đặt câu hỏi", NULL);
	size_t i;
	json_t *row;
	json_array_foreach(sites, i, row) csv_write(table, verb_text(row, "name"),
		verb_text(row, "district"), verb_text(row, "province"), verb_text(row, "phone"),
		with_links ? verb_text(row, "join") : NULL, verb_text(row, "ask"), NULL);
	fputs(table->str, stdout);
}

static char *place_of(const json_t *row)
{
	const char *district = verb_text(row, "district"), *province = verb_text(row, "province");
	return g_strdup_printf("%s%s%s%s%s", verb_text(row, "name"), *district ? ", " : "",
		district, *province ? ", " : "", province);
}

bool site_list(const Words *words, GError **error)
{
	g_autoptr(json_t) sites = get_sites(words, error);
	if (!sites)
		return false;
	size_t i;
	json_t *row;
	if (words->is_csv) {
		print_table(sites, false);
		return true;
	}
	json_array_foreach(sites, i, row)
	{
		if (words->is_json) { /* the links are secrets: they come when they are asked for */
			json_object_del(row, "join");
			json_object_del(row, "ask");
			continue;
		}
		g_autofree char *place = place_of(row);
		printf("%s  %-4s  %-5s  %s  %s\n", verb_text(row, "site"),
			json_is_true(json_object_get(row, "online")) ? "here" : "-",
			verb_text(row, "check"), place, verb_text(row, "phone"));
	}
	if (words->is_json)
		verb_print_json(sites);
	return true;
}

static void print_page(const json_t *row)
{
	g_autofree char *place = place_of(row);
	g_autofree char *name = g_markup_escape_text(place, -1);
	g_autofree char *join = g_markup_escape_text(verb_text(row, "join"), -1);
	g_autofree char *ask = g_markup_escape_text(verb_text(row, "ask"), -1);
	printf("<section>\n<h1>%s</h1>\n"
	       "<h2>Tham gia hội nghị</h2>\n<p>Chỉ dành cho cán bộ phụ trách điểm cầu.</p>\n"
	       "<p class=\"link\">%s</p>\n"
	       "<h2>Đặt câu hỏi</h2>\n<p>Có thể treo trong phòng họp.</p>\n"
	       "<p class=\"link\">%s</p>\n</section>\n",
		name, join, ask);
}

static void print_pages(const json_t *sites)
{
	printf("<!doctype html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n"
	       "<title>Đường dẫn của các điểm cầu</title>\n<style>\n"
	       "@page { size: A4; margin: 20mm }\nbody { font: 14pt sans-serif }\n"
	       "section { break-after: page }\n"
	       ".link { font: 12pt monospace; overflow-wrap: anywhere }\n"
	       "</style>\n</head>\n<body>\n");
	size_t i;
	json_t *row;
	json_array_foreach(sites, i, row) print_page(row);
	printf("</body>\n</html>\n");
}

bool site_links(const Words *words, GError **error)
{
	g_autoptr(json_t) sites = get_sites(words, error);
	if (!sites)
		return false;
	size_t i;
	json_t *row;
	if (words->is_json) {
		verb_print_json(sites);
	} else if (words->is_html) {
		print_pages(sites);
	} else if (words->is_csv) {
		print_table(sites, true);
	} else {
		json_array_foreach(sites, i, row)
		{
			g_autofree char *place = place_of(row);
			printf("%s\n  join %s\n  ask  %s\n", place, verb_text(row, "join"),
				verb_text(row, "ask"));
		}
	}
	return true;
}

bool site_revoke(const Words *words, GError **error)
{
	const char *which = words->arguments[2];
	g_autoptr(Talk) talk = talk_open(words, error);
	g_autoptr(json_t) answer =
		talk ? talk_ask(talk, "site.revoke",
			       json_pack("{s:s, s:s, s:s}", "forum", words->arguments[0], "site",
				       words->arguments[1], "which", which),
			       error)
		     : NULL;
	if (!answer)
		return false;
	if (words->is_json)
		verb_print_json(answer);
	else
		printf("%s: the old %s link is dead, the new one is\n%s\n",
			verb_text(answer, "name"), which, verb_text(answer, which));
	return true;
}
