#include "text.h"
#include <string.h>

#define JOINERS_FIRST 0x200c /* ZWNJ and ZWJ: parts of words and of emoji */
#define JOINERS_LAST 0x200d

/* What becomes of one character; 0: nothing. */
static gunichar mend(gunichar c, bool keeps_lines)
{
	switch (g_unichar_type(c)) {
	case G_UNICODE_LINE_SEPARATOR: /* U+2028, and the paragraph's U+2029 */
	case G_UNICODE_PARAGRAPH_SEPARATOR:
		return keeps_lines ? '\n' : ' ';
	case G_UNICODE_CONTROL:
		if (c == '\n')
			return keeps_lines ? '\n' : ' ';
		return c == '\t' ? ' ' : 0;
	case G_UNICODE_FORMAT: /* all that turns the direction, and all that cannot be seen */
		return c >= JOINERS_FIRST && c <= JOINERS_LAST ? c : 0;
	case G_UNICODE_SURROGATE:
		return 0;
	default:
		return c;
	}
}

/* One walk over the text: mends each character, bounds marks and empty lines, trims. Bounding comes
 * before composing too: GLib sorts a run of marks by exchanging neighbours. */
static char *walk(const char *raw, bool keeps_lines)
{
	GString *out = g_string_sized_new(strlen(raw));
	unsigned marks = 0, lines = 0, spaces = 0;
	for (const char *at = raw; *at; at = g_utf8_next_char(at)) {
		gunichar c = mend(g_utf8_get_char(at), keeps_lines);
		if (!c)
			continue;
		marks = g_unichar_ismark(c) ? marks + 1 : 0;
		if (marks > TEXT_MARKS_MAX)
			continue;
		lines = c == '\n' ? lines + 1 : 0;
		spaces = c == ' ' && !keeps_lines ? spaces + 1 : 0;
		if (lines <= 2 && spaces <= 1)
			g_string_append_unichar(out, c);
	}
	return g_string_free(out, FALSE);
}

/* g_strstrip knows no spaces beyond ASCII. */
static char *trim(const char *text)
{
	while (*text && g_unichar_isspace(g_utf8_get_char(text)))
		text = g_utf8_next_char(text);
	const char *end = text + strlen(text);
	while (end > text) {
		const char *last = g_utf8_prev_char(end);
		if (!g_unichar_isspace(g_utf8_get_char(last)))
			break;
		end = last;
	}
	return g_strndup(text, (gsize)(end - text));
}

char *text_clean(const char *raw, bool keeps_lines)
{
	if (!raw || !g_utf8_validate(raw, -1, NULL))
		return NULL;
	g_autofree char *mended = walk(raw, keeps_lines);
	g_autofree char *composed = g_utf8_normalize(mended, -1, G_NORMALIZE_NFC);
	/* Composing takes a few marks apart (U+0344 is two). */
	g_autofree char *bounded = walk(composed, keeps_lines);
	return trim(bounded);
}
