/* remb.h - what a receiver itself says that its line carries, where it cannot tell of each packet
 * (REMB, draft-alvestrand-rmcat-remb-03)
 *
 * It says little more than half as much again as reaches it, and comes up to more by some percent a
 * second: that bounds nothing. What it lowers is a bound: then its packets have begun to queue; and
 * so is less than is sent, where much is lost. Else a rung is held, and after a while the next one
 * tried. A plain value within a Ration, 130 bytes; time is an argument. */
#pragma once
#include "estimate.h"

#define REMB_LESS 0.95        /* of the most it said: it has lowered it */
#define REMB_LOST 0.08        /* is much */
#define REMB_BOUND_US 5000000 /* so long what it says is a bound, then … */
#define REMB_NEXT_US 10000000 /* … and from then on the next rung may be tried */

typedef struct Remb {
	EstimateView view; /* heard_us 0: it has said nothing yet */
	int64_t said_bps;
	int64_t most_bps;   /* since it was lowered */
	int64_t lowered_us; /* it was a bound last; 0: not yet */
	int64_t sent_bps;   /* over the last second or so */
	int64_t sent_bytes, since_us;
} Remb;

/* A packet goes out; bytes with the headers of IP and UDP. */
void remb_sent(Remb *remb, unsigned bytes);

void remb_heard(Remb *remb, uint64_t rate_bps, int64_t now_us);
/* Of a receiver report: lost of 256. */
void remb_lost(Remb *remb, uint8_t fraction_lost);
/* About every 100 ms. hold_bps: what the rung of now takes; next_bps: what enters the next one, 0
 * where none is to be tried. */
void remb_tick(Remb *remb, int64_t hold_bps, int64_t next_bps, int64_t now_us);
