/* What people write: composed, bounded, and nothing left in it that lies about what is seen. */
#include "seed.h"
#include "signaling/text.h"
#include <glib.h>
#include <string.h>

static const struct {
	const char *raw, *lines, *line; /* with line ends kept, and without */
} table[] = {
	{ "Xin hỏi?", "Xin hỏi?", "Xin hỏi?" },
	{ "", "", "" },
	{ "  \n hai \t lời \n\n ", "hai   lời", "hai lời" },
	/* NFD becomes NFC: ầ is one letter, as is đ. */
	{ "A\xcc\x82\xcc\x80 đa\xcc\x82\xcc\x80u", "Ầ đầu", "Ầ đầu" },
	/* Windows line ends, line and paragraph separators. */
	{ "một\r\nhai\xe2\x80\xa8"
	  "ba",
		"một\nhai\nba", "một hai ba" },
	{ "một\n\n\n\n\nhai", "một\n\nhai", "một hai" },
	/* Bidi: overrides, embeddings, isolates, marks. */
	{ "a\xe2\x80\xae"
	  "b\xe2\x80\xac"
	  "c",
		"abc", "abc" },
	{ "a\xe2\x81\xa6"
	  "b\xe2\x81\xa9"
	  "c\xe2\x80\x8f\xd8\x9c",
		"abc", "abc" },
	/* Zero width space, word joiner, BOM, soft hyphen; the joiner of an emoji stays. */
	{ "a\xe2\x80\x8b"
	  "b\xe2\x81\xa0\xef\xbb\xbf"
	  "c\xc2\xad"
	  "d",
		"abcd", "abcd" },
	{ "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x8c\xbe",
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x8c\xbe",
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x8c\xbe" },
	/* Control characters, C1 too. */
	{ "a\x01\x1b[31m\x7f"
	  "b\xc2\x85"
	  "c",
		"a[31mbc", "a[31mbc" },
	/* A mark that only a control kept from its letter is joined to it. */
	{ "e\xe2\x80\x8b\xcc\x82", "ê", "ê" },
	/* Ideographic space is a space too. */
	{ "\xe3\x80\x80x\xc2\xa0", "x", "x" },
	{ "<b>đậm</b> & \"x\"", "<b>đậm</b> & \"x\"", "<b>đậm</b> & \"x\"" },
};

static void mends_what_people_write(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		g_autofree char *lines = text_clean(table[i].raw, true);
		g_autofree char *line = text_clean(table[i].raw, false);
		g_assert_cmpstr(lines, ==, table[i].lines);
		g_assert_cmpstr(line, ==, table[i].line);
	}
}

static void refuses_what_is_no_utf_8(void)
{
	g_assert_null(text_clean("a\xff", true));
	g_assert_null(text_clean("\xed\xa0\x80", true)); /* a lone surrogate */
	g_assert_null(text_clean("\xc0\xaf", true));
	g_assert_null(text_clean(NULL, true));
}

static unsigned longest_run(const char *text)
{
	unsigned run = 0, longest = 0;
	for (; *text; text = g_utf8_next_char(text)) {
		run = g_unichar_ismark(g_utf8_get_char(text)) ? run + 1 : 0;
		longest = MAX(longest, run);
	}
	return longest;
}

/* U+0344 is two marks once composed; 30,000 marks must not take a second to sort. */
static void keeps_few_marks_in_a_row(void)
{
	g_autoptr(GString) raw = g_string_new("a");
	for (unsigned i = 0; i < 10000; i++)
		g_string_append(raw, i % 2 ? "\xcc\xa3" : "\xcc\x81");
	g_string_append(raw, "b");
	for (unsigned i = 0; i < 10000; i++)
		g_string_append(raw, "\xcd\x84");
	int64_t began_us = g_get_monotonic_time();
	g_autofree char *clean = text_clean(raw->str, true);
	g_assert_cmpuint(longest_run(clean), <=, TEXT_MARKS_MAX);
	g_assert_nonnull(strchr(clean, 'b'));
	g_assert_cmpint(g_get_monotonic_time() - began_us, <, G_USEC_PER_SEC / 2);
}

/* Whatever comes, what is stored is composed, bounded, and what is shown again. */
static void changes_nothing_the_second_time(void)
{
	static const gunichar odd[] = { 'a', ' ', '\n', '\r', 0x300, 0x323, 0x344, 0x302, 0x1ea7,
		0x202e, 0x200d, 0x200b, 0x2028, 0x1100, 0x1161, 0xfeff, 0x1f469, 0x958, 0x7,
		0x3000 };
	g_autoptr(GRand) rand = seeded_random();
	for (unsigned round = 0; round < 3000; round++) {
		g_autoptr(GString) raw = g_string_new(NULL);
		for (unsigned i = g_rand_int_range(rand, 0, 60); i; i--)
			g_string_append_unichar(
				raw, odd[g_rand_int_range(rand, 0, G_N_ELEMENTS(odd))]);
		bool lines = g_rand_boolean(rand);
		g_autofree char *once = text_clean(raw->str, lines);
		g_autofree char *twice = text_clean(once, lines);
		g_autofree char *composed = g_utf8_normalize(once, -1, G_NORMALIZE_NFC);
		g_assert_cmpstr(once, ==, twice);
		g_assert_cmpstr(once, ==, composed);
		g_assert_cmpuint(longest_run(once), <=, TEXT_MARKS_MAX);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/text/mends-what-people-write", mends_what_people_write);
	g_test_add_func("/text/refuses-what-is-no-utf-8", refuses_what_is_no_utf_8);
	g_test_add_func("/text/keeps-few-marks-in-a-row", keeps_few_marks_in_a_row);
	g_test_add_func("/text/changes-nothing-the-second-time", changes_nothing_the_second_time);
	return g_test_run();
}
