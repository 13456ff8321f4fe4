/* share.h - a stage on a worker that is not its home: mirrors of its tracks, and viewers
 *
 * Fed by the home's Spread: news say which tracks there are and who is in which slot, packets come
 * through the mesh, each for the mirror of its track. Wishes for keyframes go home. The worker's
 * thread alone; owned by its Roster. */
#pragma once
#include "spread.h"

typedef struct Share Share;

/* The mirrors of all shares of a worker, by the id of their track. */
typedef struct Mirrors Mirrors;
Mirrors *mirrors_new(void);
/* Empty by now. */
void mirrors_free(Mirrors *mirrors);

/* A viewer cannot go on without a keyframe of this track; at most one call a second and track. */
typedef void (*ShareWish)(Share *share, uint64_t track, void *user);

/* serial: its own on this worker, not 0. */
Share *share_new(Gear *gear, Mirrors *mirrors, const char *stage, unsigned home, uint64_t serial,
	ShareWish wish, void *user);
/* Without viewers by now. */
void share_free(Share *share);
const char *share_stage(const Share *share);
unsigned share_home(const Share *share);
uint64_t share_serial(const Share *share);

void share_add(Share *share, Peer *peer, int64_t now_us);
void share_remove(Share *share, Peer *peer);
/* Any one of its viewers, NULL when it has none. */
Peer *share_any_peer(const Share *share);

/* From its home; borrowed. */
void share_news(Share *share, const SpreadNews *news, int64_t now_us);
/* A packet of this track, borrowed. False: no share knows it. */
bool share_packet(Mirrors *mirrors, uint64_t track, Packet *packet, int64_t now_us);
/* The mirror of this track; NULL: no share has one. */
Track *share_track(Mirrors *mirrors, uint64_t track);
/* At the end of each turn. */
void share_settle(Share *share, int64_t now_us);
/* Each tick of the worker. */
void share_tick(Share *share, int64_t now_us);
