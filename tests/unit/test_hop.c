/* The weak line with its sockets, over loopback: each wait is for an event, none is for a time. */
#include "seed.h"
#include "tests/link/hop.h"
#include "tests/link/nat.h"
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_S 20 /* a test that has hung */

static GRand *seeds;

static Address any_port(void)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	Address address = { .len = sizeof v4 };
	memcpy(&address.at, &v4, sizeof v4);
	return address;
}

static unsigned port_of(const Address *address)
{
	return ntohs(((const struct sockaddr_in *)&address->at)->sin_port);
}

static int open_at(int type, Address *address)
{
	*address = any_port();
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address->at, address->len), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address->at, &address->len), ==, 0);
	return fd;
}

static gboolean on_hung(gpointer user)
{
	g_error("nothing came");
	return G_SOURCE_REMOVE;
}

/* Lets the hop work until the descriptor can be read. */
static void await(int fd)
{
	guint hung = g_timeout_add_seconds(PATIENCE_S, on_hung, NULL);
	GPollFD poll = { .fd = fd, .events = G_IO_IN };
	GMainContext *context = g_main_context_default();
	g_main_context_add_poll(context, &poll, G_PRIORITY_DEFAULT);
	do
		g_main_context_iteration(context, TRUE);
	while (!poll.revents);
	g_main_context_remove_poll(context, &poll);
	g_source_remove(hung);
}

static void expect(int fd, const char *text, Address *from)
{
	char data[100];
	Address sender = { .len = sizeof sender.at };
	await(fd);
	ssize_t len =
		recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&sender.at, &sender.len);
	g_assert_cmpint(len, >=, 0);
	g_assert_cmpmem(data, (size_t)len, text, strlen(text));
	if (from)
		*from = sender;
}

static void say(int fd, const char *text, const Address *to)
{
	g_assert_cmpint(sendto(fd, text, strlen(text), MSG_NOSIGNAL,
				to ? (struct sockaddr *)&to->at : NULL, to ? to->len : 0),
		==, (ssize_t)strlen(text));
}

static bool apply(Hop *hop, const char *text)
{
	Step step;
	g_assert_true(step_read(&step, text, NULL));
	return hop_apply(hop, &step, NULL);
}

static json_int_t count_of(Hop *hop, const char *lane, const char *name)
{
	char *text = hop_stats(hop);
	json_t *json = json_loads(text, 0, NULL);
	json_t *of = lane ? json_object_get(json, lane) : json;
	json_int_t count = json_integer_value(json_object_get(of, name));
	json_decref(json);
	free(text);
	return count;
}

typedef struct Scene {
	Hop *hop;
	Address door, server;
	int server_udp, server_tcp;
} Scene;

static void set_up(Scene *scene, gconstpointer user)
{
	const Address any = any_port();
	g_autoptr(GError) error = NULL;
	scene->hop = hop_new(g_rand_int(seeds));
	scene->server_udp = open_at(SOCK_DGRAM, &scene->server);
	scene->server_tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(scene->server_tcp, (struct sockaddr *)&scene->server.at, scene->server.len) < 0) {
		/* somebody has this port for TCP: another */
		close(scene->server_tcp);
		close(scene->server_udp);
		hop_free(scene->hop);
		set_up(scene, user);
		return;
	}
	g_assert_cmpint(listen(scene->server_tcp, 8), ==, 0);
	hop_add(scene->hop, &any, &scene->server, true, &error);
	g_assert_no_error(error);
	hop_address(scene->hop, 0, &scene->door);
}

static void tear_down(Scene *scene, gconstpointer user)
{
	hop_free(scene->hop);
	close(scene->server_udp);
	close(scene->server_tcp);
}

static void datagrams_go_and_come(Scene *scene, gconstpointer user)
{
	Address own, seen, other;
	int one = open_at(SOCK_DGRAM, &own), two = open_at(SOCK_DGRAM, &own);
	g_assert_true(apply(scene->hop, "both delay=1ms rate=10M"));
	say(one, "one", &scene->door);
	expect(scene->server_udp, "one", &seen);
	say(two, "two", &scene->door);
	expect(scene->server_udp, "two", &other);
	g_assert_cmpuint(port_of(&seen), !=, port_of(&other));
	say(scene->server_udp, "to two", &other);
	expect(two, "to two", &seen);
	g_assert_cmpuint(port_of(&seen), ==, port_of(&scene->door));
	g_assert_cmpint(count_of(scene->hop, NULL, "clients"), ==, 2);
	g_assert_cmpint(count_of(scene->hop, "up", "delivered_bytes"), ==, 2 * (3 + 28));
	g_assert_cmpint(count_of(scene->hop, "down", "delivered"), ==, 1);
	close(one);
	close(two);
}

static void a_new_address_is_another_port(Scene *scene, gconstpointer user)
{
	Address own, before, after;
	int client = open_at(SOCK_DGRAM, &own);
	g_assert_false(apply(scene->hop, "address 192.0.2.1")); /* is not ours: nothing changes */
	say(client, "before", &scene->door);
	expect(scene->server_udp, "before", &before);
	g_assert_true(apply(scene->hop, "address"));
	say(scene->server_udp, "into the void", &before);
	say(client, "after", &scene->door);
	expect(scene->server_udp, "after", &after);
	g_assert_cmpuint(port_of(&before), !=, port_of(&after));
	say(scene->server_udp, "found", &after);
	expect(client, "found", NULL); /* and not what went to the old one */

	g_assert_true(apply(scene->hop, "address 127.0.0.2"));
	say(client, "moved", &scene->door);
	expect(scene->server_udp, "moved", &after);
	g_assert_cmpint(
		((struct sockaddr_in *)&after.at)->sin_addr.s_addr, ==, inet_addr("127.0.0.2"));
	g_assert_false(apply(scene->hop, "address 192.0.2.1"));
	say(client, "still here", &scene->door);
	expect(scene->server_udp, "still here", &before);
	g_assert_cmpmem(&before.at, before.len, &after.at, after.len);
	close(client);
}

static void udp_off_is_silence(Scene *scene, gconstpointer user)
{
	Address own, seen;
	int client = open_at(SOCK_DGRAM, &own);
	say(client, "first", &scene->door);
	expect(scene->server_udp, "first", &seen);
	g_assert_true(apply(scene->hop, "udp off"));
	say(client, "blocked", &scene->door);
	say(scene->server_udp, "blocked", &seen);
	while (count_of(scene->hop, NULL, "blocked") < 2)
		g_main_context_iteration(NULL, TRUE);
	g_assert_true(apply(scene->hop, "udp on"));
	say(client, "again", &scene->door);
	expect(scene->server_udp, "again", NULL);
	close(client);
}

static void one_client_too_many_is_refused(Scene *scene, gconstpointer user)
{
	Address own;
	int clients[NAT_CLIENTS_MAX + 1];
	for (unsigned i = 0; i < G_N_ELEMENTS(clients); i++) {
		clients[i] = open_at(SOCK_DGRAM, &own);
		say(clients[i], "hello", &scene->door);
		if (i < NAT_CLIENTS_MAX)
			expect(scene->server_udp, "hello", NULL);
	}
	while (!count_of(scene->hop, NULL, "refused"))
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpint(count_of(scene->hop, NULL, "clients"), ==, NAT_CLIENTS_MAX);
	for (unsigned i = 0; i < G_N_ELEMENTS(clients); i++)
		close(clients[i]);
}

static int dial(const Scene *scene)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(
		connect(fd, (const struct sockaddr *)&scene->door.at, scene->door.len), ==, 0);
	return fd;
}

static int answer(const Scene *scene)
{
	await(scene->server_tcp);
	int fd = accept4(scene->server_tcp, NULL, NULL, SOCK_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static void assert_reset(int fd)
{
	char byte;
	await(fd);
	g_assert_cmpint(recv(fd, &byte, 1, 0), <, 0);
	g_assert_cmpint(errno, ==, ECONNRESET);
	close(fd);
}

static void a_stream_goes_comes_and_ends(Scene *scene, gconstpointer user)
{
	g_assert_true(apply(scene->hop, "both delay=1ms rate=10M loss=20%"));
	int client = dial(scene), server = answer(scene);
	say(client, "question", NULL);
	expect(server, "question", NULL);
	say(server, "answer", NULL);
	expect(client, "answer", NULL);
	shutdown(client, SHUT_WR);
	expect(server, "", NULL);
	say(server, "last words", NULL); /* half closed */
	expect(client, "last words", NULL);
	close(server);
	expect(client, "", NULL);
	close(client);
	while (count_of(scene->hop, NULL, "connections"))
		g_main_context_iteration(NULL, TRUE);
	g_assert_cmpint(count_of(scene->hop, NULL, "reset"), ==, 0);
}

/* Until the line and every socket are full: nothing takes another byte. */
static size_t fill(int fd, const uint8_t *data, size_t len)
{
	size_t out = 0;
	bool moved = true;
	while (moved) {
		ssize_t sent = out < len ? send(fd, data + out, len - out, MSG_DONTWAIT) : -1;
		out += sent > 0 ? (size_t)sent : 0;
		moved = g_main_context_iteration(NULL, FALSE) || sent > 0;
	}
	return out;
}

static void a_long_stream_is_held_back_and_comes_whole(Scene *scene, gconstpointer user)
{
	enum { LENGTH = 8 * 1000 * 1000 };
	int client = dial(scene), server = answer(scene);
	g_autofree uint8_t *sent = g_malloc(LENGTH), *came = g_malloc(LENGTH);
	for (unsigned i = 0; i < LENGTH; i++)
		sent[i] = (uint8_t)(i * 2654435761u >> 24);
	size_t out = fill(client, sent, LENGTH), in = 0;
	g_test_message("%zu bytes before any is read", out);
	g_assert_cmpuint(out, <, LENGTH);
	g_assert_cmpint(count_of(scene->hop, "up", "in_bytes"), <, 2 * 1000 * 1000);
	g_assert_true(apply(scene->hop, "both rate=400M queue=5ms"));
	while (in < LENGTH) {
		await(server);
		ssize_t len = recv(server, came + in, LENGTH - in, MSG_DONTWAIT);
		g_assert_cmpint(len, >, 0);
		in += (size_t)len;
		len = send(client, sent + out, LENGTH - out, MSG_DONTWAIT);
		out += len > 0 ? (size_t)len : 0;
	}
	g_assert_cmpmem(sent, LENGTH, came, in);
	close(client);
	close(server);
}

static void a_new_address_resets_streams(Scene *scene, gconstpointer user)
{
	int client = dial(scene), server = answer(scene);
	g_assert_true(apply(scene->hop, "address"));
	assert_reset(client);
	assert_reset(server);
	client = dial(scene);
	server = answer(scene);
	say(client, "again", NULL);
	expect(server, "again", NULL);
	close(client);
	close(server);
}

static void tcp_off_resets_who_is_there_and_who_comes(Scene *scene, gconstpointer user)
{
	int client = dial(scene), server = answer(scene);
	g_assert_true(apply(scene->hop, "tcp off"));
	assert_reset(client);
	assert_reset(server);
	assert_reset(dial(scene));
	g_assert_true(apply(scene->hop, "tcp on"));
	client = dial(scene);
	server = answer(scene);
	close(client);
	close(server);
}

static void a_server_that_is_away_resets(Scene *scene, gconstpointer user)
{
	close(scene->server_tcp);
	scene->server_tcp = -1;
	assert_reset(dial(scene));
}

static void add(const char *name, void (*test)(Scene *, gconstpointer))
{
	g_test_add(name, Scene, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	seeds = seeded_random();
	add("/hop/datagrams-go-and-come", datagrams_go_and_come);
	add("/hop/a-new-address-is-another-port", a_new_address_is_another_port);
	add("/hop/udp-off-is-silence", udp_off_is_silence);
	add("/hop/one-client-too-many-is-refused", one_client_too_many_is_refused);
	add("/hop/a-stream-goes-comes-and-ends", a_stream_goes_comes_and_ends);
	add("/hop/a-long-stream-is-held-back-and-comes-whole",
		a_long_stream_is_held_back_and_comes_whole);
	add("/hop/a-new-address-resets-streams", a_new_address_resets_streams);
	add("/hop/tcp-off-resets-who-is-there-and-who-comes",
		tcp_off_resets_who_is_there_and_who_comes);
	add("/hop/a-server-that-is-away-resets", a_server_that_is_away_resets);
	int result = g_test_run();
	g_rand_free(seeds);
	return result;
}
