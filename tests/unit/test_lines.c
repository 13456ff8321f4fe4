/* Who is told of a rung, and how a page's wish for less reaches the sfu. */
#include "fake_house.h"
#include <string.h>

static int number(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	return json_is_integer(value) ? (int)json_integer_value(value) : -1;
}

/* What a page was last told of its own line: its rung; -1 when nothing is known. */
static int own_rung(const Page *page)
{
	json_t *last = NULL;
	page_told(page, "line.state", &last);
	return number(json_object_get(last, "line"), "rung");
}

/* The line in the site's row of a `hello` or of `lines.state`. */
static json_t *line_in(json_t *from, const char *list)
{
	json_t *rows = json_object_get(from, list);
	g_assert_cmpuint(json_array_size(rows), ==, 1);
	return json_object_get(json_array_get(rows, 0), "line");
}

static void tells_the_site_at_once_and_staff_together(House *house, gconstpointer data)
{
	Page *site = page_new(house), *staff = page_new(house);
	json_t *found = page_hello(house, staff, LINK_MODERATOR, NULL);
	g_assert_true(json_is_null(line_in(found, "sites")));
	found = page_hello(house, site, LINK_JOIN, NULL);
	g_assert_null(json_object_get(found, "line"));
	const char *peer = page_offer(site);

	house_tell_rung(house, peer, 4, "loss");
	g_assert_cmpint(own_rung(site), ==, 4); /* no later than the word of the sfu itself */
	json_t *rows = page_await(staff, "lines.state", 1);
	g_assert_cmpint(number(line_in(rows, "lines"), "rung"), ==, 4);

	unsigned before = page_told(staff, "lines.state", NULL);
	int64_t began_us = g_get_monotonic_time();
	for (int turn = 0; turn < 50; turn++)
		house_tell_rung(house, peer, turn % 2 ? 1 : 2, "line");
	g_assert_cmpuint(page_told(site, "line.state", NULL), ==, 51);
	do /* the last one is told, too */
		rows = page_await(staff, "lines.state", ++before);
	while (number(line_in(rows, "lines"), "rung") != 1);
	unsigned seconds = (unsigned)((g_get_monotonic_time() - began_us) / G_USEC_PER_SEC);
	g_assert_cmpuint(page_told(staff, "lines.state", NULL), <=, 2 + seconds);
	g_assert_cmpuint(page_told(site, "lines.state", NULL), ==, 0); /* others' are not its own */

	Page *late = page_new(house);
	found = page_hello(house, late, LINK_CHAIR, NULL);
	json_t *line = line_in(found, "sites");
	g_assert_cmpint(number(line, "rung"), ==, 1);
	g_assert_cmpstr(json_string_value(json_object_get(line, "why")), ==, "line");
	g_assert_cmpint(number(line, "rate_bps"), ==, 500000);
	g_assert_cmpint(number(line, "loss_percent"), ==, 4);
	page_free(late);
	page_free(site);
	page_free(staff);
}

/* A change of the rung is no change of the forum: nothing of it goes to the disk. */
static void keeps_rungs_in_memory(House *house, gconstpointer data)
{
	Page *site = page_new(house);
	page_hello(house, site, LINK_JOIN, NULL);
	const char *peer = page_offer(site);
	store_drain(house->store);
	uint64_t commits, changes, changes_later;
	store_counts(house->store, &commits, &changes);
	for (int turn = 0; turn < 20; turn++)
		house_tell_rung(house, peer, turn % 7, "line");
	store_drain(house->store);
	store_counts(house->store, &commits, &changes_later);
	g_assert_cmpuint(changes, ==, changes_later);
	page_free(site);
}

static void forgets_the_rung_with_its_peer(House *house, gconstpointer data)
{
	Page *site = page_new(house);
	page_hello(house, site, LINK_JOIN, NULL);
	house_tell_rung(house, page_offer(site), 3, "line");
	const Rung *rung = &house->site->seat->receive.rung;
	g_assert_cmpuint(rung->rung, ==, 3);
	page_ask(site, "receive.close", "{}");
	g_assert_null(rung->why);
	page_offer(site);
	g_assert_null(rung->why);
	page_free(site);
}

static void believes_no_word_of_another(House *house, gconstpointer data)
{
	Page *site = page_new(house);
	page_hello(house, site, LINK_JOIN, NULL);
	const char *peer = page_offer(site);
	house_tell_rung(house, "AAAAAAAAAAAAAAAAAAAAAA", 1, "line"); /* no peer of ours */
	house_tell_rung(house, "", 1, "line");
	house_tell_rung(house, peer, 7, "line"); /* no rung */
	house_tell_rung(house, peer, 1, "weather");
	json_t *old = house_rung(house, peer, 1, "line");
	json_object_set_new(old, "boot", json_string("another life"));
	channel_server_notify(house->sfu, "peer.rung", old);
	json_t *nobody = house_rung(house, peer, 1, "line");
	json_object_set_new(nobody, "peer", json_integer(7));
	channel_server_notify(house->sfu, "peer.rung", nobody);
	house_settle(house);
	g_assert_cmpuint(page_told(site, "line.state", NULL), ==, 0);
	g_assert_null(house->site->seat->receive.rung.why);

	forum_go_on_air(house->forum, house->site->seat);
	json_t *published = page_ask(site, "publish.offer",
		"{\"sdp\":\"v=0\",\"sources\":[{\"mid\":\"0\",\"source\":\"mic\"}]}");
	house_tell_rung(house, json_string_value(json_object_get(published, "peer")), 1, "line");
	g_assert_cmpuint(
		page_told(site, "line.state", NULL), ==, 0); /* nothing comes to a sender */
	page_free(site);
}

static void hears_what_was_told_before_the_answer(House *house, gconstpointer data)
{
	Page *site = page_new(house);
	page_hello(house, site, LINK_JOIN, NULL);
	house->early = house_rung(house, "", 2, "unknown");
	page_offer(site);
	page_await(site, "line.state", 1);
	g_assert_cmpint(own_rung(site), ==, 2);
	page_free(site);
}

static void tells_a_page_that_comes_back(House *house, gconstpointer data)
{
	Page *site = page_new(house);
	page_hello(house, site, LINK_JOIN, NULL);
	g_autofree char *peer = g_strdup(page_offer(site));
	house_tell_rung(house, peer, 3, "line");
	page_free(site);
	house_tell_rung(house, peer, 2, "loss"); /* nobody sits there to be told */
	site = page_new(house);
	json_t *found = page_hello(house, site, LINK_JOIN, peer);
	g_assert_cmpint(number(json_object_get(found, "line"), "rung"), ==, 2);
	page_free(site);
}

/* The list comes in pages: what is told meanwhile is newer than a row that came already. */
static void believes_the_later_word(House *house, gconstpointer data)
{
	static const char peer[] = "PPPPPPPPPPPPPPPPPPPPPP";
	house_list(house, peer, 6, "top");
	house->in_pages = true;
	house->early = house_rung(house, peer, 2, "line");
	house_restart_sfu(house, "first");
	g_assert_cmpuint(house_calls(house, "dump", NULL), ==, 3);
	g_assert_cmpuint(house->site->seat->receive.rung.rung, ==, 2);
}

static int limit_said(const House *house, const char *peer)
{
	json_t *last = NULL;
	house_calls(house, "peer.limit", &last);
	g_assert_cmpstr(json_string_value(json_object_get(last, "peer")), ==, peer);
	return number(last, "rung");
}

static void says_a_limit_after_each_offer(House *house, gconstpointer data)
{
	Page *site = page_new(house);
	page_hello(house, site, LINK_JOIN, NULL);
	page_ask(site, "line.limit", "{\"rung\":2}"); /* before there is anything to limit */
	house_settle(house);
	g_assert_cmpuint(house_calls(house, "peer.limit", NULL), ==, 0);
	const char *peer = page_offer(site);
	house_await_calls(house, "peer.limit", 1);
	g_assert_cmpint(limit_said(house, peer), ==, 2);
	peer = page_offer(site);
	house_await_calls(house, "peer.limit", 2);
	g_assert_cmpint(limit_said(house, peer), ==, 2);

	house_restart_sfu(house, "second");
	page_await(site, "media.restarted", 1);
	peer = page_offer(site);
	house_await_calls(house, "peer.limit", 3);
	g_assert_cmpint(limit_said(house, peer), ==, 2);
	page_ask(site, "line.limit", "{\"rung\":6}");
	house_await_calls(house, "peer.limit", 4);
	g_assert_cmpint(limit_said(house, peer), ==, 6);
	page_offer(site);
	house_settle(house);
	g_assert_cmpuint(house_calls(house, "peer.limit", NULL), ==, 4); /* as every peer begins */
	page_free(site);
}

static void says_nothing_where_all_is_wanted(House *house, gconstpointer data)
{
	Page *site = page_new(house);
	page_hello(house, site, LINK_JOIN, NULL);
	page_ask(site, "line.limit", "{\"rung\":6}");
	page_offer(site);
	page_ask(site, "line.limit", "{\"rung\":6}");
	house_settle(house);
	g_assert_cmpuint(house_calls(house, "peer.limit", NULL), ==, 0);
	page_free(site);
}

/* The line between the daemons was lost, the peer lives on, with the rung that the dump tells. */
static void says_a_limit_again_when_the_sfu_is_back(House *house, gconstpointer data)
{
	Page *site = page_new(house), *staff = page_new(house);
	page_hello(house, site, LINK_JOIN, NULL);
	page_hello(house, staff, LINK_MODERATOR, NULL);
	const char *peer = page_offer(site);
	page_ask(site, "line.limit", "{\"rung\":2}");
	house_await_calls(house, "peer.limit", 1);
	house_list(house, peer, 2, "cap");
	house_restart_sfu(house, "first");
	house_await_calls(house, "peer.limit", 2);
	g_assert_cmpint(limit_said(house, peer), ==, 2);
	g_assert_cmpint(own_rung(site), ==, 2);
	g_assert_cmpint(
		number(line_in(page_await(staff, "lines.state", 1), "lines"), "rung"), ==, 2);

	/* Wanted anew while the sfu could not be told. */
	house_stop_sfu(house);
	page_ask(site, "line.limit", "{\"rung\":6}");
	house_restart_sfu(house, "first");
	house_await_calls(house, "peer.limit", 3);
	g_assert_cmpint(limit_said(house, peer), ==, 6);
	page_free(staff);
	page_free(site);
}

/* signaling was killed: the new one finds a peer that its former life may have limited. */
static void lifts_a_limit_of_a_former_life(House *house, gconstpointer data)
{
	static const char peer[] = "PPPPPPPPPPPPPPPPPPPPPP";
	house_list(house, peer, 2, "cap");
	house_restart_sfu(house, "first");
	Page *site = page_new(house);
	json_t *found = page_hello(house, site, LINK_JOIN, peer);
	g_assert_cmpint(number(json_object_get(found, "line"), "rung"), ==, 2);
	page_ask(site, "line.limit", "{\"rung\":6}");
	house_await_calls(house, "peer.limit", 1);
	g_assert_cmpint(limit_said(house, peer), ==, 6);
	page_free(site);
}

#define ADD(path, test) g_test_add(path, House, NULL, house_set, test, house_clear)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/lines/tells-the-site-at-once-and-staff-together",
		tells_the_site_at_once_and_staff_together);
	ADD("/lines/keeps-rungs-in-memory", keeps_rungs_in_memory);
	ADD("/lines/forgets-the-rung-with-its-peer", forgets_the_rung_with_its_peer);
	ADD("/lines/believes-no-word-of-another", believes_no_word_of_another);
	ADD("/lines/hears-what-was-told-before-the-answer", hears_what_was_told_before_the_answer);
	ADD("/lines/tells-a-page-that-comes-back", tells_a_page_that_comes_back);
	ADD("/lines/believes-the-later-word", believes_the_later_word);
	ADD("/lines/says-a-limit-after-each-offer", says_a_limit_after_each_offer);
	ADD("/lines/says-nothing-where-all-is-wanted", says_nothing_where_all_is_wanted);
	ADD("/lines/says-a-limit-again-when-the-sfu-is-back",
		says_a_limit_again_when_the_sfu_is_back);
	ADD("/lines/lifts-a-limit-of-a-former-life", lifts_a_limit_of_a_former_life);
	return g_test_run();
}
