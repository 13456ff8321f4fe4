/* The examples in tests/protocol: each is what the C side reads and, where it writes it, writes.
 *
 * TEST_SOURCE_ROOT comes from the build. */
#include "common/rpc.h"
#include "shape.h"
#include "signaling/method.h"
#include "signaling/view.h"
#include <string.h>

#define PROTOCOL_DIR TEST_SOURCE_ROOT "/tests/protocol"

typedef struct Example {
	char *name;
	json_t *root;
} Example;

static GPtrArray *examples;

static void free_example(void *data)
{
	Example *example = data;
	g_free(example->name);
	json_decref(example->root);
	g_free(example);
}

static void read_all(void)
{
	examples = g_ptr_array_new_with_free_func(free_example);
	g_autoptr(GDir) dir = g_dir_open(PROTOCOL_DIR, 0, NULL);
	g_assert_nonnull(dir);
	const char *name;
	while ((name = g_dir_read_name(dir))) {
		if (!g_str_has_suffix(name, ".json"))
			continue;
		g_autofree char *path = g_build_filename(PROTOCOL_DIR, name, NULL);
		Example *example = g_new0(Example, 1);
		example->name = g_strndup(name, strlen(name) - strlen(".json"));
		example->root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
		if (!example->root)
			g_error("%s is no JSON", name);
		g_ptr_array_add(examples, example);
	}
}

static const char *string(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool goes(const Example *example, const char *direction)
{
	return g_strcmp0(string(example->root, "direction"), direction) == 0;
}

static json_t *find(const char *name, const char *part)
{
	for (unsigned i = 0; i < examples->len; i++) {
		const Example *example = examples->pdata[i];
		if (strcmp(example->name, name) == 0)
			return json_object_get(example->root, part);
	}
	g_error("there is no example %s", name);
}

static void read_message(json_t *json, RpcMessage *message, const char *name)
{
	char *text = json_dumps(json, JSON_COMPACT);
	int code;
	const char *reason;
	if (!rpc_read(message, text, strlen(text), 160 * 1024, &code, &reason))
		g_error("%s: %s", name, reason);
	free(text);
}

static void reads_every_example(void)
{
	static const char *const directions[] = { "client-to-server", "server-to-client",
		"signaling-to-sfu", "sfu-to-signaling", "signaling-to-recorder",
		"recorder-to-signaling", "operator-to-signaling", NULL };
	g_assert_cmpuint(examples->len, >, 30);
	for (unsigned i = 0; i < examples->len; i++) {
		const Example *example = examples->pdata[i];
		g_assert_cmpstr(string(example->root, "name"), ==, example->name);
		g_assert_true(g_strv_contains(directions, string(example->root, "direction")));
		g_auto(RpcMessage) message = { 0 };
		read_message(json_object_get(example->root, "message"), &message, example->name);
		json_t *answer = json_object_get(example->root, "answer");
		g_assert_true(!answer == (message.kind == RPC_NOTIFICATION));
		if (!answer)
			continue;
		g_auto(RpcMessage) answered = { 0 };
		read_message(answer, &answered, example->name);
		g_assert_true(json_equal(answered.id, message.id));
	}
}

static void takes_the_parameters_of_every_request(void)
{
	for (unsigned i = 0; i < examples->len; i++) {
		const Example *example = examples->pdata[i];
		if (!goes(example, "client-to-server"))
			continue;
		json_t *message = json_object_get(example->root, "message");
		const Method *method = method_find(string(message, "method"));
		if (!method)
			g_error("%s: no method of ours", example->name);
		Params params = { 0 };
		const char *what = "";
		if (!method->read(json_object_get(message, "params"), &params, &what))
			g_error("%s: %s", example->name, what);
		params_clear(&params);
	}
}

static void has_an_example_of_every_method(void)
{
	unsigned count;
	const Method *methods = method_table(&count);
	for (unsigned i = 0; i < count; i++)
		(void)find(methods[i].name, "message");
}

/* The examples with a member taken away or replaced by each of these must be refused or read, and
 * never more than that (the sanitizers watch). */
static void survives_wrong_values_everywhere(void)
{
	const char *const wrong[] = { "null", "true", "0", "-1", "1e308", "\"\"", "\"x\"", "[]",
		"{}", "[[]]", "[null]", "\"\\u0001\"", "9223372036854775807",
		"[{\"mid\":1,\"source\":\"mic\"}]", "[{\"mid\":\"0\",\"source\":\"tap\"}]",
		"{\"receive\":1}", "{\"receive\":null}" };
	for (unsigned i = 0; i < examples->len; i++) {
		const Example *example = examples->pdata[i];
		json_t *message = json_object_get(example->root, "message");
		const Method *method = method_find(string(message, "method"));
		if (!method || !goes(example, "client-to-server"))
			continue;
		const char *key;
		json_t *value, *given = json_object_get(message, "params");
		json_object_foreach(given, key, value)
		{
			for (unsigned w = 0; w < G_N_ELEMENTS(wrong); w++) {
				json_t *params = json_deep_copy(given);
				json_object_set_new(
					params, key, json_loads(wrong[w], JSON_DECODE_ANY, NULL));
				Params into = { 0 };
				const char *what = NULL;
				if (!method->read(params, &into, &what))
					g_assert_nonnull(what);
				params_clear(&into);
				json_decref(params);
			}
		}
	}
}

static void refuses(const char *method_name, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	g_assert_nonnull(json);
	Params params = { 0 };
	const char *what = NULL;
	if (method_find(method_name)->read(json, &params, &what))
		g_error("%s takes %s", method_name, text);
	params_clear(&params);
	json_decref(json);
}

static void refuses_what_is_out_of_bounds(void)
{
	refuses("hello", "{}");
	refuses("hello", "{\"token\":\"x\",\"device\":\"1234567\"}");
	refuses("hello", "{\"token\":\"x\",\"device\":\"12345678\",\"resume\":[]}");
	refuses("receive.offer", "{\"sdp\":\"hello\"}");
	refuses("publish.offer", "{\"sdp\":\"v=0\",\"sources\":[]}");
	refuses("publish.offer", "{\"sdp\":\"v=0\",\"sources\":[{\"mid\":\"0\",\"source\":\"mic\"},"
				 "{\"mid\":\"0\",\"source\":\"camera\"}]}");
	refuses("publish.offer", "{\"sdp\":\"v=0\",\"sources\":[{\"mid\":\"0\",\"source\":\"mic\"},"
				 "{\"mid\":\"1\",\"source\":\"mic\"}]}");
	refuses("publish.set", "{\"mic\":1,\"camera\":true,\"screen\":false}");
	refuses("stage.call", "{\"seat\":\"../../etc/passwd\"}");
	refuses("stage.call", "{\"seat\":null}");
	refuses("stage.mute", "{\"seat\":\"AAAAAAAAAAAAAAAAAAAAAA\"}");
	refuses("question.ask", "{\"key\":\"12345678\"}");
	refuses("question.ask", "{\"key\":\"1234567\",\"text\":\"x\"}");
	refuses("question.ask", "{\"key\":\"1234 678\",\"text\":\"x\"}");
	refuses("question.ask", "{\"key\":\"12345678\",\"text\":[\"x\"]}");
	refuses("question.ask", "{\"key\":\"12345678\",\"text\":\"x\",\"name\":7}");
	refuses("question.list", "{}");
	refuses("question.list", "{\"limit\":51}");
	refuses("question.list", "{\"limit\":0}");
	refuses("question.list", "{\"limit\":5,\"state\":\"secret\"}");
	refuses("question.list", "{\"limit\":5,\"after\":0}");
	refuses("question.set", "{\"id\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"state\":\"gone\"}");
	refuses("question.set", "{\"id\":\"1\",\"state\":\"new\"}");
	refuses("line.limit", "{}");
	refuses("line.limit", "{\"rung\":7}");
	refuses("line.limit", "{\"rung\":-1}");
	refuses("line.limit", "{\"rung\":2.5}");
	refuses("line.limit", "{\"rung\":\"2\"}");
	refuses("preflight.list", "{}");
}

static void check_shape(json_t *mine, const char *example, const char *key)
{
	json_t *params = json_object_get(find(example, "message"), "params");
	if (!has_shape(mine, key ? json_object_get(params, key) : params)) {
		char *text = json_dumps(mine, 0);
		g_error("%s is not written so: %s", example, text);
	}
	json_decref(mine);
}

static void writes_stage_queue_and_sites_as_the_examples_do(void)
{
	g_autoptr(Forum) forum = forum_new("FFFFFFFFFFFFFFFFFFFFFF", "SSSSSSSSSSSSSSSSSSSSSS", "T");
	Seat *a = seat_new("AAAAAAAAAAAAAAAAAAAAAA", SEAT_OF_SITE, ROLE_SITE, "Xã A");
	Seat *b = seat_new("BBBBBBBBBBBBBBBBBBBBBB", SEAT_OF_SITE, ROLE_SITE, "Xã B");
	forum_add(forum, a);
	forum_add(forum, b);
	forum_go_on_air(forum, a);
	forum_set_sources(forum, a, true, true, true);
	forum_raise_hand(forum, b, 1767225600000);
	const char *what = NULL;
	json_t *told = json_object_get(find("sfu-peer.rung", "message"), "params");
	g_assert_true(rung_read(told, &a->receive.rung, &what));
	check_shape(view_stage(forum), "stage.state", NULL);
	check_shape(view_queue(forum), "queue.state", "queue");
	check_shape(view_sites(forum), "sites.state", "sites");
	check_shape(view_seat(b), "seat.state", NULL);
	check_shape(view_line(&a->receive.rung), "line.state", "line");
	check_shape(view_line(&b->receive.rung), "line.state", "line");
	check_shape(view_stage_put(forum), "sfu-stage.put", NULL);
}

static void writes_questions_as_the_examples_do(void)
{
	g_autoptr(Forum) forum = forum_new("FFFFFFFFFFFFFFFFFFFFFF", "SSSSSSSSSSSSSSSSSSSSSS", "T");
	forum_add(forum, seat_new("AAAAAAAAAAAAAAAAAAAAAA", SEAT_OF_SITE, ROLE_SITE, "Xã A"));
	QuestionRow row = { .id = "QQQQQQQQQQQQQQQQQQQQQQ",
		.seat = "AAAAAAAAAAAAAAAAAAAAAA",
		.name = "",
		.text = "?",
		.number = 1 };
	g_autoptr(GPtrArray) rows = g_ptr_array_new();
	g_ptr_array_add(rows, &row);
	json_t *receipt = view_receipt(&row);
	g_assert_true(
		has_shape(receipt, json_object_get(find("question.ask", "answer"), "result")));
	json_decref(receipt);
	check_shape(view_questions(forum, rows, true), "question.state", NULL);
	check_shape(view_questions(forum, rows, false), "question.state-own", NULL);
	json_t *page = view_questions(forum, rows, true);
	json_object_set_new(page, "more", json_false());
	g_assert_true(has_shape(page, json_object_get(find("question.list", "answer"), "result")));
	json_decref(page);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	read_all();
	g_test_add_func("/protocol/reads-every-example", reads_every_example);
	g_test_add_func("/protocol/takes-the-parameters-of-every-request",
		takes_the_parameters_of_every_request);
	g_test_add_func("/protocol/has-an-example-of-every-method", has_an_example_of_every_method);
	g_test_add_func(
		"/protocol/survives-wrong-values-everywhere", survives_wrong_values_everywhere);
	g_test_add_func("/protocol/refuses-what-is-out-of-bounds", refuses_what_is_out_of_bounds);
	g_test_add_func("/protocol/writes-stage-queue-and-sites-as-the-examples-do",
		writes_stage_queue_and_sites_as_the_examples_do);
	g_test_add_func("/protocol/writes-questions-as-the-examples-do",
		writes_questions_as_the_examples_do);
	int failed = g_test_run();
	g_ptr_array_unref(examples);
	return failed;
}
