/* Who is heard: nobody's first syllable is lost, nobody flutters, the loudest come first. */
#include "sfu/hearing.h"

#define MICS 6

static ParamsMedia media = { .source = SOURCE_MIC };

typedef struct Hall {
	Track *mics[MICS];
	Track *places[HEARING_PLACES];
	int64_t now_us;
} Hall;

static Hall hall_new(void)
{
	Hall hall = { .now_us = 10000000 };
	for (unsigned i = 0; i < MICS; i++)
		hall.mics[i] = track_new("owner", &media);
	return hall;
}

static void hall_clear(Hall *hall)
{
	for (unsigned i = 0; i < MICS; i++)
		track_free(hall->mics[i]);
}

/* For so long, each microphone at its level (-dBov). */
static void talk(
	Hall *hall, unsigned count, const int16_t *levels, const Track *first, int64_t duration_us)
{
	for (int64_t end = hall->now_us + duration_us; hall->now_us < end; hall->now_us += 20000) {
		for (unsigned i = 0; i < count; i++)
			loudness_packet(&hall->mics[i]->loudness, levels[i], hall->now_us);
		if (hall->now_us % 100000 == 0)
			hearing_choose(hall->places, hall->mics, count, first, hall->now_us);
	}
}

static int place_of(const Hall *hall, const Track *track)
{
	for (int i = 0; i < HEARING_PLACES; i++)
		if (hall->places[i] == track)
			return i;
	return -1;
}

static void test_few_are_all_heard(void)
{
	Hall hall = hall_new();
	hearing_choose(hall.places, hall.mics, 3, hall.mics[2], hall.now_us);
	for (unsigned i = 0; i < 3; i++) {
		g_assert_cmpint(place_of(&hall, hall.mics[i]), >=, 0);
		g_assert_cmpint(place_of(&hall, hall.mics[i]), <, 3);
	}
	g_assert_cmpint(place_of(&hall, hall.mics[2]), ==, 0);
	hall_clear(&hall);
}

static void test_loudest_are_heard(void)
{
	Hall hall = hall_new();
	static const int16_t silent[MICS] = { 90, 90, 90, 90, 90, 90 };
	static const int16_t three[MICS] = { 90, 20, 90, 25, 90, 22 };
	talk(&hall, MICS, silent, NULL, 1000000);
	talk(&hall, MICS, three, NULL, 2000000);
	g_assert_cmpint(place_of(&hall, hall.mics[1]), <, 3);
	g_assert_cmpint(place_of(&hall, hall.mics[3]), <, 3);
	g_assert_cmpint(place_of(&hall, hall.mics[5]), <, 3);
	for (unsigned i = 1; i < MICS; i += 2)
		g_assert_cmpint(place_of(&hall, hall.mics[i]), >=, 0);
	hall_clear(&hall);
}

static void test_pause_keeps_the_place(void)
{
	Hall hall = hall_new();
	static const int16_t four[MICS] = { 20, 20, 20, 90, 90, 90 };
	static const int16_t pause[MICS] = { 20, 20, 90, 90, 90, 40 };
	talk(&hall, MICS, four, hall.mics[0], 2000000);
	int before = place_of(&hall, hall.mics[2]);
	g_assert_cmpint(before, >=, 0);
	g_assert_cmpint(before, <, 3);
	talk(&hall, MICS, pause, hall.mics[0], 1000000);
	g_assert_cmpint(place_of(&hall, hall.mics[2]), ==, before);
	g_assert_cmpint(place_of(&hall, hall.mics[0]), ==, 0);
	hall_clear(&hall);
}

static void test_one_that_left_is_forgotten(void)
{
	Hall hall = hall_new();
	hearing_choose(hall.places, hall.mics, 3, NULL, hall.now_us);
	Track *left[2] = { hall.mics[0], hall.mics[2] };
	hearing_choose(hall.places, left, 2, NULL, hall.now_us);
	g_assert_cmpint(place_of(&hall, hall.mics[1]), ==, -1);
	hall_clear(&hall);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hearing/as-many-as-places-are-all-heard", test_few_are_all_heard);
	g_test_add_func("/hearing/the-loudest-three-are-heard", test_loudest_are_heard);
	g_test_add_func("/hearing/a-pause-for-breath-keeps-the-place", test_pause_keeps_the_place);
	g_test_add_func("/hearing/one-that-left-is-forgotten", test_one_that_left_is_forgotten);
	return g_test_run();
}
