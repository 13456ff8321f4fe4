#include "remb.h"

#define SECOND_US 1000000
#define SMOOTH 0.1 /* of a report: some ten of them come in a few seconds */

void remb_sent(Remb *remb, unsigned bytes)
{
	remb->sent_bytes += bytes;
}

void remb_heard(Remb *remb, uint64_t rate_bps, int64_t now_us)
{
	remb->said_bps =
		(int64_t)CLAMP(rate_bps, (uint64_t)ESTIMATE_RATE_MIN, (uint64_t)ESTIMATE_RATE_MAX);
	if ((double)remb->said_bps < REMB_LESS * (double)remb->most_bps) {
		remb->lowered_us = now_us;
		remb->most_bps = remb->said_bps;
	}
	remb->most_bps = MAX(remb->most_bps, remb->said_bps);
	remb->view.heard_us = now_us;
	remb->view.known = true;
}

void remb_lost(Remb *remb, uint8_t fraction_lost)
{
	remb->view.loss += SMOOTH * (fraction_lost / 256.0 - remb->view.loss);
}

void remb_tick(Remb *remb, int64_t hold_bps, int64_t next_bps, int64_t now_us)
{
	if (now_us - remb->since_us >= SECOND_US) {
		remb->sent_bps = remb->sent_bytes * 8000000 / (now_us - remb->since_us);
		remb->sent_bytes = 0;
		remb->since_us = now_us;
	}
	if (remb->said_bps < remb->sent_bps && remb->view.loss > REMB_LOST)
		remb->lowered_us = now_us;
	int64_t since_us = remb->lowered_us ? now_us - remb->lowered_us : INT64_MAX;
	remb->view.rate_bps = remb->said_bps;
	if (since_us >= REMB_BOUND_US)
		remb->view.rate_bps = MAX(remb->view.rate_bps, hold_bps);
	if (since_us >= REMB_NEXT_US)
		remb->view.rate_bps = MAX(remb->view.rate_bps, next_bps);
}
