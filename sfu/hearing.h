/* hearing.h - which microphones of a stage are heard: at most so many, the loudest, without flutter
 *
 * With as many microphones as places or fewer all are heard at once and no first syllable is lost.
 * Past that a speaker takes the place of one who has been silent for a while, or of one who is much
 * softer. Pure logic over tracks and a clock. */
#pragma once
#include "track.h"

#define HEARING_PLACES 4

/* places: who is heard now, updated in place (NULL: free); the last one is the spare. mics: all
 * that may be heard. first: the microphone that belongs in place 0 when it is heard at all; NULL
 * for none. */
void hearing_choose(Track *places[HEARING_PLACES], Track *const *mics, unsigned count,
	const Track *first, int64_t now_us);
