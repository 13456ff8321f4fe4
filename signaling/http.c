#include "http.h"
#include "api.h"
#include "ask.h"
#include "common/rpc.h"
#include "figures.h"
#include "probe.h"
#include "recordings.h"
#include "whip.h"
#include <string.h>

#define TEXT "text/plain; charset=utf-8"

const char *http_bearer(const Request *request)
{
	static const char scheme[] = "Bearer ";
	if (g_ascii_strncasecmp(request->authorization, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	const char *token = request->authorization + sizeof(scheme) - 1;
	while (*token == ' ')
		token++;
	return *token ? token : NULL;
}

void http_json(Exchange *exchange, unsigned status, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	exchange_header(exchange, "cache-control", "no-store");
	exchange_answer_text(exchange, status, "application/json", text);
	free(text);
}

void http_refuse(Exchange *exchange, unsigned status, const Refusal *refusal)
{
	if (status == 401)
		exchange_header(exchange, "www-authenticate", "Bearer realm=\"diemcau\"");
	if (status == 503 || status == 429) {
		char seconds[16];
		g_snprintf(
			seconds, sizeof(seconds), "%u", MAX((refusal->retry_ms + 999) / 1000, 1));
		exchange_header(exchange, "retry-after", seconds);
	}
	json_t *error =
		json_pack("{s:s, s:s}", "reason", refusal->reason, "message", refusal->message);
	if (refusal->retry_ms)
		json_object_set_new(error, "retry_ms", json_integer(refusal->retry_ms));
	http_json(exchange, status, json_pack("{s:o}", "error", error));
}

void http_refuse_method(Exchange *exchange, const char *allow)
{
	exchange_header(exchange, "allow", allow);
	http_refuse(exchange, 405, &REFUSE_BAD_PARAMS);
}

json_t *http_body(const Request *request)
{
	if (g_ascii_strncasecmp(request->content_type, "application/json", 16) != 0)
		return NULL;
	return rpc_read_object(request->body, request->body_len);
}

unsigned http_status(const Refusal *refusal)
{
	if (refusal == &REFUSE_BAD_OFFER)
		return 422;
	switch (refusal->code) {
	case RPC_NOT_FOUND:
		return 404;
	case RPC_INVALID_PARAMS:
	case RPC_INVALID_REQUEST:
		return 400;
	case RPC_TOO_MANY:
	case RPC_UNAVAILABLE:
		return 503;
	case RPC_INTERNAL_ERROR:
		return 500;
	default:
		return 403;
	}
}

static void answer_ready(Http *http, Exchange *exchange)
{
	exchange_header(exchange, "cache-control", "no-store");
	if (!store_is_well(http->hub->store))
		exchange_answer_text(exchange, 503, TEXT, "store: cannot write\n");
	else if (!media_is_synced(http->hub->media))
		exchange_answer_text(exchange, 503, TEXT, "sfu: away\n");
	else
		exchange_answer_text(exchange, 200, TEXT, "ready\n");
}

void http_request(Exchange *exchange, const Request *request, void *user)
{
	Http *http = user;
	const char *path = request->path;
	bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
	if (reads && strcmp(path, "/healthz") == 0) {
		exchange_header(exchange, "cache-control", "no-store");
		exchange_answer_text(exchange, 200, TEXT, "ok\n");
	} else if (reads && strcmp(path, "/readyz") == 0) {
		answer_ready(http, exchange);
	} else if (request->is_admin) {
		if (reads && strcmp(path, "/metrics") == 0)
			figures_answer(http, exchange);
		else
			exchange_answer_text(exchange, 404, TEXT, "not found\n");
	} else if (g_str_has_prefix(path, "/whip/") || g_str_has_prefix(path, "/whep/")) {
		whip_request(http->hub, exchange, request);
	} else if (strcmp(path, ASK_PATH) == 0 || g_str_has_prefix(path, ASK_PATH "/")) {
		ask_request(http->hub, exchange, request);
	} else if (strcmp(path, PROBE_PATH) == 0) {
		probe_request(http, exchange, request);
	} else if (g_str_has_prefix(path, RECORDINGS_PATH)) {
		recordings_answer_file(http->hub, exchange, request);
	} else if (g_str_has_prefix(path, "/api/v1/")) {
		api_request(http->hub, exchange, request);
	} else {
		files_answer(http->files, exchange, request);
	}
}
