/* A slide that is turned is a change; what makes it sharp afterwards is not. */
#include "seed.h"
#include "sfu/stir.h"
#include <glib.h>

#define MS 1000LL
#define SEC 1000000LL

typedef struct Screen {
	Stir stir;
	int64_t now_us;
	uint32_t timestamp;
} Screen;

/* A picture in packets of 1,100 bytes, 200 ms after the one before. */
static void show(Screen *screen, unsigned bytes, bool keyframe)
{
	screen->now_us += 200 * MS;
	screen->timestamp += 18000;
	for (bool first = true; first || bytes; first = false) {
		unsigned len = MIN(bytes, 1100);
		stir_packet(
			&screen->stir, keyframe && first, screen->timestamp, len, screen->now_us);
		bytes -= len;
	}
}

static void rest(Screen *screen, int64_t us)
{
	for (int64_t until_us = screen->now_us + us; screen->now_us < until_us;)
		show(screen, 60, false);
}

/* It becomes sharp: less and less. */
static void sharpen(Screen *screen)
{
	for (unsigned bytes = 5000; bytes > 200; bytes = bytes * 4 / 5)
		show(screen, bytes, false);
}

static Screen screen_at_rest(GRand *random)
{
	Screen screen = { .now_us = g_rand_int_range(random, 1, 1000) * SEC };
	show(&screen, 15000, true);
	sharpen(&screen);
	rest(&screen, 3 * SEC);
	return screen;
}

static void a_beginning_is_no_change(void)
{
	g_autoptr(GRand) random = seeded_random();
	Screen screen = screen_at_rest(random);
	g_assert_cmpint(screen.stir.stirred_us, ==, 0);
}

static void a_turned_slide_is_one(void)
{
	g_autoptr(GRand) random = seeded_random();
	Screen screen = screen_at_rest(random);
	for (unsigned i = 0; i < 20; i++) {
		int64_t before_us = screen.now_us;
		show(&screen, (unsigned)g_rand_int_range(random, 7000, 30000), false);
		g_assert_cmpint(screen.stir.stirred_us, ==, before_us + 200 * MS);
		sharpen(&screen);
		/* the still that is asked for */
		show(&screen, 15000, true);
		sharpen(&screen);
		g_assert_cmpint(screen.stir.stirred_us, ==, before_us + 200 * MS);
		rest(&screen, 3 * SEC);
	}
}

static void a_keyframe_that_others_asked_for_is_none(void)
{
	g_autoptr(GRand) random = seeded_random();
	Screen screen = screen_at_rest(random);
	show(&screen, 15000, true);
	sharpen(&screen);
	rest(&screen, 2 * SEC);
	g_assert_cmpint(screen.stir.stirred_us, ==, 0);
}

static void a_pointer_that_moves_is_none(void)
{
	g_autoptr(GRand) random = seeded_random();
	Screen screen = screen_at_rest(random);
	for (unsigned i = 0; i < 100; i++)
		show(&screen, 400, false);
	g_assert_cmpint(screen.stir.stirred_us, ==, 0);
}

/* A film is a change that goes on: one is seen at its beginning, and seldom one after it. */
static void what_moves_on_is_one_change(void)
{
	g_autoptr(GRand) random = seeded_random();
	Screen screen = screen_at_rest(random);
	int64_t seen_us = 0;
	unsigned seen = 0, first_seen = 0;
	for (unsigned i = 0; i < 300; i++) {
		show(&screen, (unsigned)g_rand_int_range(random, 5000, 9000), false);
		seen += screen.stir.stirred_us != seen_us;
		seen_us = screen.stir.stirred_us;
		first_seen = i < 3 ? seen : first_seen;
	}
	g_assert_cmpuint(first_seen, ==, 1);
	g_assert_cmpuint(seen, <=, 4); /* of 60 s */
}

/* A browser sharpens on and on, with a quarter of its rate. */
static void a_restless_screen_is_turned_as_well(void)
{
	g_autoptr(GRand) random = seeded_random();
	Screen screen = screen_at_rest(random);
	for (unsigned i = 0; i < 40; i++)
		show(&screen, (unsigned)g_rand_int_range(random, 400, 900), false);
	g_assert_cmpint(screen.stir.stirred_us, ==, 0);
	show(&screen, 9000, false);
	g_assert_cmpint(screen.stir.stirred_us, ==, screen.now_us);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/stir/a-beginning-is-no-change", a_beginning_is_no_change);
	g_test_add_func("/stir/a-turned-slide-is-one", a_turned_slide_is_one);
	g_test_add_func("/stir/a-keyframe-that-others-asked-for-is-none",
		a_keyframe_that_others_asked_for_is_none);
	g_test_add_func("/stir/a-pointer-that-moves-is-none", a_pointer_that_moves_is_none);
	g_test_add_func("/stir/what-moves-on-is-one-change", what_moves_on_is_one_change);
	g_test_add_func(
		"/stir/a-restless-screen-is-turned-as-well", a_restless_screen_is_turned_as_well);
	return g_test_run();
}
