#include "fake_house.h"
#include <glib/gstdio.h>
#include <string.h>

#define SPIN_US (20 * G_USEC_PER_SEC)

/* --- the pages: a Socket is a Page here --- */

struct Frame {
	unsigned refs;
	char *text;
};

Frame *__wrap_frame_new(const char *text);
void __wrap_frame_unref(Frame *frame);
void __wrap_socket_send(Socket *socket, Frame *frame);
void __wrap_socket_vouch(Socket *socket);
void __wrap_socket_close(Socket *socket, unsigned code);

Frame *__wrap_frame_new(const char *text)
{
	Frame *frame = g_new0(Frame, 1);
	frame->refs = 1;
	frame->text = g_strdup(text);
	return frame;
}

void __wrap_frame_unref(Frame *frame)
{
	if (!frame || --frame->refs)
		return;
	g_free(frame->text);
	g_free(frame);
}

void __wrap_socket_send(Socket *socket, Frame *frame)
{
	Page *page = (Page *)socket;
	json_t *message = json_loads(frame->text, 0, NULL);
	g_assert_nonnull(message);
	g_ptr_array_add(page->heard, message);
}

void __wrap_socket_vouch(Socket *socket)
{
}

void __wrap_socket_close(Socket *socket, unsigned code)
{
	((Page *)socket)->is_closed = true;
}

static void free_json(void *json)
{
	json_decref(json);
}

/* --- the sfu --- */

typedef struct Call {
	char *method;
	json_t *params;
} Call;

static void free_call(void *data)
{
	Call *call = data;
	g_free(call->method);
	json_decref(call->params);
	g_free(call);
}

json_t *house_rung(const House *house, const char *peer, int rung, const char *why)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:i, s:i, s:n}", "boot", house->boot,
		"peer", peer, "stage", house->forum->stage, "owner", house->site->seat->id, "rung",
		rung, "why", why, "rate_bps", 500000, "loss_percent", 4, "rtt_ms");
}

void house_list(House *house, const char *peer, int rung, const char *why)
{
	json_t *row = house_rung(house, peer, rung, why);
	json_object_update_new(row, json_pack("{s:i, s:s, s:s, s:s}", "rev", 1, "role", "viewer",
					    "state", "connected", "transport", "udp"));
	json_array_append_new(house->peers, row);
}

static void tell_early(House *house)
{
	if (house->early)
		channel_server_notify(house->sfu, "peer.rung", g_steal_pointer(&house->early));
}

static void on_serve(ChannelCall *call, const char *method, json_t *params, void *user)
{
	House *house = user;
	Call *kept = g_new0(Call, 1);
	kept->method = g_strdup(method);
	kept->params = json_incref(params);
	g_ptr_array_add(house->calls, kept);
	if (strcmp(method, "hello") == 0) {
		channel_answer(call, json_pack("{s:s, s:s}", "boot", house->boot, "version", "0"));
	} else if (strcmp(method, "dump") == 0) {
		bool is_second = json_object_get(params, "after");
		if (is_second)
			tell_early(house);
		channel_answer(
			call, json_pack("{s:s, s:[], s:o, s:b}", "boot", house->boot, "stages",
				      "peers", is_second ? json_array() : json_incref(house->peers),
				      "more", house->in_pages && !is_second));
	} else if (strcmp(method, "peer.put") == 0) {
		json_t *peer = json_object_get(params, "peer");
		if (house->early)
			json_object_set(house->early, "peer", peer);
		tell_early(house);
		channel_answer(call, json_pack("{s:O, s:i, s:s, s:[]}", "peer", peer, "rev", 1,
					     "answer", "v=0\r\n", "slots"));
	} else {
		channel_answer(call, json_object());
	}
}

static void serve(House *house, const char *boot)
{
	g_autoptr(GError) error = NULL;
	house->boot = boot;
	int fd = channel_listen(house->sfu_path, &error);
	g_assert_no_error(error);
	house->sfu = channel_server_new(fd, on_serve, house);
}

unsigned house_calls(const House *house, const char *method, json_t **last)
{
	unsigned count = 0;
	for (unsigned i = 0; i < house->calls->len; i++) {
		const Call *call = house->calls->pdata[i];
		if (strcmp(call->method, method) != 0)
			continue;
		count++;
		if (last)
			*last = call->params;
	}
	return count;
}

void house_await_calls(House *house, const char *method, unsigned least)
{
	int64_t deadline_us = g_get_monotonic_time() + SPIN_US;
	while (house_calls(house, method, NULL) < least) {
		g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
		g_main_context_iteration(NULL, TRUE);
	}
}

static void on_stats(json_t *stats, void *user)
{
	*(bool *)user = true;
}

/* The sfu answers in order. */
void house_settle(House *house)
{
	bool done = false;
	media_stats(house->hub->media, on_stats, &done);
	while (!done)
		g_main_context_iteration(NULL, TRUE);
}

static void await_sync(House *house, bool is_wanted)
{
	int64_t deadline_us = g_get_monotonic_time() + SPIN_US;
	while (media_is_synced(house->hub->media) != is_wanted) {
		g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
		g_main_context_iteration(NULL, TRUE);
	}
}

void house_stop_sfu(House *house)
{
	house_settle(house);
	g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "sfu: away");
	channel_server_free(g_steal_pointer(&house->sfu));
	await_sync(house, false);
	g_test_assert_expected_messages();
}

void house_restart_sfu(House *house, const char *boot)
{
	if (house->sfu)
		house_stop_sfu(house);
	serve(house, boot);
	await_sync(house, true);
	house_settle(house);
}

/* --- the house --- */

static char *path_in(const House *house, const char *name)
{
	return g_build_filename(house->folder, name, NULL);
}

void house_set(House *house, gconstpointer data)
{
	house->folder = g_dir_make_tmp("diemcau-lines-XXXXXX", NULL);
	house->sfu_path = path_in(house, "sfu.sock");
	house->calls = g_ptr_array_new_with_free_func(free_call);
	house->peers = json_array();
	g_autofree char *store = path_in(house, "store.db"), *secret = path_in(house, "secret.key");
	g_autoptr(GError) error = NULL;
	house->store = store_open(store, &error);
	house->links = links_open(secret, &error);
	house->registry = registry_open(house->store, house->links, &error);
	g_assert_no_error(error);
	house->forum = registry_add_forum(house->registry, "T", NULL, false, 1);
	house->site = registry_add_site(house->registry, house->forum, "Xã A", "", "", 1);
	serve(house, "first");
	house->hub = hub_new(house->store, house->registry, house->sfu_path, "https://x");
	await_sync(house, true);
}

void house_clear(House *house, gconstpointer data)
{
	house_settle(house);
	store_drain(house->store);
	hub_free(house->hub);
	channel_server_free(house->sfu);
	store_close(house->store);
	registry_free(house->registry);
	links_free(house->links);
	g_ptr_array_unref(house->calls);
	json_decref(house->peers);
	g_autoptr(GDir) listing = g_dir_open(house->folder, 0, NULL);
	for (const char *name; (name = g_dir_read_name(listing));) {
		g_autofree char *path = path_in(house, name);
		g_unlink(path);
	}
	g_rmdir(house->folder);
	g_free(house->sfu_path);
	g_free(house->folder);
}

/* --- what a page does --- */

Page *page_new(House *house)
{
	Page *page = g_new0(Page, 1);
	page->heard = g_ptr_array_new_with_free_func(free_json);
	page->session = session_open((Socket *)page, house->hub);
	return page;
}

void page_free(Page *page)
{
	if (!page->is_closed)
		session_closed(page->session, false);
	g_ptr_array_unref(page->heard);
	g_free(page);
}

unsigned page_told(const Page *page, const char *method, json_t **last)
{
	unsigned count = 0;
	for (unsigned i = 0; i < page->heard->len; i++) {
		json_t *message = page->heard->pdata[i];
		const char *name = json_string_value(json_object_get(message, "method"));
		if (g_strcmp0(name, method) != 0)
			continue;
		count++;
		if (last)
			*last = json_object_get(message, "params");
	}
	return count;
}

static json_t *answer_to(const Page *page, json_int_t id)
{
	for (unsigned i = 0; i < page->heard->len; i++) {
		json_t *given = json_object_get(page->heard->pdata[i], "id");
		if (given && json_integer_value(given) == id)
			return page->heard->pdata[i];
	}
	return NULL;
}

/* The result, borrowed. */
json_t *page_ask(Page *page, const char *method, const char *params)
{
	json_int_t id = ++page->last_id;
	g_autofree char *text = g_strdup_printf("{\"jsonrpc\":\"2.0\",\"id\":%" JSON_INTEGER_FORMAT
						",\"method\":\"%s\",\"params\":%s}",
		id, method, params);
	session_receive(page->session, text, strlen(text));
	int64_t deadline_us = g_get_monotonic_time() + SPIN_US;
	while (!answer_to(page, id)) {
		g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
		g_main_context_iteration(NULL, TRUE);
	}
	json_t *result = json_object_get(answer_to(page, id), "result");
	g_assert_nonnull(result);
	return result;
}

json_t *page_hello(House *house, Page *page, LinkKind kind, const char *receive)
{
	char token[LINK_SIZE];
	if (kind == LINK_JOIN)
		registry_site_token(house->registry, house->site, kind, token);
	else
		registry_forum_token(house->registry, house->forum, kind, token);
	g_autofree char *resume =
		receive ? g_strdup_printf("{\"receive\":\"%s\"}", receive) : g_strdup("null");
	g_autofree char *params =
		g_strdup_printf("{\"token\":\"%s\",\"device\":\"device-of-%c\",\"resume\":%s}",
			token, kind, resume);
	return page_ask(page, "hello", params);
}

const char *page_offer(Page *page)
{
	json_t *result = page_ask(page, "receive.offer", "{\"sdp\":\"v=0\"}");
	return json_string_value(json_object_get(result, "peer"));
}

void house_tell_rung(House *house, const char *peer, int rung, const char *why)
{
	channel_server_notify(house->sfu, "peer.rung", house_rung(house, peer, rung, why));
	house_settle(house);
}

json_t *page_await(const Page *page, const char *method, unsigned least)
{
	int64_t deadline_us = g_get_monotonic_time() + SPIN_US;
	json_t *last = NULL;
	while (page_told(page, method, &last) < least) {
		g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
		g_main_context_iteration(NULL, TRUE);
	}
	return last;
}
