/* place.h - one slot of a viewer, and who shall be in it as far as his line allows
 *
 * Turns what is wished for into what goes out: which layer moves, when stills are shown instead,
 * voices whole or in joined packets. Embedded in a Viewer; its worker's thread alone. */
#pragma once
#include "kept.h"
#include "ration.h"
#include "slot.h"

typedef struct Place {
	Slot slot;
	Track *wish;        /* of layers the lowest; NULL: nobody */
	Track *joined;      /* the same voice in fewer packets; NULL: none */
	int64_t shown_us;   /* when its last still began */
	int64_t stirred_us; /* of slides: the change that was shown … */
	int64_t turning_us; /* … and that of the still under way; it may be cut off, and then nobody
			       has seen it */
	unsigned again;     /* so many stills of the same slide */
	Kept *kept; /* what went out lately of a voice; NULL: nobody has asked for any yet */
} Place;

void place_clear(Place *place);
void place_aim(Place *place, Track *track, Track *joined, const Ration *ration, int64_t now_us);
/* This track ends: lets go of it. */
void place_release(Place *place, const Track *track);
/* Does what the ration says now. About every 100 ms. */
void place_steer(Place *place, const Ration *ration, int64_t now_us);
/* A slide that was just turned is on its way, as a still. */
bool place_is_turning(const Place *place);
/* Begins a still where one is due, or asks for the keyframe that it takes. About every 100 ms. */
void place_show(Place *place, int64_t now_us);
