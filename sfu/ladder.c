#include "ladder.h"
#include <glib.h>
#include <string.h>

#define LONG_AGO_US (INT64_MIN / 2)
#define FIT 0.9          /* of the rate, while the line is congested */
#define SILENT_RUNG 2    /* no pictures into a line of which nothing is heard */
#define ALWAYS_THERE 0x7 /* rungs 0 to 2 */
#define MUCH_LOSS 0.05   /* what a person is told of */

/* The table of the ladder. */
static const struct {
	int64_t leave_bps, enter_bps;
} rungs[LADDER_RUNGS] = {
	{ 0, 0 },
	{ 46000, 54000 },
	{ 110000, 150000 },
	{ 180000, 260000 },
	{ 420000, 560000 },
	{ 750000, 950000 },
	{ 1500000, 1900000 },
};

int64_t ladder_leave_bps(unsigned rung)
{
	return rungs[MIN(rung, LADDER_RUNGS - 1)].leave_bps;
}

int64_t ladder_enter_bps(unsigned rung)
{
	return rungs[MIN(rung, LADDER_RUNGS - 1)].enter_bps;
}

void ladder_init(Ladder *ladder, int64_t now_us)
{
	*ladder = (Ladder){ .since_us = now_us, .changed_us = LONG_AGO_US, .fresh = true };
	for (unsigned i = 0; i < LADDER_RUNGS; i++) {
		ladder->left_us[i] = ladder->failed_us[i] = ladder->locked_us[i] = LONG_AGO_US;
		for (unsigned n = 0; n < LADDER_ENTRIES; n++)
			ladder->entered_us[i][n] = LONG_AGO_US;
	}
}

static unsigned available_of(const LadderInput *input)
{
	return (input->available & LADDER_ALL) | ALWAYS_THERE;
}

static unsigned highest_of(unsigned available, unsigned cap)
{
	unsigned rung = MIN(cap, LADDER_RUNGS - 1);
	while (!(available >> rung & 1))
		rung--;
	return rung;
}

/* The next one there is, LADDER_RUNGS if none is. */
static unsigned next_of(unsigned available, unsigned rung)
{
	do
		rung++;
	while (rung < LADDER_RUNGS && !(available >> rung & 1));
	return rung;
}

static double wanted_bps(unsigned rung)
{
	return LADDER_PROBE * (double)rungs[rung].enter_bps;
}

static void change(Ladder *ladder, unsigned rung, int64_t now_us)
{
	ladder->climbed = rung > ladder->rung;
	ladder->rung = rung;
	ladder->since_us = ladder->changed_us = now_us;
}

/* The line took the rung away. */
static void fall(Ladder *ladder, unsigned rung, int64_t now_us)
{
	unsigned from = ladder->rung;
	if (ladder->climbed && now_us - ladder->changed_us < LADDER_STAY_US) {
		if (now_us - ladder->failed_us[from] <= LADDER_AGAIN_US)
			ladder->locked_us[from] = now_us + LADDER_LOCK_US;
		ladder->failed_us[from] = now_us;
	}
	for (unsigned i = rung + 1; i <= from; i++)
		ladder->left_us[i] = now_us;
	ladder->fresh = false;
	change(ladder, rung, now_us);
}

static void go_down(Ladder *ladder, const LadderInput *input, int64_t now_us)
{
	unsigned available = available_of(input);
	if (ladder->rung > ladder->top || !(available >> ladder->rung & 1))
		change(ladder, highest_of(available, MIN(ladder->rung, ladder->top)), now_us);
	if (input->silent) {
		if (ladder->rung > SILENT_RUNG)
			change(ladder, SILENT_RUNG, now_us);
		/* What it carried before, it carries again, until it shows that it does not. */
		ladder->fresh = true;
		ladder->changed_us = LONG_AGO_US;
		return;
	}
	double rate_bps = (double)input->rate_bps * (input->congested ? FIT : 1);
	unsigned rung = ladder->rung;
	while (rung && (double)rungs[rung].leave_bps > rate_bps)
		rung = highest_of(available, rung - 1);
	if (rung < ladder->rung)
		fall(ladder, rung, now_us);
}

/* One step up, of a line that has fallen before. */
static void enter(Ladder *ladder, unsigned rung, int64_t now_us)
{
	int64_t *entered_us = ladder->entered_us[rung];
	memmove(entered_us, entered_us + 1, (LADDER_ENTRIES - 1) * sizeof *entered_us);
	entered_us[LADDER_ENTRIES - 1] = now_us;
	ladder->locked_us[rung] = MAX(ladder->locked_us[rung], entered_us[0] + LADDER_ENTRIES_US);
}

static bool may_enter(const Ladder *ladder, unsigned rung, int64_t rate_bps, int64_t now_us)
{
	if (rung > ladder->top || rate_bps < rungs[rung].enter_bps ||
		now_us < ladder->locked_us[rung])
		return false;
	return now_us - ladder->left_us[rung] >= LADDER_STAY_US ||
	       (double)rate_bps >= wanted_bps(rung);
}

static void go_up(Ladder *ladder, const LadderInput *input, int64_t now_us)
{
	unsigned available = available_of(input), rung = ladder->rung;
	if (input->silent || input->congested || !input->rate_bps ||
		(!ladder->fresh && now_us - ladder->changed_us < LADDER_UP_US))
		return;
	if (!ladder->known_us)
		ladder->known_us = now_us;
	for (unsigned next; next = next_of(available, rung),
			    may_enter(ladder, next, input->rate_bps, now_us);) {
		rung = next;
		if (!ladder->fresh)
			break;
	}
	if (rung > ladder->rung) {
		if (!ladder->fresh)
			enter(ladder, rung, now_us);
		change(ladder, rung, now_us);
	}
	ladder->fresh &= now_us - ladder->known_us < LADDER_START_US;
}

static void look_for_more(Ladder *ladder, const LadderInput *input, int64_t now_us)
{
	unsigned next = next_of(available_of(input), ladder->rung);
	ladder->want_bps = ladder->next_bps = 0;
	if (next > ladder->top || input->silent || now_us < ladder->locked_us[next])
		return;
	ladder->next_bps = rungs[next].enter_bps;
	ladder->want_bps = (int64_t)wanted_bps(input->rate_bps ? next : ladder->top);
}

static LadderWhy reason(const Ladder *ladder, const LadderInput *input)
{
	if (ladder->rung < ladder->top)
		return input->loss >= MUCH_LOSS ? LADDER_LOSS : LADDER_LINE;
	bool capped = next_of(available_of(input), ladder->rung) < LADDER_RUNGS;
	return capped ? LADDER_CAP : LADDER_TOP;
}

bool ladder_tick(Ladder *ladder, const LadderInput *input, int64_t now_us)
{
	unsigned before = ladder->rung, top = highest_of(available_of(input), input->cap);
	ladder->fresh |= top > ladder->top; /* a cap is lifted: all that fits at one step */
	ladder->top = top;
	go_down(ladder, input, now_us);
	go_up(ladder, input, now_us);
	look_for_more(ladder, input, now_us);
	ladder->why = reason(ladder, input);
	return ladder->rung != before;
}
