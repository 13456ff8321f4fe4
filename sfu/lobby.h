/* lobby.h - handshakes wait here for their turn, so that a storm of them does not delay media
 *
 * A handshake costs a worker 0.4 to 0.9 ms; of each tick it may take LOBBY_BUDGET_US. While there
 * is budget and nobody waits, a datagram is worked off at once. The rest waits in order, up to a
 * limit (T-24); past that it is dropped, and the peer sends it again. The worker's thread alone. */
#pragma once
#include "packet.h"

#define LOBBY_BUDGET_US 2000 /* of a tick of 5 ms: 40 % of a core at the worst */
#define LOBBY_MAX 2048       /* datagrams: four for each of 512 handshakes under way */

typedef struct Lobby Lobby;
/* who: whose datagram it is. Does not keep the packet. */
typedef void (*LobbyWork)(void *who, Packet *packet);

/* clock: monotonic microseconds; logic elsewhere takes the time as an argument, here the time that
 * work takes is the matter. */
Lobby *lobby_new(LobbyWork work, int64_t (*clock)(void));
void lobby_free(Lobby *lobby);
/* False: dropped, the lobby is full. */
bool lobby_arrive(Lobby *lobby, void *who, Packet *packet);
/* A new budget; works off what waits. Each tick. */
void lobby_tick(Lobby *lobby);
/* Whose it is goes: what waits of his is dropped. */
void lobby_forget(Lobby *lobby, const void *who);
unsigned lobby_waiting(const Lobby *lobby);
