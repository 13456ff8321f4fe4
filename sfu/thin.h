/* thin.h - leaves out pictures that no other builds on, where a line cannot take all of them
 *
 * VP8 comes in temporal layers (RFC 7741 §4.2): what is of a higher one is needed by none below, so
 * that a video which falls behind its line goes on with fewer pictures a second, and none of them
 * broken. A layer comes back with a picture that builds on those below alone (the Y bit), or with a
 * keyframe. A plain value within a Slot, pure. */
#pragma once
#include "packet.h"

#define THIN_BEHIND_US 250000 /* what waits longer is too much … */
#define THIN_DOWN_US 200000   /* … for one layer, and after this long for one more, where … */
#define THIN_MORE_US 150000   /* … what waits has become more by that, or … */
#define THIN_MUCH_US 380000   /* … so much */
#define THIN_LEVEL_US 100000  /* none waits longer, for … */
#define THIN_UP_US 3000000 /* … so long: one more may come, after a failure twice as long … */
#define THIN_FAILURES 3    /* … so many times */

typedef struct Thin {
	uint8_t highest; /* layer there is */
	uint8_t fewer;   /* layers less than that are wanted … */
	uint8_t most;    /* … and the highest that goes out */
	bool begun;
	bool leaves_out;     /* the picture at hand */
	uint32_t timestamp;  /* of that */
	int64_t since_us;    /* last change of what is wanted, or that much waited */
	int64_t behind_us;   /* what waited at the last change */
	uint8_t failures[4]; /* of a layer, to come back, one after the other */
	int64_t more_us;     /* when one came back */
} Thin;

/* Nothing is left out, nor was: what is not behind need not be asked about. */
static inline bool thin_is_whole(const Thin *thin)
{
	return !thin->fewer && thin->most >= thin->highest;
}

/* Packets in the order of their numbers, each once. behind_us: that it has waited. follows: the one
 * before it is known, so that its picture may be left out. True: it is not sent. */
bool thin_leaves_out(
	Thin *thin, const Packet *packet, bool follows, int64_t behind_us, int64_t now_us);
