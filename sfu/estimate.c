#include "estimate.h"
#include "losses.h"
#include "probe.h"
#include "queueing.h"

#define TOLD_CAME 0x8000 /* in SentPacket.bytes */
#define TOLD_LOST 0x4000
#define BYTES_MASK 0x3fff

#define TRY_LESS 0.7       /* to see whether loss goes with the rate */
#define LESS 0.95          /* of what arrives from a full line */
#define DECREASE_US 300000 /* between two of them, and the time there and back */
#define RTT_MAX_US 1000000
#define ACKED_SLICES 5     /* 500 ms */
#define STANDING_SLICES 10 /* … a second, where a queue stands so long */
#define NEWEST_SLICES 2    /* 200 ms */
#define MUCH_LOST 0.25
#define CARRIED_SLICES 10 /* a second without a queue: the line carries that */
#define CARRIED_LOSS 0.1
#define DRAIN_FROM_US 200000 /* a longer queue is drained by sending less still … */
#define DRAIN 0.6            /* … by so much at the most */
#define DRAIN_FULL_US 1000000
#define EPISODE_US 1000000 /* a queue that stays, for so long, though less is sent, is not ours */
#define EPISODE_RATE 0.9
#define EPISODE_QUEUE 0.8
#define SILENT_US 1000000
#define SILENT_PACKETS 10
#define OUTAGE_US 10000000 /* after one, what was lost in it has been told */
#define KNOWN_US 3000000   /* of feedback: something is known where nobody probes, too */
#define PRESUMED_MAX 256   /* packets between two feedbacks of which one was lost */

typedef struct SentPacket {
	uint32_t us;
	uint16_t number;
	uint16_t bytes; /* 0: none yet; and what was told of it */
} SentPacket;

struct Estimate {
	SentPacket sent[ESTIMATE_SENT]; /* by number modulo size */
	EstimateView view;
	Queueing queueing;
	Losses losses;
	Probe probe;
	int64_t rate_bps; /* what the line is thought to carry */
	int64_t first_heard_us;
	int64_t unheard_us; /* what goes out is not answered, since */
	int64_t rtt_us;
	int64_t decreased_us, calm_us; /* last time it was less; congested until */
	int64_t tried_bps;             /* the rate before less was tried against loss */
	struct {
		int64_t since_us, acked_bps, queue_us; /* the first decrease against a queue */
	} episode;
	int64_t outage_us; /* what went out before, when all was silent, says nothing */
	uint16_t next;     /* number to go out */
	uint16_t told;     /* the highest that feedback has told of */
	bool started, queued, full;
};

G_STATIC_ASSERT(sizeof(struct Estimate) <= 8192);
G_STATIC_ASSERT((ESTIMATE_SENT & (ESTIMATE_SENT - 1)) == 0);

Estimate *estimate_new(int64_t now_us)
{
	Estimate *estimate = g_new0(Estimate, 1);
	estimate->unheard_us = estimate->calm_us = now_us;
	estimate->losses.begun_us = estimate->queueing.low_since_us = now_us;
	estimate->decreased_us = now_us - DECREASE_US - RTT_MAX_US;
	return estimate;
}

void estimate_free(Estimate *estimate)
{
	g_free(estimate);
}

const EstimateView *estimate_view(const Estimate *estimate)
{
	return &estimate->view;
}

static SentPacket *sent_of(Estimate *estimate, uint16_t number)
{
	return &estimate->sent[number % ESTIMATE_SENT];
}

void estimate_sent(Estimate *estimate, uint16_t number, unsigned bytes, int64_t now_us)
{
	if (!estimate->started) {
		estimate->told = (uint16_t)(number - 1);
		estimate->probe.first = number;
	}
	if ((uint16_t)(estimate->next - 1) == estimate->told)
		estimate->unheard_us = now_us;
	*sent_of(estimate, number) = (SentPacket){
		.us = (uint32_t)now_us, .number = number, .bytes = (uint16_t)MIN(bytes, BYTES_MASK)
	};
	estimate->next = (uint16_t)(number + 1);
	estimate->started = true;
}

/* What went out under this number and is not known to have come; else NULL. */
static SentPacket *unknown(Estimate *estimate, uint16_t number)
{
	SentPacket *sent = sent_of(estimate, number);
	return sent->number == number && sent->bytes && !(sent->bytes & TOLD_CAME) ? sent : NULL;
}

/* A feedback that was lost: what it would have told of has most likely come. */
static void presume(Estimate *estimate, uint16_t first)
{
	uint16_t from = (uint16_t)(estimate->told + 1);
	if ((uint16_t)(first - from) > PRESUMED_MAX)
		return;
	for (uint16_t number = from; number != first; number++) {
		SentPacket *sent = unknown(estimate, number);
		if (!sent)
			continue;
		queueing_presume(&estimate->queueing, sent->bytes & BYTES_MASK);
		probe_presume(&estimate->probe, number, sent->bytes & BYTES_MASK);
		sent->bytes |= TOLD_CAME;
	}
}

static void hear_came(Estimate *estimate, SentPacket *sent, uint32_t arrival_us)
{
	unsigned bytes = sent->bytes & BYTES_MASK;
	int32_t queue_us = queueing_add(&estimate->queueing, sent->us, arrival_us, bytes);
	bool late = sent->bytes & TOLD_LOST;
	sent->bytes |= TOLD_CAME;
	if (late)
		probe_late(&estimate->probe, sent->number, bytes);
	else
		probe_came(&estimate->probe, sent->number, bytes, sent->us, arrival_us);
	if (probe_disturbs(&estimate->probe, sent->us))
		return;
	if (late)
		losses_late(&estimate->losses);
	else
		losses_came(&estimate->losses, queue_us);
}

static void hear_lost(Estimate *estimate, SentPacket *sent)
{
	if (sent->bytes & TOLD_LOST)
		return;
	probe_lost(&estimate->probe, sent->number, sent->bytes);
	sent->bytes |= TOLD_LOST;
	bool in_outage = (int32_t)(sent->us - (uint32_t)estimate->outage_us) < 0;
	if (!in_outage && !probe_disturbs(&estimate->probe, sent->us))
		losses_lost(&estimate->losses);
}

void estimate_repeated(Estimate *estimate, uint16_t number)
{
	SentPacket *sent = unknown(estimate, number);
	if (!sent)
		return;
	hear_lost(estimate, sent);
	sent->bytes = 0;
}

static void remember_told(Estimate *estimate, const SentPacket *sent, int64_t now_us)
{
	if ((uint16_t)(sent->number - estimate->told) >= 0x8000)
		return;
	estimate->told = sent->number;
	estimate->rtt_us = CLAMP((int32_t)((uint32_t)now_us - sent->us), 0, RTT_MAX_US);
}

/* Some packets are news; what feedback says of others is nothing. */
static bool hear(Estimate *estimate, const TwccFeedback *feedback, int64_t now_us)
{
	uint32_t arrival_us = (uint32_t)feedback->reference_ms * 1000;
	unsigned length = MIN(feedback->length, G_N_ELEMENTS(feedback->arrivals));
	bool news = false;
	if (length)
		presume(estimate, feedback->arrivals[0].number);
	for (unsigned i = 0; i < length; i++) {
		const TwccArrival *arrival = &feedback->arrivals[i];
		if (arrival->received)
			arrival_us += (uint32_t)arrival->delta_us;
		SentPacket *sent = unknown(estimate, arrival->number);
		if (!sent)
			continue;
		if (arrival->received)
			hear_came(estimate, sent, arrival_us);
		else
			hear_lost(estimate, sent);
		remember_told(estimate, sent, now_us);
		news = true;
	}
	return news;
}

static void set_rate(Estimate *estimate, double rate_bps)
{
	estimate->rate_bps =
		(int64_t)CLAMP(rate_bps, (double)ESTIMATE_RATE_MIN, (double)ESTIMATE_RATE_MAX);
}

/* Of what arrives from a line that is full. */
static void decrease(Estimate *estimate, int64_t acked_bps, int64_t now_us)
{
	double sent_bps =
		(double)acked_bps / (1 - MAX(estimate->losses.habit, estimate->losses.calm));
	if (now_us - estimate->decreased_us < DECREASE_US + estimate->rtt_us)
		return;
	estimate->decreased_us = now_us;
	estimate->view.known = true;
	if (!estimate->rate_bps || LESS * sent_bps < (double)estimate->rate_bps)
		set_rate(estimate, LESS * sent_bps);
}

/* Less is sent for a while, as much comes as is sent, and the queue stays as it is. */
static bool is_not_ours(
	Estimate *estimate, const QueueingRate *acked, int64_t queue_us, int64_t now_us)
{
	if (!estimate->episode.since_us) {
		estimate->episode.since_us = now_us;
		estimate->episode.acked_bps = acked->arrived_bps;
		estimate->episode.queue_us = queue_us;
		return false;
	}
	return now_us - estimate->episode.since_us >= EPISODE_US && !acked->growing &&
	       (double)acked->arrived_bps < EPISODE_RATE * (double)estimate->episode.acked_bps &&
	       (double)queue_us > EPISODE_QUEUE * (double)estimate->episode.queue_us;
}

static void judge_queue(Estimate *estimate, const QueueingRate *acked, int64_t now_us)
{
	int64_t queue_us = queueing_now_us(&estimate->queueing);
	bool stands = queueing_stands(&estimate->queueing);
	if (stands && is_not_ours(estimate, acked, queue_us, now_us)) {
		queueing_rebase(&estimate->queueing);
		stands = false;
	}
	if (stands) {
		/* Only since it stands is the line known to be full. */
		unsigned slices = queueing_standing(&estimate->queueing);
		QueueingRate full =
			queueing_rate(&estimate->queueing, CLAMP(slices, 4, STANDING_SLICES) - 1);
		decrease(estimate, full.arrived_bps, now_us);
	}
	/* Once it stood it is to drain. */
	queue_us = queueing_now_us(&estimate->queueing);
	estimate->queued =
		stands || (estimate->queued && queue_us >= queueing_high_us(&estimate->queueing));
	if (!estimate->queued)
		estimate->episode.since_us = 0;
	estimate->view.queue_us = queue_us;
}

/* Of a line that loses for being full. Where that is much, all that comes is what it carries, and
 * the newest says it best; where it is little, a burst may have met a short queue. */
static int64_t carried_bps(const Estimate *estimate, const QueueingRate *acked)
{
	const Losses *losses = &estimate->losses;
	int64_t bps = acked->arrived_bps;
	if (losses->lately > MUCH_LOST)
		bps = MIN(bps, queueing_rate(&estimate->queueing, NEWEST_SLICES).arrived_bps);
	/* Where nothing comes any more, what came last says nothing. */
	return MIN(bps, (int64_t)((1 - losses->smoothed) * (double)estimate->rate_bps));
}

static void judge_losses(Estimate *estimate, const QueueingRate *acked, int64_t now_us)
{
	Losses *losses = &estimate->losses;
	double sent_bps = (double)acked->bps / (1 - MIN(losses->smoothed, 0.9));
	switch (losses_judge(losses, estimate->view.queue_us, (int64_t)sent_bps, now_us)) {
	case LOSSES_NONE:
		break;
	case LOSSES_FULL:
		estimate->full = true;
		decrease(estimate, carried_bps(estimate, acked), now_us);
		break;
	case LOSSES_TRY:
		estimate->full = false;
		estimate->tried_bps = MAX(estimate->tried_bps, estimate->rate_bps);
		/* Of what is sent, so that a rung falls; should it be in vain, all is as before. */
		set_rate(estimate, TRY_LESS * MIN(sent_bps, (double)estimate->rate_bps));
		break;
	case LOSSES_BACK:
		set_rate(estimate, (double)MAX(estimate->tried_bps, estimate->rate_bps));
		/* fall through */
	case LOSSES_FINE:
		estimate->full = false;
		estimate->tried_bps = 0;
		break;
	}
	estimate->view.loss = losses->smoothed;
}

/* What the line carries it carries; that little is sent lowers nothing. */
static void judge_carried(Estimate *estimate)
{
	if (estimate->queued || estimate->full || estimate->losses.smoothed > CARRIED_LOSS ||
		estimate->view.queue_us >= queueing_high_us(&estimate->queueing) ||
		!estimate->view.known)
		return;
	QueueingRate carried = queueing_rate(&estimate->queueing, CARRIED_SLICES);
	if (carried.bps > estimate->rate_bps)
		set_rate(estimate, (double)carried.bps);
}

static void judge_probe(Estimate *estimate, int64_t now_us)
{
	int64_t bps =
		probe_judge(&estimate->probe, estimate->told, estimate->losses.smoothed, now_us);
	if (bps > estimate->rate_bps)
		set_rate(estimate, (double)bps);
	/* A line that failed at the start gets its pictures when its queue is empty again. */
	bool empty = estimate->view.queue_us < queueing_high_us(&estimate->queueing);
	if (!probe_is_starting(&estimate->probe) && estimate->view.heard_us && empty)
		estimate->view.known = true;
}

static void tell(Estimate *estimate, int64_t now_us)
{
	EstimateView *view = &estimate->view;
	view->congested = estimate->queued || estimate->full;
	if (view->congested) {
		estimate->calm_us = now_us + PROBE_CALM_US;
		probe_stop(&estimate->probe, now_us);
	}
	double share = 0;
	if (estimate->queued && view->queue_us > DRAIN_FROM_US)
		share = MIN((double)(view->queue_us - DRAIN_FROM_US) / DRAIN_FULL_US, DRAIN);
	view->rate_bps = view->known ? (int64_t)((1 - share) * (double)estimate->rate_bps) : 0;
}

void estimate_feedback(Estimate *estimate, const TwccFeedback *feedback, int64_t now_us)
{
	EstimateView *view = &estimate->view;
	/* For long it means nothing: times wrap. */
	if (view->silent || now_us - estimate->outage_us > OUTAGE_US)
		estimate->outage_us = view->silent ? now_us : now_us - OUTAGE_US;
	if (!hear(estimate, feedback, now_us))
		return;
	if (!view->heard_us)
		estimate->first_heard_us = now_us;
	view->heard_us = estimate->unheard_us = now_us;
	view->rtt_us = estimate->rtt_us;
	view->silent = false;
	queueing_age(&estimate->queueing, now_us);
	QueueingRate acked = queueing_rate(&estimate->queueing, ACKED_SLICES);
	view->acked_bps = acked.arrived_bps;
	judge_queue(estimate, &acked, now_us);
	judge_losses(estimate, &acked, now_us);
	judge_probe(estimate, now_us);
	if (!view->known && now_us - estimate->first_heard_us >= KNOWN_US) {
		view->known = true;
		if (!estimate->rate_bps)
			set_rate(estimate, (double)acked.arrived_bps);
	}
	judge_carried(estimate);
	tell(estimate, now_us);
}

void estimate_tick(Estimate *estimate, int64_t now_us)
{
	uint16_t unanswered = (uint16_t)(estimate->next - 1 - estimate->told);
	bool silent = estimate->view.heard_us && unanswered >= SILENT_PACKETS &&
		      now_us - estimate->unheard_us >= SILENT_US;
	estimate->view.silent = silent;
	probe_expire(&estimate->probe, now_us);
	tell(estimate, now_us);
}

static int64_t bytes_since(Estimate *estimate, uint16_t first)
{
	int64_t bytes = 0;
	unsigned count = MIN((uint16_t)(estimate->next - first), ESTIMATE_SENT);
	for (unsigned i = 0; i < count; i++) {
		const SentPacket *sent = sent_of(estimate, (uint16_t)(first + i));
		if (sent->number == (uint16_t)(first + i))
			bytes += sent->bytes & BYTES_MASK;
	}
	return bytes;
}

bool estimate_is_probing(const Estimate *estimate)
{
	return estimate->probe.state == PROBE_SENDING;
}

int64_t estimate_probe_bytes(Estimate *estimate, int64_t want_bps, int64_t now_us)
{
	Probe *probe = &estimate->probe;
	if (want_bps <= 0 || estimate->view.silent)
		return 0;
	if (now_us >= estimate->calm_us)
		probe_begin(probe, MIN(want_bps, ESTIMATE_RATE_MAX), estimate->rate_bps,
			estimate->next, now_us);
	if (probe->state != PROBE_SENDING)
		return 0;
	return probe_due(
		probe, bytes_since(estimate, probe->first), (uint16_t)(estimate->next - 1), now_us);
}
