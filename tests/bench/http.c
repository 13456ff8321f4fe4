#include "http.h"
#include "clock.h"
#include <curl/curl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* libcurl's descriptors live in an epoll of their own, which is one descriptor of the ground's. */
struct Http {
	Watch watch;
	Ground *ground;
	int epoll_fd;
	CURLM *multi;
	unsigned parallel;
	bool check_certificate, fresh;
	GQueue waiting; /* Request */
	GList *active;
	unsigned active_count;
	int64_t timeout_us; /* when libcurl wants to be called; 0: not at all */
};

typedef struct Request {
	CURL *easy;
	struct curl_slist *headers;
	GString *body;
	char *sent;
	char why[CURL_ERROR_SIZE];
	HttpDone done;
	void *user;
} Request;

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *known)
{
	Http *http = user;
	struct epoll_event event = { .data.fd = fd };
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(http->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events =
		(what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
	if (epoll_ctl(http->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
		epoll_ctl(http->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *user)
{
	Http *http = user;
	http->timeout_us = timeout_ms < 0 ? 0 : clock_us() + timeout_ms * 1000;
	return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
	Request *request = user;
	if (request->body->len + size * count > HTTP_BODY_MAX)
		return 0;
	g_string_append_len(request->body, data, (gssize)(size * count));
	return size * count;
}

static void request_free(Request *request)
{
	curl_easy_cleanup(request->easy);
	curl_slist_free_all(request->headers);
	g_string_free(request->body, TRUE);
	g_free(request->sent);
	g_free(request);
}

static void start_waiting(Http *http)
{
	while (http->active_count < http->parallel && http->waiting.length) {
		Request *request = g_queue_pop_head(&http->waiting);
		http->active = g_list_prepend(http->active, request);
		http->active_count++;
		curl_multi_add_handle(http->multi, request->easy);
	}
}

static const char *header_of(CURL *easy, const char *name)
{
	struct curl_header *header;
	return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
		       ? header->value
		       : "";
}

static void finish(Http *http, Request *request, CURLcode code)
{
	HttpAnswer answer = { .body = request->body->str,
		.location = header_of(request->easy, "Location") };
	curl_off_t retry_after = 0;
	curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after);
	answer.retry_after_s = (unsigned)CLAMP(retry_after, 0, 3600);
	if (code == CURLE_OK)
		curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &answer.status);
	else
		answer.error = request->why[0] ? request->why : curl_easy_strerror(code);

	curl_multi_remove_handle(http->multi, request->easy);
	http->active = g_list_remove(http->active, request);
	http->active_count--;
	request->done(&answer, request->user);
	request_free(request);
}

static void collect(Http *http)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(http->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode code = message->data.result; /* gone with the handle */
		Request *request = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
		finish(http, request, code);
	}
	start_waiting(http);
}

static void on_ready(Watch *watch)
{
	Http *http = (Http *)watch;
	struct epoll_event events[GROUND_EVENTS];
	int running, count = epoll_wait(http->epoll_fd, events, GROUND_EVENTS, 0);
	for (int i = 0; i < count; i++) {
		int what = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
			   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
		curl_multi_socket_action(http->multi, events[i].data.fd, what, &running);
	}
	collect(http);
}

void http_tick(Http *http)
{
	int running;
	start_waiting(http);
	if (!http->timeout_us || clock_us() < http->timeout_us)
		return;
	http->timeout_us = 0;
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(http);
}

Http *http_new(Ground *ground, unsigned parallel, bool check_certificate, bool fresh)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	Http *http = g_new0(Http, 1);
	http->watch.ready = on_ready;
	http->ground = ground;
	http->parallel = parallel;
	http->check_certificate = check_certificate;
	http->fresh = fresh;
	g_queue_init(&http->waiting);
	http->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ground_add(ground, http->epoll_fd, &http->watch);
	http->multi = curl_multi_init();
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)parallel);
	return http;
}

void http_free(Http *http)
{
	if (!http)
		return;
	for (GList *at = http->active; at; at = at->next) {
		Request *request = at->data;
		curl_multi_remove_handle(http->multi, request->easy);
		request_free(request);
	}
	g_list_free(http->active);
	g_queue_clear_full(&http->waiting, (GDestroyNotify)request_free);
	curl_multi_cleanup(http->multi);
	ground_remove(http->ground, http->epoll_fd);
	close(http->epoll_fd);
	g_free(http);
	curl_global_cleanup();
}

static Request *request_new(
	Http *http, const char *url, const char *token, HttpDone done, void *user)
{
	Request *request = g_new0(Request, 1);
	CURL *easy = request->easy = curl_easy_init();
	request->body = g_string_new(NULL);
	request->done = done;
	request->user = user;
	if (token) {
		g_autofree char *bearer = g_strconcat("Authorization: Bearer ", token, NULL);
		request->headers = curl_slist_append(request->headers, bearer);
	}
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->why);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)HTTP_TIMEOUT_S);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, http->check_certificate ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, http->check_certificate ? 2L : 0L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, http->fresh ? 1L : 0L);
	return request;
}

static void queue(Http *http, Request *request)
{
	curl_easy_setopt(request->easy, CURLOPT_HTTPHEADER, request->headers);
	g_queue_push_tail(&http->waiting, request); /* the next tick starts it */
}

static void post(Http *http, Request *request, const char *type, const char *body)
{
	request->sent = g_strdup(body);
	request->headers = curl_slist_append(request->headers, type);
	request->headers = curl_slist_append(request->headers, "Expect:");
	curl_easy_setopt(request->easy, CURLOPT_POSTFIELDS, request->sent);
	queue(http, request);
}

void http_post_sdp(
	Http *http, const char *url, const char *token, const char *sdp, HttpDone done, void *user)
{
	post(http, request_new(http, url, token, done, user), "Content-Type: application/sdp", sdp);
}

void http_patch_fragment(Http *http, const char *url, const char *token, const char *fragment,
	HttpDone done, void *user)
{
	Request *request = request_new(http, url, token, done, user);
	request->headers = curl_slist_append(request->headers, "If-Match: *");
	curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, "PATCH");
	post(http, request, "Content-Type: application/trickle-ice-sdpfrag", fragment);
}

void http_post_json(Http *http, const char *url, const char *json, HttpDone done, void *user)
{
	post(http, request_new(http, url, NULL, done, user), "Content-Type: application/json",
		json);
}

void http_delete(Http *http, const char *url, const char *token, HttpDone done, void *user)
{
	Request *request = request_new(http, url, token, done, user);
	curl_easy_setopt(request->easy, CURLOPT_CUSTOMREQUEST, "DELETE");
	queue(http, request);
}

void http_get(Http *http, const char *url, HttpDone done, void *user)
{
	queue(http, request_new(http, url, NULL, done, user));
}

static void on_nobody(const HttpAnswer *answer, void *user)
{
}

static void forget(GList *requests, const void *user)
{
	for (GList *at = requests; at; at = at->next) {
		Request *request = at->data;
		if (request->user == user)
			request->done = on_nobody;
	}
}

void http_forget(Http *http, const void *user)
{
	forget(http->active, user);
	forget(http->waiting.head, user);
}

unsigned http_pending(const Http *http)
{
	return http->active_count + http->waiting.length;
}
