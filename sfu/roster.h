/* roster.h - a worker's part of the node: its peers and stages, found by id, ufrag and address
 *
 * Receives every datagram of its sockets and gives it to the peer whose valid check opened that
 * way, on this worker or another; a datagram of nobody is dropped, uncounted bytes are never
 * answered. The functions marked so run on the worker; the control thread posts them. */
#pragma once
#include "share.h"
#include "stage.h"

#define ROSTER_PEERS_MAX 2500 /* 1,000 sites with two connections each, and reserve */

typedef struct Roster Roster;

/* Called on the worker's thread. */
typedef struct RosterEvents {
	void (*peer)(const Params *params, uint64_t serial, TransportState state,
		const char *transport, const char *reason, void *user);
	void (*track)(
		const Params *params, uint64_t serial, Source source, bool flowing, void *user);
	void (*slots)(const char *stage, const char *const owners[SLOT_COUNT], void *user);
	/* A viewer's line carries more or less than before. */
	void (*rung)(const Params *params, uint64_t serial, const RationNews *news, void *user);
} RosterEvents;

typedef struct RosterSockets {
	int udp, tcp, door; /* taken over; tcp and door (door.h): -1 for none */
	bool multihomed;
} RosterSockets;

struct Tap;

/* Not running yet; the worker's thread does the rest after roster_start(). mesh: NULL for a worker
 * alone. tap: borrowed, NULL when nothing is recorded. */
Roster *roster_new(unsigned index, const RosterSockets *sockets, DtlsServer *dtls, Mesh *mesh,
	struct Tap *tap, const RosterEvents *events, void *user, GError **error);
/* mates: all workers' rosters by index, with this one; borrowed. */
void roster_start(Roster *roster, Roster *const *mates, unsigned count);

/* The end, in four steps, each of them for all rosters before the next: what one still holds may
 * belong to another. Stop: the threads end. Close: every peer with a goodbye, every stage. Run:
 * what they posted to each other; false when nothing was left. Free. */
void roster_stop(Roster *roster);
void roster_close(Roster *roster);
bool roster_run_posts(Roster *roster);
void roster_free(Roster *roster);

/* Runs func on the worker. Any thread. */
void roster_post(Roster *roster, PostFunc func, void *user);
Stats *roster_stats(Roster *roster);

/* -- on the worker -- */

/* params: taken over; a peer of the same id is closed first. serial: comes back with its events.
 * home: worker of its stage, which is there; a publisher is put there alone. */
void roster_put_peer(Roster *roster, Params *params, uint64_t serial, unsigned home);
void roster_delete_peer(Roster *roster, const char *id);
void roster_limit_peer(Roster *roster, const char *id, unsigned rung);
/* The highest rung that any viewer is given. */
void roster_limit_all(Roster *roster, unsigned rung);
/* Its ICE restarts; the old credentials hold until the first check with the new ones. */
void roster_restart_peer(Roster *roster, const char *id, const IceGeneration *next);
/* On the stage's home. */
void roster_put_stage(Roster *roster, const char *id, const StageWish *wish);
/* Closes its peers here; at home and wherever it has viewers. */
void roster_delete_stage(Roster *roster, const char *id);
