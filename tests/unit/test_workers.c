/* One stage over three workers, for real: sockets of one port, checks, keys, packets, ends. */
#include "common/channel.h"
#include "fake_peer.h"
#include "lines.h"
#include "seed.h"
#include "sfu/node.h"
#include "sfu/srtp.h"
#include <glib/gstdio.h>

#define WORKERS 3
#define VIEWERS 12

typedef struct Hall {
	Node *node;
	int port;
	json_int_t rev;
	FakePeer *speaker, *viewers[VIEWERS];
	unsigned number; /* sent last */
	unsigned layers; /* of the picture that are sent, a bit each; 0: it has none */
	unsigned slots;  /* news of them */
	int one_port,
		door; /* where TCP comes in and goes on, by the door; -1: straight to the node */
} Hall;

static void on_news(const char *method, json_t *params, void *user)
{
	Hall *hall = user;
	hall->slots += !strcmp(method, "stage.slots");
	json_decref(params);
}

static int open_socket(int type, int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	const int on = 1;
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) ||
		(type == SOCK_STREAM && listen(fd, 64))) {
		close(fd);
		return -1;
	}
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &len), ==, 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static void put_stage(Hall *hall)
{
	StageWish wish = { .on_air = { "hall" }, .on_air_count = 1, .main = "hall" };
	node_put_stage(hall->node, "stage", ++hall->rev, &wish);
}

static Hall *hall_make(bool by_door)
{
	g_autofree char *folder = by_door ? g_dir_make_tmp("diemcau-hall-XXXXXX", NULL) : NULL;
	g_autofree char *path = g_build_filename(folder ? folder : ".", "door.sock", NULL);
	char *announce[] = { (char *)"127.0.0.1", NULL };
	RosterSockets sockets[WORKERS];
	Hall *hall = g_new0(Hall, 1);
	hall->one_port = hall->door = -1;
	sockets[0].tcp = open_socket(SOCK_STREAM, &hall->port);
	if (by_door)
		hall->one_port = sockets[0].tcp;
	for (unsigned i = 0; i < WORKERS; i++) {
		sockets[i].udp = open_socket(SOCK_DGRAM, &hall->port);
		g_assert_cmpint(sockets[i].udp, >=, 0);
		sockets[i].multihomed = false;
		sockets[i].door = by_door && !i ? channel_listen(path, NULL) : -1;
		if (i || by_door)
			sockets[i].tcp = -1;
	}
	if (by_door) {
		hall->door = lines_knock(path);
		g_unlink(path);
		g_rmdir(folder);
	}
	const NodeSettings settings = { .tap_fd = -1,
		.sockets = sockets,
		.workers = WORKERS,
		.announce = announce,
		.media_port = hall->port,
		.tcp_port = hall->port };
	hall->node = node_new(&settings, on_news, hall, NULL);
	g_assert_nonnull(hall->node);
	put_stage(hall);
	return hall;
}

static Hall *hall_new(void)
{
	return hall_make(false);
}

static FakePeer *put_peer(Hall *hall, const char *id, const char *owner, Role role, bool tcp)
{
	FakePeer *peer = fake_peer_new(role, tcp);
	if (hall->layers && role == ROLE_PUBLISHER)
		fake_peer_use_layers(peer);
	g_autofree char *offer = fake_peer_offer(peer);
	const NodePeer ask = { .id = id,
		.stage = "stage",
		.owner = owner,
		.offer = offer,
		.rev = ++hall->rev,
		.role = role };
	NodeRefusal refusal;
	g_autoptr(GError) error = NULL;
	json_t *result = node_put_peer(hall->node, &ask, &refusal, &error);
	g_assert_no_error(error);
	fake_peer_answer(peer, json_string_value(json_object_get(result, "answer")), hall->port);
	json_decref(result);
	return peer;
}

static void put_viewer(Hall *hall, unsigned i)
{
	g_autofree char *id = g_strdup_printf("viewer %u", i);
	fake_peer_free(hall->viewers[i]);
	hall->viewers[i] = put_peer(hall, id, id, ROLE_VIEWER, i % 4 == 3);
}

static void put_speaker(Hall *hall)
{
	fake_peer_free(hall->speaker);
	hall->speaker = put_peer(hall, "speaker", "hall", ROLE_PUBLISHER, false);
}

/* The numbers of layers are their own, each behind the one below it. */
static void show(Hall *hall)
{
	bool keyframe = hall->number % 40 == 1;
	if (!hall->layers)
		fake_peer_send(hall->speaker, FAKE_PICTURE, hall->number, keyframe);
	for (unsigned i = 0; i < 3; i++) {
		unsigned number = 3 * hall->number + i;
		if (!(hall->layers & 1u << i))
			continue;
		if (hall->number % 10 == 7)
			fake_peer_repair_layer(hall->speaker, i, number);
		else
			fake_peer_send_layer(hall->speaker, i, number, keyframe);
	}
}

/* A moment passes; the speaker says something if he can. */
static void step(Hall *hall)
{
	int64_t now_us = g_get_monotonic_time();
	int line;
	while (g_main_context_iteration(NULL, FALSE))
		;
	while (hall->one_port >= 0 && (line = accept(hall->one_port, NULL, NULL)) >= 0) {
		lines_pass(hall->door, 1, &line, 1);
		close(line);
	}
	if (hall->speaker) {
		fake_peer_run(hall->speaker, now_us);
		if (fake_peer_is_connected(hall->speaker)) {
			hall->number++;
			fake_peer_send(hall->speaker, FAKE_SOUND, hall->number, true);
			show(hall);
		}
	}
	for (unsigned i = 0; i < VIEWERS; i++)
		if (hall->viewers[i])
			fake_peer_run(hall->viewers[i], now_us);
	g_usleep(3000);
}

static bool all_have(const Hall *hall, unsigned number)
{
	for (unsigned i = 0; i < VIEWERS; i++)
		if (!hall->viewers[i] ||
			fake_peer_stream(hall->viewers[i], FAKE_SOUND)->last < number ||
			fake_peer_stream(hall->viewers[i], FAKE_PICTURE)->last < number)
			return false;
	return true;
}

static void await_all(Hall *hall, unsigned number)
{
	int64_t end_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	while (!all_have(hall, number)) {
		step(hall);
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
	}
}

static json_int_t stat_of(Hall *hall, const char *name)
{
	json_t *stats = node_stats(hall->node);
	json_int_t value = json_integer_value(json_object_get(stats, name));
	json_decref(stats);
	return value;
}

static void hall_free(Hall *hall)
{
	node_free(hall->node);
	while (g_main_context_iteration(NULL, FALSE))
		;
	fake_peer_free(hall->speaker);
	for (unsigned i = 0; i < VIEWERS; i++)
		fake_peer_free(hall->viewers[i]);
	if (hall->door >= 0) {
		close(hall->door);
		close(hall->one_port);
	}
	g_free(hall);
}

static void test_spans(void)
{
	Hall *hall = hall_new();
	int64_t began_us = g_get_monotonic_time();
	put_speaker(hall);
	for (unsigned i = 0; i < VIEWERS; i++)
		put_viewer(hall, i);
	await_all(hall, 1);
	await_all(hall, hall->number + 200);
	for (unsigned i = 0; i < VIEWERS; i++)
		for (unsigned kind = 0; kind < 2; kind++) {
			const FakeStream *stream = fake_peer_stream(
				hall->viewers[i], kind ? FAKE_PICTURE : FAKE_SOUND);
			g_assert_cmpuint(stream->wrong, ==, 0);
			g_assert_cmpuint(stream->count, ==, stream->last - stream->first + 1);
		}
	/* Thirteen addresses: the kernel gives some of them to another worker than their peer's. */
	g_assert_cmpint(stat_of(hall, "handed_over_total"), >, 0);
	g_assert_cmpint(stat_of(hall, "passed_on_total"), >=, 2 * 400);
	g_assert_cmpint(stat_of(hall, "ring_full_total"), ==, 0);
	int64_t seconds = (g_get_monotonic_time() - began_us) / G_USEC_PER_SEC;
	g_assert_cmpint(stat_of(hall, "keyframe_requests_total"), <=, seconds + 1);
	g_assert_cmpuint(hall->slots, >, 0);
	g_assert_cmpuint(hall->slots, <, 8); /* told by the home alone */
	hall_free(hall);
}

/* Lines that another process has accepted, over all workers; who handed them over goes. */
static void test_door(void)
{
	Hall *hall = hall_make(true);
	put_speaker(hall);
	for (unsigned i = 0; i < VIEWERS; i++)
		put_viewer(hall, i);
	await_all(hall, 1);
	g_assert_cmpint(stat_of(hall, "lines_taken_total"), ==, VIEWERS / 4);
	close(hall->door);
	close(hall->one_port);
	hall->door = hall->one_port = -1;
	await_all(hall, hall->number + 200);
	for (unsigned i = 0; i < VIEWERS; i++)
		g_assert_cmpuint(fake_peer_stream(hall->viewers[i], FAKE_SOUND)->wrong, ==, 0);
	g_assert_cmpint(stat_of(hall, "lines_refused_total"), ==, 0);
	hall_free(hall);
}

/* T-03, T-05: whoever does not know a password gets no byte and leaves nothing behind. */
static void test_strangers(void)
{
	Hall *hall = hall_new();
	FakePeer *strangers[32];
	for (unsigned i = 0; i < G_N_ELEMENTS(strangers); i++) {
		IceCredentials made;
		ice_credentials_make(&made, i % 5); /* two of the workers there are not */
		strangers[i] = fake_peer_new(ROLE_VIEWER, i % 8 == 7);
		g_autofree char *answer =
			g_strdup_printf("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", made.ufrag, made.pwd);
		fake_peer_answer(strangers[i], answer, hall->port);
	}
	int64_t end_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	while (stat_of(hall, "stun_dropped_total") < 320) {
		for (unsigned i = 0; i < G_N_ELEMENTS(strangers); i++)
			fake_peer_run(strangers[i], g_get_monotonic_time());
		step(hall);
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
	}
	g_assert_cmpint(stat_of(hall, "stun_checks_total"), ==, 0);
	g_assert_cmpint(stat_of(hall, "messages_out_total"), ==, 0);
	g_assert_cmpint(stat_of(hall, "handed_over_total"), >, 0);
	for (unsigned i = 0; i < G_N_ELEMENTS(strangers); i++)
		fake_peer_free(strangers[i]);
	hall_free(hall);
}

static char *restart(Hall *hall, const char *id, json_int_t rev, const char *ufrag)
{
	g_autofree char *fragment = g_strdup_printf("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
						    "a=ice-ufrag:%s\r\n"
						    "a=ice-pwd:vutsrqponmlkjihgfedcba\r\n",
		ufrag);
	NodeRefusal refusal;
	json_t *result = node_restart_peer(hall->node, id, rev, fragment, &refusal, NULL);
	g_assert_nonnull(result);
	g_assert_cmpstr(json_string_value(json_object_get(result, "peer")), ==, id);
	char *ours = g_strdup(json_string_value(json_object_get(result, "fragment")));
	json_decref(result);
	return ours;
}

static void await_stat(Hall *hall, const char *name, json_int_t value, FakePeer *ghost)
{
	int64_t end_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	while (stat_of(hall, name) < value) {
		if (ghost)
			fake_peer_run(ghost, g_get_monotonic_time());
		step(hall);
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
	}
}

/* All restart, one time more than they use it; then a stranger tries what held before. */
static void restart_all(Hall *hall, unsigned round)
{
	g_autofree char *own = g_strdup_printf("round%u", round);
	char *ours[VIEWERS];
	for (unsigned i = 0; i < VIEWERS; i++) {
		g_autofree char *id = g_strdup_printf("viewer %u", i);
		g_free(restart(hall, id, ++hall->rev, "lost"));
		json_int_t rev = ++hall->rev;
		ours[i] = restart(hall, id, rev, own);
		g_autofree char *again = restart(hall, id, rev, own);
		g_autofree char *same = restart(hall, id, ++hall->rev, own);
		g_assert_cmpstr(again, ==, ours[i]);
		g_assert_null(same);
	}
	await_stat(
		hall, "stun_checks_total", stat_of(hall, "stun_checks_total") + 2 * VIEWERS, NULL);
	g_assert_cmpint(stat_of(hall, "ice_restarts_total"), ==, round * VIEWERS);

	FakePeer *ghost = fake_peer_ghost(hall->viewers[0], hall->port);
	json_int_t dropped = stat_of(hall, "stun_dropped_total");
	for (unsigned i = 0; i < VIEWERS; i++)
		fake_peer_restart(hall->viewers[i], ours[i], own, hall->port);
	await_stat(hall, "ice_restarts_total", (round + 1) * VIEWERS, NULL);
	await_stat(
		hall, "stun_checks_total", stat_of(hall, "stun_checks_total") + 2 * VIEWERS, NULL);
	g_assert_cmpint(stat_of(hall, "stun_dropped_total"), ==, dropped);
	await_stat(hall, "stun_dropped_total", dropped + 3, ghost);
	g_assert_false(fake_peer_is_answered(ghost));
	fake_peer_free(ghost);
	for (unsigned i = 0; i < VIEWERS; i++)
		g_free(ours[i]);
}

static bool all_see(const Hall *hall, unsigned layer)
{
	for (unsigned i = 0; i < VIEWERS; i++) {
		const FakeStream *stream = fake_peer_stream(hall->viewers[i], FAKE_PICTURE);
		if (!stream->count || stream->layer != layer)
			return false;
	}
	return true;
}

/* A camera in three sizes: everybody sees the largest that comes, on whichever worker. */
static void test_layers(void)
{
	static const struct {
		unsigned sent, seen;
	} turns[] = { { 7, 2 }, { 3, 1 }, { 1, 0 }, { 5, 2 }, { 7, 2 }, { 2, 1 } };
	Hall *hall = hall_new();
	hall->layers = 7;
	put_speaker(hall);
	for (unsigned i = 0; i < VIEWERS; i++)
		put_viewer(hall, i);
	for (unsigned i = 0; i < G_N_ELEMENTS(turns); i++) {
		int64_t end_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
		hall->layers = turns[i].sent;
		while (!all_see(hall, turns[i].seen) ||
			stat_of(hall, "layers") != __builtin_popcount(turns[i].sent)) {
			step(hall);
			g_assert_cmpint(g_get_monotonic_time(), <, end_us);
		}
		unsigned number = hall->number, layers = __builtin_popcount(turns[i].sent);
		unsigned count = fake_peer_stream(hall->viewers[0], FAKE_PICTURE)->count;
		json_int_t repaired = stat_of(hall, "rtx_in_total");
		while (hall->number < number + 40)
			step(hall);
		g_assert_true(all_see(hall, turns[i].seen));
		g_assert_cmpint(stat_of(hall, "rtx_in_total"), >=, repaired + 3 * layers);
		g_assert_cmpuint(
			fake_peer_stream(hall->viewers[0], FAKE_PICTURE)->count, >=, count + 36);
	}
	for (unsigned i = 0; i < VIEWERS; i++)
		g_assert_cmpuint(fake_peer_stream(hall->viewers[i], FAKE_PICTURE)->wrong, ==, 0);
	node_delete_peer(hall->node, "speaker");
	int64_t end_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	while (stat_of(hall, "layers")) {
		step(hall);
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
	}
	hall_free(hall);
}

/* Old credentials hold until the first check with new ones and no longer; keys stay. */
static void test_restart(void)
{
	Hall *hall = hall_new();
	put_speaker(hall);
	for (unsigned i = 0; i < VIEWERS; i++)
		put_viewer(hall, i);
	await_all(hall, 1);
	for (unsigned round = 0; round < 2; round++) {
		restart_all(hall, round);
		await_all(hall, hall->number + 100);
	}
	for (unsigned i = 0; i < VIEWERS; i++) {
		const FakePeer *viewer = hall->viewers[i];
		g_assert_cmpuint(fake_peer_stream(viewer, FAKE_SOUND)->wrong, ==, 0);
		/* Whose TCP line went was without a way for a moment: its picture began anew. */
		if (i % 4 != 3)
			g_assert_cmpuint(fake_peer_stream(viewer, FAKE_PICTURE)->wrong, ==, 0);
	}
	g_assert_cmpint(stat_of(hall, "handshakes_total"), ==, VIEWERS + 1);
	g_assert_cmpint(stat_of(hall, "peers_connected"), ==, VIEWERS + 1);
	hall_free(hall);
}

/* What a line lost of a voice comes again under its own number, the same to the last bit: sealed
 * twice under one index, the key would be lost. The first loss of a line alone stays one. */
static void test_lost_voice(void)
{
	Hall *hall = hall_new();
	put_speaker(hall);
	for (unsigned i = 0; i < VIEWERS; i++)
		put_viewer(hall, i);
	await_all(hall, 1);
	for (unsigned i = 0; i < VIEWERS; i++)
		fake_peer_lose_voice(hall->viewers[i], 50);
	await_all(hall, hall->number + 500);
	for (unsigned i = 0; i < VIEWERS; i++) {
		const FakeStream *voice = fake_peer_stream(hall->viewers[i], FAKE_SOUND);
		g_assert_cmpuint(voice->wrong, ==, 0);
		g_assert_cmpuint(voice->again, >=, 5);
		g_assert_cmpuint(voice->count + 2, >=, voice->last - voice->first + 1);
	}
	g_assert_cmpint(stat_of(hall, "rtx_out_total"), >=, 5 * VIEWERS);
	hall_free(hall);
}

static void test_bad_restart(void)
{
	static const char *const bad[] = { "", "v=0\r\n", "a=ice-ufrag:abcd\r\n",
		"a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n", "a=ice-pwd:abcdefghijklmnopqrstuv\r\n",
		"nonsense" };
	Hall *hall = hall_new();
	NodeRefusal refusal;
	put_speaker(hall);
	g_assert_null(node_restart_peer(hall->node, "nobody", 9, bad[0], &refusal, NULL));
	g_assert_cmpint(refusal, ==, NODE_NO_PEER);
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(
			node_restart_peer(hall->node, "speaker", 9, bad[i], &refusal, &error));
		g_assert_cmpint(refusal, ==, NODE_BAD_OFFER);
		g_assert_nonnull(error);
	}
	int64_t end_us = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
	while (!fake_peer_is_connected(hall->speaker)) {
		step(hall);
		g_assert_cmpint(g_get_monotonic_time(), <, end_us);
	}
	hall_free(hall);
}

/* A restart that the peer uses, or does not. */
static void churn_ice(Hall *hall, unsigned i, GRand *random)
{
	g_autofree char *id = g_strdup_printf("viewer %u", i);
	g_autofree char *own = g_strdup_printf("turn%u", g_rand_int(random));
	if (!hall->viewers[i])
		return;
	g_autofree char *ours = restart(hall, id, ++hall->rev, own);
	if (g_rand_boolean(random))
		fake_peer_restart(hall->viewers[i], ours, own, hall->port);
}

/* Viewers, the speaker and the stage come and go in the middle of packets; so does the node. */
static void test_churn(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned run = 0; run < 3; run++) {
		Hall *hall = hall_new();
		put_speaker(hall);
		for (unsigned turn = 0; turn < 120; turn++) {
			unsigned i = (unsigned)g_rand_int_range(random, 0, VIEWERS);
			switch (g_rand_int_range(random, 0, 16)) {
			case 0:
				put_speaker(hall);
				break;
			case 1:
				node_delete_peer(hall->node, "speaker");
				g_clear_pointer(&hall->speaker, fake_peer_free);
				put_speaker(hall);
				break;
			case 2:
				node_delete_stage(hall->node, "stage");
				g_clear_pointer(&hall->speaker, fake_peer_free);
				for (unsigned v = 0; v < VIEWERS; v++)
					g_clear_pointer(&hall->viewers[v], fake_peer_free);
				put_stage(hall);
				put_speaker(hall);
				break;
			case 3: {
				g_autofree char *id = g_strdup_printf("viewer %u", i);
				node_delete_peer(hall->node, id);
				g_clear_pointer(&hall->viewers[i], fake_peer_free);
				break;
			}
			case 4:
			case 5:
			case 6:
			case 7:
				churn_ice(hall, i, random);
				break;
			default:
				put_viewer(hall, i);
			}
			for (int n = g_rand_int_range(random, 0, 12); n > 0; n--)
				step(hall);
		}
		for (unsigned i = 0; i < VIEWERS; i++)
			put_viewer(hall, i);
		if (run < 2)
			await_all(hall, hall->number + 10); /* all is well after all that */
		hall_free(hall);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	srtp_library_init();
	g_test_add_func("/workers/one-stage-spans-them-all", test_spans);
	g_test_add_func("/workers/everybody-sees-the-largest-that-comes", test_layers);
	g_test_add_func("/workers/lines-come-by-the-door", test_door);
	g_test_add_func("/workers/strangers-are-not-answered", test_strangers);
	g_test_add_func("/workers/ice-restarts-without-a-gap-in-the-keys", test_restart);
	g_test_add_func("/workers/a-voice-that-was-lost-comes-again", test_lost_voice);
	g_test_add_func("/workers/a-bad-restart-changes-nothing", test_bad_restart);
	g_test_add_func("/workers/all-come-and-go", test_churn);
	return g_test_run();
}
