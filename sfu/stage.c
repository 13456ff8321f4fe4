#include "stage.h"
#include "hearing.h"

struct Stage {
	char id[PARAMS_ID_MAX + 1];
	StageEvents events;
	void *user;

	StageWish wish;
	Plan plan;
	char main_before[PARAMS_ID_MAX + 1]; /* owner who was on main until the last change */
	GPtrArray *publishers;               /* Peer *, borrowed */
	Audience *audience;                  /* viewers on this worker */
	Spread *spread;                      /* and on others */
};

static void tell(unsigned worker, SpreadNews *news, void *user)
{
	Stage *stage = user;
	stage->events.tell(worker, news, stage->user);
}

Stage *stage_new(Gear *gear, const char *id, const StageEvents *events, void *user)
{
	Stage *stage = g_new0(Stage, 1);
	g_strlcpy(stage->id, id, sizeof stage->id);
	stage->events = *events;
	stage->user = user;
	stage->publishers = g_ptr_array_new();
	stage->audience = audience_new(gear);
	stage->spread = spread_new(gear, id, tell, stage);
	return stage;
}

void stage_free(Stage *stage)
{
	if (!stage)
		return;
	audience_free(stage->audience);
	spread_free(stage->spread);
	g_ptr_array_unref(stage->publishers);
	g_free(stage);
}

const char *stage_id(const Stage *stage)
{
	return stage->id;
}

Spread *stage_spread(Stage *stage)
{
	return stage->spread;
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
	G_STATIC_ASSERT(PLAN_HEARD == HEARING_PLACES);
	hearing_choose(plan->tracks, mics, count, first, now_us);
}

static const char *owner_of(const Track *track)
{
	return track ? track->owner : "";
}

static void make_plan(Stage *stage, int64_t now_us)
{
	Plan plan = { 0 };
	Track **tracks = plan.tracks;
	memcpy(tracks, stage->plan.tracks, sizeof plan.tracks);
	plan_heard(stage, &plan, now_us);
	tracks[PLAN_MAIN] = on_air_track(stage, stage->wish.main, SOURCE_CAMERA);
	tracks[PLAN_MAIN_INSTEAD] = plan_main_instead(stage);
	tracks[PLAN_SLIDES] = on_air_track(stage, stage->wish.slides, SOURCE_SCREEN);
	g_strlcpy(plan.on_main, stage->wish.main, sizeof plan.on_main);

	bool moved = memcmp(tracks, stage->plan.tracks, sizeof plan.tracks) != 0;
	if (!moved && !strcmp(plan.on_main, stage->plan.on_main))
		return;
	stage->plan = plan;
	audience_plan(stage->audience, &plan, now_us);
	spread_plan(stage->spread, &plan);
	if (!moved)
		return;
	const char *const owners[SLOT_COUNT] = { owner_of(tracks[0]), owner_of(tracks[1]),
		owner_of(tracks[2]), owner_of(tracks[PLAN_MAIN]), owner_of(tracks[PLAN_SLIDES]) };
	stage->events.slots(stage, owners, stage->user);
}

void stage_wish(Stage *stage, const StageWish *wish, int64_t now_us)
{
	if (strcmp(stage->wish.main, wish->main))
		g_strlcpy(stage->main_before, stage->wish.main, sizeof stage->main_before);
	stage->wish = *wish;
	make_plan(stage, now_us);
}

void stage_add(Stage *stage, Peer *peer, int64_t now_us)
{
	peer_set_stage(peer, stage);
	if (peer_viewer(peer)) {
		audience_add(stage->audience, peer, now_us);
		return;
	}
	g_ptr_array_add(stage->publishers, peer);
	for (unsigned source = 0; source < SOURCE_COUNT; source++) {
		Track *track = peer_track(peer, (Source)source);
		for (; track; track = track->higher)
			spread_add(stage->spread, track);
	}
	make_plan(stage, now_us);
}

void stage_remove(Stage *stage, Peer *peer, int64_t now_us)
{
	peer_set_stage(peer, NULL);
	if (audience_remove(stage->audience, peer))
		return;
	g_ptr_array_remove(stage->publishers, peer);
	for (unsigned source = 0; source < SOURCE_COUNT; source++) {
		Track *track = peer_track(peer, (Source)source);
		for (; track; track = track->higher) {
			audience_forget(stage->audience, track);
			spread_remove(stage->spread, track);
		}
	}
	make_plan(stage, now_us);
}

Peer *stage_any_peer(Stage *stage)
{
	Peer *viewer = audience_any(stage->audience);
	return viewer ? viewer : stage->publishers->len ? stage->publishers->pdata[0] : NULL;
}

void stage_packet(Stage *stage, Track *track, Packet *packet, int64_t now_us)
{
	spread_packet(stage->spread, track, packet);
	audience_packet(stage->audience, track, packet, now_us);
}

void stage_flowing(Stage *stage, int64_t now_us)
{
	make_plan(stage, now_us);
}

void stage_settle(Stage *stage, int64_t now_us)
{
	audience_settle(stage->audience, now_us);
}

void stage_tick(Stage *stage, int64_t now_us)
{
	make_plan(stage, now_us);
	spread_tick(stage->spread);
}
