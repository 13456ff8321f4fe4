/* joined.h - a voice in packets of 40 ms instead of 20: for lines whose every packet counts
 *
 * Two packets of a track become one of a track of its own, made once for all viewers who get it;
 * the headers of 24 kbit/s take half of the line otherwise (50.7 kbit/s in 20 ms packets, 37.9 in
 * 40 ms). Pairs begin with an even number of the source, so that a slot can change from one track
 * to the other where a pair begins. What cannot be joined passes alone. Timestamps are the
 * source's; its numbers are its own, with a gap where the source has one. The worker's thread
 * alone; owned by an Audience, beside a source that outlives it. */
#pragma once
#include "track.h"

#define JOINED_OUT_MAX 2 /* a half that waited in vain, and what came instead */
/* A half waits for the other one so long: two packets, and their jitter. */
#define JOINED_WAIT_US 60000
#define JOINED_PAYLOAD_MAX 1000 /* of two: more would not fit in one datagram everywhere */

typedef struct Joined Joined;

/* source: a voice. pool: of the worker it belongs to. */
Joined *joined_new(Track *source, PacketPool *pool);
/* No slot holds its track by now. */
void joined_free(Joined *joined);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Joined, joined_free)

Track *joined_source(const Joined *joined);
/* What slots are aimed at. */
Track *joined_track(Joined *joined);

/* A packet that the source has taken, borrowed. How many packets of joined_track() come of it, in
 * order, each a reference for the caller; none while nobody takes that track. To be asked before
 * the source's own packet goes to the viewers. */
unsigned joined_packet(Joined *joined, Packet *packet, int64_t now_us, Packet *out[JOINED_OUT_MAX]);
/* The half whose other one does not come in time, a reference for the caller; NULL: there is none.
 * Each tick of the worker. */
Packet *joined_late(Joined *joined, int64_t now_us);
