#include "feed.h"

static FeedItem *item_at(Feed *feed, unsigned i)
{
	return &feed->items[(feed->first + i) % FEED_MAX];
}

static bool ends_picture(const Packet *packet)
{
	return packet->video && packet->rtp.marker;
}

bool feed_add(Feed *feed, Track *track, Packet *packet, int64_t came_us)
{
	if (feed->count == FEED_MAX)
		return false;
	*item_at(feed, feed->count++) =
		(FeedItem){ .track = track, .packet = packet_ref(packet), .came_us = came_us };
	feed->whole += ends_picture(packet);
	return true;
}

bool feed_is_ripe(const Feed *feed, int64_t now_us, int64_t hold_us)
{
	if (!feed->count)
		return false;
	return feed->whole || now_us - feed->items[feed->first].came_us >= hold_us;
}

/* Keeps, in order, the items that stays() says yes to; the others are the caller's business. */
static void keep(Feed *feed, bool (*stays)(const FeedItem *item, void *user), void *user)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < feed->count; i++) {
		FeedItem item = *item_at(feed, i);
		bool ends = ends_picture(item.packet);
		if (stays(&item, user))
			*item_at(feed, kept++) = item;
		else
			feed->whole -= ends;
	}
	feed->count = kept;
}

typedef struct Round {
	FeedItem *items, audio[FEED_ROUND_MAX];
	unsigned videos, video_max, audios;
} Round;

/* A track is never overtaken by itself: what follows a packet that stays, stays. */
static bool stays_for_later(const FeedItem *item, void *user)
{
	Round *round = user;
	if (round->videos + round->audios == FEED_ROUND_MAX)
		return true;
	if (!item->packet->video) {
		round->audio[round->audios++] = *item;
		return false;
	}
	if (round->videos == round->video_max)
		return true;
	round->items[round->videos++] = *item;
	return false;
}

unsigned feed_take(Feed *feed, FeedItem items[FEED_ROUND_MAX], unsigned video_max)
{
	Round round = { .items = items, .video_max = video_max };
	keep(feed, stays_for_later, &round);
	for (unsigned i = 0; i < round.audios; i++)
		items[round.videos + i] = round.audio[i];
	return round.videos + round.audios;
}

typedef struct Shed {
	int64_t now_us;
	void (*shed)(Track *track, void *user);
	void *user;
	const Track *torn[FEED_ROUND_MAX];
	unsigned torn_count, dropped;
} Shed;

static bool is_torn(const Shed *shed, const Track *track)
{
	for (unsigned i = 0; i < shed->torn_count; i++)
		if (shed->torn[i] == track)
			return true;
	return false;
}

static bool stays_young(const FeedItem *item, void *user)
{
	Shed *shed = user;
	int64_t age_us = shed->now_us - item->came_us;
	bool video = item->packet->video;
	if (video ? !is_torn(shed, item->track) && age_us <= FEED_VIDEO_AGE_US
		  : age_us <= FEED_AUDIO_AGE_US)
		return true;
	if (video && !is_torn(shed, item->track) && shed->torn_count < FEED_ROUND_MAX) {
		shed->torn[shed->torn_count++] = item->track;
		shed->shed(item->track, shed->user);
	}
	packet_unref(item->packet);
	shed->dropped++;
	return false;
}

unsigned feed_shed(Feed *feed, int64_t now_us, void (*shed)(Track *track, void *user), void *user)
{
	Shed state = { .now_us = now_us, .shed = shed, .user = user };
	/* The oldest stands first. */
	if (!feed->count || now_us - feed->items[feed->first].came_us <= FEED_VIDEO_AGE_US)
		return 0;
	keep(feed, stays_young, &state);
	return state.dropped;
}

static bool stays_of_others(const FeedItem *item, void *user)
{
	if (user && item->track != user)
		return true;
	packet_unref(item->packet);
	return false;
}

void feed_forget(Feed *feed, const Track *track)
{
	keep(feed, stays_of_others, (void *)(uintptr_t)track);
}
