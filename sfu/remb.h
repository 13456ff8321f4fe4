/* remb.h - what a receiver itself says that its line carries, where it cannot tell of each packet
 * (REMB, draft-alvestrand-rmcat-remb-03)
 *
 * It says little more than half as much again as reaches it, and nothing where few pictures come:
 * so where it says more than is sent, or is silent, it is not the line that holds the viewer down,
 * and the next rung may be tried. A plain value within a Ration, 100 bytes; time is an argument. */
#pragma once
#include "estimate.h"

#define REMB_FRESH_US 4000000 /* what it said longer ago is no bound any more */
#define REMB_FREE 1.3         /* of what is sent: there is room */

typedef struct Remb {
	EstimateView view; /* heard_us 0: it has said nothing yet */
	int64_t said_bps;
	int64_t sent_bps; /* over the last second or so */
	int64_t sent_bytes, since_us;
} Remb;

/* A packet goes out; bytes with the headers of IP and UDP. */
void remb_sent(Remb *remb, unsigned bytes, int64_t now_us);
void remb_heard(Remb *remb, uint64_t rate_bps, int64_t now_us);
/* Of a receiver report: lost of 256. */
void remb_lost(Remb *remb, uint8_t fraction_lost);
/* About every 100 ms. hold_bps: what the rung of now takes; next_bps: what enters the next one, 0
 * where none is to be tried. */
void remb_tick(Remb *remb, int64_t hold_bps, int64_t next_bps, int64_t now_us);
