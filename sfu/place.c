#include "place.h"
#include "pick.h"

void place_clear(Place *place)
{
	slot_clear(&place->slot);
	g_clear_pointer(&place->kept, kept_free);
}

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

/* When its screen changed last: the largest layer says it best, since it has the room to be sharp
 * at once and then sends next to nothing. */
static int64_t stirred_us(const Track *track, int64_t now_us)
{
	while (track->higher && track_is_alive(track->higher, now_us))
		track = track->higher;
	return track->stir.stirred_us;
}

/* Since the slide that was shown last. */
static bool is_turned(const Place *place, int64_t now_us)
{
	return stirred_us(place->slot.track, now_us) > place->stirred_us;
}

static bool has_gone_on(const Track *track, const Still *still)
{
	return track->bytes - still->bytes_before - still->bytes >= RATION_SLIDE_CHANGE;
}

/* What is on its way was shown before: to make a slide sharper, or since its viewer asked for a
 * keyframe (browsers do where three seconds pass without a picture, which stills make them do). */
static bool goes_again(const Place *place)
{
	return place->again || place->slot.still_again;
}

bool place_is_turning(const Place *place)
{
	const Slot *slot = &place->slot;
	return slot->held && slot->media->slot == SLOT_SLIDES && slot_is_showing(slot) &&
	       !goes_again(place);
}

/* A face each four seconds, for all at the same time, so that few keyframes serve them. Slides as
 * soon as they have been turned, and a few times more as they become sharp. */
static bool is_due(const Place *place, int64_t now_us)
{
	const Slot *slot = &place->slot;
	const Still *still = slot->still;
	if (!still || slot->source != slot->track->id)
		return true;
	if (slot->media->slot == SLOT_MAIN)
		return now_us / RATION_STILL_US != place->shown_us / RATION_STILL_US;
	return is_turned(place, now_us) ||
	       (now_us - place->shown_us >= RATION_SLIDE_US << place->again &&
		       has_gone_on(slot->track, still));
}

/* It shows the present, not what was seen long ago. */
static bool is_fresh(const Place *place, const Still *still, int64_t now_us)
{
	const Slot *slot = &place->slot;
	const Track *track = slot->track;
	if (slot->still == still)
		return false;
	if (slot->media->slot == SLOT_MAIN)
		return now_us - track->gop_us < RATION_STILL_US;
	return is_turned(place, now_us) ? track->gop_us > stirred_us(track, now_us)
					: !has_gone_on(track, still);
}

static void note_begun(Place *place, int64_t now_us)
{
	bool turned = is_turned(place, now_us) || !place->shown_us;
	place->again = turned ? 0 : MIN(place->again + 1, RATION_SLIDE_DOUBLINGS);
	place->turning_us = MAX(place->stirred_us, stirred_us(place->slot.track, now_us));
	place->shown_us = now_us;
}

static void note_out(Place *place)
{
	if (place->slot.still && !slot_is_showing(&place->slot))
		place->stirred_us = MAX(place->stirred_us, place->turning_us);
}

void place_show(Place *place, int64_t now_us)
{
	Slot *slot = &place->slot;
	if (!slot->held)
		return;
	note_out(place);
	if (!is_due(place, now_us))
		return;
	/* What goes out again goes no further when the slide was turned away. */
	if (slot_is_showing(slot) && !(goes_again(place) && is_turned(place, now_us)))
		return;
	Still *still = track_still(slot->track);
	if (!still || !is_fresh(place, still, now_us)) {
		track_want_keyframe(slot->track, now_us);
		return;
	}
	slot_show(slot, still, now_us);
	note_begun(place, now_us);
}
