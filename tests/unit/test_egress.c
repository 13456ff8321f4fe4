/* What the hub's own line takes: faces fall first, a rise that is in vain is tried more and more
 * seldom. */
#include "sfu/egress.h"
#include "sfu/ladder.h"
#include <glib.h>

#define SEC 1000000LL
#define TOP (LADDER_RUNGS - 1)
#define MBIT 1000000LL

/* A hall whose viewers take, each second, what the cap lets them. */
typedef struct Hall {
	Egress egress;
	int64_t now_us;
	uint64_t bytes;
	int64_t rung_bps[LADDER_RUNGS];
	unsigned changes, lowest;
} Hall;

static void hall_init(Hall *hall, int64_t budget_bps)
{
	static const int64_t each[] = { 40, 90, 110, 230, 500, 900, 1600 };
	*hall = (Hall){ .now_us = 1000 * SEC, .lowest = TOP };
	for (unsigned i = 0; i < LADDER_RUNGS; i++)
		hall->rung_bps[i] = 442 * each[i] * 1000;
	egress_init(&hall->egress, budget_bps, hall->now_us);
}

static void run(Hall *hall, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		hall->now_us += SEC;
		hall->bytes += (uint64_t)hall->rung_bps[hall->egress.cap] / 8;
		hall->changes += egress_tick(&hall->egress, hall->bytes, hall->now_us);
		hall->lowest = MIN(hall->lowest, hall->egress.cap);
	}
}

static void without_a_budget_nothing_falls(void)
{
	Hall hall;
	hall_init(&hall, 0);
	run(&hall, 600);
	g_assert_cmpuint(hall.changes, ==, 0);
	g_assert_cmpint(hall.egress.rate_bps, ==, hall.rung_bps[TOP]);
}

static void with_room_nothing_falls(void)
{
	Hall hall;
	hall_init(&hall, 1000 * MBIT);
	run(&hall, 600);
	g_assert_cmpuint(hall.changes, ==, 0);
	g_assert_cmpuint(hall.egress.cap, ==, TOP);
}

/* 442 sites on a line of 100 Mbit/s: 180p for each, within 8 s, and no swinging. */
static void a_thin_line_takes_the_faces(void)
{
	Hall hall;
	hall_init(&hall, 105 * MBIT);
	run(&hall, 8);
	g_assert_cmpuint(hall.egress.cap, ==, 3);
	hall.changes = 0;
	run(&hall, 600);
	g_assert_cmpuint(hall.egress.cap, ==, 3);
	g_assert_cmpuint(hall.changes, ==, 0); /* 97 % of it is in use: there is no room */
}

/* The rung above fits never, the one below leaves much room. */
static void a_rise_in_vain_is_tried_seldom(void)
{
	Hall hall;
	hall_init(&hall, 300 * MBIT);
	run(&hall, 3600);
	g_assert_cmpuint(hall.lowest, ==, 4);
	g_assert_cmpuint(hall.changes, <=, 2 + 2 * (4 + 3600 / 240));
}

static void voices_never_fall(void)
{
	Hall hall;
	hall_init(&hall, MBIT);
	run(&hall, 600);
	g_assert_cmpuint(hall.egress.cap, ==, EGRESS_LOWEST_RUNG);
}

/* Half the sites leave. */
static void what_falls_comes_back(void)
{
	Hall hall;
	hall_init(&hall, 400 * MBIT);
	run(&hall, 60);
	g_assert_cmpuint(hall.egress.cap, <, TOP);
	for (unsigned i = 0; i < LADDER_RUNGS; i++)
		hall.rung_bps[i] /= 2;
	run(&hall, 240);
	g_assert_cmpuint(hall.egress.cap, ==, TOP);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/egress/without-a-budget-nothing-falls", without_a_budget_nothing_falls);
	g_test_add_func("/egress/with-room-nothing-falls", with_room_nothing_falls);
	g_test_add_func("/egress/a-thin-line-takes-the-faces", a_thin_line_takes_the_faces);
	g_test_add_func("/egress/a-rise-in-vain-is-tried-seldom", a_rise_in_vain_is_tried_seldom);
	g_test_add_func("/egress/voices-never-fall", voices_never_fall);
	g_test_add_func("/egress/what-falls-comes-back", what_falls_comes_back);
	return g_test_run();
}
