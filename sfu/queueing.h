/* queueing.h - how long packets stand in a queue on their way, and at what rate they come out of it
 *
 * Of every packet two times are known, by two clocks that agree in nothing: when it left and when
 * it came. Their difference over its least value of the last 20 s (which follows the clocks as they
 * drift) is its time in a queue. Busy processors hold packets up too, and then let them go at once:
 * so it is the least of some hundred milliseconds that counts, and whether it goes away by itself.
 * Times are the low 32 bits of microseconds and wrap: only differences mean something.
 * A plain value within an Estimate. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define QUEUEING_SLICES 16       /* the arrivals of 1.6 s … */
#define QUEUEING_SLICE_US 100000 /* … in parts of 100 ms */
#define QUEUEING_LOWS 10         /* the least delays of 20 s … */
#define QUEUEING_LOW_US 2000000  /* … in parts of 2 s */
#define QUEUEING_HIGH_US 35000 /* a queue is one from here on, where there is none as a rule … */
#define QUEUEING_HIGHEST_US 120000 /* … and from here on anywhere */

typedef struct QueueingSlice {
	uint32_t bytes;
	uint32_t packets;
	uint32_t sent_us; /* of the packet that left last … */
	uint32_t came_us; /* … and of that which came last */
	int32_t low_us;   /* the least delay, clocks not agreed */
} QueueingSlice;

typedef struct Queueing {
	QueueingSlice slices[QUEUEING_SLICES];
	unsigned newest;     /* slice */
	uint32_t newest_us;  /* when it began, by the receiver's clock */
	uint32_t arrival_us; /* of the packet that came last */
	int32_t lows_us[QUEUEING_LOWS];
	unsigned low;
	int64_t low_since_us;
	int32_t base_us;  /* the least of all lows */
	int32_t usual_us; /* queue of a slice, as a rule: radio makes one wait for its turn */
	bool started;
} Queueing;

/* A packet came: how long it stood in a queue. */
int32_t queueing_add(Queueing *queueing, uint32_t sent_us, uint32_t arrival_us, unsigned bytes);
/* Packets came of which the word was lost. */
void queueing_presume(Queueing *queueing, unsigned bytes);
/* Once a feedback: the oldest of the least delays are forgotten in time. */
void queueing_age(Queueing *queueing, int64_t now_us);

/* The least time in the queue of late. */
int64_t queueing_now_us(const Queueing *queueing);
/* From where on a queue is one, here and now. */
int64_t queueing_high_us(const Queueing *queueing);
/* Packets have stood in a queue for some 450 ms, and it does not go away by itself. */
bool queueing_stands(const Queueing *queueing);
/* How long it stands already, in whole slices. */
unsigned queueing_standing(const Queueing *queueing);

typedef struct QueueingRate {
	int64_t arrived_bps; /* by when they came */
	int64_t bps;         /* the same, unless they left in longer a time: less than that */
	bool growing;        /* they left in a shorter time than they came in */
} QueueingRate;

/* Of so many slices and the one that is filling. */
QueueingRate queueing_rate(const Queueing *queueing, unsigned slices);

/* What was taken for a queue is the way itself, it has become longer. */
void queueing_rebase(Queueing *queueing);
