/* road.h - the one line that all ports share, and what goes over it
 *
 * Who puts a Parcel in at one end, gets it back at the other through nat_take() or proxy_take(). */
#pragma once
#include "lane.h"
#include <sys/socket.h>

#define ROAD_PORTS_MAX 4
#define ROAD_STREAMS_MAX (LANE_FLOWS / ROAD_PORTS_MAX) /* of one port */

typedef enum Way { UP, DOWN } Way; /* UP: from the clients to the server */

typedef enum ParcelKind {
	PARCEL_DATAGRAM,
	PARCEL_OPEN, /* of a stream: the way up alone */
	PARCEL_DATA,
	PARCEL_END,
} ParcelKind;

/* In a g_rc_box. Names its client or stream by slot and birth: that may be gone when it arrives. */
typedef struct Parcel {
	ParcelKind kind;
	unsigned port, slot;
	uint64_t birth;
	size_t len;
	uint8_t data[];
} Parcel;

typedef struct Address {
	struct sockaddr_storage at;
	socklen_t len;
} Address;

typedef struct Road {
	Lane *lanes[2];
	/* Something was put in: see when the next is due. Frees nothing. */
	void (*moved)(void *user);
	void *user;
} Road;
