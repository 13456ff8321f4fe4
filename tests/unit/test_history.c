/* What a track remembers, what it misses, and what it reports. */
#include "seed.h"
#include "sfu/gaps.h"
#include "sfu/history.h"
#include "sfu/reception.h"

static Packet *packet_of(PacketPool *pool, uint16_t sequence)
{
	Packet *packet = packet_new(pool);
	packet->rtp.sequence = sequence;
	return packet;
}

static bool add(History *history, PacketPool *pool, uint16_t sequence)
{
	Packet *packet = packet_of(pool, sequence);
	bool fresh = history_add(history, packet);
	packet_unref(packet);
	return fresh;
}

static void test_forgets_the_oldest_first(void)
{
	PacketPool *pool = packet_pool_new();
	History *history = history_new(8);
	for (unsigned i = 0; i < 20; i++)
		g_assert_true(add(history, pool, (uint16_t)(65530 + i)));
	uint64_t highest = history_highest(history);
	g_assert_cmpuint((uint16_t)highest, ==, (uint16_t)(65530 + 19));
	for (unsigned back = 0; back < 8; back++)
		g_assert_nonnull(history_find(history, highest - back));
	g_assert_null(history_find(history, highest - 8));
	g_assert_null(history_find(history, highest + 1));
	history_free(history);
	packet_pool_free(pool);
}

static void test_takes_each_once(void)
{
	g_autoptr(GRand) random = seeded_random();
	PacketPool *pool = packet_pool_new();
	History *history = history_new(512);
	unsigned fresh = 0;
	/* 3,000 numbers across a wrap, each three times, shuffled within 100. */
	uint16_t order[9000];
	for (unsigned i = 0; i < 9000; i++)
		order[i] = (uint16_t)(64000 + i / 3);
	for (unsigned i = 0; i + 100 < 9000; i++) {
		unsigned other = i + (unsigned)g_rand_int_range(random, 0, 100);
		uint16_t held = order[i];
		order[i] = order[other];
		order[other] = held;
	}
	for (unsigned i = 0; i < 9000; i++)
		fresh += add(history, pool, order[i]);
	g_assert_cmpuint(fresh, ==, 3000);
	g_assert_false(add(history, pool, (uint16_t)(64000 + 100))); /* long forgotten */
	history_free(history);
	packet_pool_free(pool);
}

/* Another worker's history of the same stream takes the packets as they are, in any order. */
static void test_mirrors(void)
{
	g_autoptr(GRand) random = seeded_random();
	PacketPool *pool = packet_pool_new();
	History *home = history_new(512), *mirror = history_new(512);
	Packet *late[16] = { 0 };
	for (unsigned i = 0; i < 3000; i++) {
		Packet *packet = packet_new(pool);
		packet->rtp.sequence = (uint16_t)(64000 + i);
		if (g_rand_int_range(random, 0, 20)) {
			g_assert_true(history_add(home, packet));
			Packet **place = &late[g_rand_int_range(random, 0, 16)];
			Packet *held = *place;
			*place = packet_ref(packet);
			if (held) {
				uint64_t number = held->sequence;
				g_assert_true(history_keep(mirror, held));
				g_assert_false(history_keep(mirror, held));
				g_assert_cmpuint(held->sequence, ==, number);
				packet_unref(held);
			}
		}
		packet_unref(packet);
	}
	for (unsigned i = 0; i < 16; i++)
		if (late[i]) {
			history_keep(mirror, late[i]);
			packet_unref(late[i]);
		}
	g_assert_cmpuint(history_highest(mirror), ==, history_highest(home));
	for (unsigned back = 0; back < 200; back++) {
		uint64_t number = history_highest(home) - back;
		g_assert_true(history_find(mirror, number) == history_find(home, number));
	}
	history_free(home);
	history_free(mirror);
	packet_pool_free(pool);
}

static void test_asks_for_what_is_missing(void)
{
	Gaps gaps = { 0 };
	uint16_t lost[GAPS_MAX];
	gaps_packet(&gaps, 100, 0);
	gaps_packet(&gaps, 104, 0);
	g_assert_cmpuint(gaps_due(&gaps, lost, GAPS_MAX, 1000), ==, 3);
	g_assert_cmpuint(gaps_due(&gaps, lost, GAPS_MAX, 2000), ==, 0);
	gaps_packet(&gaps, 102, 3000);
	g_assert_cmpuint(gaps_due(&gaps, lost, GAPS_MAX, 60000), ==, 2);
	unsigned asked = 0;
	for (int64_t now_us = 100000; now_us < 3000000; now_us += 20000)
		asked += gaps_due(&gaps, lost, GAPS_MAX, now_us);
	g_assert_cmpuint(asked, <=, 2 * (GAPS_TRIES - 2));
	g_assert_cmpuint(gaps.count, ==, 0);
	gaps_packet(&gaps, 104 + GAPS_MAX + 1, 4000000);
	g_assert_cmpuint(gaps_due(&gaps, lost, GAPS_MAX, 4000000), ==, 0); /* an outage */
}

static void test_counts_loss_and_jitter(void)
{
	Reception reception = { 0 };
	RtcpReportBlock block;
	for (unsigned i = 0; i < 100; i++)
		if (i % 4)
			reception_packet(&reception, 65536 + i, i * 960, 48000, (int64_t)i * 20000);
	reception_report(&reception, 7, 2000000, &block);
	g_assert_cmpint(block.lost, ==, 24); /* the one before the first is not known */
	g_assert_cmpuint(block.fraction_lost, ==, 24 * 256 / 99);
	g_assert_cmpuint(block.highest, ==, 65536 + 99);
	g_assert_cmpuint(block.jitter, ==, 0);
	reception_sender_report(&reception, (uint64_t)5 << 32, 2000000);
	reception_report(&reception, 7, 2500000, &block);
	g_assert_cmpuint(block.fraction_lost, ==, 0);
	g_assert_cmpuint(block.last_sr, ==, 5u << 16);
	g_assert_cmpuint(block.delay_since_sr, ==, 32768);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/history/forgets-the-oldest-first", test_forgets_the_oldest_first);
	g_test_add_func("/history/takes-each-number-once", test_takes_each_once);
	g_test_add_func("/history/has-a-mirror-that-changes-no-packet", test_mirrors);
	g_test_add_func(
		"/gaps/asks-for-what-is-missing-and-gives-up", test_asks_for_what_is_missing);
	g_test_add_func("/reception/counts-loss-and-delay", test_counts_loss_and_jitter);
	return g_test_run();
}
