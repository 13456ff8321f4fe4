/* The Range header against RFC 9110 §14: what is a part, what is passed over, what is 416. */
#include "signaling/range.h"
#include <glib.h>

static void reads_what_is_asked_for(void)
{
	static const struct {
		const char *header;
		RangeVerdict verdict;
		uint64_t first, length;
	} cases[] = {
		{ "", RANGE_WHOLE, 0, 0 },
		{ "bytes=0-0", RANGE_PART, 0, 1 },
		{ "bytes=0-", RANGE_PART, 0, 1000 },
		{ "Bytes=10-19", RANGE_PART, 10, 10 },
		{ "bytes= 10-19 ", RANGE_PART, 10, 10 },
		{ "bytes=999-", RANGE_PART, 999, 1 },
		{ "bytes=990-5000", RANGE_PART, 990, 10 },
		{ "bytes=-1", RANGE_PART, 999, 1 },
		{ "bytes=-5000", RANGE_PART, 0, 1000 },
		{ "bytes=0-18446744073709551615", RANGE_PART, 0, 1000 },
		{ "bytes=0-99999999999999999999999999", RANGE_PART, 0, 1000 },
		{ "bytes=-99999999999999999999999999", RANGE_PART, 0, 1000 },
		{ "bytes=1000-", RANGE_OUTSIDE, 0, 0 },
		{ "bytes=1000-1000", RANGE_OUTSIDE, 0, 0 },
		{ "bytes=9223372036854775808-", RANGE_OUTSIDE, 0, 0 },
		{ "bytes=18446744073709551616-", RANGE_OUTSIDE, 0, 0 },
		{ "bytes=-0", RANGE_OUTSIDE, 0, 0 },
		{ "bytes=20-10", RANGE_WHOLE, 0, 0 },
		{ "bytes=-", RANGE_WHOLE, 0, 0 },
		{ "bytes=", RANGE_WHOLE, 0, 0 },
		{ "bytes", RANGE_WHOLE, 0, 0 },
		{ "bytes=--1", RANGE_WHOLE, 0, 0 },
		{ "bytes=+1-2", RANGE_WHOLE, 0, 0 },
		{ "bytes=1-2-3", RANGE_WHOLE, 0, 0 },
		{ "bytes=0x1-2", RANGE_WHOLE, 0, 0 },
		{ "bytes=1", RANGE_WHOLE, 0, 0 },
		{ "bytes=0-1,5-6", RANGE_WHOLE, 0, 0 },
		{ "lines=0-1", RANGE_WHOLE, 0, 0 },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		Range range;
		g_test_message("%s", cases[i].header);
		g_assert_cmpint(range_read(cases[i].header, 1000, &range), ==, cases[i].verdict);
		bool is_part = cases[i].verdict == RANGE_PART;
		g_assert_cmpuint(range.first, ==, is_part ? cases[i].first : 0);
		g_assert_cmpuint(range.length, ==, is_part ? cases[i].length : 1000);
	}
}

static void finds_nothing_in_an_empty_file(void)
{
	static const char *const headers[] = { "bytes=0-", "bytes=0-0", "bytes=-1" };
	Range range;
	for (unsigned i = 0; i < G_N_ELEMENTS(headers); i++)
		g_assert_cmpint(range_read(headers[i], 0, &range), ==, RANGE_OUTSIDE);
	g_assert_cmpint(range_read("", 0, &range), ==, RANGE_WHOLE);
}

static void reaches_the_end_of_the_largest_file(void)
{
	Range range;
	g_assert_cmpint(range_read("bytes=-1", INT64_MAX, &range), ==, RANGE_PART);
	g_assert_cmpuint(range.first, ==, INT64_MAX - 1u);
	g_assert_cmpuint(range.length, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/range/reads-what-is-asked-for", reads_what_is_asked_for);
	g_test_add_func("/range/finds-nothing-in-an-empty-file", finds_nothing_in_an_empty_file);
	g_test_add_func(
		"/range/reaches-the-end-of-the-largest-file", reaches_the_end_of_the_largest_file);
	return g_test_run();
}
