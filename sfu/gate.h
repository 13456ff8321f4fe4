/* gate.h - where a worker meets the network: each datagram goes to the peer who owns its path
 *
 * Judges checks first; nothing else ever opens a path, and a stranger is never answered. The kernel
 * spreads addresses over the workers' sockets as it likes, so a gate hands to the others what is
 * theirs: checks by the worker that the ufrag names, what follows by routes, which the owner of a
 * path asks for once its check was authentic. TCP lines are accepted by one gate, or come to it by
 * its door from signaling, and move with their first check. Owned by a Roster; the worker's thread
 * alone. */
#pragma once
#include "peer.h"

typedef struct Gate Gate;

/* The open peer whose ufrag (ours) this is, NULL when there is none. */
typedef Peer *(*GateLookup)(const char *ufrag, void *user);

/* Reads udp, which is borrowed; tcp_fd and door_fd are taken over, -1 for none. The gear's paths
 * are made here. */
Gate *gate_new(Gear *gear, Udp *udp, int tcp_fd, int door_fd, GateLookup lookup, void *user);
/* Peers are gone by now. */
void gate_free(Gate *gate);
/* Before the workers run. gates: of all workers by index, with this one; copied. */
void gate_meet(Gate *gate, Gate *const *gates, unsigned count);

/* A datagram that came to the socket of another worker; takes the reference. */
void gate_take(Gate *gate, Packet *packet, unsigned via);
/* About once a second. */
void gate_tick(Gate *gate, int64_t now_us);
