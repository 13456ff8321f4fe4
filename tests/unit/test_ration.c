/* What a line is given on each rung. */
#include "sfu/ration.h"

static ParamsMedia video = { .video = true };

static Track *track_at(int64_t rate_bps)
{
	video.payload_type[CODEC_VP8] = 96;
	Track *track = track_new("owner", &video);
	track->rate_bps = rate_bps;
	track->weight = rate_bps <= TRACK_SMALL_BPS    ? TRACK_SMALL
			: rate_bps <= TRACK_MIDDLE_BPS ? TRACK_MIDDLE
						       : TRACK_LARGE;
	return track;
}

static RationPicture picture_of(const Ration *ration, SlotName slot, Track *track)
{
	unsigned layer;
	return ration_picture(ration, slot, track, 1000000, &layer);
}

/* A line that has told what it carries, on this rung. */
static Ration judged(unsigned rung)
{
	Ration ration;
	ration_init(&ration, true, 1000000);
	ration.ladder.rung = rung;
	return ration;
}

static void test_a_silent_line_is_given_all(void)
{
	Ration ration;
	Track *track = track_at(1500000);
	const RationScene scene = { .main = track };
	ration_init(&ration, false, 1000000);
	g_assert_true(ration_tick(&ration, &scene, 1100000)); /* the first news */
	g_assert_false(ration_tick(&ration, &scene, 1200000));
	g_assert_cmpuint(ration_news(&ration).rung, ==, RATION_TOP);
	g_assert_cmpstr(ration_news(&ration).why, ==, "unknown");
	g_assert_cmpint(picture_of(&ration, SLOT_MAIN, track), ==, RATION_MOVES);
	g_assert_false(ration_is_paced(&ration));
	g_assert_true(ration_may_send(&ration, 1));
	g_assert_cmpint(ration_probe(&ration, 1), ==, 0);
	ration_clear(&ration);

	/* Feedback was agreed, and none comes. */
	ration_init(&ration, true, 1000000);
	ration_sent(&ration, 7, 100, 1000000);
	for (int64_t now_us = 1100000; now_us < 4000000; now_us += 100000) {
		ration_tick(&ration, &scene, now_us);
		g_assert_cmpint(picture_of(&ration, SLOT_MAIN, track), ==,
			now_us > 3000000 ? RATION_MOVES : RATION_NOTHING);
	}
	ration_clear(&ration);
	track_free(track);
}

static void test_what_moves_on_which_rung(void)
{
	Track *small = track_at(130000), *middle = track_at(450000), *large = track_at(1300000);
	for (unsigned rung = 0; rung < LADDER_RUNGS; rung++) {
		Ration ration = judged(rung);
		RationPicture thin = rung ? RATION_STILLS : RATION_NOTHING;
		g_assert_cmpint(
			picture_of(&ration, SLOT_MAIN, small), ==, rung >= 3 ? RATION_MOVES : thin);
		g_assert_cmpint(picture_of(&ration, SLOT_SLIDES, large), ==,
			rung >= 4 ? RATION_MOVES : thin);
		g_assert_cmpint(picture_of(&ration, SLOT_MAIN, middle), ==,
			rung >= 5 ? RATION_MOVES : thin);
		g_assert_cmpint(
			picture_of(&ration, SLOT_MAIN, large), ==, rung >= 6 ? RATION_MOVES : thin);
		g_assert_true(ration_is_paced(&ration) == (rung < RATION_TOP));
		ration_clear(&ration);
	}
	track_free(small);
	track_free(middle);
	track_free(large);
}

static void test_a_viewer_may_want_less(void)
{
	Ration ration;
	ration_init(&ration, false, 1000000);
	ration_limit(&ration, 2);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 2);
	g_assert_cmpstr(ration_news(&ration).why, ==, "cap");
	ration_limit(&ration, 99);
	g_assert_cmpuint(ration_news(&ration).rung, ==, RATION_TOP);
	ration_clear(&ration);
}

/* The hub's own line is short: nobody gets more, and who wants still less keeps that. */
static void test_nobody_gets_more_than_the_ceiling(void)
{
	Ration ration;
	ration_init(&ration, false, 1000000);
	ration_ceiling(&ration, 4);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 4);
	g_assert_cmpstr(ration_news(&ration).why, ==, "cap");
	ration_limit(&ration, 2);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 2);
	ration_limit(&ration, RATION_TOP);
	ration_ceiling(&ration, 99);
	g_assert_cmpuint(ration_news(&ration).rung, ==, RATION_TOP);
	ration_clear(&ration);

	const RationScene scene = { 0 };
	ration = judged(RATION_TOP);
	ration_ceiling(&ration, 3);
	ration_tick(&ration, &scene, 2000000);
	g_assert_cmpuint(ration.ladder.rung, <=, 3);
	ration_clear(&ration);
}

/* A turned slide goes before the guard of voices for three seconds of eight. */
static void test_a_turned_slide_hurries(void)
{
	Ration ration = judged(1);
	unsigned hurried = 0;
	for (unsigned i = 0; i < 160; i++) {
		ration.redundancy = 1;
		ration_hurry(&ration, 2000000 + i * 100000);
		hurried += !ration.redundancy;
	}
	g_assert_cmpuint(hurried, ==, 60);
	ration_clear(&ration);

	ration = judged(3);
	ration.redundancy = 1;
	ration_hurry(&ration, 2000000);
	g_assert_cmpuint(ration.redundancy, ==, 1); /* its slides need no stills in a hurry */
	ration_clear(&ration);
}

/* So long, and what is said of the line each half second; 0 for nothing. */
static void hear(Ration *ration, const RationScene *scene, int64_t *now_us, double seconds,
	uint64_t said_bps)
{
	for (int64_t end_us = *now_us + (int64_t)(seconds * 1e6); *now_us < end_us;) {
		*now_us += 100000;
		if (said_bps && *now_us % 500000 == 0)
			ration_remb(ration, said_bps, *now_us);
		ration_tick(ration, scene, *now_us);
	}
}

/* It says what its line carries when that is less than it gets, and else little more than it gets.
 */
static void test_a_viewer_that_tells_of_the_whole(void)
{
	Ration ration;
	Track *track = track_at(130000);
	const RationScene scene = { .main = track, .slides = track };
	int64_t now_us = 1000000;
	ration_init(&ration, false, now_us);
	hear(&ration, &scene, &now_us, 3, 0);
	g_assert_cmpuint(ration_news(&ration).rung, ==, RATION_TOP); /* nothing is known */

	hear(&ration, &scene, &now_us, 1, 400000);
	g_assert_cmpuint(ration_news(&ration).rung, ==, RATION_TOP);
	hear(&ration, &scene, &now_us, 3, 300000);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 3);
	g_assert_cmpint(ration_news(&ration).rate_bps, ==, 300000);
	g_assert_cmpstr(ration_news(&ration).why, ==, "line");
	g_assert_true(ration_is_paced(&ration));
	g_assert_cmpint(ration_probe(&ration, now_us), ==, 0);
	hear(&ration, &scene, &now_us, 24, 290000);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 3);

	/* Nothing says that it is the line: a rung more, and when that was too much, one less. */
	hear(&ration, &scene, &now_us, 4, 290000);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 4);
	hear(&ration, &scene, &now_us, 1, 250000);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 3);
	hear(&ration, &scene, &now_us, 25, 260000);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 3);
	hear(&ration, &scene, &now_us, 1, 100000);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 1);
	hear(&ration, &scene, &now_us, 40, 0); /* few pictures, no word */
	g_assert_cmpuint(ration_news(&ration).rung, >=, 2);

	/* What it says comes up slowly: the rungs do not wait for it. */
	Ration wide;
	ration_init(&wide, false, now_us);
	for (uint64_t said = 300000; said < 700000; said += 20000)
		hear(&wide, &scene, &now_us, 1, said);
	g_assert_cmpuint(ration_news(&wide).rung, ==, RATION_TOP);
	ration_clear(&wide);

	/* It cannot say less while its queue is full all the time; that more is sent than it says,
	 * and much of it lost, says enough. */
	hear(&ration, &scene, &now_us, 30, 600000);
	g_assert_cmpuint(ration_news(&ration).rung, ==, RATION_TOP);
	for (unsigned i = 0; i < 100; i++) {
		for (unsigned n = 0; n < 20; n++)
			ration_sent(&ration, -1, 1000, now_us);
		ration_lost(&ration, 50);
		hear(&ration, &scene, &now_us, 0.1, i == 50 ? 610000 : 0);
	}
	g_assert_cmpuint(ration_news(&ration).rung, ==, 4);

	/* Nobody is told less than a voice needs, or more than there is. */
	ration_remb(&ration, 0, now_us);
	ration_tick(&ration, &scene, now_us);
	g_assert_cmpint(ration.remb.said_bps, ==, ESTIMATE_RATE_MIN);
	ration_remb(&ration, UINT64_MAX, now_us);
	g_assert_cmpint(ration.remb.said_bps, ==, ESTIMATE_RATE_MAX);
	for (unsigned i = 0; i < 300; i++)
		ration_lost(&ration, 26);
	hear(&ration, &scene, &now_us, 1, 2000000);
	g_assert_cmpuint(ration_news(&ration).loss_percent, ==, 10);
	g_assert_cmpuint(ration.redundancy, >, 0);
	ration_clear(&ration);

	/* Who tells of each packet tells more. */
	ration = judged(4);
	ration_remb(&ration, 40000, now_us);
	g_assert_cmpuint(ration_news(&ration).rung, ==, 4);
	g_assert_cmpint(ration_news(&ration).rate_bps, ==, 0);
	ration_clear(&ration);
	track_free(track);
}

/* Nothing in front of the voice: what leaves in ten seconds is what the pace says, in small sips.
 */
static void test_stills_leave_at_their_pace(void)
{
	Ration ration = judged(1);
	int64_t now_us = 1000000, sent = 0, most = 0;
	for (unsigned i = 0; i < 1000; i++, now_us += 10000) {
		int64_t at_once = 0;
		while (ration_may_send(&ration, now_us)) {
			ration_spend(&ration, 1000);
			at_once += 1000;
		}
		sent += at_once;
		most = MAX(most, at_once);
	}
	g_assert_cmpint(most, <=, 2000);
	g_assert_cmpint(sent * 8 / 10, >, 6000); /* nothing is known of its rate: the least */
	g_assert_cmpint(sent * 8 / 10, <, 9000);
	ration_clear(&ration);
}

/* After a rest, too, one large packet goes alone: two of them are a queue on a thin line. */
static void test_a_still_begins_with_one_packet(void)
{
	Ration ration = judged(1);
	for (unsigned i = 0; i < 200; i++) {
		int64_t now_us = 2000000 + i * 100000;
		if (i % 100) { /* ten seconds of rest */
			ration_may_send(&ration, now_us);
			continue;
		}
		g_assert_true(ration_may_send(&ration, now_us));
		ration_spend(&ration, 1150);
		g_assert_false(ration_may_send(&ration, now_us));
	}
	ration_clear(&ration);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ration/a-silent-line-is-given-all", test_a_silent_line_is_given_all);
	g_test_add_func("/ration/what-moves-on-which-rung", test_what_moves_on_which_rung);
	g_test_add_func("/ration/a-viewer-may-want-less", test_a_viewer_may_want_less);
	g_test_add_func("/ration/nobody-gets-more-than-the-ceiling",
		test_nobody_gets_more_than_the_ceiling);
	g_test_add_func(
		"/ration/a-viewer-that-tells-of-the-whole", test_a_viewer_that_tells_of_the_whole);
	g_test_add_func("/ration/a-turned-slide-hurries", test_a_turned_slide_hurries);
	g_test_add_func(
		"/ration/a-still-begins-with-one-packet", test_a_still_begins_with_one_packet);
	g_test_add_func("/ration/stills-leave-at-their-pace", test_stills_leave_at_their_pace);
	return g_test_run();
}
