/* losses.h - how much of what a viewer is sent gets lost, and whether that is our own doing
 *
 * Radio loses at random whatever is sent; to send less then starves the weakest lines. A queue that
 * is full loses too, and says so in one of three ways: packets stand in it all the time; or the
 * packets just before those lost stood longer than others (the queue of a cheap router holds 50 ms
 * and never stands); or less is sent and less is lost. The last is tried only where much is lost.
 * A plain value within an Estimate. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum LossesVerdict {
	LOSSES_NONE, /* nothing new to say */
	LOSSES_FINE, /* little or random loss */
	LOSSES_TRY,  /* much is lost: send somewhat less, and see */
	LOSSES_BACK, /* that changed nothing: send as before */
	LOSSES_FULL, /* more is sent than the line takes */
} LossesVerdict;

typedef struct Losses {
	double smoothed;        /* 0 to 1 */
	double lately, earlier; /* of the last part alone, and of that before */
	double habit;           /* what the line loses at any rate, as was tried */
	double calm;            /* what is lost while nothing speaks of a queue */
	int told, lost; /* packets of this part; lost is below 0 when late ones come after all */
	int news, held; /* told of as lost: by this feedback, by the one before. Only the next
			   one says what was but late */
	int64_t begun_us;
	/* How long packets stood in a queue, and those just before a loss; milliseconds, halved
	 * with each part. */
	double count, sum, squares, lost_count, lost_sum;
	double last_ms;
	bool in_gap;
	bool trying;
	bool less;                    /* is sent by now */
	double tried_loss, less_loss; /* before, and the sum of the parts with less */
	int64_t tried_bps;
	unsigned tries, less_parts;
} Losses;

void losses_came(Losses *losses, int32_t queue_us);
void losses_lost(Losses *losses);
/* One that was told of as lost has come after all. */
void losses_late(Losses *losses);

/* Once a feedback. queue_us: that stands, of late. bps: that went out of late. */
LossesVerdict losses_judge(Losses *losses, int64_t queue_us, int64_t bps, int64_t now_us);
