/* viewer.h - a viewer's part of a peer: its slots, sealed and sent in batches
 *
 * Gets the packets of a round all at once, so that what goes to one viewer lies together. Hears its
 * loss and keyframe requests. The worker's thread alone; owned by a Peer. */
#pragma once
#include "feed.h"
#include "slot.h"
#include "transport.h"

typedef struct Viewer Viewer;

Viewer *viewer_new(Gear *gear, const Params *params, Transport *transport);
void viewer_free(Viewer *viewer);

/* Who shall be in this slot, of layers the lowest: the viewer gets the best that comes. No effect
 * where the viewer has no such slot. */
void viewer_aim(Viewer *viewer, SlotName slot, Track *track, int64_t now_us);
/* No layer above this one goes into this slot: 0 is the lowest, and goes whatever happens. */
void viewer_set_layer_max(Viewer *viewer, SlotName slot, unsigned layer);
/* Asks for the keyframes its slots wait for, once it can be sent to; after a time without a way
 * its video begins anew. */
void viewer_remind(Viewer *viewer, int64_t now_us);
void viewer_release(Viewer *viewer, const Track *track);
/* Sends what its slots want of a round, at most FEED_ROUND_MAX, video first. */
void viewer_forward(Viewer *viewer, const FeedItem *round, unsigned count, int64_t now_us);
/* Video of this track was shed: what follows is of no use before a keyframe. */
void viewer_shed(Viewer *viewer, const Track *track, int64_t now_us);
void viewer_rtcp(Viewer *viewer, const uint8_t *data, size_t len);
/* About every 100 ms. */
void viewer_tick(Viewer *viewer, int64_t now_us);
