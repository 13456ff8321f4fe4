#include "common/rpc.h"
#include <string.h>

#define LIMIT 4096

static bool reads(const char *text, RpcMessage *message, int *code, const char **reason)
{
	return rpc_read(message, text, strlen(text), LIMIT, code, reason);
}

/* The error code text is refused with; 0 when it is taken. */
static int refusal_of(const char *text, size_t len)
{
	int code;
	const char *reason = NULL;
	g_auto(RpcMessage) message = { 0 };
	if (rpc_read(&message, text, len, LIMIT, &code, &reason)) {
		g_assert_cmpint(code, ==, 0);
		return 0;
	}
	g_assert_nonnull(reason);
	g_assert_null(message.root);
	return code;
}

static int refusal(const char *text)
{
	return refusal_of(text, strlen(text));
}

static void test_request(void)
{
	int code;
	const char *reason;
	g_auto(RpcMessage) message = { 0 };
	g_assert_true(reads("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"question.ask\","
			    "\"params\":{\"text\":\"Kính thưa\"}}",
		&message, &code, &reason));
	g_assert_cmpint(message.kind, ==, RPC_REQUEST);
	g_assert_cmpint(json_integer_value(message.id), ==, 7);
	g_assert_cmpstr(message.method, ==, "question.ask");
	g_assert_cmpstr(
		json_string_value(json_object_get(message.params, "text")), ==, "Kính thưa");
}

static void test_no_params(void)
{
	int code;
	const char *reason;
	g_auto(RpcMessage) message = { 0 };
	g_assert_true(
		reads("{\"jsonrpc\":\"2.0\",\"method\":\"hand.raise\"}", &message, &code, &reason));
	g_assert_cmpint(message.kind, ==, RPC_NOTIFICATION);
	g_assert_null(message.id);
	g_assert_true(json_is_object(message.params));
	g_assert_cmpuint(json_object_size(message.params), ==, 0);
}

static void test_answers(void)
{
	int code;
	const char *reason;
	RpcMessage message;
	g_assert_true(reads(
		"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":null}", &message, &code, &reason));
	g_assert_cmpint(message.kind, ==, RPC_RESULT);
	g_assert_true(json_is_null(message.result));
	rpc_message_clear(&message);

	g_assert_true(reads("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32001,"
			    "\"message\":\"no\",\"data\":{\"reason\":\"not-allowed\"}}}",
		&message, &code, &reason));
	g_assert_cmpint(message.kind, ==, RPC_ERROR);
	g_assert_cmpint(json_integer_value(json_object_get(message.error, "code")), ==, -32001);
	rpc_message_clear(&message);

	g_assert_true(reads(
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"\"}}",
		&message, &code, &reason));
	g_assert_cmpint(message.kind, ==, RPC_ERROR);
	g_assert_null(message.id);
	rpc_message_clear(&message);
	g_assert_null(message.root);
}

/* What is no message, and the code each is refused with. */
static void test_refusals(void)
{
	static const struct {
		int code;
		const char *text;
	} cases[] = {
		{ RPC_PARSE_ERROR, "" },
		{ RPC_PARSE_ERROR, "{" },
		{ RPC_PARSE_ERROR, "{\"jsonrpc\":\"2.0\",\"method\":\"a\"} x" },
		{ RPC_PARSE_ERROR,
			"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"n\":1e999}}" },
		{ RPC_PARSE_ERROR, "{\"jsonrpc\":\"2.0\",\"method\":\"a\","
				   "\"params\":{\"n\":99999999999999999999}}" },
		{ RPC_PARSE_ERROR,
			"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"s\":\"\\ud800\"}}" },
		{ RPC_PARSE_ERROR,
			"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"s\":\"\xff\"}}" },
		{ RPC_INVALID_REQUEST, "1" },
		{ RPC_INVALID_REQUEST, "\"text\"" },
		{ RPC_INVALID_REQUEST, "[]" },
		{ RPC_INVALID_REQUEST, "{}" },
		{ RPC_INVALID_REQUEST, "{\"method\":\"a\"}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"1.0\",\"method\":\"a\"}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":2.0,\"method\":\"a\"}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"method\":7}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"method\":\"\"}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"method\":\"a b\"}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\"}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"a\"}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}" },
		{ RPC_INVALID_PARAMS, "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":[]}" },
		{ RPC_INVALID_PARAMS, "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":null}" },
		{ RPC_INVALID_REQUEST,
			"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"result\":{}}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"result\":{}}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}" },
		{ RPC_INVALID_REQUEST, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":null}" },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_test_message("%s", cases[i].text);
		g_assert_cmpint(refusal(cases[i].text), ==, cases[i].code);
	}
}

static void test_batch(void)
{
	g_assert_cmpint(refusal("[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}]"), ==,
		RPC_INVALID_REQUEST);
}

static void test_duplicate_keys(void)
{
	g_assert_cmpint(refusal("{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"method\":\"b\"}"), ==,
		RPC_PARSE_ERROR);
	g_assert_cmpint(
		refusal("{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"x\":1,\"x\":1}}"), ==,
		RPC_PARSE_ERROR);
}

static void test_nul(void)
{
	static const char raw[] =
		"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"s\":\"a\0b\"}}";
	g_assert_cmpint(refusal_of(raw, sizeof(raw) - 1), ==, RPC_PARSE_ERROR);
	static const char after[] = "{\"jsonrpc\":\"2.0\",\"method\":\"a\"}\0";
	g_assert_cmpint(refusal_of(after, sizeof(after) - 1), ==, RPC_PARSE_ERROR);
	g_assert_cmpint(
		refusal("{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"s\":\"\\u0000\"}}"),
		==, RPC_PARSE_ERROR);
}

static char *nested(unsigned depth)
{
	g_autofree char *open = g_strnfill(depth, '[');
	g_autofree char *close = g_strnfill(depth, ']');
	return g_strdup_printf(
		"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"x\":%s%s}}", open, close);
}

static void test_depth(void)
{
	g_autofree char *deepest = nested(RPC_DEPTH_MAX - 2);
	g_assert_cmpint(refusal(deepest), ==, 0);
	g_autofree char *deeper = nested(RPC_DEPTH_MAX - 1);
	g_assert_cmpint(refusal(deeper), ==, RPC_INVALID_REQUEST);
	/* Brackets in a text are no depth, an escaped quotation mark does not end it. */
	g_assert_cmpint(refusal("{\"jsonrpc\":\"2.0\",\"method\":\"a\","
				"\"params\":{\"s\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[\"}}"),
		==, 0);
	/* As deep as a datagram can hold: judged before any parser recurses. */
	size_t len = 1024 * 1024;
	g_autofree char *bomb = g_strnfill(len, '[');
	int code;
	const char *reason;
	RpcMessage message;
	g_assert_false(rpc_read(&message, bomb, len, len, &code, &reason));
	g_assert_cmpstr(reason, ==, "message is too deep");
}

static void test_limit(void)
{
	const char *text = "{\"jsonrpc\":\"2.0\",\"method\":\"a\"}";
	int code;
	const char *reason;
	g_auto(RpcMessage) message = { 0 };
	g_assert_false(rpc_read(&message, text, strlen(text), strlen(text) - 1, &code, &reason));
	g_assert_cmpint(code, ==, RPC_INVALID_REQUEST);
	g_assert_true(rpc_read(&message, text, strlen(text), strlen(text), &code, &reason));
}

static void test_writers(void)
{
	g_autofree char *request = rpc_write_request(3, "peer.put", json_pack("{s:i}", "rev", 1));
	g_assert_cmpstr(request, ==,
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"peer.put\",\"params\":{\"rev\":1}}");
	g_autofree char *notification = rpc_write_notification("bye", NULL);
	g_assert_cmpstr(notification, ==, "{\"jsonrpc\":\"2.0\",\"method\":\"bye\",\"params\":{}}");

	json_t *id = json_string("q");
	g_autofree char *result = rpc_write_result(id, NULL);
	g_assert_cmpstr(result, ==, "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{}}");
	g_autofree char *error = rpc_write_error(
		id, RPC_TOO_MANY, "Xin chờ", "too-many", json_pack("{s:i}", "retry_ms", 500));
	g_assert_cmpstr(error, ==,
		"{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"error\":{\"code\":-32003,\"message\":"
		"\"Xin chờ\",\"data\":{\"retry_ms\":500,\"reason\":\"too-many\"}}}");
	json_decref(id);
	g_autofree char *nobody = rpc_write_error(NULL, RPC_PARSE_ERROR, "no", NULL, NULL);
	g_assert_cmpstr(nobody, ==,
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no\"}}");
}

static void test_strings(void)
{
	json_t *params = json_pack("{s:s,s:s,s:s,s:n,s:i}", "name", "Xã Nghi Lộc\n", "bell", "\a",
		"c1", "a\xc2\x85", "nothing", "number", 5);
	const char *value = NULL, *what = NULL;
	g_assert_true(rpc_string(params, "name", 15, &value, &what));
	g_assert_cmpstr(value, ==, "Xã Nghi Lộc\n");
	g_assert_false(rpc_string(params, "name", 14, &value, &what));
	g_assert_cmpstr(what, ==, "name is too long");
	g_assert_false(rpc_string(params, "bell", 9, &value, &what));
	g_assert_cmpstr(what, ==, "bell holds control characters");
	g_assert_false(rpc_string(params, "c1", 9, &value, &what));
	g_assert_false(rpc_string(params, "number", 9, &value, &what));
	g_assert_cmpstr(what, ==, "number is no string");
	g_assert_false(rpc_string(params, "nothing", 9, &value, &what));
	g_assert_cmpstr(what, ==, "nothing is missing");

	value = "kept";
	g_assert_true(rpc_optional_string(params, "nothing", 9, &value, &what));
	g_assert_true(rpc_optional_string(params, "absent", 9, &value, &what));
	g_assert_cmpstr(value, ==, "kept");
	g_assert_false(rpc_optional_string(params, "number", 9, &value, &what));
	json_decref(params);
}

static void test_numbers(void)
{
	json_t *params = json_pack(
		"{s:i,s:f,s:b,s:s,s:n}", "n", 5, "real", 5.0, "on", 1, "text", "1", "null");
	json_int_t n = 0;
	bool on = false;
	const char *what = NULL;
	g_assert_true(rpc_integer(params, "n", 5, 5, &n, &what));
	g_assert_cmpint(n, ==, 5);
	g_assert_false(rpc_integer(params, "n", 6, 9, &n, &what));
	g_assert_cmpstr(what, ==, "n is out of its bounds");
	g_assert_false(rpc_integer(params, "n", 0, 4, &n, &what));
	g_assert_false(rpc_integer(params, "real", 0, 9, &n, &what));
	g_assert_cmpstr(what, ==, "real is no whole number");
	g_assert_false(rpc_integer(params, "absent", 0, 9, &n, &what));

	g_assert_true(rpc_boolean(params, "on", &on, &what));
	g_assert_true(on);
	g_assert_false(rpc_boolean(params, "text", &on, &what));
	g_assert_cmpstr(what, ==, "text is neither true nor false");
	g_assert_false(rpc_boolean(params, "null", &on, &what));
	g_assert_true(rpc_optional_boolean(params, "null", &on, &what));
	g_assert_true(on);
	json_decref(params);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rpc/reads-a-request", test_request);
	g_test_add_func("/rpc/gives-empty-params-where-they-were-left-out", test_no_params);
	g_test_add_func("/rpc/reads-results-and-errors", test_answers);
	g_test_add_func("/rpc/refuses-what-is-no-message", test_refusals);
	g_test_add_func("/rpc/refuses-batches", test_batch);
	g_test_add_func("/rpc/refuses-duplicate-keys", test_duplicate_keys);
	g_test_add_func("/rpc/refuses-nul", test_nul);
	g_test_add_func("/rpc/refuses-what-is-too-deep-before-parsing", test_depth);
	g_test_add_func("/rpc/refuses-what-is-too-large", test_limit);
	g_test_add_func("/rpc/writes-what-the-grammar-says", test_writers);
	g_test_add_func("/rpc/checks-strings", test_strings);
	g_test_add_func("/rpc/checks-numbers-and-booleans", test_numbers);
	return g_test_run();
}
