/* From what a take holds to what is seen and heard: clocks, order, who is on, and when to try
 * again. */
#include "recorder/catalogue.h"
#include "recorder/finisher.h"
#include "recorder/mix.h"
#include "recorder/plan.h"
#include "recorder/reorder.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define SECOND ((int64_t)G_USEC_PER_SEC)
#define START (INT64_C(1795779301) * SECOND)
#define MIC 40000
#define CAMERA 40002
#define SKEW (INT64_C(-7200) * SECOND) /* the publisher's clock is two hours behind */

/* -- clocks -- */

/* Reports each second: voice and picture of one publisher, the line's delay as told by second. */
static Timing *reported(const int *delays_ms, unsigned count)
{
	Timing *timing = timing_new();
	timing_add_track(timing, MIC, "hall", 48000);
	timing_add_track(timing, CAMERA, "hall", 90000);
	for (unsigned i = 0; i < count; i++) {
		int64_t sender = START + SKEW + i * SECOND,
			arrival = sender - SKEW + delays_ms[i] * 1000;
		timing_add_report(timing, MIC, arrival, sender, 0xffff0000u + i * 48000);
		timing_add_report(timing, CAMERA, arrival, sender, 5000 + i * 90000);
	}
	return timing;
}

static void keeps_voice_and_picture_together_over_a_bad_line(void)
{
	static const int delays[] = { 20, 120, 20, 300, 25, 20, 400, 20 };
	g_autoptr(Timing) timing = reported(delays, G_N_ELEMENTS(delays));
	for (unsigned ms = 0; ms < 7000; ms += 10) {
		/* The same moment, the picture 200 ms later on the line than the voice. */
		int64_t voice =
			timing_map(timing, MIC, 0xffff0000u + ms * 48, START + ms * 1000 + 20000);
		int64_t picture =
			timing_map(timing, CAMERA, 5000 + ms * 90, START + ms * 1000 + 220000);
		g_assert_cmpint(ABS(voice - picture), <=, 1000);
		g_assert_cmpint(ABS(voice - (START + ms * 1000 + 20000)), <=, 1000);
	}
}

static void is_not_misled_by_one_wrong_report(void)
{
	static const int delays[] = { 20, 20, 20, 20, 20, 20, 20 };
	g_autoptr(Timing) timing = reported(delays, G_N_ELEMENTS(delays));
	timing_add_report(timing, MIC, START + 7 * SECOND + 20000, START + SKEW + 7 * SECOND,
		0xffff0000u + 7 * 48000 + 4800); /* a tenth of a second off */
	int64_t voice =
		timing_map(timing, MIC, 0xffff0000u + 7 * 48000, START + 7 * SECOND + 20000);
	g_assert_cmpint(ABS(voice - (START + 7 * SECOND + 20000)), <=, 1000);
}

static void follows_a_clock_that_is_set(void)
{
	g_autoptr(Timing) timing = timing_new();
	timing_add_track(timing, MIC, "hall", 48000);
	for (unsigned i = 0; i < 10; i++)
		timing_add_report(timing, MIC, START + i * SECOND,
			START + i * SECOND + (i < 5 ? 0 : 3600 * SECOND), i * 48000);
	for (unsigned i = 0; i < 10; i++) {
		int64_t voice = timing_map(timing, MIC, i * 48000, START + i * SECOND);
		g_assert_cmpint(ABS(voice - (START + i * SECOND)), <=, 1000);
	}
}

static void follows_a_microphone_that_runs_slow(void)
{
	g_autoptr(Timing) timing = timing_new();
	timing_add_track(timing, MIC, "hall", 48000);
	for (unsigned i = 0; i < 10; i++) /* 44,000 samples a second */
		timing_add_report(
			timing, MIC, START + i * 4 * SECOND, START + i * 4 * SECOND, i * 4 * 44000);
	for (unsigned ms = 0; ms < 35000; ms += 100) {
		int64_t voice = timing_map(timing, MIC, ms * 44, START + ms * 1000);
		g_assert_cmpint(ABS(voice - (START + ms * 1000)), <=, 1000);
	}
}

static void believes_no_reports_that_run_at_another_rate(void)
{
	g_autoptr(Timing) timing = timing_new();
	timing_add_track(timing, CAMERA, "foreign", 90000);
	for (unsigned i = 0; i < 10; i++)
		timing_add_report(timing, CAMERA, START + i * SECOND + 300, START + i * SECOND,
			i * 2 * 90000);
	for (unsigned i = 0; i < 10; i++)
		g_assert_cmpint(timing_map(timing, CAMERA, i * 90000, START + i * SECOND), ==,
			START + i * SECOND);
	/* A burst: the first had been under way for longer than the last. */
	int64_t burst = START + 10 * SECOND;
	g_assert_cmpint(timing_map(timing, CAMERA, 10 * 90000 + 9000, burst), ==, burst);
}

static void goes_by_arrival_where_nothing_is_reported(void)
{
	g_autoptr(Timing) timing = timing_new();
	timing_add_track(timing, MIC, "hall", 48000);
	g_assert_cmpint(timing_map(timing, MIC, 1000, START), ==, START);
	g_assert_cmpint(timing_map(timing, MIC, 1960, START + 90000), ==, START + 20000);
	/* Another beginning of its own clock. */
	g_assert_cmpint(timing_map(timing, MIC, 5, START + SECOND), ==, START + SECOND);
	g_assert_cmpint(timing_map(timing, 9, 5, START), ==, START);
}

/* -- order -- */

static void gives(Reorder *reorder, int64_t before, const char *wanted)
{
	g_autoptr(GString) got = g_string_new(NULL);
	ReorderItem *item;
	while ((item = reorder_take(reorder, before))) {
		g_string_append_printf(got, "%c%u ", item->port == MIC ? 'a' : 'v',
			(unsigned)(item->sequence & 0xffff));
		g_free(item);
	}
	g_assert_cmpstr(got->str, ==, wanted);
}

static void gives_packets_by_their_time_and_number(void)
{
	g_autoptr(Reorder) reorder = reorder_new();
	const uint8_t rtp[] = { 0x80 };
	reorder_add(reorder, MIC, 65534, 100, rtp, 1);
	reorder_add(reorder, CAMERA, 7, 150, rtp, 1);
	reorder_add(reorder, CAMERA, 6, 150, rtp, 1);
	reorder_add(reorder, MIC, 0, 140, rtp, 1);
	reorder_add(reorder, MIC, 65535, 120, rtp, 1);
	reorder_add(reorder, MIC, 0, 140, rtp, 1);
	g_assert_cmpuint(reorder_doubles(reorder), ==, 1);
	gives(reorder, 145, "a65534 a65535 a0 ");
	gives(reorder, 145, "");
	reorder_add(reorder, MIC, 65535, 120, rtp, 1); /* its turn is over */
	g_assert_cmpuint(reorder_late(reorder), ==, 1);
	gives(reorder, INT64_MAX, "v6 v7 ");
}

/* -- who is on -- */

static void learn(Plan *plan, const char *kind, double at_s, const char *rest)
{
	g_autofree char *text = g_strdup_printf("{\"kind\":\"%s\",\"t_us\":%" G_GINT64_FORMAT "%s}",
		kind, START + (int64_t)(at_s * SECOND), rest);
	json_t *line = json_loads(text, 0, NULL);
	g_assert_nonnull(line);
	plan_learn(plan, line);
	json_decref(line);
}

static bool hears(const Plan *plan, const char *owner, double at_s)
{
	return plan_hears(plan, g_intern_string(owner), START + (int64_t)(at_s * SECOND));
}

static Plan *planned(void)
{
	Plan *plan = plan_new();
	learn(plan, "take", 0, "");
	learn(plan, "slots", 0.5, ",\"a0\":\"hall\",\"a1\":null,\"a2\":null,\"main\":\"hall\"");
	learn(plan, "stage", 2, ",\"on_air\":[{\"owner\":\"north\",\"muted\":true}]");
	learn(plan, "stage", 9.5, ",\"on_air\":[{\"owner\":\"north\",\"muted\":false}]");
	learn(plan, "slots", 20, ",\"a0\":null,\"a1\":null,\"a2\":null,\"main\":null");
	/* Told again to a recorder that came back: an older moment behind a later one. */
	learn(plan, "slots", 10,
		",\"a0\":\"hall\",\"a1\":\"north\",\"a2\":null,\"main\":\"north\"");
	return plan;
}

static void shows_who_has_the_main_slot(void)
{
	g_autoptr(Plan) plan = planned();
	g_assert_null(plan_main(plan, START));
	g_assert_cmpstr(plan_main(plan, START + 5 * SECOND), ==, "hall");
	g_assert_cmpstr(plan_main(plan, START + 10 * SECOND), ==, "north");
	g_assert_null(plan_main(plan, START + 21 * SECOND));
}

static void hears_the_word_that_won_the_slot_but_nothing_muted(void)
{
	g_autoptr(Plan) plan = planned();
	g_assert_true(hears(plan, "hall", 0)); /* half a second before it was in a slot */
	g_assert_true(hears(plan, "hall", 15));
	g_assert_false(hears(plan, "hall", 20.1));
	g_assert_false(hears(plan, "north", 5));
	g_assert_false(hears(plan, "north", 9.2)); /* within the lead, and muted */
	g_assert_true(hears(plan, "north", 9.6));
	g_assert_false(hears(plan, "south", 12));
}

static void mixes_voices_where_they_belong(void)
{
	Mix *mix = g_new0(Mix, 1);
	int16_t loud[] = { 30000, 30000, -30000, 5 }, out[6];
	mix_add(mix, 1, loud, 4);
	mix_add(mix, 1, loud, 3);
	mix_add(mix, -2, loud, 3); /* two of them are over */
	mix_add(mix, MIX_ROOM, loud, 4);
	mix_take(mix, out, 6);
	const int16_t wanted[] = { -30000, 32767, 32767, -32768, 5, 0 };
	g_assert_cmpmem(out, sizeof out, wanted, sizeof wanted);
	g_free(mix);
}

/* -- finishing -- */

typedef struct Rig {
	char *root, *folder;
	unsigned ready, failed;
	int64_t now_us;
} Rig;

static void on_done(const char *stage, const char *take, bool is_ready, void *user)
{
	Rig *rig = user;
	g_assert_cmpstr(stage, ==, "stage");
	g_assert_cmpstr(take, ==, "20261127T113501Z");
	rig->ready += is_ready;
	rig->failed += !is_ready;
}

static void put(const Rig *rig, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(rig->folder, name, NULL);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void expect(const Rig *rig, const char *state, const char *reason)
{
	json_t *rows = catalogue_list(rig->root, "stage"), *row = json_array_get(rows, 0);
	g_assert_cmpuint(json_array_size(rows), ==, 1);
	g_assert_cmpstr(
		json_string_value(json_object_get(row, "id")), ==, "stage.20261127T113501Z");
	g_assert_cmpint(json_integer_value(json_object_get(row, "started_us")), ==, START);
	g_assert_cmpstr(json_string_value(json_object_get(row, "state")), ==, state);
	g_assert_cmpstr(json_string_value(json_object_get(row, "reason")), ==, reason);
	json_decref(rows);
}

static void run_program(Rig *rig, const char *script, unsigned ticks)
{
	static const FinisherEvents events = { on_done };
	g_autofree char *program = g_build_filename(rig->root, ".program", NULL);
	g_autofree char *text = g_strdup_printf("#!/bin/sh\n%s\n", script);
	g_assert_true(g_file_set_contents(program, text, -1, NULL));
	g_assert_cmpint(chmod(program, 0700), ==, 0);
	Finisher *finisher = finisher_new(program, rig->root, 720, &events, rig);
	for (unsigned i = 0; i < ticks; i++) {
		finisher_tick(finisher, rig->now_us += FINISHER_AGAIN_US + 1);
		while (*finisher_at(finisher))
			g_main_context_iteration(NULL, TRUE);
	}
	finisher_free(finisher);
}

static void rig_open(Rig *rig)
{
	*rig = (Rig){ .root = g_dir_make_tmp("diemcau-finish-XXXXXX", NULL), .now_us = START };
	rig->folder = g_build_filename(rig->root, "stage", "20261127T113501Z", NULL);
	g_assert_cmpint(g_mkdir_with_parents(rig->folder, 0700), ==, 0);
	put(rig, "index.jsonl", "{\"kind\":\"take\",\"t_us\":1}\n");
}

static void rig_close(Rig *rig)
{
	g_autofree char *command = g_strdup_printf("rm -rf '%s'", rig->root);
	g_assert_true(g_spawn_command_line_sync(command, NULL, NULL, NULL, NULL));
	g_free(rig->root);
	g_free(rig->folder);
}

static void finishes_what_has_ended_once(void)
{
	Rig rig;
	rig_open(&rig);
	expect(&rig, "recording", "");
	run_program(&rig, "exit 9", 2); /* not started: the take runs */
	put(&rig, "index.jsonl", "{\"kind\":\"take\",\"t_us\":1}\n{\"kind\":\"end\",\"t_us\":2}\n");
	expect(&rig, "finishing", "");
	run_program(&rig, "echo x >>\"$1/recording.webm\"", 20);
	g_assert_cmpuint(rig.ready, ==, 1);
	g_assert_cmpuint(rig.failed, ==, 0);
	expect(&rig, "ready", "");
	g_autofree char *path = g_build_filename(rig.folder, "recording.webm", NULL), *text = NULL;
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "x\n");
	rig_close(&rig);
}

static void gives_up_after_three_tries_and_says_why(void)
{
	Rig rig;
	rig_open(&rig);
	put(&rig, "index.jsonl", "{\"kind\":\"end\",\"t_us\":2}\n");
	run_program(&rig, "echo x >>\"$1/tries\"; kill -SEGV $$", 20);
	g_assert_cmpuint(rig.failed, ==, 1);
	expect(&rig, "failed", "chương trình dựng bản ghi bị dừng đột ngột");
	g_autofree char *path = g_build_filename(rig.folder, "tries", NULL), *text = NULL;
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "x\nx\nx\n");
	rig_close(&rig);
}

static void waits_for_room_without_giving_up(void)
{
	Rig rig;
	rig_open(&rig);
	put(&rig, "index.jsonl", "{\"kind\":\"end\",\"t_us\":2}\n");
	run_program(&rig, "exit 5", 100);
	g_assert_cmpuint(rig.failed, ==, 0);
	expect(&rig, "finishing", "ổ đĩa đã đầy");
	rig_close(&rig);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_log_set_fatal_mask(NULL, G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
	g_test_add_func("/timing/keeps-voice-and-picture-together-over-a-bad-line",
		keeps_voice_and_picture_together_over_a_bad_line);
	g_test_add_func(
		"/timing/is-not-misled-by-one-wrong-report", is_not_misled_by_one_wrong_report);
	g_test_add_func("/timing/follows-a-clock-that-is-set", follows_a_clock_that_is_set);
	g_test_add_func(
		"/timing/follows-a-microphone-that-runs-slow", follows_a_microphone_that_runs_slow);
	g_test_add_func("/timing/believes-no-reports-that-run-at-another-rate",
		believes_no_reports_that_run_at_another_rate);
	g_test_add_func("/timing/goes-by-arrival-where-nothing-is-reported",
		goes_by_arrival_where_nothing_is_reported);
	g_test_add_func("/reorder/gives-packets-by-their-time-and-number",
		gives_packets_by_their_time_and_number);
	g_test_add_func("/plan/shows-who-has-the-main-slot", shows_who_has_the_main_slot);
	g_test_add_func("/plan/hears-the-word-that-won-the-slot-but-nothing-muted",
		hears_the_word_that_won_the_slot_but_nothing_muted);
	g_test_add_func("/mix/mixes-voices-where-they-belong", mixes_voices_where_they_belong);
	g_test_add_func("/finisher/finishes-what-has-ended-once", finishes_what_has_ended_once);
	g_test_add_func("/finisher/gives-up-after-three-tries-and-says-why",
		gives_up_after_three_tries_and_says_why);
	g_test_add_func(
		"/finisher/waits-for-room-without-giving-up", waits_for_room_without_giving_up);
	return g_test_run();
}
