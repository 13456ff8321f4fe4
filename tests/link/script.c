#include "script.h"
#include <gio/gio.h>
#include <string.h>

typedef struct Row {
	int64_t at_us;
	Step step;
} Row;

struct Script {
	GArray *rows;
	unsigned next;
};

static bool refuse(GError **error, const char *why)
{
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, why);
	return false;
}

static bool read_row(Script *script, char *line, GError **error)
{
	Row row;
	char *time = line + strspn(line, " \t"), *rest = time + strcspn(time, " \t");
	const Row *last = NULL;
	if (!*time || *time == '#')
		return true;
	if (script->rows->len)
		last = &g_array_index(script->rows, Row, script->rows->len - 1);
	if (*rest)
		*rest++ = '\0';
	if (!step_read_duration(time, &row.at_us))
		return refuse(error, "begins with no time such as 1.5s");
	if (last && row.at_us < last->at_us)
		return refuse(error, "the time goes back");
	if (last && last->step.kind == STEP_END)
		return refuse(error, "comes after the end");
	if (script->rows->len == SCRIPT_STEPS_MAX)
		return refuse(error, "too many steps");
	if (!step_read(&row.step, rest, error))
		return false;
	g_array_append_val(script->rows, row);
	return true;
}

Script *script_read(const char *text, size_t len, GError **error)
{
	if (len > SCRIPT_TEXT_MAX || memchr(text, '\0', len)) {
		refuse(error, "line 1: the script is too long, or no text");
		return NULL;
	}
	g_autoptr(Script) script = g_new0(Script, 1);
	script->rows = g_array_new(FALSE, FALSE, sizeof(Row));
	g_autofree char *copy = g_strndup(text, len);
	unsigned number = 1;
	for (char *line = copy, *next; line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!read_row(script, line, error)) {
			g_prefix_error(error, "line %u: ", number);
			return NULL;
		}
	}
	return g_steal_pointer(&script);
}

void script_free(Script *script)
{
	if (!script)
		return;
	g_array_unref(script->rows);
	g_free(script);
}

const Step *script_due(Script *script, int64_t since_us)
{
	if (script_next_us(script) > since_us)
		return NULL;
	return &g_array_index(script->rows, Row, script->next++).step;
}

int64_t script_next_us(const Script *script)
{
	return script->next < script->rows->len
		       ? g_array_index(script->rows, Row, script->next).at_us
		       : LANE_NEVER_US;
}
