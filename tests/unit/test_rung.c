/* What the sfu tells of a rung is judged before it is believed; boards hear of it once a second.
 *
 * TEST_SOURCE_ROOT comes from the build. */
#include "signaling/lines.h"
#include "signaling/view.h"

#define EXAMPLE TEST_SOURCE_ROOT "/tests/protocol/sfu-peer.rung.json"
#define SECOND ((int64_t)G_USEC_PER_SEC)
#define START_US (1000 * SECOND)
#define SITES 442

static json_t *example(void)
{
	json_t *root = json_load_file(EXAMPLE, 0, NULL);
	g_assert_nonnull(root);
	json_t *params =
		json_deep_copy(json_object_get(json_object_get(root, "message"), "params"));
	json_decref(root);
	return params;
}

static void reads_what_the_sfu_tells(void)
{
	json_t *params = example();
	Rung rung = { 0 };
	const char *what = NULL;
	g_assert_true(rung_read(params, &rung, &what));
	g_assert_cmpuint(rung.rung, ==, 4);
	g_assert_cmpstr(rung.why, ==, "loss");
	g_assert_cmpint(rung.rate_bps, ==, 620000);
	g_assert_cmpuint(rung.loss_percent, ==, 3);
	g_assert_cmpint(rung.rtt_ms, ==, 80);

	json_object_set_new(params, "rtt_ms", json_null());
	json_object_set_new(params, "loss_percent", json_real(2.5));
	g_assert_true(rung_read(params, &rung, &what));
	g_assert_cmpint(rung.rtt_ms, ==, -1);
	g_assert_cmpuint(rung.loss_percent, ==, 3);
	json_object_del(params, "rtt_ms"); /* as in a dump */
	g_assert_true(rung_read(params, &rung, &what));
	json_decref(params);
}

static void takes_nothing_that_is_out_of_bounds(void)
{
	static const struct {
		const char *member;
		const char *values[8];
	} wrong[] = {
		{ "rung", { "-1", "7", "2.5", "\"4\"", "null", "9223372036854775807", "[4]" } },
		{ "why", { "\"\"", "\"LINE\"", "\"line \"", "7", "null", "[\"line\"]", "{}" } },
		{ "rate_bps", { "-1", "1e30", "\"1\"", "null", "true", "10000000001" } },
		{ "loss_percent", { "-0.1", "100.5", "\"1\"", "null", "[]" } },
		{ "rtt_ms", { "-1", "60001", "\"1\"", "true", "{}" } },
	};
	for (unsigned m = 0; m < G_N_ELEMENTS(wrong); m++) {
		for (unsigned v = 0; v < 8 && wrong[m].values[v]; v++) {
			json_t *params = example();
			Rung rung = { .why = "top", .rung = 6 };
			const char *what = NULL;
			json_object_set_new(params, wrong[m].member,
				json_loads(wrong[m].values[v], JSON_DECODE_ANY, NULL));
			if (rung_read(params, &rung, &what))
				g_error("%s is taken: %s", wrong[m].member, wrong[m].values[v]);
			g_assert_nonnull(what);
			g_assert_cmpuint(rung.rung, ==, 6);
			g_assert_cmpstr(rung.why, ==, "top");
			json_decref(params);
		}
		if (g_str_equal(wrong[m].member, "rtt_ms"))
			continue;
		json_t *params = example();
		Rung rung;
		const char *what = NULL;
		json_object_del(params, wrong[m].member);
		g_assert_false(rung_read(params, &rung, &what));
		json_decref(params);
	}
}

static void knows_when_a_person_sees_a_difference(void)
{
	json_t *params = example();
	Rung a = { 0 }, b = { 0 };
	const char *what;
	g_assert_true(rung_is_same(&a, &b));
	g_assert_true(rung_read(params, &a, &what));
	g_assert_false(rung_is_same(&a, &b));
	json_object_set_new(params, "rate_bps", json_integer(1));
	g_assert_true(rung_read(params, &b, &what));
	g_assert_true(rung_is_same(&a, &b));
	json_object_set_new(params, "why", json_string("line"));
	g_assert_true(rung_read(params, &b, &what));
	g_assert_false(rung_is_same(&a, &b));
	json_decref(params);
}

typedef struct Board {
	unsigned messages, rows;
	unsigned rungs[SITES]; /* as last told, by the number that is in the seat's id */
} Board;

static void on_told(Forum *forum, json_t *rows, void *user)
{
	Board *board = user;
	board->messages++;
	board->rows += (unsigned)json_array_size(rows);
	size_t i;
	json_t *row;
	json_array_foreach(rows, i, row)
	{
		const char *seat = json_string_value(json_object_get(row, "seat"));
		json_t *rung = json_object_get(json_object_get(row, "line"), "rung");
		board->rungs[g_ascii_strtoull(seat, NULL, 10)] = (unsigned)json_integer_value(rung);
	}
	json_decref(rows);
}

static Forum *make_forum(Seat *seats[])
{
	Forum *forum = forum_new("FFFFFFFFFFFFFFFFFFFFFF", "SSSSSSSSSSSSSSSSSSSSSS", "T");
	for (unsigned i = 0; i < SITES; i++) {
		g_autofree char *id = g_strdup_printf("%022u", i);
		seats[i] = seat_new(id, SEAT_OF_SITE, ROLE_SITE, "Xã");
		forum_add(forum, seats[i]);
	}
	return forum;
}

static void change(Lines *lines, Seat *seat, unsigned rung)
{
	seat->receive.rung = (Rung){ .why = "line", .rung = rung, .rtt_ms = -1 };
	lines_add(lines, seat);
}

/* Every site changes every 100 ms for ten seconds. */
static void tells_a_board_of_all_once_a_second(void)
{
	Seat *seats[SITES];
	g_autoptr(Forum) forum = make_forum(seats);
	Lines *lines = lines_new();
	Board board = { 0 };
	int64_t now_us = START_US, told_us = 0;
	for (unsigned turn = 0; turn < 100; turn++, now_us += SECOND / 10) {
		for (unsigned i = 0; i < SITES; i++)
			change(lines, seats[i], (turn + i) % 7);
		unsigned before = board.messages;
		lines_take(lines, now_us, on_told, &board);
		if (board.messages == before)
			continue;
		g_assert_cmpint(now_us - told_us, >=, SECOND);
		told_us = now_us;
	}
	g_assert_cmpuint(board.messages, ==, 10);
	g_assert_cmpuint(board.rows, ==, 10 * SITES);
	lines_take(lines, told_us + SECOND, on_told, &board); /* the last state is told, too */
	g_assert_cmpuint(board.messages, ==, 11);
	for (unsigned i = 0; i < SITES; i++)
		g_assert_cmpuint(board.rungs[i], ==, (99 + i) % 7);
	g_assert_cmpint(lines_wait_ms(lines, now_us), ==, -1);
	lines_free(lines);
}

static void tells_the_first_at_once_and_says_how_long_the_next_waits(void)
{
	Seat *seats[SITES];
	g_autoptr(Forum) forum = make_forum(seats);
	Lines *lines = lines_new();
	Board board = { 0 };
	g_assert_cmpint(lines_wait_ms(lines, START_US), ==, -1);
	lines_take(lines, START_US, on_told, &board);
	g_assert_cmpuint(board.messages, ==, 0);
	change(lines, seats[3], 2);
	g_assert_cmpint(lines_wait_ms(lines, START_US), ==, 0);
	lines_take(lines, START_US, on_told, &board);
	g_assert_cmpuint(board.rows, ==, 1);
	change(lines, seats[4], 1);
	g_assert_cmpint(lines_wait_ms(lines, START_US + 1), ==, 1000);
	g_assert_cmpint(lines_wait_ms(lines, START_US + SECOND - 1), ==, 1);
	lines_take(lines, START_US + SECOND - 1, on_told, &board);
	g_assert_cmpuint(board.messages, ==, 1);
	lines_take(lines, START_US + SECOND, on_told, &board);
	g_assert_cmpuint(board.messages, ==, 2);
	g_assert_cmpuint(board.rungs[4], ==, 1);
	lines_free(lines);
}

static void tells_of_sites_alone(void)
{
	g_autoptr(Forum) forum = forum_new("FFFFFFFFFFFFFFFFFFFFFF", "SSSSSSSSSSSSSSSSSSSSSS", "T");
	Seat *chair = seat_new("CCCCCCCCCCCCCCCCCCCCCC", SEAT_OF_STAFF, ROLE_CHAIR, "Chủ trì");
	forum_add(forum, chair);
	Lines *lines = lines_new();
	change(lines, chair, 1);
	g_assert_cmpint(lines_wait_ms(lines, START_US), ==, -1);
	lines_free(lines);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rung/reads-what-the-sfu-tells", reads_what_the_sfu_tells);
	g_test_add_func(
		"/rung/takes-nothing-that-is-out-of-bounds", takes_nothing_that_is_out_of_bounds);
	g_test_add_func("/rung/knows-when-a-person-sees-a-difference",
		knows_when_a_person_sees_a_difference);
	g_test_add_func(
		"/lines/tells-a-board-of-all-once-a-second", tells_a_board_of_all_once_a_second);
	g_test_add_func("/lines/tells-the-first-at-once-and-says-how-long-the-next-waits",
		tells_the_first_at_once_and_says_how_long_the_next_waits);
	g_test_add_func("/lines/tells-of-sites-alone", tells_of_sites_alone);
	return g_test_run();
}
