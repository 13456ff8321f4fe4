/* What the estimate makes of feedback: of hiccups, queues, losses, bursts and lies. */
#include "seed.h"
#include "sfu/estimate.h"
#include <string.h>

#define SEC 1000000LL
#define MS 1000LL
#define LOST (-1)
#define VOICE 120
#define BIG 1200

static GRand *random_source;

/* A sender and an honest receiver, whose clocks agree in nothing. */
typedef struct Fake {
	Estimate *estimate;
	int64_t now_us, feedback_us, every_us;
	int64_t ask_us;   /* between two questions for padding */
	int64_t clock_us; /* the receiver's is so far ahead */
	double skew;
	uint16_t number;
	int64_t queue_us; /* of the line, when it has a rate */
	int64_t rate_bps, room_us;
	int64_t held_us; /* what is sent for 60 ms from then on comes 70 ms later */
	TwccFeedback waiting;
	int64_t arrival_us[1024];
} Fake;

static Fake *fake_new(void)
{
	Fake *fake = g_new0(Fake, 1);
	fake->now_us = g_rand_int_range(random_source, 0, 1000) * SEC;
	fake->feedback_us = fake->now_us;
	fake->every_us = 100 * MS;
	fake->ask_us = 10 * MS;
	fake->clock_us = (int64_t)g_rand_int(random_source) * 4000;
	fake->skew = 1;
	fake->held_us = INT64_MAX / 2;
	fake->number = (uint16_t)g_rand_int(random_source);
	fake->estimate = estimate_new(fake->now_us);
	return fake;
}

static void fake_free(Fake *fake)
{
	estimate_free(fake->estimate);
	g_free(fake);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fake, fake_free)

static const EstimateView *view_of(const Fake *fake)
{
	return estimate_view(fake->estimate);
}

/* It arrives after delay_us, or never. */
static void put(Fake *fake, unsigned bytes, int64_t delay_us)
{
	estimate_sent(fake->estimate, fake->number, bytes, fake->now_us);
	TwccFeedback *to = &fake->waiting;
	g_assert_cmpuint(to->length, <, G_N_ELEMENTS(to->arrivals));
	to->arrivals[to->length] =
		(TwccArrival){ .number = fake->number++, .received = delay_us != LOST };
	fake->arrival_us[to->length++] =
		(int64_t)((double)(fake->now_us + delay_us) * fake->skew) + fake->clock_us;
}

/* As a receiver writes it: times in steps of 250 us, the reference in 24 bits of 64 ms. What has
 * not arrived by now waits for the next. */
static void tell(Fake *fake)
{
	TwccFeedback feedback = { 0 };
	int64_t until_us = (int64_t)((double)fake->now_us * fake->skew) + fake->clock_us;
	unsigned length = 0;
	for (unsigned i = 0; i < fake->waiting.length; i++)
		if (fake->waiting.arrivals[i].received && fake->arrival_us[i] <= until_us)
			length = i + 1;
	int64_t before_us = -1;
	for (unsigned i = 0; i < length; i++) {
		TwccArrival *arrival = &feedback.arrivals[i];
		*arrival = fake->waiting.arrivals[i];
		int64_t at_us = fake->arrival_us[i] / 250 * 250;
		if (!arrival->received)
			continue;
		if (before_us < 0) {
			int64_t reference = at_us / 64000;
			feedback.reference_ms = (int32_t)((uint32_t)reference << 8) / 256 * 64;
			before_us = reference * 64000;
		}
		arrival->delta_us = (int32_t)(at_us - before_us);
		before_us = at_us;
	}
	feedback.length = length;
	if (length)
		estimate_feedback(fake->estimate, &feedback, fake->now_us);
	fake->waiting.length -= length;
	memmove(fake->waiting.arrivals, fake->waiting.arrivals + length,
		fake->waiting.length * sizeof(TwccArrival));
	memmove(fake->arrival_us, fake->arrival_us + length,
		fake->waiting.length * sizeof(int64_t));
}

/* Time goes on; what goes over the line with a rate leaves its queue. */
static void pass(Fake *fake, int64_t us)
{
	int64_t until_us = fake->now_us + us;
	while (fake->now_us < until_us) {
		int64_t step_us = MIN(until_us, fake->feedback_us) - fake->now_us;
		fake->now_us += step_us;
		fake->queue_us = MAX(fake->queue_us - step_us, 0);
		if (fake->now_us < fake->feedback_us)
			continue;
		tell(fake);
		estimate_tick(fake->estimate, fake->now_us);
		fake->feedback_us += fake->every_us;
	}
}

static void put_through(Fake *fake, unsigned bytes)
{
	int64_t turn_us = fake->rate_bps ? bytes * 8 * SEC / fake->rate_bps : 0;
	if (fake->room_us && fake->queue_us && fake->queue_us + turn_us > fake->room_us) {
		put(fake, bytes, LOST);
		return;
	}
	fake->queue_us += turn_us;
	bool held = fake->now_us >= fake->held_us && fake->now_us < fake->held_us + 60 * MS;
	put(fake, bytes, 20 * MS + fake->queue_us + (held ? 70 * MS : 0));
}

/* A steady stream; a rate of it comes to be known. */
static void stream(Fake *fake, int64_t bps, unsigned bytes, int64_t us)
{
	int64_t every_us = bytes * 8 * SEC / bps;
	for (int64_t end_us = fake->now_us + us; fake->now_us < end_us;) {
		put_through(fake, bytes);
		pass(fake, every_us);
	}
}

/* Asks for padding for a while, with voice; how much of it there was. */
static int64_t ask(Fake *fake, int64_t want_bps, int64_t us)
{
	int64_t padding = 0;
	for (int64_t at_us = 0; at_us < us; at_us += fake->ask_us) {
		if (at_us % (20 * MS) < fake->ask_us)
			put_through(fake, VOICE);
		int64_t bytes = estimate_probe_bytes(fake->estimate, want_bps, fake->now_us);
		padding += MAX(bytes, 0);
		for (; bytes > 0; bytes -= 300)
			put_through(fake, (unsigned)CLAMP(bytes, 70, 300));
		pass(fake, fake->ask_us);
	}
	return padding;
}

static void is_at_the_top_at_once(int64_t ask_us)
{
	g_autoptr(Fake) fake = fake_new();
	fake->ask_us = ask_us;
	g_assert_false(view_of(fake)->known);
	g_assert_cmpint(view_of(fake)->rate_bps, ==, 0);
	int64_t heard_us = 0, began_us = fake->now_us;
	while (!view_of(fake)->known && fake->now_us < began_us + 2 * SEC) {
		ask(fake, 2280000, ask_us);
		if (!heard_us)
			heard_us = view_of(fake)->heard_us;
	}
	g_test_message("asked each %ld ms, known %ld ms after the first feedback: %ld bit/s",
		(long)ask_us / 1000, (long)(fake->now_us - heard_us) / 1000,
		(long)view_of(fake)->rate_bps);
	g_assert_cmpint(fake->now_us - heard_us, <=, 600 * MS);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 1900000);
}

static void a_good_line_is_at_the_top_at_once(void)
{
	is_at_the_top_at_once(10 * MS);
}

/* The sfu asks once a round. */
static void it_is_where_a_busy_sfu_asks_seldom(void)
{
	for (int64_t ask_us = 18 * MS; ask_us <= 25 * MS; ask_us += MS / 2)
		is_at_the_top_at_once(ask_us);
}

/* What it found must enter the top rung (1.9 Mbit/s); a hair less is asked for again. */
static void it_is_where_rounds_are_ragged(void)
{
	for (unsigned run = 0; run < 4000; run++) {
		g_autoptr(Fake) fake = fake_new();
		for (int64_t end_us = fake->now_us + 3 * SEC; fake->now_us < end_us;) {
			fake->ask_us = g_rand_int_range(random_source, 4000, 22000);
			ask(fake, 2280000, fake->ask_us);
		}
		g_assert_cmpint(view_of(fake)->rate_bps, >=, 1900000);
	}
}

static void the_start_finds_the_rate_of_the_line(void)
{
	static const int64_t rates[] = { 64000, 100000, 200000, 300000, 600000, 900000, 1500000,
		2000000 };
	for (unsigned i = 0; i < G_N_ELEMENTS(rates); i++) {
		g_autoptr(Fake) fake = fake_new();
		fake->rate_bps = rates[i];
		int64_t padding = ask(fake, 2280000, 500 * MS);
		if (rates[i] <= 100000)
			g_assert_cmpint(padding, <=, 4096);
		padding += ask(fake, 2280000, 1500 * MS);
		g_test_message("%ld: %ld by %ld bytes", (long)rates[i],
			(long)view_of(fake)->rate_bps, (long)padding);
		g_assert_true(view_of(fake)->known);
		g_assert_cmpint(view_of(fake)->rate_bps, <=, rates[i] * 23 / 20);
		g_assert_cmpint(view_of(fake)->rate_bps, >=, rates[i] / 2);
		if (rates[i] <= 100000) /* the first step is taken twice, with a pause */
			g_assert_cmpint(padding, <=, 8192);
	}
}

static void asks_no_more_than_is_wanted(void)
{
	g_autoptr(Fake) fake = fake_new();
	int64_t padding = ask(fake, 64800, 2 * SEC);
	g_assert_cmpint(padding, >, 0);
	g_assert_cmpint(padding, <, 1500);
	g_assert_true(view_of(fake)->known);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 54000);
	g_assert_cmpint(ask(fake, 0, 60 * SEC), ==, 0);
	g_assert_cmpint(ask(fake, view_of(fake)->rate_bps, 60 * SEC), ==, 0);
}

static Fake *fake_at_top(void)
{
	Fake *fake = fake_new();
	ask(fake, 2280000, 2 * SEC);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 2000000);
	return fake;
}

/* As recorded of a browser whose processor is busy: nothing for 50 ms to a second, then all as fast
 * as it can; a feedback may tell of half of that. */
static void a_hiccup_lowers_nothing(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	int64_t rate_bps = view_of(fake)->rate_bps, stalled_us = fake->now_us, arrival_us = 0;
	for (unsigned i = 0; i < 200 * 120; i++) {
		if (fake->now_us > stalled_us && g_rand_int_range(random_source, 0, 60) == 0)
			stalled_us = fake->now_us + g_rand_int_range(random_source, 50, 1000) * MS;
		arrival_us = MAX(MAX(stalled_us, fake->now_us + 20 * MS), arrival_us + MS / 2);
		put(fake, i % 4 ? BIG : VOICE, arrival_us - fake->now_us);
		pass(fake, 5 * MS);
		g_assert_false(view_of(fake)->congested);
	}
	g_assert_cmpint(view_of(fake)->rate_bps, >=, rate_bps);
}

/* A keyframe stands for half a second in front of itself. */
static void a_queue_that_goes_away_lowers_nothing(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	int64_t rate_bps = view_of(fake)->rate_bps;
	fake->rate_bps = 2000000;
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned n = 0; n < 50; n++)
			put_through(fake, BIG);
		for (unsigned n = 0; n < 300; n++) {
			stream(fake, 1250000, BIG, 7 * MS);
			g_assert_false(view_of(fake)->congested);
		}
	}
	g_assert_cmpint(view_of(fake)->rate_bps, >=, rate_bps);
}

static void clocks_that_drift_lower_nothing(void)
{
	for (int sign = -1; sign <= 1; sign += 2) {
		g_autoptr(Fake) fake = fake_at_top();
		fake->clock_us -= (int64_t)((double)fake->now_us * sign * 5e-4);
		fake->skew = 1 + sign * 5e-4;
		stream(fake, 500000, BIG, 300 * SEC);
		g_assert_false(view_of(fake)->congested);
		g_assert_cmpint(view_of(fake)->rate_bps, >=, 2000000);
		g_assert_cmpint(view_of(fake)->queue_us, <, 20 * MS);
	}
}

static void a_voice_alone_lowers_nothing(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	stream(fake, 48000, VOICE, 600 * SEC);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 2000000);
	g_assert_cmpint(view_of(fake)->acked_bps, <, 60000);
	pass(fake, 60 * SEC); /* nor that nobody speaks */
	stream(fake, 2400, VOICE, 60 * SEC);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 2000000);
	g_assert_false(view_of(fake)->silent);
}

static void a_queue_that_stands_lowers_to_what_comes(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	fake->rate_bps = 400000;
	int64_t began_us = fake->now_us;
	while (!view_of(fake)->congested && fake->now_us < began_us + 3 * SEC)
		stream(fake, 1500000, BIG, 20 * MS);
	g_test_message("seen after %ld ms", (long)(fake->now_us - began_us) / 1000);
	g_assert_cmpint(fake->now_us - began_us, <, 2 * SEC);
	/* A long queue makes the rate less still, till it has drained. */
	stream(fake, 200000, BIG, 2 * SEC);
	g_assert_true(view_of(fake)->congested);
	g_assert_cmpint(view_of(fake)->rate_bps, <, 340000);
	g_assert_cmpint(view_of(fake)->acked_bps, >, 360000);
	stream(fake, 200000, BIG, 8 * SEC);
	g_assert_false(view_of(fake)->congested);
	g_assert_cmpint(view_of(fake)->queue_us, <, 35 * MS);
	g_assert_cmpint(view_of(fake)->rate_bps, >, 310000);
	g_assert_cmpint(view_of(fake)->rate_bps, <, 390000);
}

/* A mobile telephone goes over another mast: 80 ms more from now on. Less is sent, and that changes
 * nothing: it is no queue of ours. */
static void a_longer_way_is_not_a_queue_for_long(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	int64_t began_us = fake->now_us;
	while (fake->now_us < began_us + 15 * SEC) {
		put(fake, BIG, fake->now_us < began_us + 5 * SEC ? 20 * MS : 100 * MS);
		pass(fake, BIG * 8 * SEC / CLAMP(view_of(fake)->rate_bps, 50000, 1000000));
	}
	g_assert_false(view_of(fake)->congested);
	g_assert_cmpint(view_of(fake)->queue_us, <, 35 * MS);
	g_assert_cmpint(view_of(fake)->rate_bps, >, 400000);
}

static void random_loss_lowers_nothing(void)
{
	static const double shares[] = { 0.05, 0.1, 0.15 };
	for (unsigned i = 0; i < G_N_ELEMENTS(shares); i++) {
		g_autoptr(Fake) fake = fake_at_top();
		for (unsigned n = 0; n < 100 * 120; n++) {
			bool lost = g_rand_double(random_source) < shares[i];
			put(fake, BIG, lost ? LOST : 20 * MS);
			pass(fake, 10 * MS);
			g_assert_cmpint(view_of(fake)->rate_bps, >=, 1000000);
		}
		g_assert_cmpint(view_of(fake)->rate_bps, >=, i < 2 ? 2000000 : 1500000);
		g_assert_cmpfloat(ABS(view_of(fake)->loss - shares[i]), <, 0.08);
	}
}

/* The queue of a cheap router, which is full at times and never stands: pictures fill it, and the
 * end of each is lost. */
static void a_short_queue_that_runs_over_is_seen(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	fake->rate_bps = 500000;
	fake->room_us = 50 * MS;
	for (unsigned i = 0; i < 12 * 40; i++) {
		int64_t bps = MIN(view_of(fake)->rate_bps, 300000);
		for (int64_t bytes = bps / 8 / 12; bytes > 0; bytes -= 400)
			put_through(fake, 400);
		pass(fake, SEC / 12);
	}
	g_assert_cmpint(view_of(fake)->rate_bps, >, 150000);
	g_assert_cmpint(view_of(fake)->rate_bps, <, 300000);
	g_assert_cmpfloat(view_of(fake)->loss, <, 0.08);
}

/* A burst that fails loses much where the queue is short: that is no news of the line. */
static void what_a_burst_loses_lowers_nothing(void)
{
	g_autoptr(Fake) fake = fake_new();
	fake->rate_bps = 400000;
	fake->room_us = 50 * MS;
	ask(fake, 2280000, 3 * SEC);
	for (unsigned i = 0; i < 3000; i++) {
		put_through(fake, 400);
		ask(fake, 672000, 20 * MS);
		g_assert_cmpint(view_of(fake)->rate_bps, >, 340000);
		g_assert_cmpfloat(view_of(fake)->loss, <, 0.03);
	}
}

/* Told again, nothing is told. */
static void a_feedback_counts_once(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	static TwccFeedback feedback;
	for (unsigned round = 0; round < 100; round++) {
		memset(&feedback, 0, sizeof feedback);
		feedback.length = 10;
		feedback.reference_ms = (int32_t)(round + 1000) * 128;
		for (unsigned i = 0; i < 10; i++) {
			feedback.arrivals[i] = (TwccArrival){
				.number = fake->number,
				.received = true,
				.delta_us = 12000,
			};
			estimate_sent(fake->estimate, fake->number++, 1000, fake->now_us);
			fake->now_us += 12800;
		}
		for (unsigned again = 0; again < 5; again++)
			estimate_feedback(fake->estimate, &feedback, fake->now_us);
	}
	g_assert_cmpint(view_of(fake)->acked_bps, >, 500000);
	g_assert_cmpint(view_of(fake)->acked_bps, <, 800000);
}

/* A policer: no queue at all, and what is too much is lost. */
static void loss_that_goes_with_the_rate_is_ours(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	double tokens = 0;
	for (unsigned n = 0; n < 6000; n++) {
		int64_t bps = CLAMP(view_of(fake)->rate_bps, 100000, 750000);
		int64_t every_us = BIG * 8 * SEC / bps;
		tokens = MIN(tokens + 500000 / 8.0 * (double)every_us / 1e6, 2 * BIG);
		bool room = tokens >= BIG;
		tokens -= room ? BIG : 0;
		put(fake, BIG, room ? 20 * MS : LOST);
		pass(fake, every_us);
	}
	g_assert_cmpint(view_of(fake)->rate_bps, <, 650000);
	g_assert_cmpint(view_of(fake)->rate_bps, >, 250000);
	g_assert_cmpfloat(view_of(fake)->loss, <, 0.2);
}

/* Less is tried against it, in vain; then all is as before. */
static void much_loss_at_any_rate_is_borne(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	int64_t rate_bps = view_of(fake)->rate_bps, least_bps = rate_bps, began_us = fake->now_us;
	while (fake->now_us < began_us + 60 * SEC) {
		put(fake, BIG, g_rand_double(random_source) < 0.28 ? LOST : 20 * MS);
		pass(fake, BIG * 8 * SEC / CLAMP(view_of(fake)->rate_bps, 50000, 1500000));
		least_bps = MIN(least_bps, view_of(fake)->rate_bps);
	}
	g_assert_cmpint(least_bps, <, 1500000);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, rate_bps);
}

static void a_clock_that_is_set_is_no_queue(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	for (int sign = 1; sign >= -1; sign -= 2) {
		fake->clock_us += sign * 1200 * SEC;
		stream(fake, 1000000, BIG, 5 * SEC);
		g_assert_false(view_of(fake)->congested);
		g_assert_cmpint(view_of(fake)->rate_bps, >=, 1900000);
		g_assert_cmpint(view_of(fake)->acked_bps, >, 900000);
	}
}

/* The processor of the browser is busy, as it is when it has just begun. */
static void a_first_step_that_is_held_up_is_taken_again(void)
{
	g_autoptr(Fake) fake = fake_new();
	fake->held_us = fake->now_us + 65 * MS;
	ask(fake, 2280000, 2500 * MS);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 1900000);
}

/* … and what it held up at the beginning of a burst does not make the end of it look fast. */
static void a_burst_that_begins_late_tells_nothing(void)
{
	g_autoptr(Fake) fake = fake_new();
	fake->rate_bps = 200000;
	fake->held_us = fake->now_us - 20 * MS;
	ask(fake, 2280000, 4 * SEC);
	g_assert_true(view_of(fake)->known);
	g_assert_cmpint(view_of(fake)->rate_bps, <=, 230000);
}

/* Those not yet there when feedback is written are told of as lost, and come with the next. */
static void what_comes_late_is_not_lost(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	TwccFeedback feedback;
	for (unsigned round = 0; round < 300; round++) {
		memset(&feedback, 0, sizeof feedback);
		for (unsigned i = 0; i < 20; i++) {
			estimate_sent(fake->estimate, (uint16_t)(fake->number + i), BIG,
				fake->now_us + i * 5 * MS);
			feedback.arrivals[i] = (TwccArrival){
				.number = (uint16_t)(fake->number + i),
				.received = i % 3 != 1,
			};
		}
		fake->number += 20;
		fake->now_us += 100 * MS;
		feedback.length = 20;
		int64_t at_us = fake->now_us + fake->clock_us;
		feedback.reference_ms = (int32_t)((uint32_t)(at_us / 64000) << 8) / 256 * 64;
		estimate_feedback(fake->estimate, &feedback, fake->now_us);
		for (unsigned i = 0; i < 20; i++)
			feedback.arrivals[i].received = true;
		estimate_feedback(fake->estimate, &feedback, fake->now_us + 10 * MS);
	}
	g_assert_cmpfloat(view_of(fake)->loss, <, 0.02);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 1000000);
}

static void a_burst_that_fails_is_tried_later_and_later(void)
{
	g_autoptr(Fake) fake = fake_new();
	fake->rate_bps = 400000;
	ask(fake, 2280000, 3 * SEC);
	int64_t wait_us[16] = { 0 }, last_us = 0;
	unsigned bursts = 0;
	for (unsigned i = 0; i < 12000 && bursts < G_N_ELEMENTS(wait_us); i++) {
		bool sent = ask(fake, 672000, 20 * MS) > 0;
		if (sent && fake->now_us - last_us > SEC)
			wait_us[bursts++] = last_us ? fake->now_us - last_us : 0;
		if (sent)
			last_us = fake->now_us;
	}
	g_assert_cmpuint(bursts, >, 8);
	g_assert_cmpint(wait_us[2], <, 8 * SEC);
	for (unsigned i = 2; i + 1 < bursts; i++)
		g_assert_cmpint(wait_us[i + 1], >=, MIN(wait_us[i] - SEC / 2, 19 * SEC));
	g_assert_cmpint(wait_us[bursts - 1], >, 15 * SEC);
	g_assert_cmpint(wait_us[bursts - 1], <, 25 * SEC);
	g_assert_cmpint(view_of(fake)->rate_bps, <, 440000);
}

static void silence_is_noticed_and_forgotten(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	int64_t rate_bps = view_of(fake)->rate_bps;
	for (unsigned i = 0; i < 200; i++) {
		put(fake, VOICE, LOST);
		pass(fake, 20 * MS);
	}
	g_assert_true(view_of(fake)->silent);
	g_assert_cmpint(estimate_probe_bytes(fake->estimate, 5000000, fake->now_us), ==, 0);
	stream(fake, 48000, VOICE, SEC);
	g_assert_false(view_of(fake)->silent);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, rate_bps / 2);
}

static void a_lost_feedback_is_no_lost_rate(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	for (unsigned i = 0; i < 100 * 60; i++) {
		put(fake, BIG, 20 * MS);
		fake->now_us += 10 * MS;
		if (i % 50 == 49) {
			fake->waiting.length = 0;
		} else if (i % 10 == 9) {
			tell(fake);
			if (i > 200)
				g_assert_cmpint(view_of(fake)->acked_bps, >, 800000);
		}
	}
	g_assert_cmpfloat(view_of(fake)->loss, <, 0.01);
}

static void fill_with_lies(TwccFeedback *feedback, uint16_t number)
{
	unsigned kind = (unsigned)g_rand_int_range(random_source, 0, 5);
	feedback->length = (unsigned)g_rand_int_range(random_source, 0, 1025);
	feedback->reference_ms = (int32_t)(g_rand_int(random_source) << 8) / 256 * 64;
	uint16_t first = kind == 4 ? (uint16_t)g_rand_int(random_source)
				   : (uint16_t)(number - g_rand_int_range(random_source, 0, 600));
	for (unsigned i = 0; i < feedback->length; i++)
		feedback->arrivals[i] = (TwccArrival){ .number = (uint16_t)(first + i),
			.received = kind != 0 && g_rand_boolean(random_source),
			.delta_us = kind == 1   ? INT16_MAX * 250
				    : kind == 2 ? INT16_MIN * 250
						: g_rand_int_range(
							  random_source, INT16_MIN, INT16_MAX) *
							  250 };
}

/* Nothing he says makes a number that is none, and once he is honest it is forgotten. */
static void who_lies_hurts_himself(void)
{
	static TwccFeedback feedback;
	g_autoptr(Fake) fake = fake_new();
	for (unsigned i = 0; i < 20000; i++) {
		for (int n = g_rand_int_range(random_source, 0, 30); n > 0; n--)
			estimate_sent(fake->estimate, fake->number++,
				(unsigned)g_rand_int_range(random_source, 0, 100000), fake->now_us);
		fill_with_lies(&feedback, fake->number);
		for (unsigned again = 0; again < 3; again++)
			estimate_feedback(fake->estimate, &feedback, fake->now_us);
		estimate_tick(fake->estimate, fake->now_us);
		int64_t bytes = estimate_probe_bytes(fake->estimate,
			g_rand_int_range(random_source, -5, 100) * 100000, fake->now_us);
		const EstimateView *view = view_of(fake);
		g_assert_cmpint(bytes, >=, 0);
		g_assert_cmpint(bytes, <=, 500000);
		g_assert_cmpint(view->rate_bps, >=, 0);
		g_assert_cmpint(view->rate_bps, <=, ESTIMATE_RATE_MAX);
		g_assert_cmpint(view->queue_us, >=, 0);
		g_assert_cmpint(view->acked_bps, >=, 0);
		g_assert_true(view->loss >= 0 && view->loss <= 1);
		fake->now_us += g_rand_int_range(random_source, 0, 200000);
	}
	fake->feedback_us = fake->now_us;
	stream(fake, 600000, BIG, 40 * SEC);
	g_assert_false(view_of(fake)->congested);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 500000);
	g_assert_cmpfloat(view_of(fake)->loss, <, 0.01);
}

/* A voice that was lost and sent again as it was: that it comes late is no queue, and the line has
 * lost it all the same. */
static void what_is_sent_again_was_lost(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	for (unsigned i = 0; i < 1500; i++) {
		bool lost = i % 20 == 7;
		put(fake, VOICE, lost ? 120 * MS : 20 * MS);
		if (lost)
			estimate_repeated(fake->estimate, (uint16_t)(fake->number - 1));
		pass(fake, 20 * MS);
		g_assert_false(view_of(fake)->congested);
		g_assert_cmpint(view_of(fake)->queue_us, <, 30 * MS);
	}
	g_assert_cmpfloat(view_of(fake)->loss, >, 0.03);
	g_assert_cmpfloat(view_of(fake)->loss, <, 0.08);
}

static void all_lost_leaves_a_voice(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	static TwccFeedback feedback;
	for (unsigned i = 0; i < 600; i++) {
		feedback.length = 10;
		for (unsigned n = 0; n < 10; n++) {
			feedback.arrivals[n] = (TwccArrival){ .number = fake->number };
			estimate_sent(fake->estimate, fake->number++, BIG, fake->now_us);
		}
		fake->now_us += 100 * MS;
		estimate_feedback(fake->estimate, &feedback, fake->now_us);
	}
	g_assert_cmpint(view_of(fake)->rate_bps, ==, ESTIMATE_RATE_MIN);
	g_assert_true(view_of(fake)->congested);
	g_assert_cmpfloat(view_of(fake)->loss, >, 0.9);
}

/* The clocks and numbers of a long meeting: all that wraps has wrapped. */
static void nothing_minds_a_wrap(void)
{
	g_autoptr(Fake) fake = fake_at_top();
	fake->clock_us = ((int64_t)1 << 24) * 64000 - fake->now_us - 5 * SEC;
	stream(fake, 1000000, BIG, 60 * SEC); /* the reference, and the clock is set */
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 800000);
	g_assert_false(view_of(fake)->congested);
	/* 32 bits of microseconds, by both clocks */
	pass(fake, (((int64_t)1 << 32) - 5 * SEC) - fake->now_us % ((int64_t)1 << 32));
	stream(fake, 1000000, VOICE, 10 * SEC); /* and 10,000 numbers */
	g_assert_false(view_of(fake)->congested);
	stream(fake, 1000000, VOICE, 60 * SEC);
	g_assert_cmpint(view_of(fake)->rate_bps, >=, 800000);
	g_assert_cmpint(view_of(fake)->acked_bps, >=, 900000);
	g_assert_cmpfloat(view_of(fake)->loss, <, 0.01);
}

/* What it costs, with -m perf: 442 viewers of ten feedbacks a second, 22 packets each. */
static void costs_little(void)
{
	enum { VIEWERS = 442, ROUNDS = 300, PACKETS = 22 };
	static Estimate *estimates[VIEWERS];
	static TwccFeedback feedback;
	int64_t now_us = SEC;
	double sent = 0, told = 0;
	for (unsigned i = 0; i < VIEWERS; i++)
		estimates[i] = estimate_new(now_us);
	for (unsigned round = 0; round < ROUNDS; round++) {
		g_test_timer_start();
		for (unsigned n = 0; n < PACKETS; n++)
			for (unsigned i = 0; i < VIEWERS; i++)
				estimate_sent(estimates[i], (uint16_t)(round * PACKETS + n), BIG,
					now_us + n * 4500);
		sent += g_test_timer_elapsed();
		now_us += 100 * MS;
		feedback.length = PACKETS;
		feedback.reference_ms = (int32_t)(now_us / 64000 * 64);
		for (unsigned n = 0; n < PACKETS; n++)
			feedback.arrivals[n] = (TwccArrival){
				.number = (uint16_t)(round * PACKETS + n),
				.received = n != 7,
				.delta_us = 4500,
			};
		g_test_timer_start();
		for (unsigned i = 0; i < VIEWERS; i++)
			estimate_feedback(estimates[i], &feedback, now_us);
		told += g_test_timer_elapsed();
	}
	g_test_message("estimate_sent %.1f ns, estimate_feedback %.3f us",
		1e9 * sent / (ROUNDS * PACKETS * VIEWERS), 1e6 * told / (ROUNDS * VIEWERS));
	for (unsigned i = 0; i < VIEWERS; i++)
		estimate_free(estimates[i]);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	random_source = seeded_random();
	g_test_add_func(
		"/estimate/a-good-line-is-at-the-top-at-once", a_good_line_is_at_the_top_at_once);
	g_test_add_func(
		"/estimate/it-is-where-a-busy-sfu-asks-seldom", it_is_where_a_busy_sfu_asks_seldom);
	g_test_add_func("/estimate/a-good-line-is-at-the-top-where-rounds-are-ragged",
		it_is_where_rounds_are_ragged);
	g_test_add_func("/estimate/the-start-finds-the-rate-of-the-line",
		the_start_finds_the_rate_of_the_line);
	g_test_add_func("/estimate/asks-no-more-than-is-wanted", asks_no_more_than_is_wanted);
	g_test_add_func("/estimate/a-hiccup-lowers-nothing", a_hiccup_lowers_nothing);
	g_test_add_func("/estimate/a-queue-that-goes-away-lowers-nothing",
		a_queue_that_goes_away_lowers_nothing);
	g_test_add_func("/estimate/a-short-queue-that-runs-over-is-seen",
		a_short_queue_that_runs_over_is_seen);
	g_test_add_func(
		"/estimate/what-a-burst-loses-lowers-nothing", what_a_burst_loses_lowers_nothing);
	g_test_add_func("/estimate/a-feedback-counts-once", a_feedback_counts_once);
	g_test_add_func(
		"/estimate/clocks-that-drift-lower-nothing", clocks_that_drift_lower_nothing);
	g_test_add_func("/estimate/a-voice-alone-lowers-nothing", a_voice_alone_lowers_nothing);
	g_test_add_func("/estimate/a-queue-that-stands-lowers-to-what-comes",
		a_queue_that_stands_lowers_to_what_comes);
	g_test_add_func("/estimate/a-longer-way-is-not-a-queue-for-long",
		a_longer_way_is_not_a_queue_for_long);
	g_test_add_func("/estimate/random-loss-lowers-nothing", random_loss_lowers_nothing);
	g_test_add_func("/estimate/loss-that-goes-with-the-rate-is-ours",
		loss_that_goes_with_the_rate_is_ours);
	g_test_add_func("/estimate/much-loss-at-any-rate-is-borne", much_loss_at_any_rate_is_borne);
	g_test_add_func(
		"/estimate/a-clock-that-is-set-is-no-queue", a_clock_that_is_set_is_no_queue);
	g_test_add_func("/estimate/a-first-step-that-is-held-up-is-taken-again",
		a_first_step_that_is_held_up_is_taken_again);
	g_test_add_func("/estimate/a-burst-that-begins-late-tells-nothing",
		a_burst_that_begins_late_tells_nothing);
	g_test_add_func("/estimate/what-comes-late-is-not-lost", what_comes_late_is_not_lost);
	g_test_add_func("/estimate/a-burst-that-fails-is-tried-later-and-later",
		a_burst_that_fails_is_tried_later_and_later);
	g_test_add_func(
		"/estimate/silence-is-noticed-and-forgotten", silence_is_noticed_and_forgotten);
	g_test_add_func(
		"/estimate/a-lost-feedback-is-no-lost-rate", a_lost_feedback_is_no_lost_rate);
	g_test_add_func("/estimate/who-lies-hurts-himself", who_lies_hurts_himself);
	g_test_add_func("/estimate/what-is-sent-again-was-lost", what_is_sent_again_was_lost);
	g_test_add_func("/estimate/all-lost-leaves-a-voice", all_lost_leaves_a_voice);
	g_test_add_func("/estimate/nothing-minds-a-wrap", nothing_minds_a_wrap);
	if (g_test_perf())
		g_test_add_func("/estimate/costs-little", costs_little);
	int result = g_test_run();
	g_rand_free(random_source);
	return result;
}
