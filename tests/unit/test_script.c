/* What is written of the line: each key, each way to be wrong, and the order of time. */
#include "tests/link/script.h"
#include <glib.h>
#include <string.h>

static Script *read_text(const char *text, GError **error)
{
	return script_read(text, strlen(text), error);
}

static void a_step_says_what_it_names(void)
{
	Step step;
	LaneShape shape = lane_plain;
	shape.duplicate = 0.5;
	g_assert_true(step_read(&step,
		"down rate=2.5M queue=64kB delay=30ms jitter=10ms:normal order=free loss=2% "
		"burst=1%:25%:50% reorder=0.03:20ms",
		NULL));
	g_assert_cmpint(step.kind, ==, STEP_SHAPE);
	g_assert_cmpuint(step.ways, ==, STEP_DOWN);
	step_change(&step, &shape);
	g_assert_cmpint(shape.rate_bps, ==, 2500000);
	g_assert_cmpint(shape.queue.bytes, ==, 64000);
	g_assert_cmpint(shape.queue.us, ==, 0);
	g_assert_cmpint(shape.delay_us, ==, 30000);
	g_assert_cmpint(shape.jitter.us, ==, 10000);
	g_assert_true(shape.jitter.normal && shape.unordered);
	g_assert_cmpfloat_with_epsilon(shape.loss, 0.02, 1e-9);
	g_assert_cmpfloat_with_epsilon(shape.burst.enter, 0.01, 1e-9);
	g_assert_cmpfloat_with_epsilon(shape.burst.leave, 0.25, 1e-9);
	g_assert_cmpfloat_with_epsilon(shape.burst.loss, 0.5, 1e-9);
	g_assert_cmpfloat_with_epsilon(shape.reorder.share, 0.03, 1e-9);
	g_assert_cmpint(shape.reorder.us, ==, 20000);
	g_assert_cmpfloat(shape.duplicate, ==, 0.5);

	g_assert_true(step_read(&step, "both rate=400k burst=0", NULL));
	step_change(&step, &shape);
	g_assert_cmpint(shape.rate_bps, ==, 400000);
	g_assert_cmpfloat(shape.burst.enter, ==, 0);
	g_assert_cmpint(shape.delay_us, ==, 30000);

	g_assert_true(step_read(&step, "up clear delay=1ms", NULL));
	step_change(&step, &shape);
	g_assert_cmpint(shape.rate_bps, ==, 0);
	g_assert_cmpint(shape.queue.us, ==, lane_plain.queue.us);
	g_assert_cmpint(shape.queue.bytes, ==, 0);
	g_assert_cmpint(shape.delay_us, ==, 1000);
	g_assert_cmpfloat(shape.loss + shape.duplicate + shape.reorder.share, ==, 0);
}

static void other_steps_are_read(void)
{
	Step step;
	g_assert_true(step_read(&step, "outage both 20s", NULL));
	g_assert_cmpint(step.kind, ==, STEP_OUTAGE);
	g_assert_cmpuint(step.ways, ==, STEP_UP | STEP_DOWN);
	g_assert_cmpint(step.duration_us, ==, 20000000);
	g_assert_true(step_read(&step, " address", NULL));
	g_assert_cmpint(step.kind, ==, STEP_ADDRESS);
	g_assert_cmpstr(step.address, ==, "");
	g_assert_true(step_read(&step, "address\t10.99.0.2 ", NULL));
	g_assert_cmpstr(step.address, ==, "10.99.0.2");
	g_assert_true(step_read(&step, "udp off", NULL));
	g_assert_true(step.kind == STEP_UDP && !step.on);
	g_assert_true(step_read(&step, "tcp on", NULL));
	g_assert_true(step.kind == STEP_TCP && step.on);
	g_assert_true(step_read(&step, "stats", NULL) && step.kind == STEP_STATS);
	g_assert_true(step_read(&step, "end", NULL) && step.kind == STEP_END);
}

static void what_is_no_step_is_refused(void)
{
	static const char *const wrong[] = { "", "sideways rate=1M", "down", "down rate",
		"down rate=", "down rate=fast", "down rate=-1", "down rate=1e6", "down rate=1m",
		"down rate=11G", "down rate=0.2", "down rate=1M rate=2M", "down speed=1M",
		"down delay=30", "down delay=2min", "down delay=.5s", "down delay=1.s",
		"down delay=0x10ms", "down delay=inf", "down loss=101%", "down loss=1.5",
		"down loss=nan", "down jitter=10ms:gauss", "down jitter=10ms:normal:x",
		"down burst=1%", "down burst=1%:0", "down burst=1%:2%:3%:4%", "down reorder=1%",
		"down reorder=1%:", "down order=any", "down queue=65MB", "down queue=64",
		"down =", "down clear clear", "outage", "outage both", "outage 3s", "outage both 3",
		"outage both 25h", "outage both 1500min", "outage both 3s x", "address 1.2.3",
		"address 1.2.3.4:80", "address 1.2.3.4 5.6.7.8", "udp", "udp maybe", "tcp on off",
		"end now", "stats all", "0s end", "down rate=1M\r", "down rate=1M\001",
		"d\303\263wn rate=1M", "down delay=1234567890us", "down delay=0.1234567s",
		"both a=1 b c d e f g h i j k l m n o p q" };
	for (unsigned i = 0; i < G_N_ELEMENTS(wrong); i++) {
		Step step;
		g_autoptr(GError) error = NULL;
		g_test_message("%s", wrong[i]);
		g_assert_false(step_read(&step, wrong[i], &error));
		g_assert_nonnull(error);
	}
	g_autofree char *longest = g_strnfill(STEP_TEXT_MAX + 1, ' ');
	Step step;
	memcpy(longest, "end", 3);
	g_assert_false(step_read(&step, longest, NULL));
	longest[STEP_TEXT_MAX] = '\0';
	g_assert_true(step_read(&step, longest, NULL));
}

static void an_error_names_its_line(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "0s down rate=1M\n\n# nothing\n1s down rate=x\n",
			"line 4: \"rate=x\": no such value, or out of its range" },
		{ "down rate=1M", "line 1: begins with no time such as 1.5s" },
		{ "2s address\n1s address", "line 2: the time goes back" },
		{ "1s end\n2s stats", "line 2: comes after the end" },
		{ "\n\n5s", "line 3: \"\": nothing is said" },
		{ "1s both wet", "line 1: \"wet\": not KEY=VALUE" },
		{ "1s both wet=1", "line 1: \"wet=1\": no such key" },
		{ "1s both loss=1 loss=1", "line 1: \"loss=1\": said twice" },
		{ "1s fly", "line 1: \"fly\": no such step" },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(read_text(cases[i].text, &error));
		g_assert_cmpstr(error->message, ==, cases[i].message);
	}
	g_assert_null(script_read("0s end\0", 7, NULL));
}

static void a_script_has_its_bounds(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	for (unsigned i = 0; i < SCRIPT_STEPS_MAX; i++)
		g_string_append(text, "0s stats\n");
	g_autoptr(Script) most = script_read(text->str, text->len, NULL);
	g_assert_nonnull(most);
	g_string_append(text, "0s stats\n");
	g_assert_null(script_read(text->str, text->len, &error));
	g_assert_cmpstr(error->message, ==, "line 1001: too many steps");
	g_autofree char *blank = g_strnfill(SCRIPT_TEXT_MAX + 1, '\n');
	g_assert_null(script_read(blank, SCRIPT_TEXT_MAX + 1, NULL));
	g_autoptr(Script) empty = script_read(blank, SCRIPT_TEXT_MAX, NULL);
	g_assert_cmpint(script_next_us(empty), ==, LANE_NEVER_US);
	g_assert_null(script_due(empty, INT64_MAX - 1));
}

static void steps_come_due_in_order_and_once(void)
{
	g_autoptr(Script) script = read_text("0s down rate=2M delay=30ms queue=200ms\n"
					     "10s down rate=400k\n"
					     "  10s up rate=100k # no comment behind a step\n",
		NULL);
	g_assert_null(script);
	script = read_text("# a thin line, then none, then a new address\n"
			   "0s down rate=2M delay=30ms queue=200ms\n"
			   "10s down rate=400k\n"
			   "  10s up rate=100k\n"
			   "20.5s outage both 20s\n"
			   "1min end",
		NULL);
	g_assert_nonnull(script);
	g_assert_cmpint(script_next_us(script), ==, 0);
	g_assert_cmpint(script_due(script, 0)->shape.rate_bps, ==, 2000000);
	g_assert_null(script_due(script, 0));
	g_assert_null(script_due(script, 9999999));
	g_assert_cmpint(script_next_us(script), ==, 10000000);
	g_assert_cmpint(script_due(script, 20600000)->ways, ==, STEP_DOWN);
	g_assert_cmpint(script_due(script, 20600000)->ways, ==, STEP_UP);
	g_assert_cmpint(script_due(script, 20600000)->kind, ==, STEP_OUTAGE);
	g_assert_null(script_due(script, 20600000));
	g_assert_cmpint(script_due(script, 60000000)->kind, ==, STEP_END);
	g_assert_cmpint(script_next_us(script), ==, LANE_NEVER_US);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/script/a-step-says-what-it-names", a_step_says_what_it_names);
	g_test_add_func("/script/other-steps-are-read", other_steps_are_read);
	g_test_add_func("/script/what-is-no-step-is-refused", what_is_no_step_is_refused);
	g_test_add_func("/script/an-error-names-its-line", an_error_names_its_line);
	g_test_add_func("/script/a-script-has-its-bounds", a_script_has_its_bounds);
	g_test_add_func(
		"/script/steps-come-due-in-order-and-once", steps_come_due_in_order_and_once);
	return g_test_run();
}
