/* Checks of sites' machines: what a page may report, and what the store keeps of it. */
#include "signaling/preflight.h"
#include "signaling/registry.h"
#include <glib/gstdio.h>
#include <string.h>

static char *folder;

static json_t *report(const char *faults, const char *rest)
{
	g_autofree char *text = g_strdup_printf("{\"faults\":%s,%s}", faults, rest);
	json_t *json = json_loads(text, 0, NULL);
	if (!json)
		g_error("no JSON: %s", text);
	return json;
}

#define FIGURES                                                                                    \
	"\"down_bps\":256000,\"up_bps\":128000,\"rtt_ms\":60,\"loss_permille\":12,\"path\":"       \
	"\"tcp\""
#define NOTHING "\"down_bps\":null,\"up_bps\":null,\"rtt_ms\":null,\"loss_permille\":null"

static Preflight taken(const char *faults, const char *rest)
{
	json_t *json = report(faults, rest);
	Preflight preflight = { .at_ms = 1 };
	const char *what = "";
	if (!preflight_read(json, &preflight, &what))
		g_error("%s: %s", faults, what);
	json_decref(json);
	return preflight;
}

static void refuses(const char *faults, const char *rest)
{
	json_t *json = report(faults, rest);
	Preflight preflight = { 0 };
	const char *what = NULL;
	if (preflight_read(json, &preflight, &what))
		g_error("taken: %s %s", faults, rest);
	g_assert_nonnull(what);
	json_decref(json);
}

static void assert_same(const Preflight *a, const Preflight *b)
{
	g_assert_cmpint(a->at_ms, ==, b->at_ms);
	g_assert_cmpuint(a->faults, ==, b->faults);
	g_assert_cmpint(a->down_bps, ==, b->down_bps);
	g_assert_cmpint(a->up_bps, ==, b->up_bps);
	g_assert_cmpint(a->rtt_ms, ==, b->rtt_ms);
	g_assert_cmpint(a->loss_permille, ==, b->loss_permille);
	g_assert_cmpstr(a->path, ==, b->path);
}

static void takes_a_report_and_tells_it_again(void)
{
	Preflight preflight = taken("[\"line-tcp\",\"mic-silent\"]", FIGURES);
	g_autofree char *words = preflight_fault_words(&preflight);
	g_assert_cmpstr(words, ==, "mic-silent line-tcp"); /* in the order of advice */
	unsigned faults;
	g_assert_true(preflight_faults_from_words(words, &faults));
	g_assert_cmpuint(faults, ==, preflight.faults);
	g_assert_cmpint(preflight.down_bps, ==, 256000);
	g_assert_cmpint(preflight.loss_permille, ==, 12);
	g_assert_cmpstr(preflight.path, ==, "tcp");

	json_t *view = preflight_view(&preflight);
	Preflight again = { .at_ms = 1 };
	const char *what;
	g_assert_true(preflight_read(view, &again, &what));
	assert_same(&again, &preflight);
	json_decref(view);

	preflight = taken("[]", NOTHING);
	g_assert_cmpint(preflight.rtt_ms, ==, PREFLIGHT_UNKNOWN);
	g_assert_cmpstr(preflight.path, ==, "");
	view = preflight_view(&preflight);
	g_assert_true(json_is_null(json_object_get(view, "rtt_ms")));
	g_assert_true(json_is_null(json_object_get(view, "path")));
	json_decref(view);
}

static void refuses_what_no_page_measures(void)
{
	refuses("null", FIGURES);
	refuses("\"mic-silent\"", FIGURES);
	refuses("[\"mic-silent\",\"mic-silent\"]", FIGURES);
	refuses("[\"mic-loud\"]", FIGURES);
	refuses("[\"\"]", FIGURES);
	refuses("[1]", FIGURES);
	refuses("[]", "\"down_bps\":1,\"up_bps\":1,\"rtt_ms\":1"); /* loss is left out */
	refuses("[]", "\"down_bps\":-1,\"up_bps\":1,\"rtt_ms\":1,\"loss_permille\":0");
	refuses("[]", "\"down_bps\":1e9,\"up_bps\":1,\"rtt_ms\":1,\"loss_permille\":0");
	refuses("[]", "\"down_bps\":1,\"up_bps\":100000000001,\"rtt_ms\":1,\"loss_permille\":0");
	refuses("[]", "\"down_bps\":1,\"up_bps\":1,\"rtt_ms\":60001,\"loss_permille\":0");
	refuses("[]", "\"down_bps\":1,\"up_bps\":1,\"rtt_ms\":1,\"loss_permille\":1001");
	refuses("[]", NOTHING ",\"path\":\"ftp\"");
	refuses("[]", NOTHING ",\"path\":\"udp/tcp\"");
	unsigned faults;
	g_assert_false(preflight_faults_from_words("mic-silent  line-tcp", &faults));
	g_assert_false(preflight_faults_from_words(NULL, &faults));
}

static void says_who_needs_help(void)
{
	const Preflight never = { 0 };
	g_assert_cmpstr(preflight_verdict(&never), ==, "never");
	json_t *view = preflight_view(&never);
	g_assert_true(json_is_null(view));
	Preflight well = taken("[]", FIGURES);
	g_assert_cmpstr(preflight_verdict(&well), ==, "ok");
	Preflight mild = taken("[\"camera-missing\",\"line-tcp\",\"line-unknown\"]", FIGURES);
	g_assert_cmpstr(preflight_verdict(&mild), ==, "ok");
	static const char *const grave[] = { "insecure", "mic-missing", "mic-denied", "mic-busy",
		"mic-silent", "speaker-unheard", "line-none", "line-down", "line-up", "line-loss",
		"line-delay" };
	for (unsigned i = 0; i < G_N_ELEMENTS(grave); i++) {
		g_autofree char *list = g_strdup_printf("[\"%s\"]", grave[i]);
		Preflight one = taken(list, FIGURES);
		g_assert_cmpstr(preflight_verdict(&one), ==, "help");
	}
}

/* --- the store --- */

typedef struct House {
	Store *store;
	Links *links;
	Registry *registry;
	Forum *forum;
} House;

static void open_house(House *house)
{
	g_autofree char *path = g_build_filename(folder, "store.db", NULL);
	g_autofree char *secret = g_build_filename(folder, "secret.key", NULL);
	g_autoptr(GError) error = NULL;
	house->store = store_open(path, &error);
	house->links = links_open(secret, &error);
	house->registry = registry_open(house->store, house->links, &error);
	g_assert_no_error(error);
	GPtrArray *forums = registry_forums(house->registry);
	house->forum = forums->len ? forums->pdata[0]
				   : registry_add_forum(house->registry, "T", NULL, false, 1);
}

static void close_house(House *house)
{
	store_close(house->store);
	registry_free(house->registry);
	links_free(house->links);
}

static Seat *seat_named(House *house, const char *name)
{
	g_autoptr(GPtrArray) sites = registry_sites(house->registry, house->forum);
	for (unsigned i = 0; i < sites->len; i++) {
		Site *site = sites->pdata[i];
		if (strcmp(site->name, name) == 0)
			return site->seat;
	}
	return registry_add_site(house->registry, house->forum, name, "", "", 1)->seat;
}

static void on_listed(bool ok, const GArray *rows, void *user)
{
	GArray **copy = user;
	g_assert_true(ok);
	*copy = g_array_copy((GArray *)rows);
}

static GArray *listed(House *house, const Seat *seat)
{
	GArray *rows = NULL;
	store_list_preflights(house->store, seat->id, on_listed, &rows);
	while (!rows)
		g_main_context_iteration(NULL, TRUE);
	return rows;
}

static void keeps_the_last_twenty_of_each_site(void)
{
	House house;
	open_house(&house);
	Seat *a = seat_named(&house, "Xã A"), *b = seat_named(&house, "Xã B");
	seat_named(&house, "Xã C");
	Preflight row = taken("[\"line-up\"]", FIGURES);
	for (unsigned i = 1; i <= PREFLIGHTS_KEPT + 5; i++) {
		row.at_ms = i;
		registry_add_preflight(house.registry, a, &row);
		store_commit(house.store, NULL, NULL);
	}
	row = taken("[]", NOTHING);
	row.at_ms = 7;
	registry_add_preflight(house.registry, b, &row);
	store_commit(house.store, NULL, NULL);

	g_autoptr(GArray) rows = listed(&house, a);
	g_assert_cmpuint(rows->len, ==, PREFLIGHTS_KEPT);
	for (unsigned i = 0; i < rows->len; i++) /* newest first */
		g_assert_cmpint(
			g_array_index(rows, Preflight, i).at_ms, ==, PREFLIGHTS_KEPT + 5 - i);
	g_autoptr(GArray) others = listed(&house, b);
	g_assert_cmpuint(others->len, ==, 1);
	assert_same(&g_array_index(others, Preflight, 0), &row);
	close_house(&house);
}

static void knows_the_last_one_after_a_restart(void)
{
	House house;
	open_house(&house);
	g_assert_cmpint(seat_named(&house, "Xã A")->checked.at_ms, ==, PREFLIGHTS_KEPT + 5);
	g_assert_cmpstr(preflight_verdict(&seat_named(&house, "Xã A")->checked), ==, "help");
	g_assert_cmpstr(preflight_verdict(&seat_named(&house, "Xã B")->checked), ==, "ok");
	g_assert_cmpstr(preflight_verdict(&seat_named(&house, "Xã C")->checked), ==, "never");
	close_house(&house);
}

static void remove_folder(void)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	for (const char *name; (name = g_dir_read_name(dir));) {
		g_autofree char *path = g_build_filename(folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	folder = g_dir_make_tmp("diemcau-preflight-XXXXXX", NULL);
	g_test_add_func(
		"/preflight/takes-a-report-and-tells-it-again", takes_a_report_and_tells_it_again);
	g_test_add_func("/preflight/refuses-what-no-page-measures", refuses_what_no_page_measures);
	g_test_add_func("/preflight/says-who-needs-help", says_who_needs_help);
	g_test_add_func("/preflight/keeps-the-last-twenty-of-each-site",
		keeps_the_last_twenty_of_each_site);
	g_test_add_func("/preflight/knows-the-last-one-after-a-restart",
		knows_the_last_one_after_a_restart);
	int failed = g_test_run();
	remove_folder();
	g_free(folder);
	return failed;
}
