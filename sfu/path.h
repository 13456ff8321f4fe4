/* path.h - one way to a peer that a valid connectivity check has opened: over UDP, or over one TCP
 * line
 *
 * Embedded in a Peer, found by its address in the worker's table. The worker's thread alone. */
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
	struct Peer *peer;
	struct Path *next; /* in the table's bucket, UDP only */
} Path;
