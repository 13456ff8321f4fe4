/* fz_json.c - JSON-RPC messages; each that is taken can be answered, and a call written again reads
 * the same */
#include "common/rpc.h"
#include "fuzz.h"
#include "signaling/rung.h"

#define LIMIT (64 * 1024) /* docs/API.md §2 */

static void take_parameters(json_t *params)
{
	const char *text, *what;
	json_int_t number;
	bool flag;
	static const char *const names[] = { "token", "sdp", "seat", "muted", "rev" };
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		what = NULL;
		if (rpc_string(params, names[i], 100, &text, &what)) {
			g_assert(strlen(text) <= 100);
			g_assert(g_utf8_validate(text, -1, NULL));
		} else {
			g_assert(what);
		}
		text = NULL;
		if (rpc_optional_string(params, names[i], 100, &text, &what) && text)
			g_assert(strlen(text) <= 100);
		if (rpc_integer(params, names[i], -5, 5, &number, &what))
			g_assert(number >= -5 && number <= 5);
		rpc_boolean(params, names[i], &flag, &what);
		rpc_optional_boolean(params, names[i], &flag, &what);
	}
}

static void take_rung(json_t *params)
{
	Rung rung = { 0 };
	const char *what = NULL;
	if (!rung_read(params, &rung, &what)) {
		g_assert(what && !rung.why);
		return;
	}
	g_assert(rung.why && rung.rung <= RUNG_TOP);
	g_assert(rung.rate_bps >= 0 && rung.rate_bps <= RUNG_RATE_MAX_BPS);
	g_assert(rung.loss_percent <= 100);
	g_assert(rung.rtt_ms >= -1 && rung.rtt_ms <= RUNG_RTT_MAX_MS);
}

static void assert_reads(const char *text, RpcKind kind)
{
	RpcMessage message;
	int code;
	const char *reason;
	g_assert(rpc_read(&message, text, strlen(text), 16 * LIMIT, &code, &reason));
	g_assert(message.kind == kind);
	rpc_message_clear(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RpcMessage message;
	int code = 0;
	const char *reason = NULL;
	if (!rpc_read(&message, (const char *)data, size, LIMIT, &code, &reason)) {
		g_assert(code && reason);
		char *text = rpc_write_error(NULL, code, reason, "bad-params", NULL);
		g_free(text);
		return 0;
	}
	g_assert(size <= LIMIT);
	if (message.kind == RPC_REQUEST || message.kind == RPC_NOTIFICATION) {
		g_assert(json_is_object(message.params));
		g_assert(strlen(message.method) <= RPC_METHOD_MAX);
		g_assert((message.id != NULL) == (message.kind == RPC_REQUEST));
		take_parameters(message.params);
		take_rung(message.params);
		char *text = rpc_write_notification(message.method, json_incref(message.params));
		assert_reads(text, RPC_NOTIFICATION);
		g_free(text);
	}
	if (message.kind == RPC_REQUEST) {
		char *result = rpc_write_result(message.id, NULL);
		char *error =
			rpc_write_error(message.id, RPC_REFUSED, "không", "not-allowed", NULL);
		assert_reads(result, RPC_RESULT);
		assert_reads(error, RPC_ERROR);
		g_free(result);
		g_free(error);
	}
	rpc_message_clear(&message);
	return 0;
}
