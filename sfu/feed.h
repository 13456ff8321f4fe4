/* feed.h - what has come in on a stage and waits to go out to its viewers
 *
 * Packets are gathered into rounds, so that what goes to one viewer lies together: a message to the
 * kernel costs as much as five packets in it. A round starts when a picture is whole or the oldest
 * packet has waited for `hold`; it takes so few packets of video that a keyframe leaves in
 * several rounds. What has waited too long is shed, whole pictures at a time: a feed never holds
 * seconds. Pure logic over packets and a clock; embedded in a Stage. */
#pragma once
#include "track.h"

#define FEED_MAX 512             /* packets: 2 s of a stage of 250 packets/s */
#define FEED_ROUND_MAX 32        /* packets of one round */
#define FEED_ROUND_VIDEO 12      /* of them video: 10 GSO segments and some */
#define FEED_VIDEO_AGE_US 150000 /* video that is older is shed */
#define FEED_AUDIO_AGE_US 400000 /* and audio */

typedef struct FeedItem {
	Track *track;   /* borrowed; feed_forget() before it goes */
	Packet *packet; /* a reference */
	int64_t came_us;
} FeedItem;

typedef struct Feed {
	FeedItem items[FEED_MAX];
	unsigned first, count; /* a ring */
	unsigned whole;        /* ends of pictures in it */
} Feed;

/* Keeps a reference. False when it is full: the caller sheds. */
bool feed_add(Feed *feed, Track *track, Packet *packet, int64_t came_us);
/* True when a round shall start: a picture is whole, or something waits since hold_us. */
bool feed_is_ripe(const Feed *feed, int64_t now_us, int64_t hold_us);
/* The next round, video first and each track in its order, video_max packets of it at most; the
 * references go to the caller. */
unsigned feed_take(Feed *feed, FeedItem round[FEED_ROUND_MAX], unsigned video_max);
/* Drops what is too old, and of a video track whatever of it came until now with it. Calls shed
 * once for each video track that lost something. Returns the number of packets dropped. */
unsigned feed_shed(Feed *feed, int64_t now_us, void (*shed)(Track *track, void *user), void *user);
/* Drops what is of this track; of all tracks when NULL. */
void feed_forget(Feed *feed, const Track *track);
