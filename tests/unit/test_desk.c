/* The question desk: its limits by a clock of ours, its texts, and the whole way to the disk. */
#include "signaling/desk.h"
#include "signaling/hub.h"
#include <glib/gstdio.h>
#include <string.h>

#define SECOND ((int64_t)G_USEC_PER_SEC)
#define START_US (1000 * SECOND)
#define SITES 200

static char *folder;

static Forum *make_forum(Seat *seats[], unsigned count)
{
	Forum *forum = forum_new("FFFFFFFFFFFFFFFFFFFFFF", "SSSSSSSSSSSSSSSSSSSSSS", "T");
	for (unsigned i = 0; i < count; i++) {
		g_autofree char *id = g_strdup_printf("%022u", i);
		seats[i] = seat_new(id, SEAT_OF_SITE, ROLE_SITE, "Xã");
		forum_add(forum, seats[i]);
	}
	return forum;
}

static unsigned admitted(Seat *seat, unsigned tries, int64_t now_us)
{
	unsigned passed = 0;
	Refusal refusal;
	for (unsigned i = 0; i < tries; i++)
		passed += desk_admits(seat, now_us, &refusal);
	return passed;
}

static void lets_a_site_ask_ten_at_once_and_one_a_second(void)
{
	Seat *seats[2];
	g_autoptr(Forum) forum = make_forum(seats, 2);
	g_assert_cmpuint(admitted(seats[0], 100, START_US), ==, DESK_SITE_BURST);
	g_assert_cmpuint(admitted(seats[1], 1, START_US), ==, 1); /* the neighbour is not held up */
	g_assert_cmpuint(admitted(seats[0], 100, START_US + SECOND / 2), ==, 0);
	g_assert_cmpuint(admitted(seats[0], 100, START_US + SECOND), ==, 1);
	g_assert_cmpuint(admitted(seats[0], 100, START_US + 4 * SECOND), ==, 3);
	g_assert_cmpuint(admitted(seats[0], 100, START_US + 3600 * SECOND), ==, DESK_SITE_BURST);
}

static void says_when_to_come_back(void)
{
	Seat *seats[1];
	g_autoptr(Forum) forum = make_forum(seats, 1);
	Refusal refusal;
	admitted(seats[0], DESK_SITE_BURST, START_US);
	g_assert_false(desk_admits(seats[0], START_US, &refusal));
	g_assert_cmpstr(refusal.reason, ==, "too-many");
	g_assert_cmpuint(refusal.retry_ms, >=, 1000);
	g_assert_true(desk_admits(seats[0], START_US + refusal.retry_ms * 1000, &refusal));
}

/* 31 phones behind one link, all at once, each trying again: everybody is through in 21 s. */
static void takes_a_whole_room_within_half_a_minute(void)
{
	Seat *seats[1];
	g_autoptr(Forum) forum = make_forum(seats, 1);
	unsigned left = 31, seconds = 0;
	for (; left && seconds < 60; seconds++)
		left -= admitted(seats[0], left, START_US + seconds * SECOND);
	g_assert_cmpuint(left, ==, 0);
	g_assert_cmpuint(seconds, <=, 22);
}

static void lets_a_forum_ask_five_hundred_a_second(void)
{
	Seat *seats[SITES];
	g_autoptr(Forum) forum = make_forum(seats, SITES);
	unsigned passed = 0;
	for (unsigned i = 0; i < SITES; i++)
		passed += admitted(seats[i], 5, START_US);
	g_assert_cmpuint(passed, ==, DESK_FORUM_BURST);
	/* Who was refused for the others' sake has not used up his own. */
	g_assert_cmpuint(admitted(seats[SITES - 1], 20, START_US + SECOND), ==, DESK_SITE_BURST);
}

static void judge(const char *text, const char *name, const Refusal *expected)
{
	Asking asking = { .key = "12345678", .text = text, .name = name };
	g_autofree char *clean = NULL, *who = NULL;
	const Refusal *refusal = desk_read(&asking, &clean, &who);
	g_assert_true(refusal == expected);
	g_assert_true(!clean == !!expected);
}

static void judges_what_is_written(void)
{
	g_autofree char *full = g_strnfill(QUESTION_TEXT_MAX, 'x');
	g_autofree char *over = g_strnfill(QUESTION_TEXT_MAX + 1, 'x');
	g_autofree char *name = g_strnfill(QUESTION_NAME_MAX + 1, 'x');
	g_autoptr(GString) marked = g_string_new(NULL); /* 2,000 letters in 12,000 bytes of NFD */
	for (unsigned i = 0; i < QUESTION_TEXT_MAX; i++)
		g_string_append(marked, "a\xcc\x82\xcc\x80");
	judge("Bao giờ?", NULL, NULL);
	judge(full, "Bình", NULL);
	judge(marked->str, NULL, NULL);
	judge(over, NULL, &REFUSE_TEXT_LONG);
	judge("x", name, &REFUSE_TEXT_NAME);
	judge("", NULL, &REFUSE_TEXT_EMPTY);
	judge(" \n\t ", NULL, &REFUSE_TEXT_EMPTY);
	judge("\xe2\x80\xae\xe2\x80\x8b", NULL, &REFUSE_TEXT_EMPTY);
	judge("\xcc\x81\xcc\x81", NULL, &REFUSE_TEXT_EMPTY);
	judge("\xff", NULL, &REFUSE_TEXT_BROKEN);
	judge("x", "\xff", &REFUSE_TEXT_BROKEN);
}

/* --- the whole way --- */

typedef struct House {
	Store *store;
	Links *links;
	Registry *registry;
	Hub *hub;
	Forum *forum;
	Seat *first, *second, *moderator;
} House;

static void open_house(House *house, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *secret = g_build_filename(folder, "secret.key", NULL);
	g_autofree char *sfu = g_build_filename(folder, "no-sfu.sock", NULL);
	g_autoptr(GError) error = NULL;
	house->store = store_open(path, &error);
	g_assert_no_error(error);
	house->links = links_open(secret, &error);
	house->registry = registry_open(house->store, house->links, &error);
	g_assert_no_error(error);
	house->hub = hub_new(house->store, house->registry, sfu, "https://x");
	GPtrArray *forums = registry_forums(house->registry);
	if (!forums->len) {
		Forum *forum = registry_add_forum(house->registry, "T", NULL, false, 1);
		registry_add_site(house->registry, forum, "Xã A", "", "", 1);
		registry_add_site(house->registry, forum, "Xã B", "", "", 2);
		hub_commit(house->hub, NULL, NULL);
	}
	house->forum = forums->pdata[0];
	g_autoptr(GPtrArray) sites = registry_sites(house->registry, house->forum);
	house->first = ((Site *)sites->pdata[0])->seat;
	house->second = ((Site *)sites->pdata[1])->seat;
	char token[LINK_SIZE];
	Door door;
	registry_forum_token(house->registry, house->forum, LINK_MODERATOR, token);
	g_assert_null(registry_enter(house->registry, token, &door));
	house->moderator = door.seat;
}

static void close_house(House *house)
{
	store_drain(house->store);
	hub_free(house->hub);
	store_close(house->store);
	registry_free(house->registry);
	links_free(house->links);
}

typedef struct Heard {
	bool is_done, is_new;
	char reason[32], id[ID_SIZE], text[64];
	int64_t number;
	QuestionState state;
} Heard;

static void on_heard(const Refusal *refusal, const QuestionRow *row, bool is_new, void *user)
{
	Heard *heard = user;
	heard->is_done = true;
	heard->is_new = is_new;
	g_strlcpy(heard->reason, refusal ? refusal->reason : "", sizeof(heard->reason));
	if (refusal)
		return;
	g_strlcpy(heard->id, row->id, sizeof(heard->id));
	g_strlcpy(heard->text, row->text, sizeof(heard->text));
	heard->number = row->number;
	heard->state = row->state;
}

static Heard wait_for(Heard *heard)
{
	while (!heard->is_done)
		g_main_context_iteration(NULL, TRUE);
	return *heard;
}

static Heard asks(House *house, Seat *seat, const char *key, const char *text)
{
	Heard heard = { 0 };
	Asking asking = { .key = key, .text = text };
	desk_ask(house->hub, seat, &asking, on_heard, &heard);
	return wait_for(&heard);
}

static Heard sets(House *house, const char *id, QuestionState state)
{
	Heard heard = { 0 };
	desk_set(house->hub, house->moderator, id, state, on_heard, &heard);
	return wait_for(&heard);
}

static void answers_a_key_once_however_often_it_comes(void)
{
	House house;
	open_house(&house, "once.db");
	Heard one = asks(&house, house.first, "key-00000001", "A\xcc\x82?");
	g_assert_cmpstr(one.reason, ==, "");
	g_assert_true(one.is_new);
	g_assert_cmpint(one.number, ==, 1);
	g_assert_cmpstr(one.text, ==, "Â?");
	Heard again = asks(&house, house.first, "key-00000001", "something else");
	g_assert_false(again.is_new);
	g_assert_cmpstr(again.id, ==, one.id);
	g_assert_cmpstr(again.text, ==, "Â?");
	Heard two = asks(&house, house.second, "key-00000002", "B?");
	g_assert_cmpint(two.number, ==, 2);
	/* Another site's key gives nothing away. */
	g_assert_cmpstr(asks(&house, house.second, "key-00000001", "x").reason, ==, "bad-params");
	g_assert_cmpuint(house.forum->questions[QUESTION_NEW], ==, 2);
	g_assert_cmpuint(house.hub->desk.waiting, ==, 0);
	close_house(&house);

	open_house(&house, "once.db"); /* another life of the daemon */
	again = asks(&house, house.first, "key-00000001", "x");
	g_assert_false(again.is_new);
	g_assert_cmpstr(again.id, ==, one.id);
	g_assert_cmpuint(house.forum->questions[QUESTION_NEW], ==, 2);
	g_assert_cmpint(asks(&house, house.first, "key-00000003", "C?").number, ==, 3);
	close_house(&house);
}

static void moves_a_question_by_legal_steps_only(void)
{
	House house;
	open_house(&house, "steps.db");
	Heard one = asks(&house, house.first, "key-00000001", "?");
	g_assert_cmpstr(sets(&house, one.id, QUESTION_ON_AIR).reason, ==, "bad-state");
	g_assert_cmpstr(sets(&house, one.id, QUESTION_APPROVED).reason, ==, "");
	Heard same = sets(&house, one.id, QUESTION_APPROVED); /* two moderators, one click each */
	g_assert_cmpstr(same.reason, ==, "");
	g_assert_false(same.is_new);
	g_assert_cmpstr(sets(&house, one.id, QUESTION_ON_AIR).reason, ==, "");
	g_assert_cmpstr(sets(&house, one.id, QUESTION_ANSWERED).reason, ==, "");
	g_assert_cmpstr(
		sets(&house, "AAAAAAAAAAAAAAAAAAAAAA", QUESTION_APPROVED).reason, ==, "not-found");
	g_assert_cmpuint(house.forum->questions[QUESTION_ANSWERED], ==, 1);
	g_assert_cmpuint(house.forum->questions[QUESTION_NEW], ==, 0);
	close_house(&house);
	open_house(&house, "steps.db");
	g_assert_cmpuint(house.forum->questions[QUESTION_ANSWERED], ==, 1);
	Heard found = { 0 };
	desk_find(house.hub, house.first, one.id, on_heard, &found);
	g_assert_cmpint(wait_for(&found).state, ==, QUESTION_ANSWERED);
	Heard foreign = { 0 };
	desk_find(house.hub, house.second, one.id, on_heard, &foreign);
	g_assert_cmpstr(wait_for(&foreign).reason, ==, "not-found");
	close_house(&house);
}

static void remove_folder(void)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	folder = g_dir_make_tmp("diemcau-desk-XXXXXX", NULL);
	g_test_add_func("/desk/lets-a-site-ask-ten-at-once-and-one-a-second",
		lets_a_site_ask_ten_at_once_and_one_a_second);
	g_test_add_func("/desk/says-when-to-come-back", says_when_to_come_back);
	g_test_add_func("/desk/takes-a-whole-room-within-half-a-minute",
		takes_a_whole_room_within_half_a_minute);
	g_test_add_func("/desk/lets-a-forum-ask-five-hundred-a-second",
		lets_a_forum_ask_five_hundred_a_second);
	g_test_add_func("/desk/judges-what-is-written", judges_what_is_written);
	g_test_add_func("/desk/answers-a-key-once-however-often-it-comes",
		answers_a_key_once_however_often_it_comes);
	g_test_add_func(
		"/desk/moves-a-question-by-legal-steps-only", moves_a_question_by_legal_steps_only);
	int failed = g_test_run();
	remove_folder();
	g_free(folder);
	return failed;
}
