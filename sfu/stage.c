#include "stage.h"
#include "hearing.h"

typedef struct Plan {
	Track *heard[STAGE_HEARD];
	Track *main, *main_instead; /* instead: for whoever is on main himself */
	Track *slides;
} Plan;

struct Stage {
	char id[PARAMS_ID_MAX + 1];
	StageSlots slots;
	void *user;

	StageWish wish;
	Plan plan;
	char main_before[PARAMS_ID_MAX + 1]; /* owner who was on main until the last change */
	GPtrArray *viewers, *publishers;     /* Peer *, borrowed */

	ViewerPacket pending[VIEWER_BATCH];
	unsigned pending_count;
};

Stage *stage_new(const char *id, StageSlots slots, void *user)
{
	Stage *stage = g_new0(Stage, 1);
	g_strlcpy(stage->id, id, sizeof stage->id);
	stage->slots = slots;
	stage->user = user;
	stage->viewers = g_ptr_array_new();
	stage->publishers = g_ptr_array_new();
	return stage;
}

static void drop_pending(Stage *stage)
{
	for (unsigned i = 0; i < stage->pending_count; i++)
		packet_unref(stage->pending[i].packet);
	stage->pending_count = 0;
}

void stage_free(Stage *stage)
{
	if (!stage)
		return;
	drop_pending(stage);
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
	for (unsigned i = 0; i < stage->viewers->len; i++)
		viewer_release(peer_viewer(stage->viewers->pdata[i]), track);
}

void stage_remove(Stage *stage, Peer *peer, int64_t now_us)
{
	peer_set_stage(peer, NULL);
	if (peer_viewer(peer)) {
		g_ptr_array_remove_fast(stage->viewers, peer);
		return;
	}
	drop_pending(stage);
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

void stage_packet(Stage *stage, Track *track, Packet *packet, int64_t now_us)
{
	if (stage->pending_count == VIEWER_BATCH)
		stage_settle(stage, now_us);
	stage->pending[stage->pending_count++] =
		(ViewerPacket){ .track = track, .packet = packet_ref(packet) };
}

void stage_flowing(Stage *stage, int64_t now_us)
{
	make_plan(stage, now_us);
}

void stage_settle(Stage *stage, int64_t now_us)
{
	if (!stage->pending_count)
		return;
	for (unsigned i = 0; i < stage->viewers->len; i++)
		viewer_forward(peer_viewer(stage->viewers->pdata[i]), stage->pending,
			stage->pending_count, now_us);
	drop_pending(stage);
}

void stage_tick(Stage *stage, int64_t now_us)
{
	make_plan(stage, now_us);
}
