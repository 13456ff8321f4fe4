/* The operator's door: every example of tests/protocol is asked of it, over a real socket.
 *
 * TEST_SOURCE_ROOT comes from the build. */
#include "common/channel.h"
#include "shape.h"
#include "signaling/operator.h"
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#define EXAMPLES TEST_SOURCE_ROOT "/tests/protocol"

typedef struct House {
	char *folder;
	Store *store;
	Links *links;
	Registry *registry;
	Hub *hub;
	Operator *door;
	Channel *channel;
	char forum[ID_SIZE], site[ID_SIZE]; /* what the examples' ids stand for */
} House;

static char *path_in(const House *house, const char *name)
{
	return g_build_filename(house->folder, name, NULL);
}

static void house_set(House *house, gconstpointer data)
{
	house->folder = g_dir_make_tmp("diemcau-operator-XXXXXX", NULL);
	g_autofree char *store = path_in(house, "store.db"), *secret = path_in(house, "secret.key");
	g_autofree char *sfu = path_in(house, "no-sfu.sock"), *door = path_in(house, "door.sock");
	g_autofree char *copy = path_in(house, "backup.new");
	g_autoptr(GError) error = NULL;
	house->store = store_open(store, &error);
	house->links = links_open(secret, &error);
	house->registry = registry_open(house->store, house->links, &error);
	g_assert_no_error(error);
	house->hub = hub_new(house->store, house->registry, sfu, "https://x");
	house->door = operator_new(house->hub, channel_listen(door, &error), copy);
	g_assert_no_error(error);
	house->channel = channel_new(door, NULL, NULL);
	g_assert_true(channel_is_up(house->channel));
}

static void house_clear(House *house, gconstpointer data)
{
	channel_free(house->channel);
	store_drain(house->store);
	operator_free(house->door);
	hub_free(house->hub);
	store_close(house->store);
	registry_free(house->registry);
	links_free(house->links);
	g_autoptr(GDir) listing = g_dir_open(house->folder, 0, NULL);
	for (const char *name; (name = g_dir_read_name(listing));) {
		g_autofree char *path = path_in(house, name);
		g_unlink(path);
	}
	g_rmdir(house->folder);
	g_free(house->folder);
}

/* {result} or {error}; free with json_decref. */
static void on_answer(json_t *result, json_t *error, void *user)
{
	*(json_t **)user =
		result ? json_pack("{s:O}", "result", result) : json_pack("{s:O}", "error", error);
}

static json_t *ask(House *house, const char *method, json_t *params)
{
	json_t *answer = NULL;
	channel_call(house->channel, method, params, on_answer, &answer);
	while (!answer)
		g_main_context_iteration(NULL, TRUE);
	return answer;
}

static const char *reason_of(json_t *answer)
{
	json_t *data = json_object_get(json_object_get(answer, "error"), "data");
	return json_string_value(json_object_get(data, "reason"));
}

static void assert_reason(House *house, const char *method, json_t *params, const char *reason)
{
	json_t *answer = ask(house, method, params);
	g_assert_cmpstr(reason_of(answer), ==, reason);
	json_decref(answer);
}

static int number(json_t *answer, const char *key)
{
	return (int)json_integer_value(json_object_get(json_object_get(answer, "result"), key));
}

static gint compare_ids(gconstpointer a, gconstpointer b)
{
	json_int_t x = json_integer_value(
		json_object_get(json_object_get(*(json_t *const *)a, "message"), "id"));
	json_int_t y = json_integer_value(
		json_object_get(json_object_get(*(json_t *const *)b, "message"), "id"));
	return x < y ? -1 : x > y;
}

static void free_example(void *example)
{
	json_decref(example);
}

/* In the order of their ids, which tells a story. */
static GPtrArray *read_examples(void)
{
	GPtrArray *examples = g_ptr_array_new_with_free_func(free_example);
	g_autoptr(GDir) listing = g_dir_open(EXAMPLES, 0, NULL);
	for (const char *name; (name = g_dir_read_name(listing));) {
		g_autofree char *path = g_build_filename(EXAMPLES, name, NULL);
		if (g_str_has_prefix(name, "operator-"))
			g_ptr_array_add(examples, json_load_file(path, 0, NULL));
	}
	g_ptr_array_sort(examples, compare_ids);
	return examples;
}

static void stand_in(json_t *params, const char *key, const char *id)
{
	json_t *given = json_object_get(params, key);
	if (given && *id && id_is_valid(json_string_value(given)))
		json_object_set_new(params, key, json_string(id));
}

static void on_asked(StoreAnswer answer, const QuestionRow *row, QuestionState was, void *user)
{
	g_assert_cmpint(answer, ==, STORE_DONE);
}

/* What the story needs besides: the ids, and a question that is approved. */
static void go_on(House *house, const char *name, json_t *answer)
{
	json_t *result = json_object_get(answer, "result");
	if (strcmp(name, "operator-forum.make") == 0)
		g_strlcpy(house->forum, json_string_value(json_object_get(result, "id")), ID_SIZE);
	if (strcmp(name, "operator-site.list") != 0)
		return;
	json_t *site = json_array_get(json_object_get(result, "sites"), 0);
	const char *seat = json_string_value(json_object_get(site, "seat"));
	g_strlcpy(house->site, json_string_value(json_object_get(site, "site")), ID_SIZE);
	QuestionRow row = { .id = "QQQQQQQQQQQQQQQQQQQQQQ",
		.forum = house->forum,
		.seat = seat,
		.key = "key-0001",
		.name = "",
		.text = "?" };
	store_ask(house->store, &row, on_asked, NULL);
	store_set_question(
		house->store, house->forum, row.id, QUESTION_APPROVED, seat, 5, on_asked, NULL);
	store_drain(house->store);
}

static void await_copy(House *house)
{
	for (bool works = true; works;) {
		json_t *answer = ask(house, "backup.state", NULL);
		const char *state = json_string_value(
			json_object_get(json_object_get(answer, "result"), "state"));
		works = strcmp(state, "working") == 0;
		json_decref(answer);
	}
}

static void answers_as_every_example_does(House *house, gconstpointer data)
{
	g_autoptr(GPtrArray) examples = read_examples();
	g_assert_cmpuint(examples->len, >=, 14);
	for (unsigned i = 0; i < examples->len; i++) {
		json_t *example = examples->pdata[i];
		const char *name = json_string_value(json_object_get(example, "name"));
		json_t *message = json_object_get(example, "message");
		json_t *params = json_deep_copy(json_object_get(message, "params"));
		stand_in(params, "forum", house->forum);
		stand_in(params, "site", house->site);
		if (strcmp(name, "operator-backup.state") == 0)
			await_copy(house);
		json_t *answer =
			ask(house, json_string_value(json_object_get(message, "method")), params);
		json_t *expected = json_deep_copy(json_object_get(example, "answer"));
		json_object_del(expected, "jsonrpc");
		json_object_del(expected, "id");
		if (!has_shape(answer, expected)) {
			char *text = json_dumps(answer, 0);
			g_error("%s is not answered so: %s", name, text);
		}
		if (strcmp(name, "operator-question.list") == 0)
			g_assert_cmpuint(json_array_size(json_object_get(
						 json_object_get(answer, "result"), "questions")),
				==, 1);
		if (strcmp(name, "operator-site.import") == 0)
			g_assert_cmpint(number(answer, "added"), ==, 2);
		go_on(house, name, answer);
		json_decref(expected);
		json_decref(answer);
	}
}

static json_t *part(const char *import, const char *forum, const char *name, bool is_last)
{
	return json_pack("{s:s, s:s, s:[{s:i, s:s}], s:b}", "import", import, "forum", forum,
		"rows", "line", 2, "name", name, "last", is_last);
}

static void takes_one_list_at_a_time(House *house, gconstpointer data)
{
	Forum *forum = registry_add_forum(house->registry, "T", NULL, false, 1);
	const char *first = "AAAAAAAAAAAAAAAAAAAAAA", *second = "BBBBBBBBBBBBBBBBBBBBBB";
	json_decref(ask(house, "site.import", part(first, forum->id, "Xã A", false)));
	assert_reason(house, "site.import", part(second, forum->id, "Xã B", true), "busy");
	json_t *answer = ask(house, "site.import", part(first, forum->id, "Xã C", true));
	g_assert_cmpint(number(answer, "added"), ==, 2);
	json_decref(answer);
	answer = ask(house, "site.import", part(second, forum->id, "Xã B", true));
	g_assert_cmpint(number(answer, "added"), ==, 1);
	json_decref(answer);
}

static void refuses_what_makes_no_sense(House *house, gconstpointer data)
{
	registry_add_forum(house->registry, "Hai", NULL, false, 1);
	registry_add_forum(house->registry, "Hai", NULL, false, 1);
	Forum *forum = registry_add_forum(house->registry, "T", NULL, false, 1);
	assert_reason(house, "forum.mend", NULL, "unknown-method");
	assert_reason(house, "forum.make", NULL, "bad-params");
	assert_reason(house, "forum.make", json_pack("{s:s}", "title", " \n "), "bad-params");
	assert_reason(house, "forum.links", NULL, "not-found");
	assert_reason(house, "forum.links", json_pack("{s:s}", "forum", "Hai"), "ambiguous");
	assert_reason(house, "site.import", json_pack("{s:s}", "forum", forum->id), "bad-params");
	assert_reason(house, "site.revoke",
		json_pack("{s:s, s:s, s:s}", "forum", forum->id, "site", "x", "which", "both"),
		"bad-params");
	assert_reason(house, "site.revoke",
		json_pack("{s:s, s:s, s:s}", "forum", forum->id, "site", "x", "which", "ask"),
		"not-found");
	assert_reason(house, "question.list",
		json_pack("{s:s, s:s}", "forum", forum->id, "state", "gone"), "bad-params");
}

/* A large forum's lists do not fit one message. */
static void gives_long_lists_in_pages(House *house, gconstpointer data)
{
	Forum *forum = registry_add_forum(house->registry, "T", NULL, false, 1);
	for (unsigned i = 0; i < 600; i++) {
		g_autofree char *name = g_strdup_printf("Xã thứ %u", i);
		registry_add_site(house->registry, forum, name, "Huyện", "0912", 1);
	}
	unsigned found = 0, pages = 0;
	for (bool more = true; more; pages++) {
		json_t *answer = ask(house, "site.list",
			json_pack("{s:s, s:i}", "forum", forum->id, "after", found));
		json_t *result = json_object_get(answer, "result");
		found += json_array_size(json_object_get(result, "sites"));
		more = json_is_true(json_object_get(result, "more"));
		json_decref(answer);
	}
	g_assert_cmpuint(found, ==, 600);
	g_assert_cmpuint(pages, >, 1);
	forum_settled(forum);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	static const struct {
		const char *path;
		void (*run)(House *house, gconstpointer data);
	} tests[] = {
		{ "/operator/answers-as-every-example-does", answers_as_every_example_does },
		{ "/operator/takes-one-list-at-a-time", takes_one_list_at_a_time },
		{ "/operator/refuses-what-makes-no-sense", refuses_what_makes_no_sense },
		{ "/operator/gives-long-lists-in-pages", gives_long_lists_in_pages },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, House, NULL, house_set, tests[i].run, house_clear);
	return g_test_run();
}
