#include "api.h"
#include "http.h"
#include "recordings.h"
#include "seating.h"
#include "view.h"
#include <string.h>

/* An answer that waits for the disk. */
typedef struct Pending {
	Exchange *exchange;
	unsigned status;
	json_t *json;
} Pending;

char *api_site_url(Hub *hub, const Site *site, LinkKind kind)
{
	char token[LINK_SIZE];
	registry_site_token(hub->registry, site, kind, token);
	return g_strdup_printf("%s/%s#%s", hub->base, kind == LINK_ASK ? "ask" : "site", token);
}

static json_t *page_link(Hub *hub, Forum *forum, LinkKind kind, const char *page)
{
	char token[LINK_SIZE];
	registry_forum_token(hub->registry, forum, kind, token);
	g_autofree char *url = g_strdup_printf("%s/%s#%s", hub->base, page, token);
	return json_string(url);
}

static json_t *door_link(Hub *hub, Forum *forum, LinkKind kind, const char *path)
{
	char token[LINK_SIZE];
	registry_forum_token(hub->registry, forum, kind, token);
	g_autofree char *url = kind == LINK_API
				       ? g_strdup_printf("%s%s", hub->base, path)
				       : g_strdup_printf("%s%s/%s", hub->base, path, forum->id);
	return json_pack("{s:s, s:s}", "url", url, "token", token);
}

json_t *api_forum_links(Hub *hub, Forum *forum)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "forum", forum->id, "chair",
		page_link(hub, forum, LINK_CHAIR, "chair"), "staff",
		page_link(hub, forum, LINK_MODERATOR, "staff"), "whip",
		door_link(hub, forum, LINK_WHIP, "/whip"), "whep",
		door_link(hub, forum, LINK_WHEP, "/whep"), "api",
		door_link(hub, forum, LINK_API, "/api/v1"));
}

json_t *api_forum_row(const Forum *forum)
{
	unsigned sites = 0, online = 0;
	GHashTableIter at;
	const Seat *seat;
	g_hash_table_iter_init(&at, forum->seats);
	while (g_hash_table_iter_next(&at, NULL, (void **)&seat)) {
		sites += seat->origin == SEAT_OF_SITE;
		online += seat->origin == SEAT_OF_SITE && seat->holder;
	}
	return json_pack("{s:s, s:s, s:I, s:i, s:i, s:i, s:i}", "id", forum->id, "title",
		forum->title, "created", (json_int_t)forum->created_ms, "sites", (int)sites,
		"online", (int)online, "on_air", (int)forum->on_air->len, "hands",
		(int)forum->queue->len);
}

json_t *api_site_row(Hub *hub, const Site *site)
{
	g_autofree char *join = api_site_url(hub, site, LINK_JOIN);
	g_autofree char *ask = api_site_url(hub, site, LINK_ASK);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s, s:I}", "site",
		site->id, "seat", site->seat->id, "name", site->name, "district", site->district,
		"province", site->province, "phone", site->phone, "join", join, "ask", ask,
		"online", seat_is_online(site->seat), "check",
		preflight_verdict(&site->seat->checked), "checked",
		(json_int_t)site->seat->checked.at_ms);
}

static void on_committed(bool ok, void *user)
{
	Pending *pending = user;
	if (ok)
		http_json(pending->exchange, pending->status, json_incref(pending->json));
	else
		http_refuse(pending->exchange, 500, &REFUSE_STORE);
	json_decref(pending->json);
	g_free(pending);
}

static void answer_committed(Hub *hub, Exchange *exchange, unsigned status, json_t *json)
{
	Pending *pending = g_new0(Pending, 1);
	pending->exchange = exchange;
	pending->status = status;
	pending->json = json;
	hub_commit(hub, on_committed, pending);
}

/* A line of text for screens: printable, trimmed, not empty unless it may be. */
static bool read_text(json_t *body, const char *key, size_t max, bool needed, const char **text)
{
	json_t *value = json_object_get(body, key);
	*text = "";
	if (!value || json_is_null(value))
		return !needed;
	const char *given = json_string_value(value);
	if (!given || strlen(given) > max)
		return false;
	bool has_letter = false;
	for (const char *at = given; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);
		if (g_unichar_iscntrl(c))
			return false;
		has_letter = has_letter || !g_unichar_isspace(c);
	}
	*text = given;
	return has_letter || !needed;
}

static bool opens(const Door *door, const Forum *forum)
{
	return forum == door->forum || strcmp(forum->maker, door->link->id) == 0;
}

static void list_forums(Hub *hub, Exchange *exchange, const Door *door)
{
	json_t *rows = json_array();
	GPtrArray *forums = registry_forums(hub->registry);
	for (unsigned i = 0; i < forums->len; i++) {
		if (opens(door, forums->pdata[i]))
			json_array_append_new(rows, api_forum_row(forums->pdata[i]));
	}
	http_json(exchange, 200, json_pack("{s:o}", "forums", rows));
}

static void add_forum(Hub *hub, Exchange *exchange, const Request *request, const Door *door)
{
	json_t *body = http_body(request);
	const char *title = NULL;
	if (!body || !read_text(body, "title", FORUM_TITLE_MAX, true, &title)) {
		http_refuse(exchange, 400, &REFUSE_BAD_PARAMS);
	} else {
		Forum *forum = registry_add_forum(
			hub->registry, title, door->link->id, false, g_get_real_time() / 1000);
		if (forum) {
			json_t *row = api_forum_row(forum);
			json_object_set_new(row, "links", api_forum_links(hub, forum));
			answer_committed(hub, exchange, 201, row);
		} else {
			http_refuse(exchange, 503, &REFUSE_TOO_MANY_FORUMS);
		}
	}
	json_decref(body);
}

static void show_forum(Hub *hub, Exchange *exchange, Forum *forum)
{
	json_t *row = api_forum_row(forum);
	json_object_set_new(row, "stage", view_stage(forum));
	json_object_set_new(row, "queue", view_queue(forum));
	json_object_set_new(row, "links", api_forum_links(hub, forum));
	http_json(exchange, 200, row);
}

static void list_sites(Hub *hub, Exchange *exchange, Forum *forum)
{
	json_t *rows = json_array();
	g_autoptr(GPtrArray) sites = registry_sites(hub->registry, forum);
	for (unsigned i = 0; i < sites->len; i++)
		json_array_append_new(rows, api_site_row(hub, sites->pdata[i]));
	http_json(exchange, 200, json_pack("{s:o}", "sites", rows));
}

static void add_site(Hub *hub, Exchange *exchange, const Request *request, Forum *forum)
{
	json_t *body = http_body(request);
	const char *name = NULL, *district = NULL, *phone = NULL;
	if (!body || !read_text(body, "name", SEAT_NAME_MAX, true, &name) ||
		!read_text(body, "district", SEAT_NAME_MAX, false, &district) ||
		!read_text(body, "phone", SITE_PHONE_MAX, false, &phone)) {
		http_refuse(exchange, 400, &REFUSE_BAD_PARAMS);
	} else {
		Site *site = registry_add_site(
			hub->registry, forum, name, district, phone, g_get_real_time() / 1000);
		if (site) {
			forum_touch(forum, site->seat);
			hub_settle(hub, forum);
			answer_committed(hub, exchange, 201, api_site_row(hub, site));
		} else {
			http_refuse(exchange, 503, &REFUSE_TOO_MANY_SITES);
		}
	}
	json_decref(body);
}

static void revoke_links(Hub *hub, Exchange *exchange, Site *site)
{
	registry_revoke(hub->registry, site);
	seating_expel(hub, site->seat, "revoked");
	g_info("site %s: links revoked", site->id);
	g_autofree char *join = api_site_url(hub, site, LINK_JOIN);
	g_autofree char *ask = api_site_url(hub, site, LINK_ASK);
	answer_committed(hub, exchange, 200, json_pack("{s:s, s:s}", "join", join, "ask", ask));
}

static void route_forum(Hub *hub, Exchange *exchange, const Request *request, const Door *door,
	char **parts, unsigned count)
{
	bool gets = strcmp(request->method, "GET") == 0;
	bool posts = strcmp(request->method, "POST") == 0;
	if (count == 1) {
		if (gets)
			list_forums(hub, exchange, door);
		else if (posts)
			add_forum(hub, exchange, request, door);
		else
			http_refuse_method(exchange, "GET, POST");
		return;
	}
	Forum *forum = registry_forum(hub->registry, parts[1]);
	bool wants_sites = count == 3 && strcmp(parts[2], "sites") == 0;
	bool wants_recordings = count == 3 && strcmp(parts[2], "recordings") == 0;
	if (!forum || !opens(door, forum) || (count > 2 && !wants_sites && !wants_recordings))
		http_refuse(exchange, 404, &REFUSE_NO_FORUM);
	else if (wants_sites && gets)
		list_sites(hub, exchange, forum);
	else if (wants_sites && posts)
		add_site(hub, exchange, request, forum);
	else if (wants_sites)
		http_refuse_method(exchange, "GET, POST");
	else if (wants_recordings && gets)
		recordings_answer_list(hub, exchange, forum);
	else if (gets && !wants_recordings)
		show_forum(hub, exchange, forum);
	else
		http_refuse_method(exchange, "GET");
}

static void route_site(Hub *hub, Exchange *exchange, const Request *request, const Door *door,
	char **parts, unsigned count)
{
	Site *site = count == 3 ? registry_site(hub->registry, parts[1]) : NULL;
	if (!site || !site->seat || !opens(door, site->seat->forum) ||
		strcmp(parts[2], "revoke") != 0)
		http_refuse(exchange, 404, &REFUSE_NO_SEAT);
	else if (strcmp(request->method, "POST") != 0)
		http_refuse_method(exchange, "POST");
	else
		revoke_links(hub, exchange, site);
}

void api_request(Hub *hub, Exchange *exchange, const Request *request)
{
	const char *token = http_bearer(request);
	if (!token) {
		http_refuse(exchange, 401, &REFUSE_BAD_TOKEN);
		return;
	}
	Door door;
	const Refusal *refusal = registry_enter(hub->registry, token, &door);
	/* The links of people open one thing here: the recordings of their forum. */
	bool is_review = strcmp(request->path, "/api/v1/recordings") == 0;
	bool may_review = !refusal && door.seat && (door.seat->role & ROLES_REVIEW);
	if (!refusal && door.kind != LINK_API && !(is_review && may_review))
		refusal = &REFUSE_NOT_ALLOWED;
	if (refusal) {
		http_refuse(exchange, 403, refusal);
		return;
	}
	exchange_vouch(exchange);
	if (is_review) {
		if (strcmp(request->method, "GET") == 0)
			recordings_answer_list(hub, exchange, door.forum);
		else
			http_refuse_method(exchange, "GET");
		return;
	}
	g_auto(GStrv) parts = g_strsplit(request->path + strlen("/api/v1/"), "/", 5);
	unsigned count = g_strv_length(parts);
	if (strcmp(parts[0], "forums") == 0 && count <= 3)
		route_forum(hub, exchange, request, &door, parts, count);
	else if (strcmp(parts[0], "sites") == 0)
		route_site(hub, exchange, request, &door, parts, count);
	else
		http_refuse(exchange, 404, &REFUSE_NO_FORUM);
}
