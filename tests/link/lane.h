/* lane.h - one direction of a weak line: what is put in comes out later, changed in order, or never
 *
 * A packet waits in a queue (tail drop), takes its turn on the line (rate), may be lost there, and
 * then travels (delay, jitter). What is lost has had its turn: it took rate from the others. Pure
 * logic: no clock, no socket; the same seed and the same calls give the same result. now_us never
 * goes back. Lives on one thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define LANE_FLOWS 256          /* streams that can be told apart */
#define LANE_PACKETS_MAX 65536  /* on their way at once; a datagram beyond is a drop of the queue */
#define LANE_STALL_US 200000    /* what a stream waits for a lost segment, and two delays */
#define LANE_QUEUE_US 200000    /* of a plain lane */
#define LANE_NEVER_US INT64_MAX /* nothing is on its way */

/* Shares are from 0 to 1. All zero but the queue is a plain lane. */
typedef struct LaneShape {
	int64_t rate_bps; /* 0: no limit, then nothing waits */
	struct {
		int64_t us, bytes; /* the first packet has room always; 0: no limit of this kind */
	} queue;
	int64_t delay_us; /* the least that a packet travels */
	struct {
		int64_t us;  /* the most that is added to it */
		bool normal; /* a bell over 0..us with its mean in the middle; else all alike */
	} jitter;
	bool unordered; /* jitter may change the order */
	double loss;
	struct {
		double enter, leave, loss; /* of the bad state of Gilbert and Elliott, a packet */
	} burst;
	struct {
		double share; /* of datagrams that the next ones overtake … */
		int64_t us;   /* … since they travel so much longer */
	} reorder;
	double duplicate;
} LaneShape;

extern const LaneShape lane_plain;

typedef struct LanePacket {
	void *data;     /* a g_rc_box or NULL; one reference travels with the packet */
	uint64_t tag;   /* the caller's own; comes back as it was */
	unsigned bytes; /* on the line, with the headers of IP and UDP or TCP */
	unsigned flow;  /* 0: a datagram. 1 to LANE_FLOWS: of this stream, see lane_put() */
	int64_t due_us; /* lane_take() says when it was to come out */
} LanePacket;

typedef struct LaneStats {
	uint64_t in, in_bytes;
	uint64_t delivered, delivered_bytes;
	uint64_t lost, queue_dropped, outage_dropped;
	uint64_t duplicated, reordered;
	uint64_t stalled; /* segments of streams that were lost and came later */
} LaneStats;

typedef struct Lane Lane;

/* Plain, empty, passing. */
Lane *lane_new(uint32_t seed);
void lane_free(Lane *lane);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Lane, lane_free)

/* From now on; what waits feels a new rate, what travels no new delay. */
void lane_set_shape(Lane *lane, const LaneShape *shape, int64_t now_us);
const LaneShape *lane_shape(const Lane *lane);

/* An outage up to then: datagrams that wait, travel or come are dropped, streams stand still. One
 * that is in the past ends the outage of before. */
void lane_stop(Lane *lane, int64_t until_us, int64_t now_us);

/* Takes the reference over. False when it is dropped at once, for the queue or an outage. What is of
 * a stream is never dropped and keeps its order among itself alone: a loss makes it, and what
 * follows it, come later. Who puts streams asks lane_is_full() first. */
bool lane_put(Lane *lane, const LanePacket *packet, int64_t now_us);

/* The next that is due, with its reference; false if none is. Ask until it says so. */
bool lane_take(Lane *lane, LanePacket *packet, int64_t now_us);

/* When lane_take() will have something, or has to look again; LANE_NEVER_US. As of the last call. */
int64_t lane_next_us(const Lane *lane);

/* Half of the queue's room is taken: streams hold back, in place of their congestion control. */
bool lane_is_full(const Lane *lane);

/* How long what waits now will take. 0 without a rate. */
int64_t lane_queue_us(Lane *lane, int64_t now_us);

const LaneStats *lane_stats(const Lane *lane);
