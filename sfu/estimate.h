/* estimate.h - what a viewer's line carries, judged from what it says has arrived
 *
 * Knows when each packet left; the viewer's transport-cc feedback says when it came, or that it did
 * not. From that: how long packets stand in a queue (queueing.h), whether a loss is the line's
 * habit or our doing (losses.h), and, where little is sent, what a short burst of padding finds
 * (probe.h). Plain numbers; the rungs are ladder.h's. Arrival times jump by hundreds of
 * milliseconds where a processor is busy: only a queue that stands, and loss that our own rate
 * makes, lower anything. All that is heard comes from a stranger: whatever he tells is bounded, and
 * hurts him alone. One a viewer, 4.9 KB, owned by it; its worker's thread alone. Time is an
 * argument. */
#pragma once
#include "twcc.h"
#include <glib.h>

#define ESTIMATE_SENT 512          /* packets remembered: 2.5 s of 2 Mbit/s */
#define ESTIMATE_RATE_MIN 30000    /* a voice is sent whatever is said */
#define ESTIMATE_RATE_MAX 50000000 /* nothing here asks for more */

typedef struct Estimate Estimate;

Estimate *estimate_new(int64_t now_us);
void estimate_free(Estimate *estimate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Estimate, estimate_free)

/* A packet goes out under this transport-wide number; bytes with the headers of IP and UDP. */
void estimate_sent(Estimate *estimate, uint16_t number, unsigned bytes, int64_t now_us);
/* What went out under this number was lost, and goes out once more as it was: when that comes says
 * nothing of the line. */
void estimate_repeated(Estimate *estimate, uint16_t number);
void estimate_feedback(Estimate *estimate, const TwccFeedback *feedback, int64_t now_us);
/* About every 100 ms: notices that feedback has stopped coming. */
void estimate_tick(Estimate *estimate, int64_t now_us);

/* How many bytes of padding are to go out now so that a rate of want_bps is tried; 0: none. Media
 * that goes out meanwhile counts, so little padding is asked for where much is sent. Ask each 5 to
 * 20 ms while a higher rate would be of use, and send just that: several small packets tell more
 * than a large one, and a weak line feels each byte. Over TCP the queue is the socket's. At the very
 * start, with nothing known, it tries 300 kbit/s, 1 and 2.4 Mbit/s one after the other, as far as
 * want_bps and as they go through. */
int64_t estimate_probe_bytes(Estimate *estimate, int64_t want_bps, int64_t now_us);
/* A burst has begun: it is to be sent whole. */
bool estimate_is_probing(const Estimate *estimate);

typedef struct EstimateView {
	int64_t rate_bps;  /* what may be sent; 0 while nothing is known. Less than the line carries
			      while a long queue is to drain */
	int64_t acked_bps; /* what arrived of late */
	double loss;       /* smoothed, 0 to 1 */
	int64_t queue_us;  /* how long packets stand in a queue */
	bool congested;    /* more is sent than the line carries */
	bool known;        /* the first probes are over: the rate means something */
	bool silent;       /* packets go out and feedback has stopped */
	int64_t rtt_us;    /* there and back, with what the viewer waits before it tells; 0: not known */
	int64_t heard_us;  /* the last feedback that told of our packets; 0: none yet */
} EstimateView;

/* Good until the estimate is next told something. */
const EstimateView *estimate_view(const Estimate *estimate);
