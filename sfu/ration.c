#include "ration.h"
#include "pick.h"

#define DEAF_US 2000000   /* a browser's first feedback comes within 250 ms */
#define REPORTS_BPS 2500  /* RTCP: a report a second of each slot that is in use */
#define STILLS_BPS 60000  /* all that stills may take */
#define PACE_MIN_BPS 8000 /* a still comes in the end */
#define CREDIT_US 30000   /* what may leave at once, after a rest … */
/* … and at least so many bytes: no second packet follows a large one, of which each stands 150 ms
 * in front of the voice at 64 kbit/s. */
#define CREDIT_MIN 300
#define AFFORD_US 1200000  /* a past that takes longer to send is not worth it */
#define LINE_SHARE 0.9     /* of its rate, so that a queue drains … */
#define TURNING_SHARE 0.95 /* … and more of it for a slide that was turned … */
#define TURNING_US 250000  /* … as long as somebody says that it is on its way */

enum { RUNG_STILLS = 1, RUNG_VOICE = 2, RUNG_SMALL = 3, RUNG_SLIDES = 4, RUNG_MIDDLE = 5 };

void ration_init(Ration *ration, bool measured, int64_t now_us)
{
	*ration = (Ration){ .cap = RATION_TOP, .ceiling = RATION_TOP };
	ladder_init(&ration->ladder, now_us);
	if (measured)
		ration->estimate = estimate_new(now_us);
}

void ration_clear(Ration *ration)
{
	g_clear_pointer(&ration->estimate, estimate_free);
}

void ration_limit(Ration *ration, unsigned rung)
{
	ration->cap = MIN(rung, RATION_TOP);
}

void ration_ceiling(Ration *ration, unsigned rung)
{
	ration->ceiling = MIN(rung, RATION_TOP);
}

static unsigned cap_of(const Ration *ration)
{
	return MIN(ration->cap, ration->ceiling);
}

/* -- what the line tells -- */

/* NULL: it tells nothing. */
static const EstimateView *view_of(const Ration *ration)
{
	if (ration->estimate)
		return ration->deaf ? NULL : estimate_view(ration->estimate);
	return ration->remb.view.known ? &ration->remb.view : NULL;
}

static bool is_judged(const Ration *ration)
{
	return view_of(ration) != NULL;
}

static int64_t rate_of(const Ration *ration)
{
	const EstimateView *view = view_of(ration);
	return view ? view->rate_bps : 0;
}

static unsigned rung_of(const Ration *ration)
{
	return is_judged(ration) ? ration->ladder.rung : cap_of(ration);
}

void ration_sent(Ration *ration, int32_t number, unsigned len, int64_t now_us)
{
	if (!ration->estimate)
		remb_sent(&ration->remb, len + RATION_IP_BYTES);
	if (!ration->estimate || number < 0)
		return;
	if (!ration->began_us)
		ration->began_us = now_us;
	estimate_sent(ration->estimate, (uint16_t)number, len + RATION_IP_BYTES, now_us);
}

void ration_repeated(Ration *ration, int32_t number)
{
	if (ration->estimate && number >= 0)
		estimate_repeated(ration->estimate, (uint16_t)number);
}

void ration_feedback(Ration *ration, const TwccFeedback *feedback, int64_t now_us)
{
	if (!ration->estimate)
		return;
	estimate_feedback(ration->estimate, feedback, now_us);
	ration->deaf = ration->deaf && !estimate_view(ration->estimate)->heard_us;
}

void ration_remb(Ration *ration, uint64_t rate_bps, int64_t now_us)
{
	if (!ration->estimate)
		remb_heard(&ration->remb, rate_bps, now_us);
}

void ration_lost(Ration *ration, uint8_t fraction_lost)
{
	remb_lost(&ration->remb, fraction_lost);
}

/* -- the ladder -- */

/* The rung from which on it moves. */
static unsigned rung_to_move(SlotName slot, const Track *track)
{
	static const unsigned rungs[] = {
		[TRACK_SMALL] = RUNG_SMALL, [TRACK_MIDDLE] = RUNG_MIDDLE, [TRACK_LARGE] = RATION_TOP
	};
	return slot == SLOT_SLIDES ? RUNG_SLIDES : rungs[track->weight];
}

static unsigned rungs_of(const RationScene *scene, int64_t now_us)
{
	unsigned rungs = 1u << RATION_TOP;
	for (const Track *layer = scene->main; layer; layer = layer->higher)
		if (!scene->main->higher || track_is_alive(layer, now_us))
			rungs |= 1u << rung_to_move(SLOT_MAIN, layer);
	if (scene->slides)
		rungs |= 1u << RUNG_SLIDES;
	return rungs;
}

/* Opus at 24 kbit/s on the wire, IP and all, with so many packets of the past in each. */
static int64_t voice_bps(bool joined, unsigned redundancy)
{
	return (joined ? 38000 : 51000) + (int64_t)redundancy * 26000;
}

/* As much as the loss asks for and the line has room for. */
static void guard_voice(Ration *ration, double loss, int64_t now_us)
{
	ration->redundancy = redundancy_choose(&ration->guard, loss, now_us);
	int64_t room = (int64_t)((double)rate_of(ration) * LINE_SHARE);
	while (ration->redundancy && voice_bps(ration_joins(ration), ration->redundancy) > room)
		ration->redundancy--;
}

static void climb(
	Ration *ration, const EstimateView *view, const RationScene *scene, int64_t now_us)
{
	const LadderInput input = {
		.rate_bps = view->rate_bps,
		.congested = view->congested,
		.silent = view->silent,
		.loss = view->loss,
		.cap = cap_of(ration),
		.available = rungs_of(scene, now_us),
	};
	ladder_tick(&ration->ladder, &input, now_us);
	guard_voice(ration, view->loss, now_us);
}

bool ration_tick(Ration *ration, const RationScene *scene, int64_t now_us)
{
	RationNews before = ration_news(ration);
	if (ration->estimate) {
		estimate_tick(ration->estimate, now_us);
		const EstimateView *view = estimate_view(ration->estimate);
		climb(ration, view, scene, now_us);
		if (ration->began_us && now_us - ration->began_us > DEAF_US && !view->heard_us)
			ration->deaf = true;
	} else {
		const Ladder *ladder = &ration->ladder;
		remb_tick(&ration->remb, ladder_leave_bps(ladder->rung), ladder->next_bps, now_us);
		if (is_judged(ration))
			climb(ration, view_of(ration), scene, now_us);
	}
	if (is_judged(ration) && !view_of(ration)->known)
		return false; /* nobody is told of a weak line before it is measured */
	RationNews news = ration_news(ration);
	bool moved = !ration->told || news.rung != before.rung || news.why != before.why;
	ration->told = true;
	return moved;
}

void ration_hurry(Ration *ration, int64_t now_us)
{
	int64_t since_us = now_us - ration->hurried_us;
	if (!is_judged(ration) || ration->ladder.rung >= RUNG_SMALL)
		return;
	ration->turning_us = now_us;
	if (!ration->hurried_us || since_us >= RATION_HURRY_EVERY_US)
		ration->hurried_us = now_us;
	else if (since_us >= RATION_HURRY_US)
		return;
	ration->redundancy = 0;
}

static bool is_turning(const Ration *ration, int64_t now_us)
{
	return ration->turning_us && now_us - ration->turning_us < TURNING_US;
}

int64_t ration_probe(Ration *ration, int64_t now_us)
{
	if (!ration->estimate || ration->deaf || !ration->ladder.want_bps)
		return 0;
	if (is_turning(ration, now_us) && !estimate_is_probing(ration->estimate))
		return 0; /* the slide has the line to itself */
	return estimate_probe_bytes(ration->estimate, ration->ladder.want_bps, now_us);
}

RationNews ration_news(const Ration *ration)
{
	static const char *const words[] = { [LADDER_LINE] = "line",
		[LADDER_LOSS] = "loss",
		[LADDER_CAP] = "cap",
		[LADDER_TOP] = "top" };
	RationNews news = { .rung = rung_of(ration), .why = "unknown", .rtt_ms = -1 };
	const EstimateView *view = view_of(ration);
	if (!view) {
		news.why = cap_of(ration) < RATION_TOP ? "cap" : "unknown";
		return news;
	}
	news.why = words[ration->ladder.why];
	news.rate_bps = view->rate_bps;
	news.loss_percent = (unsigned)(view->loss * 100 + 0.5);
	news.rtt_ms = view->rtt_us ? (int)(view->rtt_us / 1000) : -1;
	return news;
}

/* -- what is shown -- */

RationPicture ration_picture(
	const Ration *ration, SlotName slot, Track *lowest, int64_t now_us, unsigned *layer)
{
	unsigned rung = rung_of(ration);
	bool moves = false;
	for (const Track *track = lowest; track; track = track->higher) {
		if (rung < rung_to_move(slot, track))
			continue;
		*layer = track->layer;
		moves = true;
	}
	/* What may move does not come, and what comes may not. */
	const Track *best = moves ? pick_layer(lowest, *layer, now_us) : NULL;
	if (best && best->layer > *layer)
		moves = false;
	return moves ? RATION_MOVES : rung >= RUNG_STILLS ? RATION_STILLS : RATION_NOTHING;
}

bool ration_joins(const Ration *ration)
{
	return is_judged(ration) && ration->ladder.rung < RUNG_VOICE;
}

bool ration_is_paced(const Ration *ration)
{
	return is_judged(ration) && ration->ladder.rung < RATION_TOP;
}

static int64_t pace_of(const Ration *ration, int64_t now_us)
{
	double share = is_turning(ration, now_us) ? TURNING_SHARE : LINE_SHARE;
	int64_t rate = (int64_t)((double)rate_of(ration) * share) - REPORTS_BPS -
		       voice_bps(ration_joins(ration), ration->redundancy);
	if (ration->ladder.rung < RUNG_SMALL)
		rate = MIN(rate, STILLS_BPS);
	return MAX(rate, PACE_MIN_BPS);
}

bool ration_may_send(Ration *ration, int64_t now_us)
{
	if (!ration_is_paced(ration))
		return true;
	int64_t pace = pace_of(ration, now_us);
	int64_t most = MAX(pace * CREDIT_US / 8000000, CREDIT_MIN);
	int64_t since_us = CLAMP(now_us - ration->filled_us, 0, 1000000);
	int64_t bytes = pace * since_us / 8000000;
	ration->credit = MIN(ration->credit + bytes, most);
	ration->filled_us =
		now_us - (since_us - bytes * 8000000 / pace); /* no part of one is lost */
	return ration->credit > 0;
}

void ration_spend(Ration *ration, unsigned len)
{
	if (ration_is_paced(ration))
		ration->credit -= len + SEAL_TAG_MAX + RATION_IP_BYTES;
}

bool ration_affords(const Ration *ration, uint64_t bytes, int64_t now_us)
{
	return !ration_is_paced(ration) ||
	       (int64_t)bytes * 8 * 1000000 / pace_of(ration, now_us) <= AFFORD_US;
}
