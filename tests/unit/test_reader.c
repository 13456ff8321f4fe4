/* test_reader.c - Reader and Writer: what they give, and that they cannot run over the end */
#include "common/reader.h"
#include "common/writer.h"
#include <glib.h>

static void reads_what_was_written(void)
{
	uint8_t bytes[64];
	Writer out = writer_of(bytes, sizeof bytes);
	write_u8(&out, 0x12);
	write_u16(&out, 0xfedc);
	write_u24(&out, 0xabcdef);
	write_u32(&out, 0x89abcdef);
	write_u64(&out, 0x0123456789abcdef);
	write_bytes(&out, "xyz", 3);
	g_assert_true(out.ok);
	g_assert_cmpuint(writer_len(&out), ==, 1 + 2 + 3 + 4 + 8 + 3);
	g_assert_cmphex(bytes[1], ==, 0xfe); /* big-endian */

	Reader in = reader_of(bytes, writer_len(&out));
	g_assert_cmphex(read_u8(&in), ==, 0x12);
	g_assert_cmphex(read_u16(&in), ==, 0xfedc);
	g_assert_cmphex(read_u24(&in), ==, 0xabcdef);
	g_assert_cmphex(read_u32(&in), ==, 0x89abcdef);
	g_assert_cmphex(read_u64(&in), ==, 0x0123456789abcdef);
	g_assert_cmpmem(read_bytes(&in, 3), 3, "xyz", 3);
	g_assert_true(in.ok);
	g_assert_cmpuint(reader_left(&in), ==, 0);
}

static void stays_false_once_it_ran_out(void)
{
	const uint8_t bytes[] = { 1, 2, 3 };
	Reader in = reader_of(bytes, sizeof bytes);
	g_assert_cmpuint(read_u32(&in), ==, 0);
	g_assert_false(in.ok);
	g_assert_cmpuint(read_u8(&in), ==, 0); /* there would be one */
	g_assert_cmpuint(reader_left(&in), ==, 0);
	g_assert_null(read_bytes(&in, 0));
	g_assert_false(in.ok);
}

static void takes_an_empty_message(void)
{
	Reader in = reader_of(NULL, 0);
	g_assert_true(in.ok);
	g_assert_cmpuint(reader_left(&in), ==, 0);
	g_assert_cmpuint(read_u8(&in), ==, 0);
	g_assert_false(in.ok);
}

static void does_not_wrap_on_a_huge_length(void)
{
	const uint8_t bytes[] = { 1, 2, 3 };
	Reader in = reader_of(bytes, sizeof bytes);
	g_assert_null(read_bytes(&in, SIZE_MAX));
	g_assert_false(in.ok);
	uint8_t room[3];
	Writer out = writer_of(room, sizeof room);
	g_assert_null(write_room(&out, SIZE_MAX));
	g_assert_false(out.ok);
}

static void a_part_ends_where_it_was_cut(void)
{
	const uint8_t bytes[] = { 1, 2, 3, 4 };
	Reader in = reader_of(bytes, sizeof bytes);
	Reader part = read_part(&in, 2);
	g_assert_cmpuint(read_u8(&part), ==, 1);
	g_assert_cmpuint(read_u16(&part), ==, 0);
	g_assert_false(part.ok);
	g_assert_true(in.ok);
	g_assert_cmpuint(read_u8(&in), ==, 3);

	Reader missing = read_part(&in, 2);
	g_assert_false(missing.ok);
	g_assert_false(in.ok);
}

static void writes_nothing_more_once_it_is_full(void)
{
	uint8_t bytes[4] = { 0, 0, 0, 0xee };
	Writer out = writer_of(bytes, 3);
	write_u16(&out, 0x0102);
	write_u16(&out, 0x0304);
	g_assert_false(out.ok);
	write_u8(&out, 0x05); /* there would be room */
	g_assert_false(out.ok);
	g_assert_cmpuint(writer_len(&out), ==, 2);
	g_assert_cmphex(bytes[2], ==, 0);
	g_assert_cmphex(bytes[3], ==, 0xee);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/reader/reads-what-was-written", reads_what_was_written);
	g_test_add_func("/reader/stays-false-once-it-ran-out", stays_false_once_it_ran_out);
	g_test_add_func("/reader/takes-an-empty-message", takes_an_empty_message);
	g_test_add_func("/reader/does-not-wrap-on-a-huge-length", does_not_wrap_on_a_huge_length);
	g_test_add_func("/reader/a-part-ends-where-it-was-cut", a_part_ends_where_it_was_cut);
	g_test_add_func(
		"/writer/writes-nothing-more-once-it-is-full", writes_nothing_more_once_it_is_full);
	return g_test_run();
}
