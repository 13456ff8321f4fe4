#include "place.h"
#include "pick.h"

void place_steer(Place *place, const Ration *ration, int64_t now_us)
{
	Slot *slot = &place->slot;
	if (!slot->media->video) {
		bool joins = place->joined && ration_joins(ration);
		slot->redundancy = ration->redundancy;
		slot_aim(slot, joins ? place->joined : place->wish);
		return;
	}
	slot->paced = ration_is_paced(ration);
	if (!place->wish) {
		slot_aim(slot, NULL);
		return;
	}
	unsigned layer;
	RationPicture picture =
		ration_picture(ration, slot->media->slot, place->wish, now_us, &layer);
	if (picture == RATION_MOVES) {
		slot->layer_max = layer;
		slot_drop(slot);
		slot_pick(slot, now_us);
	} else {
		bool stills = picture == RATION_STILLS;
		slot_hold(slot, stills ? pick_layer(place->wish, 0, now_us) : NULL);
	}
}

void place_aim(Place *place, Track *track, Track *joined, const Ration *ration, int64_t now_us)
{
	place->wish = track;
	place->joined = joined;
	place->slot.lowest = place->slot.media->video ? track : NULL;
	place_steer(place, ration, now_us);
}

void place_release(Place *place, const Track *track)
{
	slot_release(&place->slot, track);
	if (place->wish == track)
		place->wish = NULL;
	if (place->joined == track)
		place->joined = NULL;
}

/* A face each four seconds, for all at the same time, so that few keyframes serve them; slides when
 * they have changed. */
static bool is_due(const Place *place, int64_t now_us)
{
	const Slot *slot = &place->slot;
	const Still *still = slot->still;
	if (!still || slot->source != slot->track->id)
		return true;
	if (slot->media->slot == SLOT_MAIN)
		return now_us / RATION_STILL_US != place->shown_us / RATION_STILL_US;
	return now_us - place->shown_us >= RATION_SLIDE_US &&
	       slot->track->bytes - still->bytes_before - still->bytes >= RATION_SLIDE_CHANGE;
}

/* It shows the present, not what was seen long ago. */
static bool is_fresh(const Slot *slot, const Still *still, int64_t now_us)
{
	const Track *track = slot->track;
	if (slot->still == still)
		return false;
	if (slot->media->slot == SLOT_MAIN)
		return now_us - track->gop_us < RATION_STILL_US;
	return track->bytes - still->bytes_before - still->bytes < RATION_SLIDE_CHANGE;
}

void place_show(Place *place, int64_t now_us)
{
	Slot *slot = &place->slot;
	if (!slot->held || slot_is_showing(slot) || !is_due(place, now_us))
		return;
	Still *still = track_still(slot->track);
	if (!still || !is_fresh(slot, still, now_us)) {
		track_want_keyframe(slot->track, now_us);
		return;
	}
	slot_show(slot, still, now_us);
	place->shown_us = now_us;
}
