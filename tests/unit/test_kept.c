/* The last packets of a voice, as they were sent. */
#include "sfu/kept.h"
#include <string.h>

static void add(Kept *kept, uint16_t sequence, size_t len)
{
	uint8_t data[KEPT_LEN_MAX + 1];
	memset(data, sequence & 0xff, sizeof data);
	kept_add(kept, sequence, sequence + 7, data, len);
}

static void test_keeps_the_last(void)
{
	g_autoptr(Kept) kept = kept_new();
	KeptPacket packet;
	uint16_t first = 0xfff0; /* a wrap lies between */
	g_assert_false(kept_find(kept, 0, &packet));
	for (unsigned i = 0; i < 3 * KEPT_PACKETS; i++)
		add(kept, (uint16_t)(first + i), 100 + i);
	for (unsigned i = 0; i < 3 * KEPT_PACKETS; i++) {
		uint16_t sequence = (uint16_t)(first + i);
		bool found = kept_find(kept, sequence, &packet);
		g_assert_cmpint(found, ==, i >= 2 * KEPT_PACKETS);
		if (!found)
			continue;
		g_assert_cmpuint(packet.len, ==, 100 + i);
		g_assert_cmpint(packet.transport_cc, ==, sequence + 7);
		for (size_t at = 0; at < packet.len; at++)
			g_assert_cmpuint(packet.data[at], ==, sequence & 0xff);
	}
	g_assert_false(kept_find(kept, (uint16_t)(first + 3 * KEPT_PACKETS), &packet));
}

static void test_what_is_long_is_not_kept(void)
{
	g_autoptr(Kept) kept = kept_new();
	KeptPacket packet;
	add(kept, 5, KEPT_LEN_MAX);
	g_assert_true(kept_find(kept, 5, &packet));
	add(kept, 5 + KEPT_PACKETS, KEPT_LEN_MAX + 1);
	g_assert_false(kept_find(kept, 5 + KEPT_PACKETS, &packet));
	g_assert_false(kept_find(kept, 5, &packet));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kept/keeps-the-last", test_keeps_the_last);
	g_test_add_func("/kept/what-is-long-is-not-kept", test_what_is_long_is_not_kept);
	return g_test_run();
}
