/* viewer.h - a viewer's part of a peer: its slots, sealed and sent in batches
 *
 * Gets the packets of a round all at once, so that what goes to one viewer lies together. Hears its
 * loss and keyframe requests. The worker's thread alone; owned by a Peer. */
#pragma once
#include "feed.h"
#include "ration.h"
#include "slot.h"
#include "transport.h"

typedef struct Viewer Viewer;

Viewer *viewer_new(Gear *gear, const Params *params, Transport *transport);
void viewer_free(Viewer *viewer);

/* Who shall be in this slot, as far as the line allows: of a picture's layers the lowest, of a voice
 * also its joined packets (NULL: there are none). No effect where the viewer has no such slot. */
void viewer_aim(Viewer *viewer, SlotName slot, Track *track, Track *joined, int64_t now_us);
/* Asks for the keyframes its slots wait for, once it can be sent to; after a time without a way
 * its video begins anew. */
void viewer_remind(Viewer *viewer, int64_t now_us);
void viewer_release(Viewer *viewer, const Track *track);
/* Sends what its slots want of a round, at most FEED_ROUND_MAX, video first. */
void viewer_forward(Viewer *viewer, const FeedItem *round, unsigned count, int64_t now_us);
/* Video of this track was shed: what follows is of no use before a keyframe. */
void viewer_shed(Viewer *viewer, const Track *track, int64_t now_us);
void viewer_rtcp(Viewer *viewer, const uint8_t *data, size_t len);
/* The highest rung of the ladder it wants. */
void viewer_limit(Viewer *viewer, unsigned rung);
const Ration *viewer_ration(const Viewer *viewer);
/* About every 100 ms. True when its rung has changed. */
bool viewer_tick(Viewer *viewer, int64_t now_us);
