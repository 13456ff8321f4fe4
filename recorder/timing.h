/* timing.h - when what an RTP packet carries was said: from the publisher's clocks to ours
 *
 * A sender report pairs a track's RTP time with its publisher's clock; the smallest difference
 * between that clock and ours over a while is its offset, with the least delay of the line in it.
 * All tracks of a publisher have one offset, so that voice and picture stay together whatever the
 * line does. Before the first report, and behind the last, the nearest ones hold; a track without
 * any, or with such as do not fit each other, goes by arrival. Everything is known before the first question is asked. One thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define TIMING_WINDOW_US 30000000 /* the offset is the smallest within so much before and after */
#define TIMING_JUMP_US 500000     /* a clock that was set, or another machine's */

typedef struct Timing Timing;

Timing *timing_new(void);
void timing_free(Timing *timing);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Timing, timing_free)

/* owner: whose clock it is. */
void timing_add_track(Timing *timing, uint16_t port, const char *owner, unsigned clock_rate);
/* In the order they came: at arrival_us of our clock. Of unknown tracks: nothing. */
void timing_add_report(
	Timing *timing, uint16_t port, int64_t arrival_us, int64_t sender_us, uint32_t rtp);
/* Our time at which that moment of the track was. */
int64_t timing_map(Timing *timing, uint16_t port, uint32_t rtp, int64_t arrival_us);
