/* tap_feed.h - from one worker to the tap: what its tracks have received, as counted references
 *
 * A ring with one writer and one reader, without a lock and without a system call: the tap looks
 * into it by itself. A full ring drops and counts; nothing here ever waits. The functions of the
 * first group are the worker's, tap_feed_take() is the tap's thread's. A NULL feed takes nothing.
 */
#pragma once
#include "common/tap_record.h"
#include "stats.h"
#include "track.h"

/* The tap empties it each 10 ms; 8192 packets are 1.6 s of twenty senders. */
#define TAP_FEED_PLACES 8192
#define TAP_FEED_RESERVE 512 /* of them for news, which must not be lost in a flood of packets */

typedef struct TapFeed TapFeed;

/* stats: of the worker that writes. */
TapFeed *tap_feed_new(Stats *stats);
/* Nobody reads or writes any more. */
void tap_feed_free(TapFeed *feed);

/* -- the worker -- */

/* A packet that its track has taken. Of a picture's layers one goes to the tap, the best that comes:
 * a better one, or what is left when it stops, takes its place with a keyframe, which is asked for
 * here. */
void tap_feed_packet(TapFeed *feed, const char *stage, Track *track, Packet *packet);
/* It has sent nothing for a while; of layers the lowest, for all. */
void tap_feed_quiet(TapFeed *feed, Track *lowest, int64_t now_us);
/* It is about to be freed, and its other layers with it. */
void tap_feed_ended(TapFeed *feed, Track *lowest, int64_t now_us);
void tap_feed_report(TapFeed *feed, const Track *track, const RtcpSenderInfo *info, int64_t now_us);
/* Any other news: record is taken over (g_free), its time is the monotonic one. False when even
 * the reserve is full: lost, and counted. */
bool tap_feed_put(TapFeed *feed, TapRecord *record);

/* -- the tap's thread -- */

/* What came next: either a packet or a record, now the caller's. */
typedef struct TapEntry {
	Packet *packet;
	TapRecord *record;
	uint64_t track; /* of the packet */
} TapEntry;

/* False when there is nothing. */
bool tap_feed_take(TapFeed *feed, TapEntry *entry);
/* How many packets were not taken in since the last call. */
uint64_t tap_feed_dropped(TapFeed *feed);
