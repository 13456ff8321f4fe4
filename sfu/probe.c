#include "probe.h"
#include <glib.h>

#define SHORTEST_US 20000
#define LEAST 600 /* bytes: some packet for each third */
#define LONGEST_US 300000
#define QUEUE_US 60000     /* as long a burst as makes no longer a queue, should it fail */
#define LEAD_US 5000       /* handed out ahead of time, at least … */
#define LEAD_MAX_US 25000  /* … and until it will most likely be asked again */
#define UNHEARD_US 2000000 /* after its end: no word of it will come */
/* Of the target, which is LADDER_PROBE (1.2) times the rate that enters a rung: what has gone
 * through enters it. */
#define GONE_THROUGH 0.84
#define LOST_FIRST 0.35    /* of a burst, is chance where nothing is known of the line … */
#define LOST_MORE 0.08     /* … else this and twice of what is usual */
#define STRETCHED_US 10000 /* the queue grew by more: what was lost had no room */
#define LEVEL_US 3000      /* it grew by no more: all of the burst went through */
#define AGAIN_US 3000000   /* after one that has gone through … */
#define SPOILT_US 500000   /* … one that tells nothing, and a step that is taken again */
/* Of the target: a line of 100 kbit/s has less, and is asked no third time. */
#define STEP_AGAIN 0.4
#define SHADOW_US 1000000 /* a queue that it filled is empty again */

/* A line of 100 kbit/s must not get more than 4 KB at once in front of its voice, a good one is at
 * the top half a second after it was first heard of. */
static const struct {
	int64_t bps, us;
} steps[] = { { 300000, 100000 }, { 1000000, 60000 }, { 2400000, 50000 } };

static void finish(Probe *probe, int64_t wait_us, int64_t now_us)
{
	probe->state = PROBE_IDLE;
	probe->after_us = now_us + wait_us;
}

bool probe_is_starting(const Probe *probe)
{
	return probe->step < G_N_ELEMENTS(steps);
}

static void wait_longer(Probe *probe, int64_t now_us)
{
	double wait_us = PROBE_WAIT_US;
	for (unsigned i = 0; i < probe->failures && wait_us < PROBE_WAIT_MAX_US; i++)
		wait_us *= 1.5;
	finish(probe, (int64_t)MIN(wait_us, PROBE_WAIT_MAX_US), now_us);
	probe->failures++;
}

void probe_begin(Probe *probe, int64_t want_bps, int64_t rate_bps, uint16_t next, int64_t now_us)
{
	if (probe->state != PROBE_IDLE || now_us < probe->after_us)
		return;
	if (probe_is_starting(probe)) {
		probe->target_bps = MIN(want_bps, steps[probe->step].bps);
		probe->lasts_us = steps[probe->step].us;
	} else {
		double excess = (double)(want_bps - rate_bps);
		if (excess <= 0)
			return;
		double lasts_us = QUEUE_US * (double)rate_bps / excess;
		probe->target_bps = want_bps;
		probe->lasts_us = (int64_t)CLAMP(lasts_us, SHORTEST_US, LONGEST_US);
	}
	probe->planned = MAX(probe->target_bps * probe->lasts_us / 8000000, LEAST);
	probe->state = PROBE_SENDING;
	probe->started_us = now_us;
	probe->first = next;
	probe->from_us = probe->until_us = (uint32_t)now_us;
	probe->seen = probe->came = probe->took_us = 0;
	probe->end = next;
	probe->waited = false;
	for (unsigned i = 0; i < G_N_ELEMENTS(probe->marks); i++)
		probe->marks[i] = (ProbeMark){ 0 };
}

int64_t probe_due(Probe *probe, int64_t sent, uint16_t last, int64_t now_us)
{
	if (probe->state != PROBE_SENDING)
		return 0;
	int64_t age_us = now_us - probe->started_us;
	if (sent >= probe->planned || age_us > 2 * LONGEST_US) {
		probe->state = PROBE_SENT;
		probe->last = last;
		return 0;
	}
	/* Asked but each 20 ms, it would hand the last out late, and a burst that we drew out
	 * ourselves tells of a lower rate than it was to try. */
	int64_t lead_us = CLAMP(age_us - probe->took_us, LEAD_US, LEAD_MAX_US);
	int64_t due = probe->target_bps * (age_us + lead_us) / 8000000;
	probe->took_us = age_us;
	probe->until_us = (uint32_t)(now_us + SHADOW_US);
	return MAX(MIN(due, probe->planned) - sent, 0);
}

static bool is_part(const Probe *probe, uint16_t number)
{
	uint16_t ahead = (uint16_t)(number - probe->first);
	return probe->state != PROBE_IDLE && ahead < 0x8000 && probe->seen < probe->planned;
}

static void see(Probe *probe, uint16_t number, unsigned bytes)
{
	probe->seen += bytes;
	probe->end = number;
}

/* How much longer the one at `to` was on its way. */
static int32_t grew_us(const ProbeMark *from, const ProbeMark *to)
{
	return (int32_t)((to->arrival_us - to->sent_us) - (from->arrival_us - from->sent_us));
}

void probe_came(
	Probe *probe, uint16_t number, unsigned bytes, uint32_t sent_us, uint32_t arrival_us)
{
	if (!is_part(probe, number))
		return;
	ProbeMark *mark = &probe->marks[MIN(probe->seen * 3 / probe->planned, 2)];
	see(probe, number, bytes);
	probe->came += bytes;
	const ProbeMark here = { .seen = probe->seen,
		.came = probe->came,
		.sent_us = sent_us,
		.arrival_us = arrival_us,
		.set = true };
	if (!mark->set || grew_us(mark, &here) <= 0)
		*mark = here;
}

void probe_lost(Probe *probe, uint16_t number, unsigned bytes)
{
	if (is_part(probe, number))
		see(probe, number, bytes);
}

void probe_late(Probe *probe, uint16_t number, unsigned bytes)
{
	if ((uint16_t)(number - probe->first) <= (uint16_t)(probe->end - probe->first))
		probe->came += bytes;
}

void probe_presume(Probe *probe, uint16_t number, unsigned bytes)
{
	if (!is_part(probe, number))
		return;
	see(probe, number, bytes);
	probe->came += bytes;
}

bool probe_disturbs(const Probe *probe, uint32_t sent_us)
{
	return (int32_t)(sent_us - probe->from_us) >= 0 && (int32_t)(probe->until_us - sent_us) > 0;
}

/* Bytes over time, from mark to mark. What was lost counts where the line loses at random: it had
 * its turn. A burst of few packets is told more surely by whether a queue grew at all. */
static int64_t measured(const Probe *probe, double loss)
{
	const ProbeMark *from = &probe->marks[0], *to = &probe->marks[2];
	int64_t arrived_us = (int32_t)(to->arrival_us - from->arrival_us);
	int64_t left_us = (int32_t)(to->sent_us - from->sent_us);
	int32_t more_us = grew_us(from, to);
	double lost = 1 - (double)probe->came / (double)probe->seen;
	double lost_max = probe_is_starting(probe) ? LOST_FIRST : LOST_MORE + 2 * loss;
	bool by_chance = more_us <= STRETCHED_US && lost <= lost_max;
	int64_t bytes = by_chance ? to->seen - from->seen : to->came - from->came;
	int64_t bps = bytes * 8000000 / MAX(MAX(arrived_us, left_us), 1);
	if (by_chance && more_us <= LEVEL_US)
		bps = MAX(bps, probe->planned * 8000000 / MAX(probe->took_us, probe->lasts_us));
	return MIN(bps, probe->target_bps);
}

/* There is something to compare, and the first packets did not wait for a busy processor. */
static bool is_sound(const Probe *probe)
{
	const ProbeMark *from = &probe->marks[0], *to = &probe->marks[2];
	return from->set && to->set && grew_us(from, to) > -STRETCHED_US;
}

/* A step that goes through leads to the next; the start is over with one that does not though it
 * was taken again, and with what was wanted. A browser that has just begun is busy. */
static void conclude(Probe *probe, int64_t bps, int64_t now_us)
{
	bool through = (double)bps >= GONE_THROUGH * (double)probe->target_bps;
	if (probe_is_starting(probe) && !through && !probe->again &&
		(!probe->step || (double)bps >= STEP_AGAIN * (double)probe->target_bps)) {
		probe->again = true;
		finish(probe, SPOILT_US, now_us);
		return;
	}
	/* A line that took some of it is well enough to be asked again soon. */
	bool soon = probe_is_starting(probe) &&
		    (probe->step > 0 || (double)bps >= STEP_AGAIN * (double)probe->target_bps);
	if (probe_is_starting(probe) && through && probe->target_bps >= steps[probe->step].bps) {
		probe->step++;
		probe->again = false;
	} else {
		probe->step = G_N_ELEMENTS(steps);
	}
	if (!through) {
		if (soon)
			finish(probe, SPOILT_US, now_us);
		else
			wait_longer(probe, now_us);
		return;
	}
	finish(probe, probe_is_starting(probe) ? 0 : AGAIN_US, now_us);
	probe->failures = 0;
}

int64_t probe_judge(Probe *probe, uint16_t told, double loss, int64_t now_us)
{
	if (probe->state == PROBE_IDLE)
		return 0;
	bool all = probe->state == PROBE_SENT && (uint16_t)(told - probe->last) < 0x8000;
	if (!all && probe->seen < probe->planned)
		return 0;
	if (probe->came < probe->seen && !probe->waited) {
		probe->waited = true; /* what seems lost may come with the next feedback */
		return 0;
	}
	if (is_sound(probe)) {
		int64_t bps = measured(probe, loss);
		conclude(probe, bps, now_us);
		return bps;
	}
	if (probe->came > probe->seen / 2) /* then a feedback or the processor was to blame */
		finish(probe, SPOILT_US, now_us);
	else
		conclude(probe, 0, now_us);
	return 0;
}

void probe_expire(Probe *probe, int64_t now_us)
{
	if (probe->state != PROBE_IDLE && now_us - probe->started_us >= 2 * LONGEST_US + UNHEARD_US)
		wait_longer(probe, now_us);
}

void probe_stop(Probe *probe, int64_t now_us)
{
	if (probe->state != PROBE_IDLE)
		wait_longer(probe, now_us);
	probe->step = G_N_ELEMENTS(steps);
}
