#include "audience.h"
#include "joined.h"

/* A small stage sends at once. A large one waits for the end of a picture, at most so long: a voice
 * that rides on a picture costs a quarter of one that travels alone. */
#define SMALL_STAGE 100
#define LARGE_STAGE 300
#define HOLD_US 4000
#define HOLD_LARGE_US 8000
#define ROUND_SPACING_US 4500 /* of rounds full of video: a tick, and a little for its jitter */

/* Borrowed. Side by side, so that a round need not ask each peer for its viewer. */
typedef struct Seat {
	Peer *peer;
	Viewer *viewer;
} Seat;

struct Audience {
	Gear *gear;
	Plan plan;
	GArray *seats;              /* Seat */
	Joined *joined[PLAN_HEARD]; /* the plan's voices in fewer packets, in no order; NULL: none
				     */

	Feed feed;
	FeedItem round[FEED_ROUND_MAX]; /* going out now */
	unsigned round_count;
	unsigned round_first, round_served; /* viewer it began with, viewers who have had it */
	int64_t video_from_us; /* more video not before: the last round took all it may */
};

Audience *audience_new(Gear *gear)
{
	Audience *audience = g_new0(Audience, 1);
	audience->gear = gear;
	audience->seats = g_array_new(FALSE, FALSE, sizeof(Seat));
	return audience;
}

static Seat *seat_at(const Audience *audience, unsigned i)
{
	return &g_array_index(audience->seats, Seat, i);
}

static void end_round(Audience *audience)
{
	for (unsigned i = 0; i < audience->round_count; i++)
		packet_unref(audience->round[i].packet);
	audience->round_count = 0;
}

/* Nothing of this track is left here. */
static void let_go(Audience *audience, const Track *track)
{
	feed_forget(&audience->feed, track);
	for (unsigned i = 0; i < audience->round_count; i++)
		if (audience->round[i].track == track)
			end_round(audience);
	for (unsigned i = 0; i < audience->seats->len; i++)
		viewer_release(seat_at(audience, i)->viewer, track);
}

static void end_joined(Audience *audience, Joined **joined)
{
	if (!*joined)
		return;
	let_go(audience, joined_track(*joined));
	g_clear_pointer(joined, joined_free);
}

void audience_free(Audience *audience)
{
	if (!audience)
		return;
	for (unsigned i = 0; i < PLAN_HEARD; i++)
		end_joined(audience, &audience->joined[i]);
	end_round(audience);
	feed_forget(&audience->feed, NULL);
	g_array_unref(audience->seats);
	g_free(audience);
}

/* -- who gets what -- */

static bool owns(const Peer *peer, const Track *track)
{
	return track && !strcmp(peer_params(peer)->owner, track->owner);
}

static Joined *joined_of(const Audience *audience, const Track *voice)
{
	for (unsigned i = 0; i < PLAN_HEARD; i++)
		if (audience->joined[i] && joined_source(audience->joined[i]) == voice)
			return audience->joined[i];
	return NULL;
}

static bool is_heard(const Audience *audience, const Track *voice)
{
	for (unsigned i = 0; i < PLAN_HEARD; i++)
		if (audience->plan.tracks[i] == voice)
			return true;
	return false;
}

/* Those of the plan's voices, and no others. */
static void keep_joined(Audience *audience)
{
	for (unsigned i = 0; i < PLAN_HEARD; i++)
		if (audience->joined[i] && !is_heard(audience, joined_source(audience->joined[i])))
			end_joined(audience, &audience->joined[i]);
	for (unsigned i = 0; i < PLAN_HEARD; i++) {
		Track *voice = audience->plan.tracks[i];
		Joined **place = audience->joined;
		if (!voice || joined_of(audience, voice))
			continue;
		while (*place)
			place++; /* as many places as voices */
		*place = joined_new(voice, audience->gear->pool);
	}
}

static void aim(const Audience *audience, const Seat *seat, int64_t now_us)
{
	const Plan *plan = &audience->plan;
	const Peer *peer = seat->peer;
	Viewer *viewer = seat->viewer;
	for (unsigned i = 0; i < PLAN_HEARD - 1; i++) {
		Track *track = plan->tracks[i];
		if (owns(peer, track))
			track = plan->tracks[PLAN_HEARD - 1];
		if (owns(peer, track))
			track = NULL;
		Joined *joined = track ? joined_of(audience, track) : NULL;
		viewer_aim(viewer, (SlotName)(SLOT_A0 + i), track,
			joined ? joined_track(joined) : NULL, now_us);
	}
	bool on_main = !strcmp(peer_params(peer)->owner, plan->on_main);
	Track *slides = plan->tracks[PLAN_SLIDES];
	viewer_aim(viewer, SLOT_MAIN, plan->tracks[on_main ? PLAN_MAIN_INSTEAD : PLAN_MAIN], NULL,
		now_us);
	viewer_aim(viewer, SLOT_SLIDES, owns(peer, slides) ? NULL : slides, NULL, now_us);
}

void audience_plan(Audience *audience, const Plan *plan, int64_t now_us)
{
	audience->plan = *plan;
	keep_joined(audience);
	for (unsigned i = 0; i < audience->seats->len; i++)
		aim(audience, seat_at(audience, i), now_us);
}

void audience_add(Audience *audience, Peer *peer, int64_t now_us)
{
	const Seat seat = { .peer = peer, .viewer = peer_viewer(peer) };
	g_array_append_val(audience->seats, seat);
	aim(audience, &seat, now_us);
}

/* A round under way goes on with whoever came next. */
bool audience_remove(Audience *audience, Peer *peer)
{
	unsigned index = 0, count = audience->seats->len;
	while (index < count && seat_at(audience, index)->peer != peer)
		index++;
	if (index == count)
		return false;
	if ((index + count - audience->round_first) % count < audience->round_served)
		audience->round_served--;
	if (index < audience->round_first)
		audience->round_first--;
	g_array_remove_index(audience->seats, index);
	if (audience->round_first >= audience->seats->len)
		audience->round_first = 0;
	return true;
}

Peer *audience_any(const Audience *audience)
{
	return audience->seats->len ? seat_at(audience, 0)->peer : NULL;
}

void audience_forget(Audience *audience, const Track *track)
{
	for (unsigned i = 0; i < PLAN_PLACES; i++)
		if (audience->plan.tracks[i] == track)
			audience->plan.tracks[i] = NULL;
	keep_joined(audience);
	let_go(audience, track);
}

/* -- packets -- */

void audience_shed(Audience *audience, Track *track, int64_t now_us)
{
	for (unsigned i = 0; i < audience->seats->len; i++)
		viewer_shed(seat_at(audience, i)->viewer, track, now_us);
}

static void on_shed(Track *track, void *user)
{
	Audience *audience = user;
	audience_shed(audience, track, worker_now_us(audience->gear->worker));
}

static void feed(Audience *audience, Track *track, Packet *packet, int64_t now_us)
{
	/* Its age counts from the socket, so the time in a ring of the mesh does as well. */
	if (!track->takers ||
		feed_add(&audience->feed, track, packet, MIN(packet->arrived_us, now_us)))
		return;
	STATS_ADD(audience->gear->stats, shed_total, 1);
	if (packet->video)
		audience_shed(audience, track, now_us);
}

static void feed_joined(Audience *audience, Joined *joined, Packet *packet, int64_t now_us)
{
	feed(audience, joined_track(joined), packet, now_us);
	packet_unref(packet);
}

void audience_packet(Audience *audience, Track *track, Packet *packet, int64_t now_us)
{
	Joined *joined = packet->video ? NULL : joined_of(audience, track);
	Packet *made[JOINED_OUT_MAX];
	unsigned count = joined ? joined_packet(joined, packet, now_us, made) : 0;
	for (unsigned i = 0; i < count; i++)
		feed_joined(audience, joined, made[i], now_us);
	feed(audience, track, packet, now_us);
}

/* Halves that wait in vain. */
static void feed_late(Audience *audience, int64_t now_us)
{
	for (unsigned i = 0; i < PLAN_HEARD; i++) {
		Joined *joined = audience->joined[i];
		Packet *late = joined ? joined_late(joined, now_us) : NULL;
		if (late)
			feed_joined(audience, joined, late, now_us);
	}
}

static int64_t hold_us(const Audience *audience)
{
	unsigned viewers = audience->seats->len;
	return viewers < SMALL_STAGE ? 0 : viewers < LARGE_STAGE ? HOLD_US : HOLD_LARGE_US;
}

static bool begin_round(Audience *audience, int64_t now_us)
{
	unsigned viewers = audience->seats->len;
	if (!feed_is_ripe(&audience->feed, now_us, hold_us(audience)))
		return false;
	audience->round_count = feed_take(&audience->feed, audience->round,
		now_us < audience->video_from_us ? 0 : FEED_ROUND_VIDEO);
	unsigned videos = 0;
	while (videos < audience->round_count && audience->round[videos].packet->video)
		videos++;
	if (videos == FEED_ROUND_VIDEO)
		audience->video_from_us = now_us + ROUND_SPACING_US;
	/* Nobody is always the last. */
	audience->round_first =
		viewers ? (audience->round_first + viewers * 5 / 13 + 1) % viewers : 0;
	audience->round_served = 0;
	return audience->round_count > 0;
}

/* False: the socket is full, the rest of the viewers wait. */
static bool serve_round(Audience *audience, int64_t now_us)
{
	unsigned viewers = audience->seats->len;
	for (; audience->round_served < viewers; audience->round_served++) {
		unsigned index = (audience->round_first + audience->round_served) % viewers;
		if (outbox_is_blocked(audience->gear->outbox))
			return false;
		viewer_forward(seat_at(audience, index)->viewer, audience->round,
			audience->round_count, now_us);
	}
	return true;
}

void audience_settle(Audience *audience, int64_t now_us)
{
	feed_late(audience, now_us);
	unsigned dropped = feed_shed(&audience->feed, now_us, on_shed, audience);
	if (dropped)
		STATS_ADD(audience->gear->stats, shed_total, dropped);
	while (audience->round_count || begin_round(audience, now_us)) {
		if (!serve_round(audience, now_us))
			return;
		end_round(audience);
	}
}
