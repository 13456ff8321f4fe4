/* One port for all: each connection comes to its room whole, and who is silent keeps nobody out. */
#include "lines.h"
#include "signaling/gate.h"
#include "signaling/house.h"
#include "signaling/usher.h"

static const uint8_t check[] = { 0x00, 0x6c, 0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 7, 7 };
static const uint8_t hello[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01 };

static int64_t now_us;

static int64_t fake_clock(void)
{
	return now_us;
}

typedef struct Hall {
	Usher *usher;
	int port;
	int https, media; /* shown in last, -1: nobody */
	unsigned shown;
	bool full;
} Hall;

static void on_https(int fd, void *user)
{
	Hall *hall = user;
	hall->https = fd;
	hall->shown++;
}

static void on_media(int fd, void *user)
{
	Hall *hall = user;
	hall->media = fd;
	hall->shown++;
}

static bool is_full(void *user)
{
	return ((Hall *)user)->full;
}

static void hall_set(Hall *hall)
{
	static const UsherEvents events = { on_https, on_media, is_full };
	now_us = 1000;
	*hall = (Hall){ .https = -1, .media = -1 };
	hall->usher = usher_new(lines_listen(&hall->port), &events, hall, fake_clock);
}

static unsigned waiting(const Hall *hall)
{
	UsherCounts counts;
	usher_counts(hall->usher, &counts);
	return counts.waiting;
}

static uint64_t silent(const Hall *hall)
{
	UsherCounts counts;
	usher_counts(hall->usher, &counts);
	return counts.silent_total;
}

static gboolean on_late(void *user)
{
	g_error("waited too long");
	return G_SOURCE_REMOVE;
}

/* Runs the loop until *value is wanted. */
#define AWAIT(value, wanted)                                                                       \
	do {                                                                                       \
		unsigned late = g_timeout_add(PATIENCE_MS, on_late, NULL);                         \
		while ((value) != (wanted))                                                        \
			g_main_context_iteration(NULL, TRUE);                                      \
		g_source_remove(late);                                                             \
	} while (0)

/* All that is there is done; a line that is looked at again and again would never end it. */
static void run_dry(void)
{
	unsigned turns = 0;
	while (g_main_context_iteration(NULL, FALSE))
		g_assert_cmpuint(++turns, <, 1000);
}

static void assert_whole(int fd, const void *data, size_t len)
{
	uint8_t got[64];
	int low = 0;
	socklen_t size = sizeof low;
	g_assert_cmpint(getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, &size), ==, 0);
	g_assert_cmpint(low, ==, 1);
	g_assert_cmpint(recv(fd, got, sizeof got, MSG_DONTWAIT), ==, len);
	g_assert_cmpmem(got, len, data, len);
	close(fd);
}

static void test_rooms(void)
{
	Hall hall;
	hall_set(&hall);
	int one = lines_dial(hall.port, 0);
	lines_say(one, check, sizeof check);
	AWAIT(hall.shown, 1);
	assert_whole(hall.media, check, sizeof check);
	int two = lines_dial(hall.port, 0);
	lines_say(two, hello, sizeof hello);
	AWAIT(hall.shown, 2);
	assert_whole(hall.https, hello, sizeof hello);
	int three = lines_dial(hall.port, 0);
	lines_say(three, "GET", 3);
	AWAIT(hall.shown, 3);
	assert_whole(hall.https, "GET", 3);
	close(one);
	close(two);
	close(three);
	usher_free(hall.usher);
}

/* Its bytes drop in one by one; between them nothing is done, not even looked. */
static void test_drops(void)
{
	Hall hall;
	hall_set(&hall);
	int slow = lines_dial(hall.port, 0);
	AWAIT(waiting(&hall), 1);
	for (unsigned i = 0; i < 9; i++) {
		lines_say(slow, check + i, 1);
		run_dry();
		g_assert_cmpuint(hall.shown, ==, 0);
		g_assert_cmpuint(waiting(&hall), ==, 1);
	}
	lines_say(slow, check + 9, sizeof check - 9);
	AWAIT(hall.shown, 1);
	assert_whole(hall.media, check, sizeof check);
	g_assert_cmpuint(waiting(&hall), ==, 0);
	close(slow);
	usher_free(hall.usher);
}

static void test_silent(void)
{
	Hall hall;
	hall_set(&hall);
	int mute = lines_dial(hall.port, 0);
	AWAIT(waiting(&hall), 1);
	now_us += USHER_WAIT_US / 2;
	int half = lines_dial(hall.port, 0);
	lines_say(half, check, 5);
	AWAIT(waiting(&hall), 2);
	now_us += USHER_WAIT_US / 2;
	usher_tick(hall.usher);
	g_assert_cmpuint(waiting(&hall), ==, 2);
	now_us++;
	usher_tick(hall.usher);
	g_assert_cmpuint(waiting(&hall), ==, 1);
	g_assert_true(lines_ends(mute, PATIENCE_MS));
	g_assert_false(lines_ends(half, 0));
	now_us += USHER_WAIT_US / 2;
	usher_tick(hall.usher);
	g_assert_true(lines_ends(half, PATIENCE_MS));
	g_assert_cmpuint(silent(&hall), ==, 2);
	close(mute);
	close(half);
	usher_free(hall.usher);
}

static void test_gone(void)
{
	Hall hall;
	hall_set(&hall);
	int one = lines_dial(hall.port, 0), two = lines_dial(hall.port, 0);
	lines_say(one, check, 5);
	lines_say(two, check, 5);
	AWAIT(waiting(&hall), 2);
	close(one);
	AWAIT(waiting(&hall), 1);
	g_assert_cmpint(shutdown(two, SHUT_WR), ==, 0);
	AWAIT(waiting(&hall), 0);
	g_assert_true(lines_ends(two, PATIENCE_MS));
	close(two);
	struct linger reset = { 1, 0 };
	int three = lines_dial(hall.port, 0);
	AWAIT(waiting(&hall), 1);
	setsockopt(three, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(three);
	AWAIT(waiting(&hall), 0);
	g_assert_cmpuint(hall.shown, ==, 0);
	usher_free(hall.usher);
}

/* So many silent ones of one house; then those who speak, from there and from elsewhere. */
static void test_house(void)
{
	Hall hall;
	hall_set(&hall);
	int lines[USHER_WAITING_PER_HOUSE + 1], neighbour = lines_dial(hall.port, 1);
	AWAIT(waiting(&hall), 1);
	for (unsigned i = 0; i < USHER_WAITING_PER_HOUSE; i++) {
		lines[i] = lines_dial(hall.port, 0);
		AWAIT(waiting(&hall), i + 2);
	}
	lines[USHER_WAITING_PER_HOUSE] = lines_dial(hall.port, 0);
	AWAIT(silent(&hall), 1);
	g_assert_cmpuint(waiting(&hall), ==, USHER_WAITING_PER_HOUSE + 1);
	g_assert_true(lines_ends(lines[0], PATIENCE_MS)); /* the oldest of that house */
	g_assert_false(lines_ends(lines[1], 0));
	g_assert_false(lines_ends(neighbour, 0));
	lines_say(lines[USHER_WAITING_PER_HOUSE], check, sizeof check);
	AWAIT(hall.shown, 1);
	close(hall.media);
	for (unsigned i = 0; i <= USHER_WAITING_PER_HOUSE; i++)
		close(lines[i]);
	close(neighbour);
	AWAIT(waiting(&hall), 0);
	usher_free(hall.usher);
}

static void test_all(void)
{
	enum { MANY = USHER_WAITING_MAX + 40 };
	Hall hall;
	hall_set(&hall);
	int lines[MANY];
	for (unsigned i = 0; i < MANY; i++) {
		lines[i] = lines_dial(hall.port, i % 250);
		if (i < USHER_WAITING_MAX)
			AWAIT(waiting(&hall), i + 1);
		else
			AWAIT(silent(&hall), i + 1 - USHER_WAITING_MAX);
		g_assert_cmpuint(waiting(&hall), <=, USHER_WAITING_MAX);
	}
	g_assert_true(lines_ends(lines[39], PATIENCE_MS));
	g_assert_false(lines_ends(lines[40], 0));
	int browser = lines_dial(hall.port, 251);
	lines_say(browser, hello, sizeof hello);
	AWAIT(hall.shown, 1);
	close(hall.https);
	close(browser);
	for (unsigned i = 0; i < MANY; i++)
		close(lines[i]);
	usher_free(hall.usher);
}

static void test_full(void)
{
	Hall hall;
	hall_set(&hall);
	hall.full = true;
	int browser = lines_dial(hall.port, 0);
	lines_say(browser, hello, sizeof hello);
	run_dry();
	g_assert_cmpuint(hall.shown, ==, 0);
	usher_tick(hall.usher);
	run_dry();
	g_assert_cmpuint(hall.shown, ==, 0);
	g_assert_false(lines_ends(browser, 0)); /* it waits outside */
	hall.full = false;
	usher_tick(hall.usher);
	AWAIT(hall.shown, 1);
	assert_whole(hall.https, hello, sizeof hello);
	close(browser);
	usher_free(hall.usher);
}

static void test_close(void)
{
	Hall hall;
	hall_set(&hall);
	int mute = lines_dial(hall.port, 0);
	AWAIT(waiting(&hall), 1);
	usher_close(hall.usher);
	g_assert_true(lines_ends(mute, PATIENCE_MS));
	usher_tick(hall.usher);
	usher_close(hall.usher);
	close(mute);
	usher_free(hall.usher);
}

/* --- what stands beside it --- */

static House house_of_text(const char *text)
{
	struct sockaddr_storage from = { 0 };
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&from;
	struct sockaddr_in *four = (struct sockaddr_in *)&from;
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
		from.ss_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1)
		from.ss_family = AF_INET6;
	return house_of(&from);
}

static void test_houses(void)
{
	static const struct {
		const char *one, *other;
		bool same;
	} cases[] = {
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "2001:db8::1", "2001:db8::ffff:1", true },
		{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
		{ "192.0.2.1", "c000:201::1", false },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		House one = house_of_text(cases[i].one), other = house_of_text(cases[i].other);
		g_assert_cmpint(house_equal(&one, &other), ==, cases[i].same);
		if (cases[i].same)
			g_assert_cmpuint(house_hash(&one), ==, house_hash(&other));
	}
}

typedef struct Porch {
	Visitor *visitors[4];
	int fds[4];
	unsigned count;
} Porch;

static void on_admit(int fd, Visitor *visitor, void *user)
{
	Porch *porch = user;
	porch->visitors[porch->count] = visitor;
	porch->fds[porch->count++] = fd;
}

/* A gate that others accept for counts as it always does. */
static void test_gate(void)
{
	const GateLimits limits = { .strangers_per_address = 2, .visitors = 3 };
	Porch porch = { .count = 0 };
	Gate *gate = gate_new(-1, &limits, on_admit, &porch);
	int ends[4], ours;
	for (unsigned i = 0; i < 3; i++) {
		ends[i] = lines_pair(&ours);
		gate_take(gate, ours);
	}
	g_assert_cmpuint(porch.count, ==, 2);
	g_assert_cmpuint(gate_parked(gate), ==, 1);
	g_assert_false(gate_is_full(gate));
	gate_vouch(porch.visitors[0]);
	g_assert_cmpuint(porch.count, ==, 3);
	g_assert_true(gate_is_full(gate));
	gate_take(gate, socket(AF_INET, SOCK_STREAM, 0)); /* its other end has gone */
	g_assert_cmpuint(gate_parked(gate), ==, 0);
	ends[3] = lines_pair(&ours);
	gate_take(gate, ours);
	g_assert_cmpuint(gate_parked(gate), ==, 1);
	gate_close(gate);
	g_assert_true(lines_ends(ends[3], PATIENCE_MS));
	for (unsigned i = 0; i < 3; i++) {
		gate_leave(porch.visitors[i]);
		close(porch.fds[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		close(ends[i]);
	gate_free(gate);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/usher/shows-each-to-its-room-with-all-its-bytes", test_rooms);
	g_test_add_func("/usher/waits-for-bytes-that-drop-in", test_drops);
	g_test_add_func("/usher/sends-the-silent-away", test_silent);
	g_test_add_func("/usher/forgets-who-has-gone", test_gone);
	g_test_add_func("/usher/a-house-keeps-nobody-out", test_house);
	g_test_add_func("/usher/all-of-them-keep-nobody-out", test_all);
	g_test_add_func("/usher/accepts-nobody-while-all-is-full", test_full);
	g_test_add_func("/usher/closes", test_close);
	g_test_add_func("/house/is-an-address-or-a-64", test_houses);
	g_test_add_func("/gate/takes-what-others-accept", test_gate);
	return g_test_run();
}
