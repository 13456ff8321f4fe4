#include "queueing.h"
#include <glib.h>
#include <string.h>

#define NONSENSE_US 10000000 /* no queue is longer: a clock was set */
#define STANDS_PACKETS 8
#define FILLED_MIN 3    /* slices with packets in them: one burst is no queue */
#define STANDS_SLICES 5 /* the newest is still filling: 400 to 500 ms */
#define LOOKED_AT 10    /* slices: a queue goes away by itself, if by now it has … */
#define GOES_AWAY 0.7   /* … so much of the height it had in these */
#define USUAL_SLICES 32 /* it takes to learn what is usual */
#define USUAL 1.5       /* that much of it is no queue yet */
#define GROWING 0.9     /* sent in so much of the time in which it came */

static QueueingSlice *slice_at(Queueing *queueing, unsigned ago)
{
	return &queueing->slices[(queueing->newest - ago) % QUEUEING_SLICES];
}

static const QueueingSlice *seen(const Queueing *queueing, unsigned ago)
{
	return &queueing->slices[(queueing->newest - ago) % QUEUEING_SLICES];
}

static int32_t over_base(const Queueing *queueing, int32_t delay_us)
{
	return (int32_t)((uint32_t)delay_us - (uint32_t)queueing->base_us);
}

static void start(Queueing *queueing, uint32_t arrival_us, int32_t delay_us)
{
	int64_t since_us = queueing->low_since_us;
	*queueing = (Queueing){ .newest_us = arrival_us,
		.arrival_us = arrival_us,
		.base_us = delay_us,
		.low_since_us = since_us,
		.started = true };
	for (unsigned i = 0; i < QUEUEING_LOWS; i++)
		queueing->lows_us[i] = delay_us;
}

static int64_t low_of(const Queueing *queueing, unsigned ago)
{
	return MAX(over_base(queueing, seen(queueing, ago)->low_us), 0);
}

int64_t queueing_high_us(const Queueing *queueing)
{
	double high_us = QUEUEING_HIGH_US + USUAL * queueing->usual_us;
	return (int64_t)MIN(high_us, QUEUEING_HIGHEST_US);
}

/* A slice is full. */
static void learn(Queueing *queueing)
{
	if (!seen(queueing, 0)->packets)
		return;
	int64_t low_us = low_of(queueing, 0);
	if (low_us < queueing_high_us(queueing))
		queueing->usual_us += (int32_t)(low_us - queueing->usual_us) / USUAL_SLICES;
}

/* The slice for this arrival, NULL when that is too long ago. */
static QueueingSlice *slice_for(Queueing *queueing, uint32_t arrival_us)
{
	int32_t since_us = (int32_t)(arrival_us - queueing->newest_us);
	if (since_us < 0) {
		unsigned ago =
			((unsigned)-(int64_t)since_us + QUEUEING_SLICE_US - 1) / QUEUEING_SLICE_US;
		return ago < QUEUEING_SLICES ? slice_at(queueing, ago) : NULL;
	}
	unsigned steps = (unsigned)since_us / QUEUEING_SLICE_US;
	if (steps)
		learn(queueing);
	if ((int32_t)(arrival_us - queueing->arrival_us) > 0)
		queueing->arrival_us = arrival_us;
	queueing->newest_us += steps * QUEUEING_SLICE_US;
	for (unsigned i = 0; i < MIN(steps, QUEUEING_SLICES); i++) {
		queueing->newest++;
		memset(slice_at(queueing, 0), 0, sizeof(QueueingSlice));
	}
	return slice_at(queueing, 0);
}

int32_t queueing_add(Queueing *queueing, uint32_t sent_us, uint32_t arrival_us, unsigned bytes)
{
	int32_t delay_us = (int32_t)(arrival_us - sent_us);
	int32_t over_us = over_base(queueing, delay_us);
	if (!queueing->started || over_us > NONSENSE_US || over_us < -NONSENSE_US)
		start(queueing, arrival_us, delay_us);
	if (over_base(queueing, delay_us) < 0)
		queueing->base_us = delay_us;
	int32_t *low_us = &queueing->lows_us[queueing->low];
	if ((int32_t)((uint32_t)delay_us - (uint32_t)*low_us) < 0)
		*low_us = delay_us;

	QueueingSlice *slice = slice_for(queueing, arrival_us);
	if (slice) {
		if (!slice->packets || (int32_t)(sent_us - slice->sent_us) > 0)
			slice->sent_us = sent_us;
		if (!slice->packets || (int32_t)(arrival_us - slice->came_us) > 0)
			slice->came_us = arrival_us;
		if (!slice->packets || (int32_t)((uint32_t)delay_us - (uint32_t)slice->low_us) < 0)
			slice->low_us = delay_us;
		slice->packets++;
		slice->bytes += bytes;
	}
	return over_base(queueing, delay_us);
}

void queueing_presume(Queueing *queueing, unsigned bytes)
{
	slice_at(queueing, 0)->bytes += bytes;
}

void queueing_age(Queueing *queueing, int64_t now_us)
{
	if (!queueing->started || now_us - queueing->low_since_us < QUEUEING_LOW_US)
		return;
	queueing->low_since_us = now_us;
	int32_t latest_us = queueing->lows_us[queueing->low];
	for (unsigned ago = 0; ago < QUEUEING_SLICES; ago++)
		if (seen(queueing, ago)->packets) {
			latest_us = seen(queueing, ago)->low_us;
			break;
		}
	queueing->low = (queueing->low + 1) % QUEUEING_LOWS;
	queueing->lows_us[queueing->low] = latest_us;
	int32_t least_us = latest_us;
	for (unsigned i = 0; i < QUEUEING_LOWS; i++)
		if ((int32_t)((uint32_t)queueing->lows_us[i] - (uint32_t)least_us) < 0)
			least_us = queueing->lows_us[i];
	queueing->base_us = least_us;
}

int64_t queueing_now_us(const Queueing *queueing)
{
	int64_t least_us = 0;
	unsigned found = 0;
	for (unsigned ago = 0; ago < QUEUEING_SLICES && found < 2; ago++) {
		if (!seen(queueing, ago)->packets)
			continue;
		int64_t low_us = low_of(queueing, ago);
		least_us = found++ ? MIN(least_us, low_us) : low_us;
	}
	return least_us;
}

unsigned queueing_standing(const Queueing *queueing)
{
	int64_t high_us = queueing_high_us(queueing);
	unsigned ago = 0;
	while (ago < LOOKED_AT &&
		(!seen(queueing, ago)->packets || low_of(queueing, ago) >= high_us))
		ago++;
	return ago;
}

bool queueing_stands(const Queueing *queueing)
{
	unsigned slices = queueing_standing(queueing), filled = 0, packets = 0, needed = 0;
	int64_t highest_us = 0;
	for (unsigned ago = 0; ago < slices; ago++) {
		const QueueingSlice *slice = seen(queueing, ago);
		filled += slice->packets > 0;
		packets += slice->packets;
		if (slice->packets)
			highest_us = MAX(highest_us, low_of(queueing, ago));
		if (!needed && packets >= STANDS_PACKETS && filled >= FILLED_MIN)
			needed = MAX(ago + 1, STANDS_SLICES);
	}
	if (!needed || slices < needed)
		return false;
	return (double)queueing_now_us(queueing) >= GOES_AWAY * (double)highest_us;
}

QueueingRate queueing_rate(const Queueing *queueing, unsigned slices)
{
	QueueingRate rate = { 0 };
	int64_t bytes = 0, came_us = (int64_t)slices * QUEUEING_SLICE_US +
				     (int32_t)(queueing->arrival_us - queueing->newest_us);
	const QueueingSlice *last = NULL, *before = NULL;
	for (unsigned ago = 0; ago < QUEUEING_SLICES; ago++) {
		const QueueingSlice *slice = seen(queueing, ago);
		if (ago <= slices) {
			bytes += slice->bytes;
			if (!last && slice->packets)
				last = slice;
		} else if (slice->packets) {
			before = slice;
			break;
		}
	}
	int64_t left_us = came_us;
	if (last && before) {
		left_us = (int32_t)(last->sent_us - before->sent_us);
		came_us = (int32_t)(last->came_us - before->came_us);
	}
	came_us = MAX(came_us, 1);
	rate.arrived_bps = bytes * 8000000 / came_us;
	rate.bps = bytes * 8000000 / MAX(came_us, left_us);
	rate.growing = (double)left_us < GROWING * (double)came_us;
	return rate;
}

void queueing_rebase(Queueing *queueing)
{
	queueing->base_us =
		(int32_t)((uint32_t)queueing->base_us + (uint32_t)queueing_now_us(queueing));
	for (unsigned i = 0; i < QUEUEING_LOWS; i++)
		queueing->lows_us[i] = queueing->base_us;
}
