/* Stage, queue and seats of a forum, without sockets and with the clock held still. */
#include "signaling/forum.h"
#include <string.h>

#define NOW_MS 1767225600000

static Forum *make_forum(void)
{
	return forum_new("FFFFFFFFFFFFFFFFFFFFFF", "SSSSSSSSSSSSSSSSSSSSSS", "Hội nghị");
}

static Seat *add(Forum *forum, Role role, char letter)
{
	char id[ID_SIZE];
	memset(id, letter, ID_LEN);
	id[ID_LEN] = '\0';
	Seat *seat = seat_new(id, role == ROLE_SITE ? SEAT_OF_SITE : SEAT_OF_STAFF, role, "Tên");
	forum_add(forum, seat);
	return seat;
}

static void gives_main_to_the_first_and_back_to_the_chair(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *site = add(forum, ROLE_SITE, 'a'), *chair = add(forum, ROLE_CHAIR, 'c');
	Seat *other = add(forum, ROLE_SITE, 'b');
	g_assert_null(forum_go_on_air(forum, site));
	g_assert_true(forum->main == site);
	g_assert_null(forum_go_on_air(forum, other));
	g_assert_null(forum_go_on_air(forum, chair));
	g_assert_true(forum->main == site);
	g_assert_null(forum_leave_air(forum, site));
	g_assert_true(forum->main == chair);
	g_assert_null(forum_leave_air(forum, chair));
	g_assert_true(forum->main == other);
	g_assert_null(forum_leave_air(forum, other));
	g_assert_null(forum->main);
}

static void lets_nobody_off_stage_be_main_or_muted(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *site = add(forum, ROLE_SITE, 'a');
	g_assert_true(forum_set_main(forum, site) == &REFUSE_SEAT_NOT_ON_STAGE);
	g_assert_true(forum_mute(forum, site, true) == &REFUSE_SEAT_NOT_ON_STAGE);
	g_assert_true(forum_set_sources(forum, site, true, true, true) == &REFUSE_NOT_ON_STAGE);
	g_assert_true(forum_leave_air(forum, site) == &REFUSE_SEAT_NOT_ON_STAGE);
	g_assert_cmpuint(forum->changes, ==, 0);
	g_assert_cmpuint(forum->rev, ==, 0);
}

static void shows_the_latest_screen_as_slides(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *a = add(forum, ROLE_SITE, 'a'), *b = add(forum, ROLE_SITE, 'b');
	forum_go_on_air(forum, a);
	forum_go_on_air(forum, b);
	forum_set_sources(forum, b, true, false, true);
	g_assert_true(forum->slides == b);
	forum_set_sources(forum, a, true, false, true);
	g_assert_true(forum->slides == a);
	forum_set_sources(forum, b, false, true, true);
	g_assert_true(forum->slides == a);
	forum_leave_air(forum, a);
	g_assert_true(forum->slides == b);
	forum_set_sources(forum, b, false, true, false);
	g_assert_null(forum->slides);
}

static void forgets_mute_and_sources_on_leaving(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *a = add(forum, ROLE_SITE, 'a');
	forum_go_on_air(forum, a);
	forum_mute(forum, a, true);
	forum_set_sources(forum, a, true, true, true);
	forum_leave_air(forum, a);
	g_assert_false(a->muted || a->mic || a->camera || a->screen_order);
	g_assert_null(forum->slides);
}

static void raises_the_revision_once_a_change(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *a = add(forum, ROLE_SITE, 'a');
	forum_go_on_air(forum, a);
	g_assert_cmpuint(forum->rev, ==, 1);
	forum_set_sources(forum, a, true, false, false);
	g_assert_cmpuint(forum->rev, ==, 1); /* not settled yet: told together */
	forum_settled(forum);
	forum_mute(forum, a, true);
	g_assert_cmpuint(forum->rev, ==, 2);
	forum_settled(forum);
	forum_mute(forum, a, true);
	forum_go_on_air(forum, a);
	forum_set_main(forum, a);
	forum_set_sources(forum, a, true, false, false);
	g_assert_cmpuint(forum->rev, ==, 2);
	g_assert_cmpuint(forum->changes, ==, 0);
}

static void has_room_for_so_many_on_stage(void)
{
	g_autoptr(Forum) forum = make_forum();
	for (unsigned i = 0; i < STAGE_MAX; i++)
		g_assert_null(forum_go_on_air(forum, add(forum, ROLE_SITE, (char)('A' + i))));
	Seat *late = add(forum, ROLE_SITE, 'z');
	g_assert_true(forum_go_on_air(forum, late) == &REFUSE_STAGE_FULL);
	g_assert_false(late->on_air);
	g_assert_cmpuint(forum->on_air->len, ==, STAGE_MAX);
}

static void keeps_hands_in_the_order_they_came(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *a = add(forum, ROLE_SITE, 'a'), *b = add(forum, ROLE_SITE, 'b');
	Seat *c = add(forum, ROLE_SITE, 'c');
	forum_raise_hand(forum, b, NOW_MS);
	forum_raise_hand(forum, a, NOW_MS);
	forum_raise_hand(forum, c, NOW_MS - 1);
	forum_raise_hand(forum, b, NOW_MS + 5); /* is up already */
	g_assert_cmpuint(forum_place(forum, b), ==, 1);
	g_assert_cmpuint(forum_place(forum, a), ==, 2);
	g_assert_cmpuint(forum_place(forum, c), ==, 3);
	g_assert_cmpint(b->hand_ms, ==, NOW_MS);
	forum_lower_hand(forum, b);
	g_assert_cmpuint(forum_place(forum, b), ==, 0);
	g_assert_cmpuint(forum_place(forum, a), ==, 1);
}

static void keeps_two_hundred_hands_in_order(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *seats[200];
	for (unsigned i = 0; i < 200; i++) {
		char id[ID_SIZE];
		id_make(id);
		seats[i] = seat_new(id, SEAT_OF_SITE, ROLE_SITE, "Tên");
		forum_add(forum, seats[i]);
		g_assert_null(forum_raise_hand(forum, seats[i], NOW_MS));
	}
	for (unsigned i = 0; i < 200; i++)
		g_assert_cmpuint(forum_place(forum, seats[i]), ==, i + 1);
}

static void lowers_the_hand_of_who_is_called(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *a = add(forum, ROLE_SITE, 'a');
	forum_raise_hand(forum, a, NOW_MS);
	forum_go_on_air(forum, a);
	g_assert_cmpuint(forum_place(forum, a), ==, 0);
	g_assert_cmpuint(forum->queue->len, ==, 0);
	g_assert_true(forum_raise_hand(forum, a, NOW_MS) == &REFUSE_ON_STAGE_ALREADY);
}

static void comes_back_as_it_was(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *a = add(forum, ROLE_SITE, 'a'), *b = add(forum, ROLE_SITE, 'b');
	Seat *c = add(forum, ROLE_CHAIR, 'c'), *d = add(forum, ROLE_SITE, 'd');
	c->on_air = b->on_air = true;
	b->air_order = 4;
	c->air_order = 9;
	b->screen_order = 12;
	d->hand_ms = a->hand_ms = NOW_MS;
	d->hand_order = 3;
	a->hand_order = 7;
	forum_restore(forum, b->id);
	g_assert_true(forum->on_air->pdata[0] == b && forum->on_air->pdata[1] == c);
	g_assert_true(forum->main == b && forum->slides == b);
	g_assert_cmpuint(forum_place(forum, d), ==, 1);
	g_assert_cmpuint(forum_place(forum, a), ==, 2);
	g_assert_cmpuint(forum->changes, ==, 0);
	forum_go_on_air(forum, a);
	g_assert_cmpuint(a->air_order, ==, 13);
}

static void restores_no_main_that_is_not_on_stage(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *a = add(forum, ROLE_SITE, 'a'), *b = add(forum, ROLE_SITE, 'b');
	b->on_air = true;
	b->air_order = 1;
	forum_restore(forum, a->id);
	g_assert_true(forum->main == b);
}

static void fades_who_is_away_for_who_is_there(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *gone = add(forum, ROLE_CHAIR, 'c'), *there = add(forum, ROLE_SITE, 'a');
	there->holder = (struct Session *)forum; /* anybody */
	forum_go_on_air(forum, gone);
	forum_go_on_air(forum, there);
	forum_set_sources(forum, gone, true, true, true);
	forum_fade(forum, gone);
	g_assert_true(gone->on_air);
	g_assert_false(gone->mic || gone->camera || gone->screen_order);
	g_assert_true(forum->main == there);
	g_assert_null(forum->slides);
	there->holder = NULL;
	forum_fade(forum, there);
	g_assert_null(forum->main);
}

static void holds_a_silent_seat_for_a_moment(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *a = add(forum, ROLE_SITE, 'a');
	int64_t lost_us = 1000 * G_USEC_PER_SEC;
	g_assert_false(seat_is_held(a, lost_us));
	a->lost_us = lost_us;
	g_assert_false(seat_is_held(a, lost_us + 1)); /* said goodbye */
	a->is_held = true;
	g_assert_true(seat_is_held(a, lost_us + SEAT_HOLD_US - 1));
	g_assert_false(seat_is_held(a, lost_us + SEAT_HOLD_US));
}

static void lists_each_changed_seat_once(void)
{
	g_autoptr(Forum) forum = make_forum();
	Seat *a = add(forum, ROLE_SITE, 'a');
	forum_raise_hand(forum, a, NOW_MS);
	forum_go_on_air(forum, a);
	g_assert_cmpuint(forum->changed->len, ==, 1);
	forum_remove(forum, a);
	g_assert_cmpuint(forum->changed->len, ==, 0);
	g_assert_null(forum->main);
	g_assert_cmpuint(forum->on_air->len, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/forum/gives-main-to-the-first-and-back-to-the-chair",
		gives_main_to_the_first_and_back_to_the_chair);
	g_test_add_func("/forum/lets-nobody-off-stage-be-main-or-muted",
		lets_nobody_off_stage_be_main_or_muted);
	g_test_add_func(
		"/forum/shows-the-latest-screen-as-slides", shows_the_latest_screen_as_slides);
	g_test_add_func(
		"/forum/forgets-mute-and-sources-on-leaving", forgets_mute_and_sources_on_leaving);
	g_test_add_func(
		"/forum/raises-the-revision-once-a-change", raises_the_revision_once_a_change);
	g_test_add_func("/forum/has-room-for-so-many-on-stage", has_room_for_so_many_on_stage);
	g_test_add_func(
		"/forum/keeps-hands-in-the-order-they-came", keeps_hands_in_the_order_they_came);
	g_test_add_func(
		"/forum/keeps-two-hundred-hands-in-order", keeps_two_hundred_hands_in_order);
	g_test_add_func(
		"/forum/lowers-the-hand-of-who-is-called", lowers_the_hand_of_who_is_called);
	g_test_add_func("/forum/comes-back-as-it-was", comes_back_as_it_was);
	g_test_add_func("/forum/restores-no-main-that-is-not-on-stage",
		restores_no_main_that_is_not_on_stage);
	g_test_add_func(
		"/forum/fades-who-is-away-for-who-is-there", fades_who_is_away_for_who_is_there);
	g_test_add_func(
		"/forum/holds-a-silent-seat-for-a-moment", holds_a_silent_seat_for_a_moment);
	g_test_add_func("/forum/lists-each-changed-seat-once", lists_each_changed_seat_once);
	return g_test_run();
}
