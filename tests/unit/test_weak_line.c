/* What the ladder promises, asked of every kind of line: estimate and ladder in a closed loop over
 * the lanes of tests/link. */
#include "fake_viewer.h"
#include "seed.h"
#include <string.h>

#define RUNS 3
#define SLIDE_RUNS 20

static GRand *random_source;

typedef struct Line {
	const char *name;
	int64_t rate_bps, queue_ms, delay_ms, jitter_ms;
	double loss;
	bool unordered, busy;
	unsigned lowest, highest; /* rungs on which it is to stand … */
	double share;             /* … for so much of the time, all runs taken together */
} Line;

static void shapes_of(const Line *line, LaneShape *down, LaneShape *up)
{
	*down = (LaneShape){ .rate_bps = line->rate_bps,
		.queue.us = line->queue_ms * 1000,
		.delay_us = line->delay_ms * 1000,
		.jitter.us = line->jitter_ms * 1000,
		.unordered = line->unordered,
		.loss = line->loss };
	*up = *down;
	up->rate_bps = 0;
}

/* 90 s, after the 5 in which it may look for its rung. */
static void stands_where_it_should(const Line *line)
{
	double share = 0;
	for (unsigned i = 0; i < RUNS; i++) {
		LaneShape down, up;
		shapes_of(line, &down, &up);
		g_autoptr(FakeViewer) viewer = fake_viewer_new(&down, &up, random_source);
		viewer->busy = line->busy;
		fake_viewer_run(viewer, 5);
		memset(viewer->rung_us, 0, sizeof viewer->rung_us);
		viewer->changes = 0;
		fake_viewer_run(viewer, 90);
		fake_viewer_report(viewer, line->name);
		g_assert_cmpfloat(fake_viewer_spoilt(viewer), <, line->busy ? 0.05 : 0.02);
		share += fake_viewer_share(viewer, line->lowest, line->highest) / RUNS;
		bool restless = line->busy || line->jitter_ms || line->loss > 0;
		g_assert_cmpuint(viewer->changes, <=, restless ? 12 : 3);
	}
	g_assert_cmpfloat(share, >=, line->share - 1e-9);
}

static void weak_lines_keep_their_voice(void)
{
	static const Line lines[] = {
		{ "64 kbit/s", 64000, 200, 20, 0, 0, false, false, 0, 1, 1 },
		{ "64 kbit/s, long queue", 64000, 1000, 20, 0, 0, false, false, 0, 1, 1 },
		{ "100 kbit/s, 5 %", 100000, 200, 20, 0, 0.05, false, false, 1, 1, 0.65 },
		{ "100 kbit/s, 5 %, busy", 100000, 300, 30, 0, 0.05, false, true, 1, 1, 0.65 },
		{ "64 kbit/s, busy", 64000, 300, 30, 0, 0, false, true, 0, 1, 0.95 },
		{ "300 kbit/s", 300000, 200, 20, 0, 0, false, false, 3, 3, 0.9 },
		{ "300 kbit/s, long queue", 300000, 1000, 20, 0, 0, false, false, 3, 3, 0.9 },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++)
		stands_where_it_should(&lines[i]);
}

/* Slides are seen, whole, within five seconds of the turn; the rung that has them stays. */
static void slides_are_seen_soon(void)
{
	static const struct {
		Line line;
		double late; /* so many may come later */
	} lines[] = {
		{ { "100 kbit/s, 5 %", 100000, 300, 30, 0, 0.05, false, false, 1, 1, 0 }, 0.01 },
		{ { "64 kbit/s", 64000, 300, 30, 0, 0, false, false, 1, 1, 0 }, 0.02 },
		{ { "80 kbit/s, 5 %", 80000, 300, 30, 0, 0.05, false, false, 1, 1, 0 }, 0.05 },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
		unsigned slides = 0, late = 0, changes = 0;
		double seen_s = 0;
		for (unsigned n = 0; n < SLIDE_RUNS; n++) {
			LaneShape down, up;
			shapes_of(&lines[i].line, &down, &up);
			g_autoptr(FakeViewer) viewer = fake_viewer_new(&down, &up, random_source);
			fake_viewer_run(viewer, 10); /* it looks for its rung */
			viewer->slides = viewer->slides_late = viewer->changes = 0;
			viewer->slides_us = 0;
			fake_viewer_run(viewer, 180);
			slides += viewer->slides;
			late += viewer->slides_late;
			changes += viewer->changes;
			seen_s += (double)viewer->slides_us / 1e6;
		}
		g_test_message("%s: %u slides, seen after %.1f s, %u late; %u changes of rung",
			lines[i].line.name, slides, seen_s / slides, late, changes);
		g_assert_cmpfloat((double)late / slides, <=, lines[i].late);
	}
}

static void good_lines_are_at_the_top(void)
{
	static const Line lines[] = {
		{ "2 Mbit/s", 2000000, 200, 20, 0, 0, false, false, 6, 6, 0.95 },
		{ "2 Mbit/s, short queue", 2000000, 50, 20, 0, 0, false, false, 5, 6, 0.95 },
		{ "no limit", 0, 200, 20, 0, 0, false, false, 6, 6, 1 },
		{ "no limit, far away", 0, 200, 150, 0, 0, false, false, 6, 6, 1 },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++)
		stands_where_it_should(&lines[i]);
}

static void busy_processors_take_no_rung(void)
{
	static const Line lines[] = {
		{ "no limit, busy", 0, 200, 20, 0, 0, false, true, 6, 6, 0.7 },
		{ "2 Mbit/s, busy", 2000000, 200, 20, 0, 0, false, true, 5, 6, 0.7 },
		{ "300 kbit/s, busy", 300000, 200, 20, 0, 0, false, true, 2, 3, 0.8 },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++)
		stands_where_it_should(&lines[i]);
}

/* Ten pictures a second come through where fifteen are sent. */
static void radio_keeps_its_picture(void)
{
	static const Line lines[] = {
		{ "20 % at 60 ms", 0, 200, 60, 0, 0.2, false, false, 3, 6, 0.9 },
		{ "20 % at 60 ms, 2 Mbit/s", 2000000, 200, 60, 0, 0.2, false, false, 3, 6, 0.8 },
		{ "10 %, 1 Mbit/s", 1000000, 200, 30, 0, 0.1, false, false, 3, 6, 0.9 },
		{ "jitter out of order", 0, 200, 20, 80, 0, true, false, 5, 6, 0.8 },
		{ "jitter out of order, 2 Mbit/s", 2000000, 200, 20, 80, 0, true, false, 5, 6,
			0.6 },
		{ "jitter in order", 0, 200, 20, 80, 0, false, false, 4, 6, 0.7 },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++)
		stands_where_it_should(&lines[i]);
}

static void a_queue_may_be_short_or_long(void)
{
	static const Line lines[] = {
		{ "500 kbit/s, 50 ms", 500000, 50, 20, 0, 0, false, false, 3, 4, 0.9 },
		{ "1 Mbit/s, 50 ms", 1000000, 50, 20, 0, 0, false, false, 4, 5, 0.9 },
		{ "500 kbit/s, 1 s", 500000, 1000, 20, 0, 0, false, false, 3, 4, 0.9 },
		{ "1 Mbit/s, 1 s", 1000000, 1000, 20, 0, 0, false, false, 4, 5, 0.9 },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++)
		stands_where_it_should(&lines[i]);
}

/* 2 Mbit/s, then 400 kbit/s, then 2 again. False: it fell before it got weak, since keyframes are
 * larger than the queue; how seldom that is, is seen above. */
static bool falls_and_comes_back(int64_t queue_ms, double weak_s, unsigned *over)
{
	const Line line = { .rate_bps = 2000000, .queue_ms = queue_ms, .delay_ms = 20 };
	LaneShape down, up;
	shapes_of(&line, &down, &up);
	g_autoptr(FakeViewer) viewer = fake_viewer_new(&down, &up, random_source);
	fake_viewer_run(viewer, 20);
	if (fake_viewer_rung(viewer) < 6 || viewer->changes > 1)
		return false;

	down.rate_bps = 400000;
	lane_set_shape(viewer->down, &down, viewer->now_us);
	double under_s = 0;
	for (double at_s = 0.5; at_s <= 3; at_s += 0.5) {
		fake_viewer_run(viewer, 0.5);
		if ((double)viewer->window_bytes * 8 / 0.5 > 400000)
			under_s = at_s;
	}
	fake_viewer_run(viewer, 3); /* a slide that is turned now takes a second of the line */
	*over += (double)viewer->window_bytes * 8 / 3 >= 400000;
	fake_viewer_run(viewer, weak_s);
	g_assert_cmpint(viewer->queue_us, <, 300000);
	g_assert_cmpfloat((double)viewer->window_bytes * 8 / weak_s, <, 400000);
	g_assert_cmpuint(fake_viewer_rung(viewer), >=, 3);
	g_assert_cmpuint(fake_viewer_rung(viewer), <=, 4); /* for a moment, when it looks */
	int64_t queue_us = viewer->queue_us;

	down.rate_bps = 2000000;
	lane_set_shape(viewer->down, &down, viewer->now_us);
	int64_t began_us = viewer->now_us;
	while (fake_viewer_rung(viewer) < 6 && viewer->now_us < began_us + 60 * SEC)
		fake_viewer_run(viewer, 0.1);
	g_test_message("queue of %ld ms: less than the line after %.1f s, then %ld ms at most; at "
		       "the top again after %.1f s",
		(long)queue_ms, under_s, (long)queue_us / 1000,
		(double)(viewer->now_us - began_us) / 1e6);
	g_assert_cmpint(viewer->now_us - began_us, <, 30 * SEC);
	return true;
}

static void a_line_that_gets_weak_and_well_again(void)
{
	static const int64_t queues_ms[] = { 50, 200, 1000 };
	unsigned over = 0;
	for (unsigned i = 0; i < G_N_ELEMENTS(queues_ms); i++)
		for (unsigned n = 0, tries = 0; n < RUNS; tries++) {
			g_assert_cmpuint(tries, <, 3 * RUNS);
			n += falls_and_comes_back(
				queues_ms[i], g_rand_double_range(random_source, 10, 100), &over);
		}
	/* One in a hundred is taken for radio that loses a quarter of everything: where the queue
	 * holds two packets, the two look alike. */
	g_assert_cmpuint(over, <=, 1);
}

/* Up and down by 10 %, every few seconds. */
static void swing(FakeViewer *viewer, LaneShape *down, int64_t about_bps, double left_s)
{
	while (left_s > 0) {
		double s = MIN(g_rand_double_range(random_source, 1, 15), left_s);
		double share = g_rand_double_range(random_source, 0.9, 1.1);
		down->rate_bps = (int64_t)(share * (double)about_bps);
		lane_set_shape(viewer->down, down, viewer->now_us);
		fake_viewer_run(viewer, s);
		left_s -= s;
	}
}

/* For five minutes, once it has found its rung. */
static void a_line_that_swings(void)
{
	for (unsigned rung = 1; rung < LADDER_RUNGS; rung++) {
		int64_t boundary_bps = g_rand_boolean(random_source) ? ladder_enter_bps(rung)
								     : ladder_leave_bps(rung);
		const Line line = { .rate_bps = boundary_bps, .queue_ms = 300, .delay_ms = 20 };
		LaneShape down, up;
		shapes_of(&line, &down, &up);
		g_autoptr(FakeViewer) viewer = fake_viewer_new(&down, &up, random_source);
		swing(viewer, &down, boundary_bps, 30);
		viewer->changes = 0;
		swing(viewer, &down, boundary_bps, 300);
		g_test_message("about %ld bit/s", (long)boundary_bps);
		fake_viewer_report(viewer, "swing");
		g_assert_cmpuint(viewer->changes, <=, 10);
		g_assert_cmpfloat(fake_viewer_spoilt(viewer), <, 0.03);
	}
}

/* 2 s of nothing, as between two masts: the voice goes on, the pictures come back at once. */
static void an_outage_takes_no_rung_for_long(void)
{
	const Line line = { .queue_ms = 200, .delay_ms = 30 };
	LaneShape down, up;
	shapes_of(&line, &down, &up);
	g_autoptr(FakeViewer) viewer = fake_viewer_new(&down, &up, random_source);
	fake_viewer_run(viewer, 20);
	lane_stop(viewer->down, viewer->now_us + 4 * SEC, viewer->now_us);
	lane_stop(viewer->up, viewer->now_us + 4 * SEC, viewer->now_us);
	fake_viewer_run(viewer, 4);
	g_assert_cmpuint(fake_viewer_rung(viewer), ==, 2);
	fake_viewer_run(viewer, 3);
	g_assert_cmpuint(fake_viewer_rung(viewer), ==, 6);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	random_source = seeded_random();
	g_test_add_func("/weak-line/weak-lines-keep-their-voice", weak_lines_keep_their_voice);
	g_test_add_func("/weak-line/slides-are-seen-soon", slides_are_seen_soon);
	g_test_add_func("/weak-line/good-lines-are-at-the-top", good_lines_are_at_the_top);
	g_test_add_func("/weak-line/busy-processors-take-no-rung", busy_processors_take_no_rung);
	g_test_add_func("/weak-line/radio-keeps-its-picture", radio_keeps_its_picture);
	g_test_add_func("/weak-line/a-queue-may-be-short-or-long", a_queue_may_be_short_or_long);
	g_test_add_func("/weak-line/a-line-that-gets-weak-and-well-again",
		a_line_that_gets_weak_and_well_again);
	g_test_add_func("/weak-line/a-line-that-swings", a_line_that_swings);
	g_test_add_func(
		"/weak-line/an-outage-takes-no-rung-for-long", an_outage_takes_no_rung_for_long);
	int result = g_test_run();
	g_rand_free(random_source);
	return result;
}
