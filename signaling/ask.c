#include "ask.h"
#include "common/rpc.h"
#include "view.h"
#include <string.h>

/* A text that will not do is the asker's to mend (400), a foreign door stays shut (403). */
static unsigned status_of(const Refusal *refusal)
{
	if (refusal->code == RPC_TOO_MANY)
		return 429;
	return strcmp(refusal->reason, "bad-text") == 0 ? 400 : http_status(refusal);
}

static void on_asked(const Refusal *refusal, const QuestionRow *row, bool is_new, void *user)
{
	Exchange *exchange = user;
	if (refusal)
		http_refuse(exchange, status_of(refusal), refusal);
	else
		http_json(exchange, is_new ? 201 : 200, view_receipt(row));
}

static void ask(Hub *hub, Exchange *exchange, const Request *request, Seat *seat)
{
	json_t *body = http_body(request);
	Asking asked = { .is_by_link = true };
	asked.key = json_string_value(json_object_get(body, "key"));
	asked.text = json_string_value(json_object_get(body, "text"));
	asked.name = json_string_value(json_object_get(body, "name"));
	if (question_key_is_valid(asked.key) && asked.text)
		desk_ask(hub, seat, &asked, on_asked, exchange);
	else
		http_refuse(exchange, 400, &REFUSE_BAD_PARAMS);
	json_decref(body);
}

static void show(Exchange *exchange, const Seat *seat)
{
	http_json(exchange, 200,
		json_pack("{s:{s:s}, s:{s:s}}", "forum", "title", seat->forum->title, "site",
			"name", seat->name));
}

/* A page of ours says where it comes from; another one's may not ask in a person's name. */
static bool is_foreign(const Request *request)
{
	g_autofree char *own = g_strconcat("https://", request->host, NULL);
	return *request->origin && g_ascii_strcasecmp(request->origin, own) != 0;
}

void ask_request(Hub *hub, Exchange *exchange, const Request *request)
{
	const char *token = http_bearer(request);
	if (!token) {
		http_refuse(exchange, 401, &REFUSE_BAD_TOKEN);
		return;
	}
	Door door;
	const Refusal *refusal = registry_enter(hub->registry, token, &door);
	if (!refusal && (door.kind != LINK_ASK || is_foreign(request)))
		refusal = &REFUSE_NOT_ALLOWED;
	if (refusal) {
		http_refuse(exchange, 403, refusal);
		return;
	}
	exchange_vouch(exchange);
	const char *rest = request->path + strlen(ASK_PATH);
	bool gets = strcmp(request->method, "GET") == 0;
	if (!*rest && gets)
		show(exchange, door.seat);
	else if (!*rest && strcmp(request->method, "POST") == 0)
		ask(hub, exchange, request, door.seat);
	else if (!*rest)
		http_refuse_method(exchange, "GET, POST");
	else if (!id_is_valid(rest + 1))
		http_refuse(exchange, 404, &REFUSE_NO_QUESTION);
	else if (gets)
		desk_find(hub, door.seat, rest + 1, on_asked, exchange);
	else
		http_refuse_method(exchange, "GET");
}
