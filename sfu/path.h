/* path.h - one way to a peer that a valid connectivity check has opened: over UDP, or over one TCP
 * line
 *
 * Embedded in a Transport, found by its address in the worker's table. A path without a peer is a
 * route: it belongs to a peer of another worker, whose datagrams the kernel gives to this one. The
 * worker's thread alone. */
#pragma once
#include "address.h"
#include "tcp.h"

typedef struct Path {
	Address remote;
	uint8_t local_ip[16];
	bool has_local; /* UDP on a host with several addresses */
	bool used;
	TcpLine *line;      /* NULL: UDP */
	int64_t checked_us; /* last valid check */
	struct Peer *peer;  /* NULL: a route */
	uint8_t worker;     /* of a route: who owns the path */
	uint32_t via;       /* other workers that hold a route of this path, a bit each */
	struct Path *next; /* in the table's bucket, UDP only */
} Path;
