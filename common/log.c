#include "log.h"
#include <errno.h>
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096 /* what PIPE_BUF keeps in one piece */

typedef struct Log {
	char *name;
	bool json;
	GLogLevelFlags levels;
} Log;

static Log self; /* written by log_init() before there are threads, then only read */

static const char *level_name(GLogLevelFlags level)
{
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
		return "error";
	if (level & G_LOG_LEVEL_WARNING)
		return "warning";
	if (level & G_LOG_LEVEL_DEBUG)
		return "debug";
	return "info";
}

static char *plain_line(const char *level, const char *text)
{
	GString *line = g_string_new(NULL);
	g_string_append_printf(line, "%s: %s", level, text);
	/* One message is one line, whatever stands in it. */
	for (char *c = line->str; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	}
	return g_string_free(line, FALSE);
}

static char *json_line(const char *level, const char *text)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");
	g_autofree char *exact =
		g_strdup_printf("%s.%03dZ", time, g_date_time_get_microsecond(now) / 1000);
	json_t *root = json_object();
	json_object_set_new(root, "time", json_string(exact));
	json_object_set_new(root, "level", json_string(level));
	json_object_set_new(root, "daemon", json_string(self.name));
	json_object_set_new(root, "message", json_string(text));
	char *line = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return line;
}

static void write_line(const char *line, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, line, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nowhere left to say so */
		line += n;
		len -= (size_t)n;
	}
}

static GLogWriterOutput write_log(
	GLogLevelFlags level, const GLogField *fields, gsize count, gpointer user)
{
	if (!(level & self.levels))
		return G_LOG_WRITER_HANDLED;
	g_autofree char *text = NULL;
	for (gsize i = 0; i < count; i++) {
		if (strcmp(fields[i].key, "MESSAGE") == 0)
			text = g_utf8_make_valid(fields[i].value, fields[i].length);
	}
	if (!text)
		return G_LOG_WRITER_UNHANDLED;
	if (strlen(text) > LINE_MAX_BYTES / 2) { /* escapes may double it */
		char *end = g_utf8_find_prev_char(text, text + LINE_MAX_BYTES / 2);
		*end = '\0';
	}
	g_autofree char *line = self.json ? json_line(level_name(level), text)
					  : plain_line(level_name(level), text);
	g_autofree char *whole = g_strconcat(line, "\n", NULL);
	write_line(whole, strlen(whole));
	return G_LOG_WRITER_HANDLED;
}

static GLogLevelFlags wanted_levels(const char *word)
{
	GLogLevelFlags levels = G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING;
	if (g_strcmp0(word, "warning") == 0)
		return levels;
	levels |= G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO;
	return g_strcmp0(word, "debug") == 0 ? levels | G_LOG_LEVEL_DEBUG : levels;
}

void log_init(const char *name)
{
	static bool set;
	g_free(self.name);
	self.name = g_strdup(name);
	self.json = g_strcmp0(g_getenv("DIEMCAU_LOG_FORMAT"), "json") == 0;
	self.levels = wanted_levels(g_getenv("DIEMCAU_LOG_LEVEL"));
	if (!set)
		g_log_set_writer_func(write_log, NULL, NULL);
	set = true;
}
