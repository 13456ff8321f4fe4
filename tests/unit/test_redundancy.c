/* When a viewer's voice carries its past, on a clock of the test's own. */
#include "sfu/redundancy.h"
#include <glib.h>

#define STEP_US 100000

typedef struct Line {
	Redundancy redundancy;
	int64_t now_us;
} Line;

/* The distance after so much time at this loss. */
static unsigned live(Line *line, double loss, double seconds)
{
	unsigned distance = line->redundancy.distance;
	for (int64_t until_us = line->now_us + (int64_t)(seconds * 1e6); line->now_us < until_us;) {
		line->now_us += STEP_US;
		distance = redundancy_choose(&line->redundancy, loss, line->now_us);
	}
	return distance;
}

static void test_begins_with_loss(void)
{
	Line line = { .now_us = 5000000 };
	g_assert_cmpuint(live(&line, 0, 60), ==, 0);
	g_assert_cmpuint(live(&line, 0.0199, 60), ==, 0);
	g_assert_cmpuint(live(&line, 0.02, 0.1), ==, 1);
	g_assert_cmpuint(live(&line, 0.0799, 60), ==, 1);
	g_assert_cmpuint(live(&line, 0.08, 0.1), ==, 2);
	g_assert_cmpuint(live(&line, 1, 60), ==, 2);

	Line other = { .now_us = 5000000 };
	g_assert_cmpuint(live(&other, 0.2, 0.1), ==, 2);
}

static void test_ends_when_calm(void)
{
	Line line = { .now_us = 5000000 };
	live(&line, 0.03, 1);
	g_assert_cmpuint(live(&line, 0.0099, 19.9), ==, 1);
	g_assert_cmpuint(live(&line, 0.0099, 0.1), ==, 0);

	/* Between the two marks nothing changes, however long. */
	live(&line, 0.03, 1);
	g_assert_cmpuint(live(&line, 0.01, 300), ==, 1);
	/* One bad moment, and it counts from there. */
	live(&line, 0, 19);
	live(&line, 0.015, 0.1);
	g_assert_cmpuint(live(&line, 0, 19.9), ==, 1);
	g_assert_cmpuint(live(&line, 0, 0.1), ==, 0);
}

static void test_two_become_one_become_none(void)
{
	Line line = { .now_us = 5000000 };
	live(&line, 0.1, 1);
	g_assert_cmpuint(live(&line, 0.04, 300), ==, 2);
	g_assert_cmpuint(live(&line, 0.039, 19.9), ==, 2);
	g_assert_cmpuint(live(&line, 0.039, 0.1), ==, 1);
	g_assert_cmpuint(live(&line, 0.009, 20), ==, 0);

	/* A line that is mended has both off after the one time. */
	live(&line, 0.5, 1);
	g_assert_cmpuint(live(&line, 0, 19.9), ==, 2);
	g_assert_cmpuint(live(&line, 0, 0.1), ==, 0);
}

/* A loss that swings around a mark changes nothing after the first time. */
static void test_does_not_swing(void)
{
	Line line = { .now_us = 5000000 };
	unsigned changes = 0, before = 0;
	for (unsigned i = 0; i < 600; i++) {
		unsigned distance = live(&line, i % 2 ? 0.015 : 0.025, 1);
		changes += distance != before;
		before = distance;
	}
	g_assert_cmpuint(changes, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/redundancy/begins-with-the-loss", test_begins_with_loss);
	g_test_add_func("/redundancy/ends-when-the-line-is-calm", test_ends_when_calm);
	g_test_add_func("/redundancy/two-become-one-become-none", test_two_become_one_become_none);
	g_test_add_func("/redundancy/a-swinging-loss-changes-nothing", test_does_not_swing);
	return g_test_run();
}
