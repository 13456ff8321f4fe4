#include "remb.h"

#define SECOND_US 1000000
#define SMOOTH 0.1 /* of a report: some ten of them come in a few seconds */

void remb_sent(Remb *remb, unsigned bytes, int64_t now_us)
{
	if (!remb->since_us)
		remb->since_us = now_us;
	remb->sent_bytes += bytes;
}

void remb_heard(Remb *remb, uint64_t rate_bps, int64_t now_us)
{
	remb->said_bps =
		(int64_t)CLAMP(rate_bps, (uint64_t)ESTIMATE_RATE_MIN, (uint64_t)ESTIMATE_RATE_MAX);
	remb->view.heard_us = now_us;
	remb->view.known = true;
}

void remb_lost(Remb *remb, uint8_t fraction_lost)
{
	remb->view.loss += SMOOTH * (fraction_lost / 256.0 - remb->view.loss);
}

void remb_tick(Remb *remb, int64_t hold_bps, int64_t next_bps, int64_t now_us)
{
	EstimateView *view = &remb->view;
	int64_t since_us = now_us - remb->since_us;
	if (remb->since_us && since_us >= SECOND_US) {
		remb->sent_bps = view->acked_bps = remb->sent_bytes * 8000000 / since_us;
		remb->sent_bytes = 0;
		remb->since_us = now_us;
	}
	if (!view->known)
		return;
	bool stale = now_us - view->heard_us > REMB_FRESH_US;
	bool room = (double)remb->said_bps >= REMB_FREE * (double)remb->sent_bps;
	view->rate_bps = remb->said_bps;
	if (stale || room)
		view->rate_bps = MAX(remb->said_bps, MAX(hold_bps, next_bps));
}
