#include "api.h"
#include "common/rpc.h"
#include "operator_side.h"
#include "recording.h"
#include "text.h"
#include <string.h>

/* A list of questions on its way to the operator. */
typedef struct Listing {
	Operator *door;
	ChannelCall *call;
	Forum *forum;
} Listing;

typedef struct Answer {
	ChannelCall *call;
	json_t *result;
} Answer;

void operator_refuse(ChannelCall *call, const char *message)
{
	channel_refuse(call, RPC_INVALID_PARAMS, "bad-params", message);
}

static void on_committed(bool ok, void *user)
{
	Answer *answer = user;
	if (ok)
		channel_answer(answer->call, json_incref(answer->result));
	else
		channel_refuse(answer->call, RPC_UNAVAILABLE, "store",
			"the disk did not take it: nothing has changed");
	json_decref(answer->result);
	g_free(answer);
}

void operator_commit(Operator *door, ChannelCall *call, json_t *result)
{
	Answer *answer = g_new0(Answer, 1);
	answer->call = call;
	answer->result = result;
	hub_commit(door->hub, on_committed, answer);
}

bool page_add(Page *page, json_t *row)
{
	size_t bytes = json_dumpb(row, NULL, 0, JSON_COMPACT) + 1;
	if (page->bytes + bytes > OPERATOR_ANSWER_MAX) {
		json_decref(row);
		return false;
	}
	page->bytes += bytes;
	json_array_append_new(page->rows, row);
	return true;
}

Forum *operator_forum(Operator *door, ChannelCall *call, json_t *params)
{
	const char *wanted = json_string_value(json_object_get(params, "forum"));
	Forum *found = registry_forum(door->hub->registry, wanted);
	if (found)
		return found;
	g_autofree char *title = text_clean(wanted, false);
	GPtrArray *forums = registry_forums(door->hub->registry);
	for (unsigned i = 0; title && i < forums->len; i++) {
		Forum *forum = forums->pdata[i];
		if (strcmp(forum->title, title) != 0)
			continue;
		if (found) {
			channel_refuse(call, RPC_REFUSED, "ambiguous",
				"several forums have that title: give the id, which 'diemcau "
				"forum list' shows");
			return NULL;
		}
		found = forum;
	}
	if (!found)
		channel_refuse(call, RPC_NOT_FOUND, "not-found",
			"there is no such forum: 'diemcau forum list' shows them");
	return found;
}

static void make_forum(Operator *door, ChannelCall *call, json_t *params)
{
	g_autofree char *title =
		text_clean(json_string_value(json_object_get(params, "title")), false);
	if (!title || !*title || strlen(title) > FORUM_TITLE_MAX) {
		operator_refuse(call, "a title is a text of 1 to 300 bytes in UTF-8");
		return;
	}
	Forum *forum = registry_add_forum(
		door->hub->registry, title, NULL, false, g_get_real_time() / 1000);
	if (!forum) {
		channel_refuse(call, RPC_TOO_MANY, "too-many", "there are 1000 forums already");
		return;
	}
	g_info("forum %s: made by the operator", forum->id);
	json_t *row = api_forum_row(forum);
	json_object_set_new(row, "links", api_forum_links(door->hub, forum));
	operator_commit(door, call, row);
}

static void list_forums(Operator *door, ChannelCall *call, json_t *params)
{
	GPtrArray *forums = registry_forums(door->hub->registry);
	json_int_t at = json_integer_value(json_object_get(params, "after"));
	Page page = { .rows = json_array() };
	for (at = MAX(at, 0); at < forums->len; at++) {
		Forum *forum = forums->pdata[at];
		json_t *row = api_forum_row(forum);
		json_object_set_new(row, "stage", json_string(forum->stage));
		if (!page_add(&page, row))
			break;
	}
	channel_answer(call, json_pack("{s:o, s:I, s:b}", "forums", page.rows, "after", at, "more",
				     at < forums->len));
}

static void show_links(Operator *door, ChannelCall *call, json_t *params)
{
	Forum *forum = operator_forum(door, call, params);
	if (!forum)
		return;
	json_t *links = api_forum_links(door->hub, forum);
	json_object_set_new(links, "title", json_string(forum->title));
	channel_answer(call, links);
}

static json_t *question_row(const Forum *forum, const QuestionRow *row)
{
	const Seat *seat = forum_find(forum, row->seat);
	return json_pack("{s:I, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "number", row->number,
		"created", row->created_ms, "changed", row->changed_ms, "site",
		seat ? seat->name : "", "district", seat ? seat->district : "", "name", row->name,
		"source", row->is_by_link ? "ask" : "page", "state",
		question_state_name(row->state), "text", row->text);
}

static void on_listed(bool ok, GPtrArray *rows, bool more, void *user)
{
	Listing *listing = user;
	Page page = { .rows = json_array() };
	for (unsigned i = 0; ok && i < rows->len; i++) {
		if (!page_add(&page, question_row(listing->forum, rows->pdata[i]))) {
			more = true;
			break;
		}
	}
	if (ok) {
		channel_answer(listing->call,
			json_pack("{s:o, s:b}", "questions", page.rows, "more", more));
	} else {
		json_decref(page.rows);
		channel_refuse(
			listing->call, RPC_UNAVAILABLE, "store", "the questions cannot be read");
	}
	g_free(listing);
}

static void list_questions(Operator *door, ChannelCall *call, json_t *params)
{
	Forum *forum = operator_forum(door, call, params);
	if (!forum)
		return;
	const char *word = json_string_value(json_object_get(params, "state"));
	QuestionState state;
	if (word && !question_state_from_name(word, &state)) {
		operator_refuse(call, "a state is new, approved, on-air or answered");
		return;
	}
	QuestionQuery query = { .forum = forum->id,
		.state = word ? &state : NULL,
		.after = MAX(json_integer_value(json_object_get(params, "after")), 0),
		.limit = STORE_PAGE_MAX };
	Listing *listing = g_new0(Listing, 1);
	listing->door = door;
	listing->call = call;
	listing->forum = forum;
	store_list_questions(door->hub->store, &query, on_listed, listing);
}

static void show_status(Operator *door, ChannelCall *call, json_t *params)
{
	GPtrArray *forums = registry_forums(door->hub->registry);
	json_int_t sites = 0, online = 0, on_air = 0, hands = 0, questions = 0;
	for (unsigned i = 0; i < forums->len; i++) {
		const Forum *forum = forums->pdata[i];
		GHashTableIter at;
		const Seat *seat;
		g_hash_table_iter_init(&at, forum->seats);
		while (g_hash_table_iter_next(&at, NULL, (void **)&seat)) {
			sites += seat->origin == SEAT_OF_SITE;
			online += seat->origin == SEAT_OF_SITE && seat->holder;
		}
		on_air += forum->on_air->len;
		hands += forum->queue->len;
		for (unsigned s = 0; s < QUESTION_STATES; s++)
			questions += forum->questions[s];
	}
	channel_answer(
		call, json_pack("{s:s, s:s, s:I, s:b, s:b, s:b, s:i, s:I, s:I, s:I, s:I, s:I}",
			      "version", DIEMCAU_VERSION, "base", door->hub->base, "since",
			      door->since_ms, "sfu", media_is_synced(door->hub->media), "recorder",
			      !door->hub->recording || recording_is_well(door->hub->recording),
			      "store", store_is_well(door->hub->store), "forums", (int)forums->len,
			      "sites", sites, "online", online, "on_air", on_air, "hands", hands,
			      "questions", questions));
}

static void start_backup(Operator *door, ChannelCall *call, json_t *params)
{
	if (backup_start(door->backup))
		channel_answer(call, backup_state(door->backup));
	else
		channel_refuse(
			call, RPC_REFUSED, "busy", "another backup is being made: wait for it");
}

static void show_backup(Operator *door, ChannelCall *call, json_t *params)
{
	channel_answer(call, backup_state(door->backup));
}

static void end_backup(Operator *door, ChannelCall *call, json_t *params)
{
	backup_end(door->backup);
	channel_answer(call, NULL);
}

static const struct {
	const char *name;
	void (*run)(Operator *door, ChannelCall *call, json_t *params);
} methods[] = {
	{ "status", show_status },
	{ "forum.make", make_forum },
	{ "forum.list", list_forums },
	{ "forum.links", show_links },
	{ "site.list", operator_list_sites },
	{ "site.import", operator_import },
	{ "site.revoke", operator_revoke },
	{ "question.list", list_questions },
	{ "backup.start", start_backup },
	{ "backup.state", show_backup },
	{ "backup.end", end_backup },
};

static void serve(ChannelCall *call, const char *method, json_t *params, void *user)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) {
		if (strcmp(methods[i].name, method) == 0) {
			methods[i].run(user, call, params);
			return;
		}
	}
	channel_refuse(call, RPC_UNKNOWN_METHOD, "unknown-method",
		"the server does not know this command: is it of another version?");
}

Operator *operator_new(Hub *hub, int listen_fd, const char *copy)
{
	Operator *door = g_new0(Operator, 1);
	door->hub = hub;
	door->since_ms = g_get_real_time() / 1000;
	door->backup = backup_new(hub->store, copy);
	door->server = channel_server_new(listen_fd, serve, door);
	return door;
}

void operator_free(Operator *door)
{
	if (!door)
		return;
	channel_server_free(door->server);
	backup_free(door->backup);
	site_list_free(door->list);
	g_free(door);
}
