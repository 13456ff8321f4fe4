/* What a connection speaks is known from its first bytes, and never guessed too early. */
#include "seed.h"
#include "signaling/first_bytes.h"
#include <stdbool.h>
#include <string.h>

/* A binding request in its frame, to the cookie. */
static const uint8_t check[FIRST_BYTES_ENOUGH] = { 0x00, 0x6c, 0x00, 0x01, 0x00, 0x58, 0x21, 0x12,
	0xa4, 0x42 };
static const uint8_t hello[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03 };

static void test_prefixes(void)
{
	g_assert_cmpint(first_bytes_judge(check, 0), ==, FIRST_BYTES_SHORT);
	for (size_t len = 1; len < sizeof check; len++)
		g_assert_cmpint(first_bytes_judge(check, len), ==, FIRST_BYTES_SHORT);
	g_assert_cmpint(first_bytes_judge(check, sizeof check), ==, FIRST_BYTES_ICE);
	g_assert_cmpint(first_bytes_judge(hello, 1), ==, FIRST_BYTES_SHORT);
	for (size_t len = 2; len <= sizeof hello; len++)
		g_assert_cmpint(first_bytes_judge(hello, len), ==, FIRST_BYTES_TLS);
}

/* One wrong byte is known for wrong as soon as it is there. */
static void test_wrong_byte(void)
{
	for (size_t at = 0; at < sizeof check; at++)
		for (unsigned turn = 1; turn < 256; turn++) {
			uint8_t wrong[sizeof check];
			memcpy(wrong, check, sizeof check);
			wrong[at] ^= (uint8_t)turn;
			g_assert_cmpint(
				first_bytes_judge(wrong, sizeof wrong), !=, FIRST_BYTES_ICE);
			/* Of the first two bytes other values may begin another check. */
			FirstBytes verdict = first_bytes_judge(wrong, at + 1);
			if (at >= 2)
				g_assert_cmpint(verdict, ==, FIRST_BYTES_OTHER);
		}
}

static FirstBytes judge_frame(unsigned frame, unsigned length)
{
	const uint8_t data[] = { (uint8_t)(frame >> 8), (uint8_t)frame, 0, 1,
		(uint8_t)(length >> 8), (uint8_t)length, 0x21, 0x12, 0xa4, 0x42 };
	return first_bytes_judge(data, sizeof data);
}

static void test_lengths(void)
{
	for (unsigned frame = 0; frame < 0x10000; frame++) {
		bool fits = frame >= 20 && frame <= FIRST_BYTES_CHECK_MAX && frame % 4 == 0;
		g_assert_cmpint(judge_frame(frame, frame - 20), ==,
			fits ? FIRST_BYTES_ICE
			     : (frame >> 8 == 0x16 && (frame & 255) == 3 ? FIRST_BYTES_TLS
									 : FIRST_BYTES_OTHER));
		g_assert_cmpint(judge_frame(frame, frame - 16), !=, FIRST_BYTES_ICE);
	}
}

static void test_others(void)
{
	static const char *const others[] = { "GET / HTTP/1.1\r\n", "POST", "SSH-2.0", "\x80\x2e",
		"\x16\x02", "\xff", "\x03" };
	for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
		g_assert_cmpint(first_bytes_judge((const uint8_t *)others[i], strlen(others[i])),
			==, FIRST_BYTES_OTHER);
	/* DTLS, media and an answer to a check begin no line. */
	static const uint8_t dtls[] = { 0, 100, 0x16, 0xfe, 0xfd, 0, 0, 0, 0, 0 };
	static const uint8_t answer[] = { 0, 100, 1, 1, 0, 80, 0x21, 0x12, 0xa4, 0x42 };
	g_assert_cmpint(first_bytes_judge(dtls, sizeof dtls), ==, FIRST_BYTES_OTHER);
	g_assert_cmpint(first_bytes_judge(answer, sizeof answer), ==, FIRST_BYTES_OTHER);
}

/* A verdict is never taken back, and comes with FIRST_BYTES_ENOUGH at the latest. */
static void test_verdict_stays(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned run = 0; run < 200000; run++) {
		uint8_t data[FIRST_BYTES_ENOUGH + 2];
		memcpy(data, check, sizeof check);
		for (unsigned i = 0; i < sizeof data; i++)
			if (i >= sizeof check || g_rand_int_range(random, 0, 8) == 0)
				data[i] = (uint8_t)g_rand_int_range(random, 0, 256);
		if (g_rand_int_range(random, 0, 4) == 0)
			data[0] = 0x16;
		FirstBytes before = FIRST_BYTES_SHORT;
		for (size_t len = 0; len <= sizeof data; len++) {
			FirstBytes now = first_bytes_judge(data, len);
			if (before != FIRST_BYTES_SHORT)
				g_assert_cmpint(now, ==, before);
			if (len >= FIRST_BYTES_ENOUGH)
				g_assert_cmpint(now, !=, FIRST_BYTES_SHORT);
			before = now;
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/first-bytes/each-prefix-says-what-it-can", test_prefixes);
	g_test_add_func("/first-bytes/a-wrong-byte-is-no-check", test_wrong_byte);
	g_test_add_func("/first-bytes/lengths-have-to-agree", test_lengths);
	g_test_add_func("/first-bytes/others-are-known-at-once", test_others);
	g_test_add_func("/first-bytes/a-verdict-stays", test_verdict_stays);
	return g_test_run();
}
