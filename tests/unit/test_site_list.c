/* A list of sites: taken whole or not at all, and twice the same list changes nothing. */
#include "signaling/site_list.h"
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#define NOW_MS 1767225600000

static char *folder;

typedef struct House {
	Store *store;
	Links *links;
	Registry *registry;
	Forum *forum;
} House;

static void open_house(House *house, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_autofree char *secret = g_build_filename(folder, "secret.key", NULL);
	g_autoptr(GError) error = NULL;
	house->store = store_open(path, &error);
	g_assert_no_error(error);
	house->links = links_open(secret, &error);
	house->registry = registry_open(house->store, house->links, &error);
	g_assert_no_error(error);
	GPtrArray *forums = registry_forums(house->registry);
	house->forum = forums->len ? forums->pdata[0]
				   : registry_add_forum(house->registry, "T", NULL, false, NOW_MS);
}

static void close_house(House *house)
{
	forum_settled(house->forum);
	store_close(house->store);
	registry_free(house->registry);
	links_free(house->links);
}

/* rows: name|district|province|phone, a line each; the first one is line 2. What it came to as
 * `added/updated/same` or, where nothing was done, the errors as `line: message; `. */
static char *import(House *house, const char *rows, bool is_dry)
{
	g_autoptr(SiteList) list = site_list_new();
	json_t *errors = json_array();
	g_auto(GStrv) lines = g_strsplit(rows, "\n", -1);
	for (unsigned i = 0; lines[i]; i++) {
		g_auto(GStrv) cells = g_strsplit(lines[i], "|", 4);
		json_t *row = json_pack("{s:i, s:s, s:s, s:s, s:s}", "line", i + 2, "name",
			cells[0], "district", cells[1], "province", cells[2], "phone", cells[3]);
		site_list_add(list, row, errors);
		json_decref(row);
	}
	SiteCounts counts;
	GString *out = g_string_new(NULL);
	if (site_list_apply(list, house->registry, house->forum, is_dry, NOW_MS, &counts, errors))
		g_string_append_printf(out, "%u/%u/%u", counts.added, counts.updated, counts.same);
	size_t i;
	json_t *error;
	json_array_foreach(errors, i, error) g_string_append_printf(out, "%d: %s; ",
		(int)json_integer_value(json_object_get(error, "line")),
		json_string_value(json_object_get(error, "message")));
	json_decref(errors);
	return g_string_free(out, FALSE);
}

static void assert_import(House *house, const char *rows, const char *expected)
{
	g_autofree char *told = import(house, rows, false);
	g_assert_cmpstr(told, ==, expected);
}

static unsigned count(House *house)
{
	g_autoptr(GPtrArray) sites = registry_sites(house->registry, house->forum);
	return sites->len;
}

static Site *site_at(House *house, unsigned i)
{
	g_autoptr(GPtrArray) sites = registry_sites(house->registry, house->forum);
	return sites->pdata[i];
}

static void brings_both_kinds_of_province(void)
{
	House house;
	open_house(&house, "levels.db");
	assert_import(&house, "Xã A|Huyện B|Nghệ An|0912\nXã A|Huyện C|Nghệ An|\nXã D||Huế|0913",
		"3/0/0");
	close_house(&house);
	open_house(&house, "levels.db"); /* as it is on the disk */
	g_assert_cmpuint(count(&house), ==, 3);
	g_assert_cmpstr(site_at(&house, 0)->province, ==, "Nghệ An");
	g_assert_cmpstr(site_at(&house, 0)->seat->phone, ==, "0912");
	g_assert_cmpstr(site_at(&house, 2)->district, ==, "");
	g_assert_cmpstr(site_at(&house, 2)->province, ==, "Huế");
	close_house(&house);
}

static void knows_the_sites_of_the_list_before(void)
{
	House house;
	open_house(&house, "again.db");
	const char *list = "Xã A|B||0912\nXã C|D||0913";
	assert_import(&house, list, "2/0/0");
	char before[LINK_SIZE], after[LINK_SIZE];
	registry_site_token(house.registry, site_at(&house, 0), LINK_JOIN, before);
	assert_import(&house, list, "0/0/2");
	assert_import(&house, "Xã A|B||0999\nXã C|D||", "0/1/1"); /* no phone is no news */
	assert_import(&house, "xã  A|B|Nghệ An|0999", "0/1/0");   /* spelled so, and a level more */
	assert_import(&house, "Xã A|B|Nghệ An|0999", "0/0/1");
	registry_site_token(house.registry, site_at(&house, 0), LINK_JOIN, after);
	g_assert_cmpstr(before, ==, after);
	g_assert_cmpuint(count(&house), ==, 2);
	g_assert_cmpstr(site_at(&house, 1)->phone, ==, "0913");
	close_house(&house);
}

static void composes_what_it_takes(void)
{
	House house;
	open_house(&house, "nfc.db");
	assert_import(&house, "Xa\xcc\x83 \xc4\x90o\xcc\x82|||", "1/0/0");
	assert_import(&house, "Xã Đô|||", "0/0/1");
	g_assert_cmpstr(site_at(&house, 0)->name, ==, "Xã Đô");
	close_house(&house);
}

static void takes_nothing_where_one_row_is_wrong(void)
{
	House house;
	open_house(&house, "wrong.db");
	g_autofree char *wide = g_strnfill(SEAT_NAME_MAX + 1, 'x');
	g_autofree char *rows =
		g_strdup_printf("Xã A|B||1\n|B||2\nxã a|B||3\n%s|B||4\nXã C|B||%s", wide, wide);
	assert_import(&house, rows,
		"3: the name is missing; 4: is the same site as line 2: xã a, B; "
		"5: the name is longer than 200 bytes; 6: the phone is longer than 40 bytes; ");
	g_assert_cmpuint(count(&house), ==, 0);
	close_house(&house);
}

static void says_what_would_be_and_does_nothing(void)
{
	House house;
	open_house(&house, "dry.db");
	g_autofree char *told = import(&house, "Xã A|B||1", true);
	g_assert_cmpstr(told, ==, "1/0/0");
	g_assert_cmpuint(count(&house), ==, 0);
	close_house(&house);
}

static void keeps_to_the_seats_of_a_forum(void)
{
	House house;
	open_house(&house, "full.db");
	g_autoptr(GString) rows = g_string_new("Xã 0|||");
	unsigned room = FORUM_SEATS_MAX - g_hash_table_size(house.forum->seats);
	for (unsigned i = 1; i < room; i++)
		g_string_append_printf(rows, "\nXã %u|||", i);
	g_autofree char *full = g_strdup_printf("%u/0/0", room);
	assert_import(&house, rows->str, full);
	assert_import(&house, "Xã 1|||09\nXã mới|||",
		"0: a forum has at most 2000 seats, and these would be more; ");
	g_assert_cmpstr(site_at(&house, 1)->phone, ==, "");
	close_house(&house);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	folder = g_dir_make_tmp("diemcau-sites-XXXXXX", NULL);
	g_test_add_func("/site-list/brings-both-kinds-of-province", brings_both_kinds_of_province);
	g_test_add_func("/site-list/knows-the-sites-of-the-list-before",
		knows_the_sites_of_the_list_before);
	g_test_add_func("/site-list/composes-what-it-takes", composes_what_it_takes);
	g_test_add_func("/site-list/takes-nothing-where-one-row-is-wrong",
		takes_nothing_where_one_row_is_wrong);
	g_test_add_func("/site-list/says-what-would-be-and-does-nothing",
		says_what_would_be_and_does_nothing);
	g_test_add_func("/site-list/keeps-to-the-seats-of-a-forum", keeps_to_the_seats_of_a_forum);
	int failed = g_test_run();
	g_autoptr(GDir) listing = g_dir_open(folder, 0, NULL);
	for (const char *name; listing && (name = g_dir_read_name(listing));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(folder);
	g_free(folder);
	return failed;
}
