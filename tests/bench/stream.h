/* stream.h - what one viewer has received in one slot: counts, gaps and what to ask for again
 *
 * Knows numbers only, so it serves packets that were opened and packets that were not. A plain
 * value. */
#pragma once
#include "sfu/rtcp.h"
#include <stdbool.h>
#include <stdint.h>

#define STREAM_WINDOW 1024 /* numbers remembered: later ones than this are dropped */
#define STREAM_ASK_MAX 64  /* gaps asked for at a time; an outage is mended by a keyframe */
#define STREAM_TRIES 5
#define STREAM_ASK_US 100000 /* between two tries */

/* All of these only rise. */
typedef struct StreamCounts {
	uint64_t received; /* different packets, by whichever way */
	uint64_t bytes;
	uint64_t missing;  /* numbers that were passed over at first */
	uint64_t repaired; /* RTX that came; of an unopened packet we cannot tell which it mends */
	uint64_t late;     /* of missing: came out of order */
	uint64_t duplicates;
} StreamCounts;

typedef struct StreamGap {
	uint64_t sequence;
	int64_t asked_us;
	uint8_t tries;
} StreamGap;

typedef struct Stream {
	uint32_t ssrc, rtx_ssrc, clock_rate;
	bool started;
	uint64_t first, highest; /* extended numbers */
	StreamCounts counts;
	uint64_t seen[STREAM_WINDOW / 64];
	StreamGap gaps[STREAM_ASK_MAX];
	unsigned gap_count;

	uint32_t jitter_q4, transit;
	uint64_t expected_before, received_before; /* of the last report */
} Stream;

void stream_init(Stream *stream, uint32_t ssrc, uint32_t rtx_ssrc, uint32_t clock_rate);
void stream_packet(
	Stream *stream, uint16_t sequence, uint32_t timestamp, size_t len, int64_t now_us);
/* A repair came: its original number where it could be read, -1 where not. */
void stream_repair(Stream *stream, int32_t sequence, size_t len);
/* Numbers to ask for now; how many. */
unsigned stream_due(Stream *stream, uint16_t lost[STREAM_ASK_MAX], int64_t now_us);
void stream_report(Stream *stream, RtcpReportBlock *block);
