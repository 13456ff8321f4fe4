#include "gaps.h"

static void remove_at(Gaps *gaps, unsigned i)
{
	gaps->missing[i] = gaps->missing[--gaps->count];
}

void gaps_packet(Gaps *gaps, uint64_t sequence, int64_t now_us)
{
	if (!gaps->highest) {
		gaps->highest = sequence;
		return;
	}
	if (sequence < gaps->highest) {
		for (unsigned i = 0; i < gaps->count; i++)
			if (gaps->missing[i].sequence == sequence) {
				remove_at(gaps, i);
				return;
			}
		return;
	}
	if (sequence - gaps->highest > GAPS_MAX) {
		gaps->count = 0; /* an outage: a keyframe will mend it, not a hundred repairs */
	} else {
		for (uint64_t lost = gaps->highest + 1; lost < sequence; lost++)
			if (gaps->count < GAPS_MAX)
				gaps->missing[gaps->count++] =
					(Gap){ .sequence = lost, .seen_us = now_us };
	}
	gaps->highest = sequence;
}

unsigned gaps_due(Gaps *gaps, uint16_t *lost, unsigned max, int64_t now_us)
{
	unsigned count = 0;
	for (unsigned i = 0; i < gaps->count;) {
		Gap *gap = &gaps->missing[i];
		if (gap->tries >= GAPS_TRIES || now_us - gap->seen_us > GAPS_AGE_US) {
			remove_at(gaps, i);
			continue;
		}
		if (count < max && (!gap->tries || now_us - gap->asked_us >= GAPS_SPACING_US)) {
			gap->tries++;
			gap->asked_us = now_us;
			lost[count++] = (uint16_t)gap->sequence;
		}
		i++;
	}
	return count;
}
