#include "share.h"

#define BUCKETS 256 /* three tracks each of 25 on air, on three stages: one a bucket */

/* A track as it is at home. */
typedef struct Mirror {
	Share *share;
	Track *track;
	ParamsMedia media;
	char owner[PARAMS_ID_MAX + 1];
	struct Mirror *next;       /* in its bucket */
	struct Mirror *next_there; /* of its share */
} Mirror;

struct Mirrors {
	Mirror *buckets[BUCKETS];
};

struct Share {
	Gear *gear;
	Mirrors *mirrors;
	char stage[PARAMS_ID_MAX + 1];
	unsigned home;
	uint64_t serial;
	ShareWish wish;
	void *user;
	Audience *audience;
	Mirror *own;
};

Mirrors *mirrors_new(void)
{
	return g_new0(Mirrors, 1);
}

void mirrors_free(Mirrors *mirrors)
{
	g_free(mirrors);
}

static Mirror **find(Mirrors *mirrors, uint64_t id)
{
	Mirror **link = &mirrors->buckets[id % BUCKETS]; /* ids are random */
	while (*link && (*link)->track->id != id)
		link = &(*link)->next;
	return link;
}

Share *share_new(Gear *gear, Mirrors *mirrors, const char *stage, unsigned home, uint64_t serial,
	ShareWish wish, void *user)
{
	Share *share = g_new0(Share, 1);
	share->gear = gear;
	share->mirrors = mirrors;
	g_strlcpy(share->stage, stage, sizeof share->stage);
	share->home = home;
	share->serial = serial;
	share->wish = wish;
	share->user = user;
	share->audience = audience_new(gear);
	return share;
}

static void close_mirror(Mirror *mirror)
{
	Share *share = mirror->share;
	Mirror **link = find(share->mirrors, mirror->track->id);
	*link = mirror->next;
	for (link = &share->own; *link != mirror;)
		link = &(*link)->next_there;
	*link = mirror->next_there;
	audience_forget(share->audience, mirror->track);
	track_unlink(mirror->track);
	track_free(mirror->track);
	g_free(mirror);
}

void share_free(Share *share)
{
	if (!share)
		return;
	while (share->own)
		close_mirror(share->own);
	audience_free(share->audience);
	g_free(share);
}

const char *share_stage(const Share *share)
{
	return share->stage;
}

unsigned share_home(const Share *share)
{
	return share->home;
}

uint64_t share_serial(const Share *share)
{
	return share->serial;
}

void share_add(Share *share, Peer *peer, int64_t now_us)
{
	audience_add(share->audience, peer, now_us);
}

void share_remove(Share *share, Peer *peer)
{
	audience_remove(share->audience, peer);
}

Peer *share_any_peer(const Share *share)
{
	return audience_any(share->audience);
}

/* -- what home says -- */

static void set_clock(Track *track, const SpreadNews *news)
{
	track->report_ntp = news->report_ntp;
	track->report_rtp = news->report_rtp;
	track->clock_offset = news->clock_offset;
}

/* To the other layers of its picture, whichever of them are there by now. */
static void link_layers(Share *share, Track *track, const SpreadNews *news)
{
	const Mirror *other = share->own;
	while (other && other->track->picture != news->picture)
		other = other->next_there;
	track->picture = news->picture;
	track_link(track, news->layer, other ? other->track : NULL);
}

static void open_mirror(Share *share, const SpreadNews *news)
{
	Mirror **bucket = find(share->mirrors, news->track);
	g_assert(!*bucket);
	Mirror *mirror = g_new0(Mirror, 1);
	mirror->share = share;
	mirror->media = news->media;
	g_strlcpy(mirror->owner, news->owner, sizeof mirror->owner);
	mirror->track = track_new_mirror(mirror->owner, &mirror->media, news->track);
	mirror->track->ssrc = 1; /* it is known where to ask for keyframes: at home */
	set_clock(mirror->track, news);
	link_layers(share, mirror->track, news);
	for (unsigned i = 0; i < news->past_count; i++)
		track_follow(mirror->track, news->past[i]);
	*bucket = mirror;
	mirror->next_there = share->own;
	share->own = mirror;
}

Track *share_track(Mirrors *mirrors, uint64_t track)
{
	const Mirror *mirror = *find(mirrors, track);
	return mirror ? mirror->track : NULL;
}

static void take_plan(Share *share, const SpreadNews *news, int64_t now_us)
{
	Plan plan = { 0 };
	for (unsigned i = 0; i < PLAN_PLACES; i++)
		if (news->plan[i])
			plan.tracks[i] = share_track(share->mirrors, news->plan[i]);
	g_strlcpy(plan.on_main, news->on_main, sizeof plan.on_main);
	audience_plan(share->audience, &plan, now_us);
}

void share_news(Share *share, const SpreadNews *news, int64_t now_us)
{
	if (news->kind == SPREAD_OPEN) {
		open_mirror(share, news);
		return;
	}
	if (news->kind == SPREAD_PLAN) {
		take_plan(share, news, now_us);
		return;
	}
	Mirror *mirror = *find(share->mirrors, news->track);
	g_assert(mirror && mirror->share == share);
	if (news->kind == SPREAD_CLOSE)
		close_mirror(mirror);
	else if (news->kind == SPREAD_REPORT)
		set_clock(mirror->track, news);
	else
		audience_shed(share->audience, mirror->track, now_us);
}

/* -- packets -- */

bool share_packet(Mirrors *mirrors, uint64_t track, Packet *packet, int64_t now_us)
{
	Mirror *mirror = *find(mirrors, track);
	if (!mirror)
		return false;
	if (track_follow(mirror->track, packet))
		audience_packet(mirror->share->audience, mirror->track, packet, now_us);
	return true;
}

void share_settle(Share *share, int64_t now_us)
{
	audience_settle(share->audience, now_us);
}

void share_tick(Share *share, int64_t now_us)
{
	for (const Mirror *mirror = share->own; mirror; mirror = mirror->next_there)
		if (track_keyframe_due(mirror->track, now_us))
			share->wish(share, mirror->track->id, share->user);
}
