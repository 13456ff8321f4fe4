/* Handshakes take turns: what a tick has no time for waits, in order. */
#include "sfu/lobby.h"
#include <glib.h>

static int64_t now_us;
static GString *done;
static char a[] = "a", b[] = "b", c[] = "c", d[] = "d", e[] = "e", x[] = "x", y[] = "y";

static int64_t fake_clock(void)
{
	return now_us;
}

/* Each datagram costs 900 us. */
static void work(void *who, Packet *packet)
{
	now_us += 900;
	g_string_append(done, who);
}

static void test_turns(void)
{
	PacketPool *pool = packet_pool_new();
	Packet *packet = packet_new(pool);
	Lobby *lobby = lobby_new(work, fake_clock);
	done = g_string_new(NULL);
	for (unsigned i = 0; i < 5; i++) {
		char *names[] = { a, b, c, d, e };
		g_assert_true(lobby_arrive(lobby, names[i], packet));
	}
	g_assert_cmpstr(done->str, ==, "abc"); /* 2,000 us are over within the third */
	g_assert_cmpuint(lobby_waiting(lobby), ==, 2);
	lobby_tick(lobby);
	g_assert_cmpstr(done->str, ==, "abcde");
	/* Nobody overtakes who waits, whatever the budget. */
	for (unsigned i = 0; i < 9; i++)
		lobby_arrive(lobby, i < 8 ? x : y, packet);
	lobby_tick(lobby);
	lobby_tick(lobby);
	lobby_tick(lobby);
	g_assert_cmpstr(done->str, ==, "abcdexxxxxxxxy");
	lobby_free(lobby);
	packet_unref(packet);
	packet_pool_free(pool);
	g_string_free(done, TRUE);
}

static void test_forgets(void)
{
	PacketPool *pool = packet_pool_new();
	Packet *packet = packet_new(pool);
	Lobby *lobby = lobby_new(work, fake_clock);
	done = g_string_new(NULL);
	for (unsigned i = 0; i < 8; i++)
		lobby_arrive(lobby, i % 2 ? a : b, packet);
	lobby_forget(lobby, a);
	for (unsigned i = 0; i < 8; i++)
		lobby_tick(lobby);
	g_assert_cmpstr(done->str, ==, "babbb");
	lobby_free(lobby);
	packet_unref(packet);
	packet_pool_free(pool);
	g_string_free(done, TRUE);
}

static void test_full(void)
{
	PacketPool *pool = packet_pool_new();
	Packet *packet = packet_new(pool);
	Lobby *lobby = lobby_new(work, fake_clock);
	done = g_string_new(NULL);
	for (unsigned i = 0; i < LOBBY_MAX + 3; i++)
		g_assert_true(lobby_arrive(lobby, a, packet));
	g_assert_false(lobby_arrive(lobby, a, packet));
	g_assert_cmpuint(done->len, ==, 3);
	lobby_free(lobby); /* what waits goes with it */
	packet_unref(packet);
	packet_pool_free(pool);
	g_string_free(done, TRUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/lobby/a-tick-has-a-budget-and-nobody-overtakes", test_turns);
	g_test_add_func("/lobby/who-goes-is-forgotten", test_forgets);
	g_test_add_func("/lobby/full-is-full", test_full);
	return g_test_run();
}
