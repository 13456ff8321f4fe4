/* fz_text.c - what people write: composed, bounded, and the same when it is cleaned again */
#include "fuzz.h"
#include "signaling/text.h"

static void judge(const char *raw, bool keeps_lines)
{
	char *once = text_clean(raw, keeps_lines);
	g_assert(!once == !g_utf8_validate(raw, -1, NULL));
	if (!once)
		return;
	char *twice = text_clean(once, keeps_lines);
	g_assert(strcmp(once, twice) == 0);
	unsigned marks = 0;
	for (const char *at = once; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		marks = g_unichar_ismark(c) ? marks + 1 : 0;
		g_assert(marks <= TEXT_MARKS_MAX);
		g_assert(!g_unichar_iscntrl(c) || (c == '\n' && keeps_lines));
		g_assert(c < 0x202a || c > 0x202e);
		g_assert(c < 0x2066 || c > 0x2069);
	}
	g_free(once);
	g_free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *raw = g_strndup((const char *)data, size);
	judge(raw, true);
	judge(raw, false);
	g_free(raw);
	return 0;
}
