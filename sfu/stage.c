#include "stage.h"
#include "hearing.h"

/* A small stage sends at once. A large one waits for the end of a picture, at most so long: a voice
 * that rides on a picture costs a quarter of one that travels alone. */
#define SMALL_STAGE 100
#define LARGE_STAGE 300
#define HOLD_US 4000
#define HOLD_LARGE_US 8000
#define ROUND_SPACING_US 4500 /* of rounds full of video: a tick, and a little for its jitter */

typedef struct Plan {
	Track *heard[STAGE_HEARD];
	Track *main, *main_instead; /* instead: for whoever is on main himself */
	Track *slides;
} Plan;

struct Stage {
	Gear *gear;
	char id[PARAMS_ID_MAX + 1];
	StageSlots slots;
	void *user;

	StageWish wish;
	Plan plan;
	char main_before[PARAMS_ID_MAX + 1]; /* owner who was on main until the last change */
	GPtrArray *viewers, *publishers;     /* Peer *, borrowed */

	Feed feed;
	FeedItem round[FEED_ROUND_MAX]; /* going out now */
	unsigned round_count;
	unsigned round_first, round_served; /* viewer it began with, viewers who have had it */
	int64_t video_from_us; /* more video not before: the last round took all it may */
};

Stage *stage_new(Gear *gear, const char *id, StageSlots slots, void *user)
{
	Stage *stage = g_new0(Stage, 1);
	stage->gear = gear;
	g_strlcpy(stage->id, id, sizeof stage->id);
	stage->slots = slots;
	stage->user = user;
	stage->viewers = g_ptr_array_new();
	stage->publishers = g_ptr_array_new();
	return stage;
}

static void end_round(Stage *stage)
{
	for (unsigned i = 0; i < stage->round_count; i++)
		packet_unref(stage->round[i].packet);
	stage->round_count = 0;
}

void stage_free(Stage *stage)
{
	if (!stage)
		return;
	end_round(stage);
	feed_forget(&stage->feed, NULL);
	g_ptr_array_unref(stage->viewers);
	g_ptr_array_unref(stage->publishers);
	g_free(stage);
}

const char *stage_id(const Stage *stage)
{
	return stage->id;
}

/* The owner's track of this source that flows; the newest peer's where he has several. */
static Track *track_of(const Stage *stage, const char *owner, Source source)
{
	if (!owner[0])
		return NULL;
	for (unsigned i = stage->publishers->len; i-- > 0;) {
		Peer *peer = stage->publishers->pdata[i];
		Track *track = peer_track(peer, source);
		if (track && track->flowing && !strcmp(track->owner, owner))
			return track;
	}
	return NULL;
}

static bool is_on_air(const Stage *stage, const char *owner)
{
	for (unsigned i = 0; i < stage->wish.on_air_count; i++)
		if (!strcmp(stage->wish.on_air[i], owner))
			return true;
	return false;
}

static Track *on_air_track(const Stage *stage, const char *owner, Source source)
{
	return is_on_air(stage, owner) ? track_of(stage, owner, source) : NULL;
}

static Track *plan_main_instead(const Stage *stage)
{
	const char *main = stage->wish.main;
	Track *track = strcmp(stage->main_before, main)
			       ? on_air_track(stage, stage->main_before, SOURCE_CAMERA)
			       : NULL;
	for (unsigned i = 0; !track && i < stage->wish.on_air_count; i++)
		if (strcmp(stage->wish.on_air[i], main))
			track = track_of(stage, stage->wish.on_air[i], SOURCE_CAMERA);
	return track;
}

static void plan_heard(const Stage *stage, Plan *plan, int64_t now_us)
{
	Track *mics[STAGE_ON_AIR_MAX];
	unsigned count = 0;
	const Track *first = NULL;
	for (unsigned i = 0; i < stage->wish.on_air_count; i++) {
		const char *owner = stage->wish.on_air[i];
		Track *mic = stage->wish.muted[i] ? NULL : track_of(stage, owner, SOURCE_MIC);
		if (!mic)
			continue;
		mics[count++] = mic;
		if (!strcmp(owner, stage->wish.main))
			first = mic;
	}
	G_STATIC_ASSERT(STAGE_HEARD == HEARING_PLACES);
	hearing_choose(plan->heard, mics, count, first, now_us);
}

static bool owns(const Peer *peer, const Track *track)
{
	return track && !strcmp(peer_params(peer)->owner, track->owner);
}

static void aim(const Stage *stage, Peer *peer, int64_t now_us)
{
	const Plan *plan = &stage->plan;
	Viewer *viewer = peer_viewer(peer);
	for (unsigned i = 0; i < STAGE_HEARD - 1; i++) {
		Track *track = plan->heard[i];
		if (owns(peer, track))
			track = plan->heard[STAGE_HEARD - 1];
		viewer_aim(
			viewer, (SlotName)(SLOT_A0 + i), owns(peer, track) ? NULL : track, now_us);
	}
	viewer_aim(viewer, SLOT_MAIN,
		strcmp(peer_params(peer)->owner, stage->wish.main) ? plan->main
								   : plan->main_instead,
		now_us);
	viewer_aim(viewer, SLOT_SLIDES, owns(peer, plan->slides) ? NULL : plan->slides, now_us);
}

static const char *owner_of(const Track *track)
{
	return track ? track->owner : "";
}

static void make_plan(Stage *stage, int64_t now_us)
{
	Plan plan = stage->plan;
	plan_heard(stage, &plan, now_us);
	plan.main = on_air_track(stage, stage->wish.main, SOURCE_CAMERA);
	plan.main_instead = plan_main_instead(stage);
	plan.slides = on_air_track(stage, stage->wish.slides, SOURCE_SCREEN);
	if (!memcmp(&plan, &stage->plan, sizeof plan))
		return;

	stage->plan = plan;
	for (unsigned i = 0; i < stage->viewers->len; i++)
		aim(stage, stage->viewers->pdata[i], now_us);
	const char *const owners[SLOT_COUNT] = { owner_of(plan.heard[0]), owner_of(plan.heard[1]),
		owner_of(plan.heard[2]), owner_of(plan.main), owner_of(plan.slides) };
	stage->slots(stage, owners, stage->user);
}

void stage_wish(Stage *stage, const StageWish *wish, int64_t now_us)
{
	bool main_changes = strcmp(stage->wish.main, wish->main) != 0;
	if (main_changes)
		g_strlcpy(stage->main_before, stage->wish.main, sizeof stage->main_before);
	stage->wish = *wish;
	make_plan(stage, now_us);
	for (unsigned i = 0; main_changes && i < stage->viewers->len; i++)
		aim(stage, stage->viewers->pdata[i], now_us);
}

void stage_add(Stage *stage, Peer *peer, int64_t now_us)
{
	peer_set_stage(peer, stage);
	if (peer_viewer(peer)) {
		g_ptr_array_add(stage->viewers, peer);
		aim(stage, peer, now_us);
	} else {
		g_ptr_array_add(stage->publishers, peer);
		make_plan(stage, now_us);
	}
}

static void forget_track(Stage *stage, const Track *track)
{
	if (!track)
		return;
	feed_forget(&stage->feed, track);
	for (unsigned i = 0; i < stage->round_count; i++)
		if (stage->round[i].track == track)
			end_round(stage);
	for (unsigned i = 0; i < stage->viewers->len; i++)
		viewer_release(peer_viewer(stage->viewers->pdata[i]), track);
}

/* A round under way goes on with whoever came next. */
static void remove_viewer(Stage *stage, Peer *peer)
{
	unsigned index, count = stage->viewers->len;
	if (!g_ptr_array_find(stage->viewers, peer, &index))
		return;
	if ((index + count - stage->round_first) % count < stage->round_served)
		stage->round_served--;
	if (index < stage->round_first)
		stage->round_first--;
	g_ptr_array_remove_index(stage->viewers, index);
	if (stage->round_first >= stage->viewers->len)
		stage->round_first = 0;
}

void stage_remove(Stage *stage, Peer *peer, int64_t now_us)
{
	peer_set_stage(peer, NULL);
	if (peer_viewer(peer)) {
		remove_viewer(stage, peer);
		return;
	}
	g_ptr_array_remove(stage->publishers, peer);
	for (unsigned source = 0; source < SOURCE_COUNT; source++)
		forget_track(stage, peer_track(peer, (Source)source));
	make_plan(stage, now_us);
}

Peer *stage_any_peer(Stage *stage)
{
	return stage->viewers->len      ? stage->viewers->pdata[0]
	       : stage->publishers->len ? stage->publishers->pdata[0]
					: NULL;
}

static void shed_track(Track *track, void *user)
{
	Stage *stage = user;
	int64_t now_us = worker_now_us(stage->gear->worker);
	for (unsigned i = 0; i < stage->viewers->len; i++)
		viewer_shed(peer_viewer(stage->viewers->pdata[i]), track, now_us);
}

void stage_packet(Stage *stage, Track *track, Packet *packet, int64_t now_us)
{
	if (!track->takers || feed_add(&stage->feed, track, packet, now_us))
		return;
	STATS_ADD(stage->gear->stats, shed_total, 1);
	if (packet->video)
		shed_track(track, stage);
}

void stage_flowing(Stage *stage, int64_t now_us)
{
	make_plan(stage, now_us);
}

static int64_t hold_us(const Stage *stage)
{
	unsigned viewers = stage->viewers->len;
	return viewers < SMALL_STAGE ? 0 : viewers < LARGE_STAGE ? HOLD_US : HOLD_LARGE_US;
}

static bool begin_round(Stage *stage, int64_t now_us)
{
	unsigned viewers = stage->viewers->len;
	if (!feed_is_ripe(&stage->feed, now_us, hold_us(stage)))
		return false;
	stage->round_count = feed_take(
		&stage->feed, stage->round, now_us < stage->video_from_us ? 0 : FEED_ROUND_VIDEO);
	unsigned videos = 0;
	while (videos < stage->round_count && stage->round[videos].packet->video)
		videos++;
	if (videos == FEED_ROUND_VIDEO)
		stage->video_from_us = now_us + ROUND_SPACING_US;
	/* Nobody is always the last. */
	stage->round_first = viewers ? (stage->round_first + viewers * 5 / 13 + 1) % viewers : 0;
	stage->round_served = 0;
	return stage->round_count > 0;
}

/* False: the socket is full, the rest of the viewers wait. */
static bool serve_round(Stage *stage, int64_t now_us)
{
	unsigned viewers = stage->viewers->len;
	for (; stage->round_served < viewers; stage->round_served++) {
		unsigned index = (stage->round_first + stage->round_served) % viewers;
		if (outbox_is_blocked(stage->gear->outbox))
			return false;
		viewer_forward(peer_viewer(stage->viewers->pdata[index]), stage->round,
			stage->round_count, now_us);
	}
	return true;
}

void stage_settle(Stage *stage, int64_t now_us)
{
	unsigned dropped = feed_shed(&stage->feed, now_us, shed_track, stage);
	if (dropped)
		STATS_ADD(stage->gear->stats, shed_total, dropped);
	while (stage->round_count || begin_round(stage, now_us)) {
		if (!serve_round(stage, now_us))
			return;
		end_round(stage);
	}
}

void stage_tick(Stage *stage, int64_t now_us)
{
	make_plan(stage, now_us);
}
