/* What the ladder does with a rate: how fast it goes down and up, and how seldom it changes. */
#include "seed.h"
#include "sfu/ladder.h"

#define SEC 1000000LL
#define TICK_US 100000
#define HOUR (3600 * SEC)

static GRand *random_source;

static LadderInput input_of(int64_t rate_bps)
{
	return (LadderInput){
		.rate_bps = rate_bps, .cap = LADDER_RUNGS - 1, .available = LADDER_ALL
	};
}

static Ladder ladder_at(unsigned rung, int64_t now_us)
{
	Ladder ladder;
	const LadderInput input = input_of(rung ? ladder_enter_bps(rung) : 1);
	ladder_init(&ladder, now_us);
	ladder_tick(&ladder, &input, now_us);
	g_assert_cmpuint(ladder.rung, ==, rung);
	ladder.fresh = false; /* the start is over */
	return ladder;
}

/* Ticks until the rung is another; when that was. */
static int64_t until_change(
	Ladder *ladder, const LadderInput *input, int64_t now_us, int64_t most_us)
{
	for (int64_t at_us = now_us; at_us <= now_us + most_us; at_us += TICK_US)
		if (ladder_tick(ladder, input, at_us))
			return at_us;
	return -1;
}

static void the_table_has_room_between_in_and_out(void)
{
	for (unsigned i = 1; i < LADDER_RUNGS; i++) {
		g_assert_cmpint(ladder_leave_bps(i), <, ladder_enter_bps(i));
		g_assert_cmpint(ladder_enter_bps(i), >, ladder_leave_bps(i - 1));
	}
	g_assert_cmpint(ladder_enter_bps(6), ==, 1900000);
	g_assert_cmpint(ladder_leave_bps(1), ==, 46000);
}

static void starts_straight_at_what_is_known(void)
{
	static const struct {
		int64_t rate_bps;
		unsigned rung;
	} cases[] = { { 30000, 0 }, { 54000, 1 }, { 149999, 1 }, { 260000, 3 }, { 600000, 4 },
		{ 1899999, 5 }, { 1900000, 6 } };
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		Ladder ladder;
		LadderInput input = input_of(0);
		ladder_init(&ladder, 0);
		g_assert_false(ladder_tick(&ladder, &input, 0));
		g_assert_cmpuint(ladder.rung, ==, 0);
		g_assert_cmpint(ladder.want_bps, ==, 2280000); /* all that could be of use */
		input.rate_bps = cases[i].rate_bps;
		ladder_tick(&ladder, &input, TICK_US);
		g_assert_cmpuint(ladder.rung, ==, cases[i].rung);
		g_assert_cmpint(ladder.why, ==, cases[i].rung == 6 ? LADDER_TOP : LADDER_LINE);
	}
}

static void falls_at_once_to_what_fits(void)
{
	static const struct {
		int64_t rate_bps;
		bool congested;
		unsigned rung;
	} cases[] = { { 1500000, false, 6 }, { 1499999, false, 5 }, { 1660000, true, 5 },
		{ 1670000, true, 6 }, { 340000, true, 3 }, { 190000, true, 2 },
		{ 190000, false, 3 }, { 30000, true, 0 } };
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		Ladder ladder = ladder_at(6, 0);
		LadderInput input = input_of(cases[i].rate_bps);
		input.congested = cases[i].congested;
		ladder_tick(&ladder, &input, TICK_US);
		g_assert_cmpuint(ladder.rung, ==, cases[i].rung);
	}
}

static void climbs_a_rung_each_four_seconds(void)
{
	Ladder ladder = ladder_at(2, 0);
	const LadderInput input = input_of(3000000);
	int64_t at_us = 0;
	for (unsigned rung = 3; rung <= 6; rung++) {
		g_assert_cmpint(ladder.want_bps, ==,
			rung == 3 ? (int64_t)(1.2 * 260000)
				  : (int64_t)(1.2 * (double)ladder_enter_bps(rung)));
		int64_t next_us = until_change(&ladder, &input, at_us, 10 * SEC);
		g_assert_cmpint(next_us, ==, at_us + LADDER_UP_US);
		g_assert_cmpuint(ladder.rung, ==, rung);
		at_us = next_us;
	}
	g_assert_cmpint(ladder.want_bps, ==, 0);
	g_assert_cmpint(ladder.why, ==, LADDER_TOP);
}

/* The first probes may find the line bit by bit: nobody waits for his picture meanwhile. */
static void climbs_at_once_at_the_start(void)
{
	Ladder ladder;
	ladder_init(&ladder, 10 * SEC);
	LadderInput input = input_of(300000);
	ladder_tick(&ladder, &input, 10 * SEC);
	g_assert_cmpuint(ladder.rung, ==, 3);
	input.rate_bps = 3000000;
	ladder_tick(&ladder, &input, 10 * SEC + LADDER_START_US / 2);
	g_assert_cmpuint(ladder.rung, ==, 6);
	input.rate_bps = 300000;
	ladder_tick(&ladder, &input, 10 * SEC + LADDER_START_US / 2 + TICK_US);
	g_assert_cmpuint(ladder.rung, ==, 3);
	input.rate_bps = 3000000;
	ladder_tick(&ladder, &input, 10 * SEC + LADDER_START_US / 2 + 2 * TICK_US);
	g_assert_cmpuint(ladder.rung, ==, 3);
}

static void stands_only_where_a_rung_is(void)
{
	LadderInput input = input_of(3000000);
	input.available = 1 << 3; /* one layer of a small camera, no slides */
	Ladder ladder;
	ladder_init(&ladder, 0);
	ladder_tick(&ladder, &input, 0);
	g_assert_cmpuint(ladder.rung, ==, 3);
	g_assert_cmpint(ladder.why, ==, LADDER_TOP);
	input.available = 1 << 6; /* one layer of 720p: nobody waits for it */
	ladder_tick(&ladder, &input, 10 * SEC);
	g_assert_cmpuint(ladder.rung, ==, 6);
	input.rate_bps = 1400000;
	ladder_tick(&ladder, &input, 20 * SEC);
	g_assert_cmpuint(ladder.rung, ==, 2);
}

static void a_cap_holds_at_once_and_is_lifted_at_one_step(void)
{
	Ladder ladder = ladder_at(6, 0);
	LadderInput input = input_of(2500000);
	input.cap = 1;
	g_assert_true(ladder_tick(&ladder, &input, TICK_US));
	g_assert_cmpuint(ladder.rung, ==, 1);
	g_assert_cmpint(ladder.why, ==, LADDER_CAP);
	g_assert_cmpint(ladder.want_bps, ==, 0);
	g_assert_cmpint(until_change(&ladder, &input, TICK_US, 60 * SEC), ==, -1);
	input.cap = 99;
	g_assert_true(ladder_tick(&ladder, &input, 70 * SEC));
	g_assert_cmpuint(ladder.rung, ==, 6);
	g_assert_cmpint(ladder.why, ==, LADDER_TOP);
}

static void silence_takes_the_pictures_and_gives_them_back(void)
{
	Ladder ladder = ladder_at(6, 0);
	LadderInput input = input_of(2500000);
	input.silent = true;
	g_assert_true(ladder_tick(&ladder, &input, 60 * SEC));
	g_assert_cmpuint(ladder.rung, ==, 2);
	g_assert_cmpint(ladder.want_bps, ==, 0);
	input.silent = false;
	g_assert_true(ladder_tick(&ladder, &input, 61 * SEC));
	g_assert_cmpuint(ladder.rung, ==, 6);
}

static void says_when_it_is_loss(void)
{
	Ladder ladder = ladder_at(3, 0);
	LadderInput input = input_of(300000);
	input.loss = 0.2;
	ladder_tick(&ladder, &input, TICK_US);
	g_assert_cmpint(ladder.why, ==, LADDER_LOSS);
	input.loss = 0.01;
	ladder_tick(&ladder, &input, 2 * TICK_US);
	g_assert_cmpint(ladder.why, ==, LADDER_LINE);
}

static void a_rung_that_failed_is_tried_again_after_a_while(void)
{
	Ladder ladder = ladder_at(3, 0);
	const LadderInput enough = input_of(600000), little = input_of(400000),
			  much = input_of(700000);
	int64_t at_us = until_change(&ladder, &enough, 0, 10 * SEC);
	g_assert_cmpuint(ladder.rung, ==, 4);
	int64_t fell_us = until_change(&ladder, &little, at_us + 5 * SEC, 0);
	g_assert_cmpuint(ladder.rung, ==, 3);
	/* Not before 30 s … */
	Ladder other = ladder;
	at_us = until_change(&ladder, &enough, fell_us, 100 * SEC);
	g_assert_cmpint(at_us, ==, fell_us + LADDER_STAY_US);
	/* … unless the line carries much more. */
	g_assert_cmpint(
		until_change(&other, &much, fell_us, 100 * SEC), ==, fell_us + LADDER_UP_US);
	/* The second time it is left alone, and not even looked for. */
	fell_us = until_change(&ladder, &little, at_us + SEC, 0);
	g_assert_cmpuint(ladder.rung, ==, 3);
	g_assert_cmpint(ladder.want_bps, ==, 0);
	g_assert_cmpint(
		until_change(&ladder, &much, fell_us, 300 * SEC), ==, fell_us + LADDER_LOCK_US);
}

/* Each stay is long enough and each time the line carries much more, so that no rule but the count
 * of entries stands against it. */
static void a_rung_that_is_entered_often_is_left_alone(void)
{
	Ladder ladder = ladder_at(3, 0);
	const LadderInput little = input_of(400000), much = input_of(700000);
	int64_t now_us = 0, first_us = 0;
	for (unsigned i = 0; i < LADDER_ENTRIES; i++) {
		int64_t at_us = until_change(&ladder, &much, now_us, LADDER_UP_US);
		g_assert_cmpuint(ladder.rung, ==, 4);
		first_us = i ? first_us : at_us;
		now_us = until_change(&ladder, &little, at_us + LADDER_STAY_US, 0);
		g_assert_cmpuint(ladder.rung, ==, 3);
	}
	ladder_tick(&ladder, &much, now_us + LADDER_UP_US);
	g_assert_cmpint(ladder.want_bps, ==, 0);
	g_assert_cmpint(until_change(&ladder, &much, now_us + LADDER_UP_US, 300 * SEC), ==,
		first_us + LADDER_ENTRIES_US);
}

/* A line about a boundary, for an hour: what it carries swings by 10 %, by waves or in leaps. When
 * it carries less than the rung takes the estimate falls to 0.85 of it, and for some seconds
 * nothing more is known. */
static void swing(int64_t boundary_bps)
{
	double period = g_rand_double_range(random_source, 1, 90);
	bool leaps = g_rand_boolean(random_source);
	double at = 0, share = 0.9;
	int64_t known_us = 0, rate_bps = boundary_bps;
	unsigned changes = 0, lately = 0, most = 0;
	int64_t since_us = 0;
	Ladder ladder;
	ladder_init(&ladder, 0);
	for (int64_t now_us = 0; now_us < HOUR; now_us += TICK_US) {
		at += TICK_US / 1e6 / period;
		if (at >= 1) {
			at -= 1;
			share = g_rand_double_range(random_source, 0.9, 1.1);
		}
		double line = leaps ? share : 0.9 + 0.4 * (at < 0.5 ? at : 1 - at);
		int64_t carries_bps = (int64_t)(line * (double)boundary_bps);
		LadderInput input = input_of(rate_bps);
		if (carries_bps < ladder_leave_bps(ladder.rung)) {
			input.congested = true;
			rate_bps = MIN(rate_bps, (int64_t)(0.85 * (double)carries_bps));
			known_us = now_us + 3 * SEC;
		} else if (now_us >= known_us) {
			rate_bps = carries_bps;
		}
		input.rate_bps = rate_bps;
		bool changed = ladder_tick(&ladder, &input, now_us);
		if (now_us < 5 * SEC)
			continue; /* it comes to stand somewhere */
		if (now_us - since_us >= 300 * SEC) {
			since_us = now_us;
			lately = 0;
		}
		changes += changed;
		lately += changed;
		most = MAX(most, lately);
	}
	g_test_message("about %ld by %s of %.0f s: %u changes in an hour, at most %u in 5 min",
		(long)boundary_bps, leaps ? "leaps" : "waves", period, changes, most);
	g_assert_cmpuint(changes, <=, 120);
	g_assert_cmpuint(most, <=, 10);
}

static void a_swinging_line_changes_little(void)
{
	for (unsigned rung = 1; rung < LADDER_RUNGS; rung++)
		for (unsigned i = 0; i < 10; i++) {
			swing(ladder_enter_bps(rung));
			swing(ladder_leave_bps(rung));
			swing((ladder_enter_bps(rung) + ladder_leave_bps(rung)) / 2);
		}
}

/* Whatever is told: never where no rung is, never up while it is congested, never soon after. */
static void keeps_its_rules(void)
{
	Ladder ladder;
	LadderInput input = input_of(0);
	int64_t now_us = 5 * SEC, changed_us = 0;
	bool may_leap = true;
	ladder_init(&ladder, now_us);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned before = ladder.rung, top_before = ladder.top;
		bool was_fresh = ladder.fresh;
		if (g_rand_int_range(random_source, 0, 20) == 0)
			input.rate_bps = g_rand_int_range(random_source, 0, 3000000);
		if (g_rand_int_range(random_source, 0, 200) == 0)
			input.cap = (unsigned)g_rand_int_range(random_source, 0, 9);
		if (g_rand_int_range(random_source, 0, 200) == 0)
			input.available = g_rand_int(random_source);
		input.congested = g_rand_int_range(random_source, 0, 10) == 0;
		input.silent = g_rand_int_range(random_source, 0, 300) == 0;
		input.loss = g_rand_double(random_source);
		now_us += g_rand_int_range(random_source, 1, 300000);
		bool changed = ladder_tick(&ladder, &input, now_us);
		unsigned rungs = (input.available & LADDER_ALL) | 7;
		g_assert_cmpint(changed, ==, ladder.rung != before);
		g_assert_true(rungs >> ladder.rung & 1);
		g_assert_cmpuint(ladder.rung, <=, input.cap);
		g_assert_cmpint(ladder.want_bps, <=, 2280000);
		may_leap |= ladder.top > top_before || input.silent;
		if (ladder.rung > before) {
			g_assert_false(input.congested || input.silent);
			g_assert_cmpint(input.rate_bps, >=, ladder_enter_bps(ladder.rung));
			may_leap |= was_fresh;
			g_assert_true(may_leap || now_us - changed_us >= LADDER_UP_US);
			unsigned between = rungs & ((1u << ladder.rung) - (2u << before));
			g_assert_true(may_leap || !between);
			may_leap = false;
		}
		if (ladder.rung)
			g_assert_cmpint(input.silent ? INT64_MAX : input.rate_bps, >=,
				ladder_leave_bps(ladder.rung));
		if (changed)
			changed_us = now_us;
		g_assert_cmpint(ladder.since_us, <=, now_us);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	random_source = seeded_random();
	g_test_add_func("/ladder/the-table-has-room-between-in-and-out",
		the_table_has_room_between_in_and_out);
	g_test_add_func(
		"/ladder/starts-straight-at-what-is-known", starts_straight_at_what_is_known);
	g_test_add_func("/ladder/falls-at-once-to-what-fits", falls_at_once_to_what_fits);
	g_test_add_func("/ladder/climbs-a-rung-each-four-seconds", climbs_a_rung_each_four_seconds);
	g_test_add_func("/ladder/climbs-at-once-at-the-start", climbs_at_once_at_the_start);
	g_test_add_func("/ladder/stands-only-where-a-rung-is", stands_only_where_a_rung_is);
	g_test_add_func("/ladder/a-cap-holds-at-once-and-is-lifted-at-one-step",
		a_cap_holds_at_once_and_is_lifted_at_one_step);
	g_test_add_func("/ladder/silence-takes-the-pictures-and-gives-them-back",
		silence_takes_the_pictures_and_gives_them_back);
	g_test_add_func("/ladder/says-when-it-is-loss", says_when_it_is_loss);
	g_test_add_func("/ladder/a-rung-that-failed-is-tried-again-after-a-while",
		a_rung_that_failed_is_tried_again_after_a_while);
	g_test_add_func("/ladder/a-rung-that-is-entered-often-is-left-alone",
		a_rung_that_is_entered_often_is_left_alone);
	g_test_add_func("/ladder/a-swinging-line-changes-little", a_swinging_line_changes_little);
	g_test_add_func("/ladder/keeps-its-rules", keeps_its_rules);
	int result = g_test_run();
	g_rand_free(random_source);
	return result;
}
