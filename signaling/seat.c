#include "seat.h"
#include <string.h>

Seat *seat_new(const char *id, SeatOrigin origin, Role role, const char *name)
{
	Seat *seat = g_new0(Seat, 1);
	g_strlcpy(seat->id, id, sizeof(seat->id));
	seat->origin = origin;
	seat->role = role;
	seat->name = g_strdup(name);
	seat->district = g_strdup("");
	seat->phone = g_strdup("");
	return seat;
}

void seat_free(Seat *seat)
{
	if (!seat)
		return;
	g_free(seat->name);
	g_free(seat->district);
	g_free(seat->phone);
	g_free(seat);
}

bool seat_is_held(const Seat *seat, int64_t now_us)
{
	return seat->holder || (seat->is_held && now_us - seat->lost_us < SEAT_HOLD_US);
}

bool seat_is_online(const Seat *seat)
{
	return seat->holder || seat->origin == SEAT_OF_ENCODER;
}

SeatPeer *seat_peer(Seat *seat, const char *peer)
{
	if (*peer && strcmp(seat->receive.id, peer) == 0)
		return &seat->receive;
	if (*peer && strcmp(seat->publish.id, peer) == 0)
		return &seat->publish;
	return NULL;
}

void seat_peer_clear(SeatPeer *peer)
{
	memset(peer, 0, sizeof(*peer));
}
