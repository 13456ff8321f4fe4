/* gear.h - what all objects of one worker share: its loop, its sockets, its memory, its counters
 *
 * Made by the worker's Roster, borrowed by everything below it, touched by the worker's thread
 * alone. */
#pragma once
#include "dtls.h"
#include "ice.h"
#include "lobby.h"
#include "mesh.h"
#include "outbox.h"
#include "packet.h"
#include "path_table.h"
#include "stats.h"
#include "worker.h"

typedef struct Gear {
	Worker *worker;
	Outbox *outbox;
	PacketPool *pool;
	PathTable *paths;
	Lobby *lobby; /* of Transports */
	DtlsServer *dtls;
	Stats *stats;
	Mesh *mesh; /* shared by all; NULL: there is one worker */
	struct TapFeed *tap; /* NULL: nothing is recorded */
	unsigned rung_cap; /* the highest that anybody is given: egress.h */
} Gear;
