/* test_twcc.c - transport-wide feedback: what arrived is what the other side reads */
#include "sfu/rtcp.h"
#include "sfu/twcc.h"
#include <glib.h>

#define TICK_US 250

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TwccLog, twcc_log_free)

/* What a sender that reads all feedback knows: the arrival of each number, in ticks; -1 for none.
 */
typedef struct Sender {
	int64_t ticks[0x10000];
	bool told[0x10000];
	unsigned feedbacks;
	uint8_t count;
} Sender;

static Sender *sender_new(void)
{
	Sender *sender = g_new0(Sender, 1);
	for (unsigned i = 0; i < G_N_ELEMENTS(sender->ticks); i++)
		sender->ticks[i] = -1;
	return sender;
}

static void on_transport_cc(uint32_t from, const uint8_t *fci, size_t len, void *user)
{
	Sender *sender = user;
	TwccFeedback feedback;
	g_assert_cmpuint(from, ==, 7);
	g_assert_true(twcc_read(&feedback, fci, len));
	g_assert_cmpuint(feedback.count, ==, sender->count);
	sender->count++;
	sender->feedbacks++;
	int64_t tick = (int64_t)feedback.reference_ms * 4;
	for (unsigned i = 0; i < feedback.length; i++) {
		const TwccArrival *arrival = &feedback.arrivals[i];
		g_assert_cmpuint(arrival->number, ==, (uint16_t)(feedback.arrivals[0].number + i));
		sender->told[arrival->number] = true;
		if (!arrival->received)
			continue;
		tick += arrival->delta_us / TICK_US;
		sender->ticks[arrival->number] = tick;
	}
	g_assert_true(feedback.arrivals[feedback.length - 1].received);
}

/* Writes all there is to tell into datagrams of this size. */
static void tell(TwccLog *log, Sender *sender, size_t size)
{
	const RtcpEvents events = { .transport_cc = on_transport_cc };
	uint8_t data[1400];
	for (;;) {
		Writer out = writer_of(data, size);
		if (!twcc_log_write(log, &out, 7, 9))
			break;
		g_assert_cmpuint(writer_len(&out), <=, 1200);
		g_assert_cmpuint(writer_len(&out) % 4, ==, 0);
		g_assert_true(rtcp_read(data, writer_len(&out), &events, sender));
	}
}

static void says_nothing_without_news(void)
{
	g_autoptr(TwccLog) log = twcc_log_new();
	g_autofree Sender *sender = sender_new();
	tell(log, sender, 1200);
	g_assert_cmpuint(sender->feedbacks, ==, 0);
	twcc_log_add(log, 5, 1000000);
	tell(log, sender, 1200);
	tell(log, sender, 1200);
	g_assert_cmpuint(sender->feedbacks, ==, 1);
	g_assert_cmpint(sender->ticks[5], ==, 4000);
}

static void writes_what_the_draft_shows(void)
{
	g_autoptr(TwccLog) log = twcc_log_new();
	uint8_t data[100];
	Writer out = writer_of(data, sizeof data);
	twcc_log_add(log, 1, 64000 * 5 + 1000);   /* reference 5, 4 ticks */
	twcc_log_add(log, 2, 64000 * 5 + 1500);   /* 2 more */
	twcc_log_add(log, 5, 64000 * 5 + 101500); /* 400 more: two bytes */
	g_assert_true(twcc_log_write(log, &out, 0x01020304, 0x05060708));
	const uint8_t expected[] = { 0x8f, 205, 0, 6, 1, 2, 3, 4, 5, 6, 7, 8, /* */
		0, 1, 0, 5, 0, 0, 5, 0,                                       /* */
		0xd4, 0x20, /* two-bit vector: 1 1 0 0 2 - - */
		4, 2, 0x01, 0x90, 0, 0 };
	g_assert_cmpmem(data, writer_len(&out), expected, sizeof expected);
}

static void any_pattern_comes_through(void)
{
	for (unsigned round = 0; round < 300; round++) {
		g_autoptr(TwccLog) log = twcc_log_new();
		g_autofree Sender *sender = sender_new();
		g_autofree int64_t *came = g_new(int64_t, 0x10000);
		for (unsigned i = 0; i < 0x10000; i++)
			came[i] = -1;
		int loss = g_test_rand_int_range(0, 100), burst = g_test_rand_int_range(1, 60);
		int late = g_test_rand_int_range(0, 30), spread = g_test_rand_int_range(1, 40);
		int pause = 1 << g_test_rand_int_range(1, 20),
		    every = g_test_rand_int_range(1, 400);
		size_t size = (size_t)g_test_rand_int_range(400, 1400);
		uint16_t first = (uint16_t)g_test_rand_int();
		int64_t now_us = 64000 + g_test_rand_int_range(0, 1 << 30);
		uint16_t held[64];
		unsigned held_count = 0, lost = 0;
		for (unsigned i = 0; i < 3000; i++) {
			uint16_t number = (uint16_t)(first + i);
			now_us += g_test_rand_int_range(0, pause);
			if (!lost && g_test_rand_int_range(0, 100) < loss)
				lost = (unsigned)g_test_rand_int_range(1, burst + 1);
			if (lost && i) {
				lost--;
			} else if (i && g_test_rand_int_range(0, 100) < late && held_count < 64) {
				held[held_count++] = number;
			} else {
				twcc_log_add(log, number, now_us);
				came[number] = now_us / TICK_US;
				twcc_log_add(log, number, now_us + 5000); /* a duplicate: dropped */
			}
			if (held_count && i % (unsigned)spread == 0) {
				number = held[--held_count];
				if ((uint16_t)(first + i - number) <=
					512) { /* else lost for good */
					twcc_log_add(log, number, now_us);
					came[number] = now_us / TICK_US;
				}
			}
			if (i % (unsigned)every == 0)
				tell(log, sender, size);
		}
		tell(log, sender, size);
		for (unsigned i = 0; i < 0x10000; i++)
			g_assert_cmpint(sender->ticks[i], ==, came[i]);
	}
}

static void a_late_one_corrects_what_was_told(void)
{
	g_autoptr(TwccLog) log = twcc_log_new();
	g_autofree Sender *sender = sender_new();
	twcc_log_add(log, 65534, 1000000);
	twcc_log_add(log, 1, 1001000);
	tell(log, sender, 1200);
	g_assert_true(sender->told[65535]);
	g_assert_cmpint(sender->ticks[65535], ==, -1);
	twcc_log_add(log, 65535, 1002000);
	tell(log, sender, 1200);
	g_assert_cmpint(sender->ticks[65535], ==, 4008);
	g_assert_cmpint(sender->ticks[1], ==, 4004);
}

static void the_far_past_is_dropped_and_a_jump_is_followed(void)
{
	g_autoptr(TwccLog) log = twcc_log_new();
	g_autofree Sender *sender = sender_new();
	twcc_log_add(log, 5000, 1000000);
	tell(log, sender, 1200);
	twcc_log_add(log, 5000 - TWCC_LOG_SIZE, 1000000);
	tell(log, sender, 1200);
	g_assert_cmpuint(sender->feedbacks, ==, 1);
	twcc_log_add(log, 20000, 1100000);
	tell(log, sender, 1200);
	g_assert_cmpuint(sender->feedbacks, ==, 2);
	g_assert_cmpint(sender->ticks[20000], ==, 4400);
	g_assert_false(sender->told[20000 - TWCC_LOG_SIZE]);
	g_assert_true(sender->told[20001 - TWCC_LOG_SIZE]);
}

static void a_pause_too_long_for_a_delta_starts_another(void)
{
	g_autoptr(TwccLog) log = twcc_log_new();
	g_autofree Sender *sender = sender_new();
	twcc_log_add(log, 1, 1000000);
	twcc_log_add(log, 2, 1000000 + 32768 * TICK_US);
	twcc_log_add(log, 3, 1000000 + (32768 + 32767) * TICK_US);
	tell(log, sender, 1200);
	g_assert_cmpuint(sender->feedbacks, ==, 2);
	g_assert_cmpint(sender->ticks[1], ==, 4000);
	g_assert_cmpint(sender->ticks[2], ==, 4000 + 32768);
	g_assert_cmpint(sender->ticks[3], ==, 4000 + 32768 + 32767);
}

static void says_so_when_nothing_fits(void)
{
	g_autoptr(TwccLog) log = twcc_log_new();
	g_autofree Sender *sender = sender_new();
	uint8_t data[1200];
	twcc_log_add(log, 1, 1000000);
	for (size_t size = 0; size < 24; size++) {
		Writer out = writer_of(data, size);
		g_assert_false(twcc_log_write(log, &out, 7, 9));
		g_assert_false(out.ok);
		g_assert_cmpuint(writer_len(&out), ==, 0);
	}
	tell(log, sender, 1200); /* and nothing is lost */
	g_assert_cmpint(sender->ticks[1], ==, 4000);
}

static void reads_runs_and_both_vectors(void)
{
	const uint8_t fci[] = { 0xff, 0xfe, 0, 30, 0xff, 0xff, 0xff,
		9,               /* base, 30, -1, feedback 9 */
		0x20, 0x09,      /* nine small */
		0xbf, 0xff & ~1, /* 1-bit: 13 small, one lost */
		0xe4, 0x00,      /* 2-bit: large, small, lost */
		0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* */
		0xff, 0xff, 1, 0, 0 };
	TwccFeedback feedback;
	g_assert_true(twcc_read(&feedback, fci, sizeof fci));
	g_assert_cmpint(feedback.reference_ms, ==, -64);
	g_assert_cmpuint(feedback.count, ==, 9);
	g_assert_cmpuint(feedback.length, ==, 30);
	g_assert_cmpuint(feedback.arrivals[2].number, ==, 0); /* over the wrap */
	g_assert_cmpint(feedback.arrivals[8].delta_us, ==, 8 * TICK_US);
	g_assert_false(feedback.arrivals[22].received);
	g_assert_cmpint(feedback.arrivals[23].delta_us, ==, -TICK_US);
	g_assert_cmpint(feedback.arrivals[24].delta_us, ==, TICK_US);
	g_assert_false(feedback.arrivals[25].received);
}

static void refuses_what_does_not_add_up(void)
{
	static const struct {
		const char *why;
		uint8_t fci[16];
		size_t len;
	} bad[] = {
		{ "nothing", { 0 }, 0 },
		{ "half a head", { 0, 1, 0, 1, 0, 0, 0 }, 7 },
		{ "no packets", { 0, 1, 0, 0, 0, 0, 0, 0, 0x20, 1, 0 }, 11 },
		{ "no chunks", { 0, 1, 0, 1, 0, 0, 0, 0 }, 8 },
		{ "a run of none", { 0, 1, 0, 1, 0, 0, 0, 0, 0x20, 0, 0x20, 1, 0 }, 13 },
		{ "a delta too few", { 0, 1, 0, 2, 0, 0, 0, 0, 0x20, 2, 0 }, 11 },
		{ "half a large delta", { 0, 1, 0, 1, 0, 0, 0, 0, 0x40, 1, 0 }, 11 },
		{ "the symbol nobody has", { 0, 1, 0, 1, 0, 0, 0, 0, 0x60, 1, 0, 0 }, 12 },
		{ "more packets than fit", { 0, 1, 4, 1, 0, 0, 0, 0, 0x1f, 0xff }, 10 },
	};
	TwccFeedback feedback;
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_test_message("%s", bad[i].why);
		g_assert_false(twcc_read(&feedback, bad[i].fci, bad[i].len));
		g_assert_cmpuint(feedback.length, ==, 0);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/twcc/says-nothing-without-news", says_nothing_without_news);
	g_test_add_func("/twcc/writes-what-the-draft-shows", writes_what_the_draft_shows);
	g_test_add_func("/twcc/any-pattern-comes-through", any_pattern_comes_through);
	g_test_add_func(
		"/twcc/a-late-one-corrects-what-was-told", a_late_one_corrects_what_was_told);
	g_test_add_func("/twcc/the-far-past-is-dropped-and-a-jump-is-followed",
		the_far_past_is_dropped_and_a_jump_is_followed);
	g_test_add_func("/twcc/a-pause-too-long-for-a-delta-starts-another",
		a_pause_too_long_for_a_delta_starts_another);
	g_test_add_func("/twcc/says-so-when-nothing-fits", says_so_when_nothing_fits);
	g_test_add_func("/twcc/reads-runs-and-both-vectors", reads_runs_and_both_vectors);
	g_test_add_func("/twcc/refuses-what-does-not-add-up", refuses_what_does_not_add_up);
	return g_test_run();
}
