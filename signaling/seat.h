/* seat.h - one place in a forum: a site's, a chair's, an encoder's
 *
 * A seat is not a connection: queue place, floor, role and mute belong to it, connections come and
 * go. Made and released by its Forum, which alone changes what concerns the stage and the queue;
 * the hub keeps here who sits on it. Main thread. */
#pragma once
#include "bucket.h"
#include "id.h"
#include "preflight.h"
#include "roles.h"
#include "rung.h"
#include <glib.h>
#include <jansson.h>

#define SEAT_NAME_MAX 200 /* bytes; the longest commune's name with district has 90 */
#define SEAT_HOLD_US (15 * G_USEC_PER_SEC)  /* for whom a lost seat is kept: see seat_is_held */
#define SEAT_PEERS_US (60 * G_USEC_PER_SEC) /* how long media outlives its WebSocket */

typedef enum SeatOrigin {
	SEAT_OF_SITE,    /* an invitation of a site */
	SEAT_OF_STAFF,   /* a staff link */
	SEAT_OF_ENCODER, /* a WHIP publisher; ends with its peer */
} SeatOrigin;

/* One PeerConnection of the seat, as the sfu last told. */
typedef struct SeatPeer {
	char id[ID_SIZE]; /* empty: none */
	bool is_connected;
	char transport[4]; /* udp, tcp or nothing */
	Rung rung;         /* of a receive peer */
	bool was_limited;  /* the sfu may hold a limit for it (peer.limit) */
} SeatPeer;

struct Session;
struct Forum;

typedef struct Seat {
	char id[ID_SIZE];
	struct Forum *forum;
	SeatOrigin origin;
	Role role;
	char *name, *district, *phone;

	bool on_air, muted, mic, camera;
	uint64_t air_order;    /* sorts the stage after a restart */
	uint64_t screen_order; /* 0: shares no screen; the highest has the slides slot */
	uint64_t hand_order;   /* sorts the queue after a restart */
	int64_t hand_ms;       /* 0: hand down */
	bool is_changed;       /* listed in forum->changed */
	unsigned told_place;

	struct Session *holder, *candidate; /* the device on it, the device that waits for it */
	char device[ID_SIZE];               /* digest of the holder's device, kept over a loss */
	int64_t lost_us;                    /* when the holder was lost; 0 while one is there */
	bool is_held;                       /* lost without a goodbye: see seat_is_held */
	SeatPeer receive, publish;

	Bucket asking, looking; /* the question desk's: shared by all who ask for this site */

	Preflight checked;        /* the site's last check */
	Bucket checking, probing; /* results; bytes of its measurements */
} Seat;

Seat *seat_new(const char *id, SeatOrigin origin, Role role, const char *name);
void seat_free(Seat *seat);

/* Whether another device must wait: one sits here, or was lost silently a moment ago and may come
 * back (a glitch must not hand the seat to whoever waits for it). */
bool seat_is_held(const Seat *seat, int64_t now_us);
bool seat_is_online(const Seat *seat);
/* The PeerConnection with this id, or NULL. */
SeatPeer *seat_peer(Seat *seat, const char *peer);
void seat_peer_clear(SeatPeer *peer);
