#include "egress.h"
#include "ladder.h"
#include <glib.h>

#define TOP (LADDER_RUNGS - 1)

void egress_init(Egress *egress, int64_t budget_bps, int64_t now_us)
{
	*egress = (Egress){ .budget_bps = budget_bps,
		.cap = TOP,
		.looked_us = now_us,
		.changed_us = now_us - EGRESS_FALL_US,
		.wait_us = EGRESS_WAIT_US };
}

static void change(Egress *egress, unsigned cap, int64_t now_us)
{
	egress->rose = cap > egress->cap;
	egress->cap = cap;
	egress->changed_us = now_us;
	egress->room_since_us = 0;
}

/* A rise that had to be taken back was in vain; one that lasted was not. */
static void fall(Egress *egress, int64_t now_us)
{
	if (egress->rose && now_us - egress->changed_us < EGRESS_WAIT_US)
		egress->wait_us = MIN(egress->wait_us * 2, EGRESS_WAIT_MAX_US);
	else if (egress->rose)
		egress->wait_us = EGRESS_WAIT_US;
	change(egress, egress->cap - 1, now_us);
}

bool egress_tick(Egress *egress, uint64_t bytes, int64_t now_us)
{
	int64_t since_us = now_us - egress->looked_us;
	if (since_us <= 0)
		return false;
	egress->rate_bps = (int64_t)((double)(bytes - egress->bytes) * 8e6 / (double)since_us);
	egress->bytes = bytes;
	egress->looked_us = now_us;
	if (!egress->budget_bps)
		return false;

	unsigned before = egress->cap;
	if (egress->rate_bps > egress->budget_bps) {
		egress->room_since_us = 0;
		if (egress->cap > EGRESS_LOWEST_RUNG &&
			now_us - egress->changed_us >= EGRESS_FALL_US)
			fall(egress, now_us);
	} else if ((double)egress->rate_bps > EGRESS_ROOM * (double)egress->budget_bps) {
		egress->room_since_us = 0;
	} else if (egress->cap < TOP) {
		if (!egress->room_since_us)
			egress->room_since_us = now_us;
		if (now_us - egress->room_since_us >= egress->wait_us)
			change(egress, egress->cap + 1, now_us);
	}
	return egress->cap != before;
}
