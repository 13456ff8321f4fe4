/* egress.h - what all viewers of this machine may be given together
 *
 * The hub has a line, too. When more goes out than its budget, the highest rung that anybody is
 * given falls by one every other second: faces first, slides after them, never a voice. When there
 * has been room for a while it rises again, later and later where that was in vain. Pure logic over
 * a count of bytes and a clock. A plain value within the Node, the main thread's alone. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define EGRESS_LOWEST_RUNG 2         /* voices in 20 ms packets, and stills */
#define EGRESS_FALL_US 2000000       /* between two falls: what one has brought is seen by then */
#define EGRESS_WAIT_US 15000000      /* with room, before a rise … */
#define EGRESS_WAIT_MAX_US 240000000 /* … twice as long after each that was in vain */
#define EGRESS_ROOM 0.8              /* of the budget: below that there is some */

typedef struct Egress {
	int64_t budget_bps; /* 0: none */
	unsigned cap;       /* the highest rung that anybody is given */
	int64_t rate_bps;   /* of late */

	/* Its own. */
	uint64_t bytes;
	int64_t looked_us, changed_us, room_since_us, wait_us;
	bool rose; /* at the last change */
} Egress;

void egress_init(Egress *egress, int64_t budget_bps, int64_t now_us);
/* About once a second. bytes: that have gone out so far, with the headers of IP. True: the cap is
 * another. */
bool egress_tick(Egress *egress, uint64_t bytes, int64_t now_us);
