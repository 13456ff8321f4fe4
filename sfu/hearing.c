#include "hearing.h"

#define HOLD_US 2000000  /* a place is kept through a pause for breath */
#define FRESH_US 200000  /* who claims a place has just spoken */
#define MARGIN (6u << 8) /* dB in 256ths: louder by this takes a place from one who speaks, too */

static bool contains(Track *const *tracks, unsigned count, const Track *track)
{
	for (unsigned i = 0; i < count; i++)
		if (tracks[i] == track)
			return true;
	return false;
}

/* The loudest that has no place yet; NULL for none. */
static Track *loudest_without(
	Track *const *places, Track *const *mics, unsigned count, int64_t now_us)
{
	Track *best = NULL;
	for (unsigned i = 0; i < count; i++) {
		if (contains(places, HEARING_PLACES, mics[i]))
			continue;
		if (!best || loudness_level(&mics[i]->loudness, now_us) >
				     loudness_level(&best->loudness, now_us))
			best = mics[i];
	}
	return best;
}

/* The place to give up first: silent ones before speaking ones, softer before louder. */
static unsigned weakest_place(Track *const *places, int64_t now_us)
{
	unsigned weakest = 0;
	for (unsigned i = 1; i < HEARING_PLACES; i++) {
		bool i_speaks = loudness_is_speaking(&places[i]->loudness, HOLD_US, now_us);
		bool w_speaks = loudness_is_speaking(&places[weakest]->loudness, HOLD_US, now_us);
		uint32_t i_level = loudness_level(&places[i]->loudness, now_us);
		uint32_t w_level = loudness_level(&places[weakest]->loudness, now_us);
		if (i_speaks != w_speaks ? w_speaks : i_level < w_level)
			weakest = i;
	}
	return weakest;
}

static bool may_take(const Track *claimant, const Track *holder, int64_t now_us)
{
	if (!loudness_is_speaking(&claimant->loudness, FRESH_US, now_us))
		return false;
	return !loudness_is_speaking(&holder->loudness, HOLD_US, now_us) ||
	       loudness_level(&claimant->loudness, now_us) >
		       loudness_level(&holder->loudness, now_us) + MARGIN;
}

static void swap(Track **a, Track **b)
{
	Track *held = *a;
	*a = *b;
	*b = held;
}

void hearing_choose(Track *places[HEARING_PLACES], Track *const *mics, unsigned count,
	const Track *first, int64_t now_us)
{
	for (unsigned i = 0; i < HEARING_PLACES; i++)
		if (places[i] && !contains(mics, count, places[i]))
			places[i] = NULL;

	Track *next;
	for (unsigned i = 0; i < HEARING_PLACES; i++)
		if (!places[i] && (next = loudest_without(places, mics, count, now_us)))
			places[i] = next;
	if ((next = loudest_without(places, mics, count, now_us))) {
		unsigned weakest = weakest_place(places, now_us);
		if (may_take(next, places[weakest], now_us))
			places[weakest] = next;
	}
	for (unsigned i = 1; i < HEARING_PLACES; i++)
		if (first && places[i] == first)
			swap(&places[0], &places[i]);

	/* The spare is heard by those alone who are one of the three: it must be the least of the
	 * four. */
	Track **spare = &places[HEARING_PLACES - 1];
	for (unsigned i = HEARING_PLACES - 1; *spare && i-- > 0;)
		if (!places[i] || (places[i] != first && may_take(*spare, places[i], now_us))) {
			swap(&places[i], spare);
			return;
		}
}
