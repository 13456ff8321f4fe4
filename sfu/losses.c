#include "losses.h"
#include <glib.h>

#define PART_US 500000       /* judged is a part of this length, or … */
#define PART_LONG_US 1500000 /* … of this where few packets go out */
#define PART_PACKETS 50
#define PART_PACKETS_MIN 10
#define SMOOTH 0.3
#define FORGET 0.15 /* of a habit, a part */
#define CALM 0.2    /* how fast it is learned */
#define CALM_MAX 0.3
#define MUCH 0.05          /* over the habit: worth a question */
#define TRY 0.25           /* … and worth sending less, to see */
#define HOPELESS 0.4       /* no picture survives that: send less without asking */
#define LOST_MIN 3         /* one is chance */
#define LOW_QUEUE_US 10000 /* stands, where much is lost … */
/* … and longer than a voice waits for one packet that has its turn. */
#define LOW_QUEUE_BYTES 1200
#define CHANCE_SIGMAS 2
#define EVIDENCE_MIN 4 /* losses */
#define EVIDENCE_MS 5
#define EVIDENCE_SIGMAS 3
#define QUEUE_MS_MAX 2000
#define LESS_SENT 0.85 /* enough to see a difference */
#define LESS_LOST 0.7  /* that is one */
#define LESS_PARTS 3   /* chance is not one */
#define TRIES_MAX 4

void losses_came(Losses *losses, int32_t queue_us)
{
	double ms = CLAMP(queue_us / 1000.0, 0, QUEUE_MS_MAX);
	losses->told++;
	losses->count++;
	losses->sum += ms;
	losses->squares += ms * ms;
	losses->last_ms = ms;
	losses->in_gap = false;
}

void losses_lost(Losses *losses)
{
	losses->told++;
	losses->news++;
	if (!losses->in_gap) {
		losses->lost_count++;
		losses->lost_sum += losses->last_ms;
	}
	losses->in_gap = true;
}

void losses_late(Losses *losses)
{
	losses->lost--;
}

/* Those just before a loss stood longer in a queue than chance would have it. sigma is that of a
 * mean of lost_count; compared are squares, so that no root is drawn. */
static bool comes_of_a_full_queue(const Losses *losses)
{
	if (losses->lost_count < EVIDENCE_MIN || losses->count < EVIDENCE_MIN)
		return false;
	double mean = losses->sum / losses->count;
	double variance = losses->squares / losses->count - mean * mean;
	double above = losses->lost_sum / losses->lost_count - mean - EVIDENCE_MS;
	return above > 0 && above * above * losses->lost_count >
				    EVIDENCE_SIGMAS * EVIDENCE_SIGMAS * MAX(variance, 0);
}

static void begin_part(Losses *losses, int64_t now_us)
{
	losses->told = 0;
	losses->lost = MIN(losses->lost, 0);
	losses->begun_us = now_us;
	losses->count /= 2;
	losses->sum /= 2;
	losses->squares /= 2;
	losses->lost_count /= 2;
	losses->lost_sum /= 2;
}

static bool is_whole(const Losses *losses, int64_t now_us)
{
	int64_t age_us = now_us - losses->begun_us;
	return losses->told >= PART_PACKETS_MIN &&
	       age_us >= (losses->told >= PART_PACKETS ? PART_US : PART_LONG_US);
}

/* Sends less until less goes out, and looks for some parts whether less is lost. If not, it is the
 * line's habit, and nothing is gained by sending less. */
static LossesVerdict try_less(Losses *losses, double loss, int64_t bps)
{
	if (!losses->trying) {
		losses->trying = true;
		losses->less = false;
		losses->tries = losses->less_parts = 0;
		losses->less_loss = 0;
		/* What is smoothed is late to tell of a line that has just become weak. */
		losses->tried_loss = MAX(losses->smoothed, MIN(loss, losses->earlier));
		losses->tried_bps = bps;
		return LOSSES_TRY;
	}
	if ((double)bps <= LESS_SENT * (double)losses->tried_bps) {
		if (!losses->less) {
			losses->less = true; /* half of this part is of before */
			return LOSSES_NONE;
		}
		losses->less_loss += loss;
		if (++losses->less_parts < LESS_PARTS)
			return LOSSES_NONE;
	} else if (++losses->tries < TRIES_MAX) {
		return LOSSES_TRY;
	}
	losses->trying = false;
	if (losses->less_parts &&
		losses->less_loss < LESS_LOST * losses->tried_loss * losses->less_parts)
		return LOSSES_FINE;
	losses->habit = losses->smoothed;
	return LOSSES_BACK;
}

/* More than before a queue was there, and than chance makes of that. */
static bool is_unusual(const Losses *losses, double loss)
{
	double usual = MAX(losses->habit, losses->calm), more = loss - usual - MUCH;
	return losses->lost >= LOST_MIN && more > 0 &&
	       more * more * losses->told > CHANCE_SIGMAS * CHANCE_SIGMAS * usual * (1 - usual);
}

static bool stands(int64_t queue_us, int64_t bps)
{
	return queue_us >= LOW_QUEUE_US && queue_us * bps >= LOW_QUEUE_BYTES * 8000000LL;
}

static LossesVerdict verdict(Losses *losses, double loss, int64_t queue_us, int64_t bps)
{
	bool queued = stands(queue_us, bps) || comes_of_a_full_queue(losses);
	if (queued && is_unusual(losses, loss))
		return LOSSES_FULL;
	if (!queued)
		losses->calm += CALM * (MIN(loss, CALM_MAX) - losses->calm);
	if (loss > HOPELESS && MAX(losses->smoothed, losses->earlier) > HOPELESS)
		return LOSSES_FULL;
	bool much = loss > losses->habit + TRY && losses->smoothed > losses->habit + TRY;
	return losses->trying || much ? try_less(losses, loss, bps) : LOSSES_FINE;
}

LossesVerdict losses_judge(Losses *losses, int64_t queue_us, int64_t bps, int64_t now_us)
{
	losses->lost += losses->held;
	losses->held = losses->news;
	losses->news = 0;
	if (!is_whole(losses, now_us))
		return LOSSES_NONE;
	double loss = CLAMP((double)losses->lost / losses->told, 0, 1);
	losses->earlier = losses->lately;
	losses->lately = loss;
	losses->smoothed += SMOOTH * (loss - losses->smoothed);
	if (losses->smoothed < losses->habit)
		losses->habit += FORGET * (losses->smoothed - losses->habit);
	LossesVerdict judged = verdict(losses, loss, queue_us, bps);
	begin_part(losses, now_us);
	return judged;
}
