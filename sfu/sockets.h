/* sockets.h - the media sockets: handed over by the supervisor, or opened here
 *
 * Main thread, once at start. */
#pragma once
#include "roster.h"

typedef struct SocketsWish {
	int port;
	bool multihomed;
	bool no_tcp; /* it comes by the HTTPS port; what was handed over is served all the same */
} SocketsWish;

/* One for each of `workers`, which is set to as many as the supervisor handed over where it handed
 * any: the kernel spreads datagrams over all there are. TCP is the first one's; no door is opened
 * here. All are open before the port is told to anybody. False with error, a sentence for the
 * operator (port in use, missing right). */
bool sockets_open(RosterSockets sockets[MESH_WORKERS_MAX], unsigned *workers,
	const SocketsWish *wish, GError **error);
