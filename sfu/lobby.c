#include "lobby.h"
#include <glib.h>

typedef struct Guest {
	void *who; /* NULL: has gone */
	Packet *packet;
} Guest;

struct Lobby {
	LobbyWork work;
	int64_t (*clock)(void);
	int64_t budget_us;
	Guest guests[LOBBY_MAX]; /* a ring */
	unsigned first, count;
};

Lobby *lobby_new(LobbyWork work, int64_t (*clock)(void))
{
	Lobby *lobby = g_new0(Lobby, 1);
	lobby->work = work;
	lobby->clock = clock;
	lobby->budget_us = LOBBY_BUDGET_US;
	return lobby;
}

void lobby_free(Lobby *lobby)
{
	if (!lobby)
		return;
	for (unsigned i = 0; i < lobby->count; i++)
		packet_unref(lobby->guests[(lobby->first + i) % LOBBY_MAX].packet);
	g_free(lobby);
}

static void serve(Lobby *lobby, void *who, Packet *packet)
{
	int64_t began_us = lobby->clock();
	lobby->work(who, packet);
	lobby->budget_us -= lobby->clock() - began_us;
}

bool lobby_arrive(Lobby *lobby, void *who, Packet *packet)
{
	if (!lobby->count && lobby->budget_us > 0) {
		serve(lobby, who, packet);
		return true;
	}
	if (lobby->count == LOBBY_MAX)
		return false;
	lobby->guests[(lobby->first + lobby->count++) % LOBBY_MAX] =
		(Guest){ .who = who, .packet = packet_ref(packet) };
	return true;
}

void lobby_tick(Lobby *lobby)
{
	lobby->budget_us = LOBBY_BUDGET_US;
	while (lobby->count && lobby->budget_us > 0) {
		Guest guest = lobby->guests[lobby->first];
		lobby->first = (lobby->first + 1) % LOBBY_MAX;
		lobby->count--;
		if (guest.who)
			serve(lobby, guest.who, guest.packet);
		packet_unref(guest.packet);
	}
}

void lobby_forget(Lobby *lobby, const void *who)
{
	for (unsigned i = 0; i < lobby->count; i++) {
		Guest *guest = &lobby->guests[(lobby->first + i) % LOBBY_MAX];
		if (guest->who == who)
			guest->who = NULL;
	}
}

unsigned lobby_waiting(const Lobby *lobby)
{
	return lobby->count;
}
