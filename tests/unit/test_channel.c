#include "common/channel.h"
#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder;

typedef struct Bed {
	char *path;
	ChannelServer *server;
	Channel *channel;
	unsigned ups, downs;
	unsigned replies, results;
	unsigned replies_at_down;
	int last_code;
	char *last_reason;
	json_t *last_result;
	GQueue held; /* ChannelCall that on_serve does not answer */
	bool hold;
	unsigned notified;
	bool in_order;
	bool inside; /* a call of ours runs: no event may come */
} Bed;

static void on_up(void *user)
{
	Bed *bed = user;
	g_assert_false(bed->inside);
	bed->ups++;
}

static void on_down(void *user)
{
	Bed *bed = user;
	bed->downs++;
	bed->replies_at_down = bed->replies;
}

static void on_notification(const char *method, json_t *params, void *user)
{
	Bed *bed = user;
	g_assert_cmpstr(method, ==, "tick");
	if (json_integer_value(json_object_get(params, "n")) != bed->notified)
		bed->in_order = false;
	bed->notified++;
}

static const ChannelEvents events = { on_up, on_down, on_notification };

static void on_reply(json_t *result, json_t *error, void *user)
{
	Bed *bed = user;
	g_assert_false(bed->inside);
	g_assert_true(!result != !error);
	bed->replies++;
	g_clear_pointer(&bed->last_reason, g_free);
	if (result) {
		bed->results++;
		json_decref(bed->last_result);
		bed->last_result = json_incref(result);
		bed->last_code = 0;
	} else {
		bed->last_code = (int)json_integer_value(json_object_get(error, "code"));
		bed->last_reason = g_strdup(json_string_value(
			json_object_get(json_object_get(error, "data"), "reason")));
	}
}

/* Answers with its parameters; refuses `no`; `big` gets more than a message holds. */
static void on_serve(ChannelCall *call, const char *method, json_t *params, void *user)
{
	Bed *bed = user;
	if (bed->hold) {
		g_queue_push_tail(&bed->held, call);
	} else if (strcmp(method, "no") == 0) {
		channel_refuse(call, RPC_REFUSED, "bad-offer", "not so");
	} else if (strcmp(method, "big") == 0) {
		g_autofree char *text = g_strnfill(CHANNEL_MESSAGE_MAX, 'x');
		channel_answer(call, json_pack("{s:s}", "text", text));
	} else {
		channel_answer(call, json_incref(params));
	}
}

static void serve(Bed *bed)
{
	g_autoptr(GError) error = NULL;
	int fd = channel_listen(bed->path, &error);
	g_assert_no_error(error);
	bed->server = channel_server_new(fd, on_serve, bed);
}

static void connect_to(Bed *bed)
{
	bed->inside = true;
	bed->channel = channel_new(bed->path, &events, bed);
	bed->inside = false;
}

static void call(Bed *bed, const char *method, json_t *params)
{
	bed->inside = true;
	channel_call(bed->channel, method, params, on_reply, bed);
	bed->inside = false;
}

static void spin_until(const unsigned *count, unsigned least)
{
	gint64 deadline = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	while (*count < least) {
		g_assert_cmpint(g_get_monotonic_time(), <, deadline);
		g_main_context_iteration(NULL, TRUE);
	}
}

static void bed_set(Bed *bed, gconstpointer data)
{
	static unsigned number;
	bed->path = g_strdup_printf("%s/%u.sock", folder, ++number);
	bed->in_order = true;
	g_queue_init(&bed->held);
}

static void bed_clear(Bed *bed, gconstpointer data)
{
	channel_free(bed->channel);
	channel_server_free(bed->server);
	for (ChannelCall *held; (held = g_queue_pop_head(&bed->held));)
		channel_answer(held, NULL);
	json_decref(bed->last_result);
	g_free(bed->last_reason);
	g_unlink(bed->path);
	g_free(bed->path);
}

static void test_answer(Bed *bed, gconstpointer data)
{
	serve(bed);
	connect_to(bed);
	g_assert_true(channel_is_up(bed->channel));
	call(bed, "echo", json_pack("{s:s}", "name", "Xã Nghi Lộc"));
	spin_until(&bed->replies, 1);
	g_assert_cmpuint(bed->ups, ==, 1);
	g_assert_cmpstr(
		json_string_value(json_object_get(bed->last_result, "name")), ==, "Xã Nghi Lộc");
	call(bed, "no", NULL);
	spin_until(&bed->replies, 2);
	g_assert_cmpint(bed->last_code, ==, RPC_REFUSED);
	g_assert_cmpstr(bed->last_reason, ==, "bad-offer");
	channel_call(bed->channel, "echo", NULL, NULL, NULL); /* nobody waits for this one */
	call(bed, "echo", NULL);
	spin_until(&bed->replies, 3);
}

static void test_out_of_order(Bed *bed, gconstpointer data)
{
	serve(bed);
	connect_to(bed);
	bed->hold = true;
	call(bed, "first", NULL);
	call(bed, "second", NULL);
	spin_until(&bed->held.length, 2);
	channel_answer(g_queue_pop_tail(&bed->held), json_pack("{s:i}", "n", 2));
	spin_until(&bed->replies, 1);
	g_assert_cmpint(json_integer_value(json_object_get(bed->last_result, "n")), ==, 2);
	channel_answer(g_queue_pop_tail(&bed->held), json_pack("{s:i}", "n", 1));
	spin_until(&bed->replies, 2);
	g_assert_cmpint(json_integer_value(json_object_get(bed->last_result, "n")), ==, 1);
}

static void test_away(Bed *bed, gconstpointer data)
{
	connect_to(bed);
	g_assert_false(channel_is_up(bed->channel));
	call(bed, "echo", json_object());
	g_assert_cmpuint(bed->replies, ==, 0);
	spin_until(&bed->replies, 1);
	g_assert_cmpint(bed->last_code, ==, RPC_UNAVAILABLE);
	g_assert_cmpuint(bed->ups + bed->downs, ==, 0);
}

/* A process of its own that takes one message and then hangs. */
static pid_t hanging_server(const char *path, int *told)
{
	int fds[2];
	g_assert_cmpint(pipe(fds), ==, 0);
	int listening = channel_listen(path, NULL);
	g_assert_cmpint(listening, >=, 0);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		g_unix_set_fd_nonblocking(listening, FALSE, NULL);
		int fd = accept(listening, NULL, NULL);
		char buffer[256];
		if (recv(fd, buffer, sizeof(buffer), 0) > 0 && write(fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(listening);
	close(fds[1]);
	*told = fds[0];
	return child;
}

static void test_killed(Bed *bed, gconstpointer data)
{
	int told;
	pid_t child = hanging_server(bed->path, &told);
	connect_to(bed);
	spin_until(&bed->ups, 1);
	call(bed, "peer.put", NULL);
	call(bed, "stage.put", NULL);
	char byte;
	g_assert_cmpint(read(told, &byte, 1), ==, 1);
	close(told);
	g_assert_cmpuint(bed->replies, ==, 0);
	gint64 start = g_get_monotonic_time();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	spin_until(&bed->downs, 1);
	/* By the lost line, not by the timeout; and all before `down`. */
	g_assert_cmpint(g_get_monotonic_time() - start, <, CHANNEL_TIMEOUT_MS * 1000);
	g_assert_cmpuint(bed->replies_at_down, ==, 2);
	g_assert_cmpint(bed->last_code, ==, RPC_UNAVAILABLE);
	g_assert_false(channel_is_up(bed->channel));

	serve(bed); /* the daemon's next life */
	spin_until(&bed->ups, 2);
	call(bed, "echo", NULL);
	spin_until(&bed->results, 1);
	g_clear_pointer(&bed->channel, channel_free);
	g_assert_cmpuint(bed->replies, ==, 3); /* each exactly once */
	g_assert_cmpuint(bed->downs, ==, 1);
}

static void test_timeout(Bed *bed, gconstpointer data)
{
	serve(bed);
	connect_to(bed);
	bed->hold = true;
	gint64 start = g_get_monotonic_time();
	call(bed, "slow", NULL);
	spin_until(&bed->replies, 1);
	g_assert_cmpint(g_get_monotonic_time() - start, >=, (CHANNEL_TIMEOUT_MS - 100) * 1000);
	g_assert_cmpint(bed->last_code, ==, RPC_UNAVAILABLE);
	g_assert_true(channel_is_up(bed->channel));

	channel_answer(g_queue_pop_head(&bed->held), NULL); /* too late for anybody */
	bed->hold = false;
	call(bed, "echo", NULL);
	spin_until(&bed->results, 1);
	g_assert_cmpuint(bed->replies, ==, 2);
}

static void test_free_with_open_calls(Bed *bed, gconstpointer data)
{
	serve(bed);
	connect_to(bed);
	bed->hold = true;
	call(bed, "slow", NULL);
	spin_until(&bed->held.length, 1);
	g_clear_pointer(&bed->channel, channel_free);
	g_assert_cmpuint(bed->replies, ==, 1);
	g_assert_cmpint(bed->last_code, ==, RPC_UNAVAILABLE);
	g_assert_cmpuint(bed->downs, ==, 0);
	/* And the server goes before the answer: bed_clear() answers into nothing. */
	g_clear_pointer(&bed->server, channel_server_free);
}

static void free_in_reply(json_t *result, json_t *error, void *user)
{
	Bed *bed = user;
	on_reply(result, error, user);
	g_clear_pointer(&bed->channel, channel_free);
}

static void test_free_inside(Bed *bed, gconstpointer data)
{
	serve(bed);
	connect_to(bed);
	channel_call(bed->channel, "echo", NULL, free_in_reply, bed);
	call(bed, "echo", NULL);
	spin_until(&bed->replies, 2);
	g_assert_null(bed->channel);
	g_assert_cmpint(bed->last_code, ==, RPC_UNAVAILABLE);

	/* The same from a reply that the lost line gives. */
	connect_to(bed);
	bed->hold = true;
	channel_call(bed->channel, "slow", NULL, free_in_reply, bed);
	spin_until(&bed->held.length, 1);
	g_clear_pointer(&bed->server, channel_server_free);
	spin_until(&bed->replies, 3);
	g_assert_cmpuint(bed->downs, ==, 0);
}

static void test_notifications(Bed *bed, gconstpointer data)
{
	serve(bed);
	connect_to(bed);
	spin_until(&bed->ups, 1);
	call(bed, "echo", NULL); /* now the server has taken us in */
	spin_until(&bed->replies, 1);
	g_autofree char *text = g_strnfill(60000, 'x');
	enum { COUNT = 120 }; /* 7.2 MB: far more than the socket takes, less than the queue */
	for (int i = 0; i < COUNT; i++)
		channel_server_notify(
			bed->server, "tick", json_pack("{s:i,s:s}", "n", i, "text", text));
	spin_until(&bed->notified, COUNT);
	g_assert_true(bed->in_order);
	g_assert_cmpuint(bed->downs, ==, 0);
}

static void test_queue_limit(Bed *bed, gconstpointer data)
{
	int listening = channel_listen(bed->path, NULL); /* takes us in and never reads */
	connect_to(bed);
	spin_until(&bed->ups, 1);
	g_autofree char *text = g_strnfill(100000, 'x');
	unsigned most = CHANNEL_QUEUE_MAX / 100000 + 10, sent = 0;
	while (sent < CHANNEL_QUEUE_MAX / 101000) {
		call(bed, "stage.put", json_pack("{s:s}", "text", text));
		sent++;
	}
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_assert_cmpuint(bed->downs, ==, 0);
	for (; sent < most; sent++)
		call(bed, "stage.put", json_pack("{s:s}", "text", text));
	spin_until(&bed->downs, 1);
	spin_until(&bed->replies, sent);
	g_assert_cmpuint(bed->results, ==, 0);
	close(listening);
}

static void test_too_large_to_send(Bed *bed, gconstpointer data)
{
	serve(bed);
	connect_to(bed);
	g_autofree char *text = g_strnfill(CHANNEL_MESSAGE_MAX, 'x');
	call(bed, "peer.put", json_pack("{s:s}", "offer", text));
	spin_until(&bed->replies, 1);
	g_assert_cmpint(bed->last_code, ==, RPC_INVALID_PARAMS);
	g_assert_cmpstr(bed->last_reason, ==, "too-large");
	call(bed, "big", NULL);
	spin_until(&bed->replies, 2);
	g_assert_cmpint(bed->last_code, ==, RPC_INTERNAL_ERROR);
	text[CHANNEL_MESSAGE_MAX - 200] = '\0';
	call(bed, "echo", json_pack("{s:s}", "offer", text));
	spin_until(&bed->results, 1);
	g_assert_cmpuint(bed->downs, ==, 0);
}

static int raw_caller(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	return fd;
}

static char *raw_receive(int fd)
{
	static char buffer[CHANNEL_MESSAGE_MAX];
	gint64 deadline = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	for (;;) {
		ssize_t len = recv(fd, buffer, sizeof(buffer) - 1, 0);
		if (len >= 0) {
			buffer[len] = '\0';
			return buffer;
		}
		g_assert_cmpint(errno, ==, EAGAIN);
		g_assert_cmpint(g_get_monotonic_time(), <, deadline);
		g_main_context_iteration(NULL, FALSE);
	}
}

static void raw_send(int fd, const void *bytes, size_t len)
{
	g_assert_cmpint(send(fd, bytes, len, 0), ==, len);
}

static void expect_warning(const char *pattern)
{
	g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, pattern);
}

static void test_bad_caller(Bed *bed, gconstpointer data)
{
	serve(bed);
	int fd = raw_caller(bed->path);
	expect_warning("*no JSON*");
	raw_send(fd, "\0\xff{", 3);
	g_assert_nonnull(strstr(raw_receive(fd), "-32700"));
	expect_warning("*larger than*");
	g_autofree char *large = g_strnfill(CHANNEL_MESSAGE_MAX + 1, ' ');
	raw_send(fd, large, CHANNEL_MESSAGE_MAX + 1);
	g_assert_nonnull(strstr(raw_receive(fd), "too-large"));
	expect_warning("*no request*");
	static const char lone[] = "{\"jsonrpc\":\"2.0\",\"method\":\"hm\"}";
	raw_send(fd, lone, sizeof(lone) - 1);
	static const char good[] = "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"echo\"}";
	raw_send(fd, good, sizeof(good) - 1);
	g_assert_cmpstr(raw_receive(fd), ==, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{}}");
	g_test_assert_expected_messages();
	close(fd);
}

static void test_bad_server(Bed *bed, gconstpointer data)
{
	int listening = channel_listen(bed->path, NULL);
	connect_to(bed);
	spin_until(&bed->ups, 1);
	call(bed, "hello", NULL);
	int fd = accept(listening, NULL, NULL);
	expect_warning("*no JSON*");
	raw_send(fd, "nonsense", 8);
	expect_warning("*larger than*");
	g_autofree char *large = g_strnfill(CHANNEL_MESSAGE_MAX + 1, ' ');
	raw_send(fd, large, CHANNEL_MESSAGE_MAX + 1);
	expect_warning("*without our id*");
	static const char lone[] = "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{}}";
	raw_send(fd, lone, sizeof(lone) - 1);
	static const char unknown[] = "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}";
	raw_send(fd, unknown, sizeof(unknown) - 1);
	static const char good[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}";
	raw_send(fd, good, sizeof(good) - 1);
	raw_send(fd, good, sizeof(good) - 1); /* twice the same: the second is nobody's */
	static const char tick[] = "{\"jsonrpc\":\"2.0\",\"method\":\"tick\",\"params\":{\"n\":0}}";
	raw_send(fd, tick, sizeof(tick) - 1);
	spin_until(&bed->notified, 1);
	g_assert_cmpuint(bed->replies, ==, 1);
	g_assert_cmpuint(bed->results, ==, 1);
	g_test_assert_expected_messages();
	close(fd);
	close(listening);
}

static void test_many_callers(Bed *bed, gconstpointer data)
{
	enum { MOST = 16 };
	serve(bed);
	int fds[MOST + 1];
	expect_warning("*more than 16 callers*");
	for (int i = 0; i <= MOST; i++) {
		fds[i] = raw_caller(bed->path);
		static const char good[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}";
		raw_send(fds[i], good, sizeof(good) - 1);
		if (i < MOST)
			g_assert_nonnull(strstr(raw_receive(fds[i]), "result"));
	}
	/* Closed before it was read: the end, or a reset. */
	char byte;
	ssize_t len;
	while ((len = recv(fds[MOST], &byte, 1, 0)) < 0 && errno == EAGAIN)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpint(len, <=, 0);
	g_test_assert_expected_messages();
	for (int i = 0; i <= MOST; i++)
		close(fds[i]);
}

static void test_listen(Bed *bed, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	int fd = channel_listen(bed->path, &error);
	struct stat there;
	g_assert_cmpint(stat(bed->path, &there), ==, 0);
	g_assert_cmpint(there.st_mode & 0777, ==, 0660);
	int again = channel_listen(bed->path, &error); /* what a dead daemon left behind */
	g_assert_no_error(error);
	close(fd);
	close(again);

	g_autofree char *file = g_strconcat(bed->path, ".txt", NULL);
	g_assert_true(g_file_set_contents(file, "precious", -1, NULL));
	g_assert_cmpint(channel_listen(file, &error), ==, -1);
	g_assert_nonnull(error);
	g_clear_error(&error);
	g_assert_true(g_file_test(file, G_FILE_TEST_IS_REGULAR));
	g_unlink(file);

	g_autofree char *name = g_strnfill(120, 'x');
	g_assert_cmpint(channel_listen(name, &error), ==, -1);
	g_assert_nonnull(strstr(error->message, "longer than 107 bytes"));
}

#define ADD(name, run) g_test_add("/channel/" name, Bed, NULL, bed_set, run, bed_clear)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	folder = g_dir_make_tmp("diemcau-channel-XXXXXX", NULL);
	ADD("answers-and-refuses", test_answer);
	ADD("answers-in-any-order", test_out_of_order);
	ADD("says-unavailable-while-the-peer-is-away", test_away);
	ADD("ends-open-calls-once-when-the-peer-is-killed-and-connects-again", test_killed);
	ADD("ends-a-call-without-answer-after-its-time", test_timeout);
	ADD("ends-open-calls-when-freed", test_free_with_open_calls);
	ADD("may-be-freed-from-a-reply", test_free_inside);
	ADD("queues-what-a-full-socket-does-not-take", test_notifications);
	ADD("drops-a-peer-that-does-not-read", test_queue_limit);
	ADD("refuses-to-send-what-is-too-large", test_too_large_to_send);
	ADD("outlives-a-caller-that-sends-nonsense", test_bad_caller);
	ADD("outlives-a-server-that-sends-nonsense", test_bad_server);
	ADD("takes-a-limited-number-of-callers", test_many_callers);
	ADD("listens-for-its-group-only-and-harms-no-file", test_listen);
	int status = g_test_run();
	g_rmdir(folder);
	g_free(folder);
	return status;
}
