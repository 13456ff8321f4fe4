#include "roll.h"
#include "recovery.h"

struct Roll {
	GHashTable *stages; /* id → RollStage */
	GHashTable *tracks; /* id → RollTrack */
};

static void stage_free(void *data)
{
	RollStage *stage = data;
	take_free(stage->take);
	g_free(stage->stage);
	g_free(stage->slots);
	g_free(stage);
}

Roll *roll_new(void)
{
	Roll *roll = g_new0(Roll, 1);
	roll->stages = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, stage_free);
	roll->tracks = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	return roll;
}

void roll_free(Roll *roll)
{
	if (!roll)
		return;
	g_hash_table_unref(roll->tracks);
	g_hash_table_unref(roll->stages);
	g_free(roll);
}

RollStage *roll_stage(Roll *roll, const char *id)
{
	RollStage *stage = g_hash_table_lookup(roll->stages, id);
	if (stage || !recovery_is_name(id) || g_hash_table_size(roll->stages) >= ROLL_STAGES_MAX)
		return stage;
	stage = g_new0(RollStage, 1);
	g_strlcpy(stage->id, id, sizeof stage->id);
	g_hash_table_insert(roll->stages, stage->id, stage);
	return stage;
}

static gboolean is_of_stage(void *key, void *value, void *stage)
{
	return ((RollTrack *)value)->stage == stage;
}

void roll_stage_gone(Roll *roll, RollStage *stage)
{
	g_hash_table_foreach_remove(roll->tracks, is_of_stage, stage);
	g_hash_table_remove(roll->stages, stage->id);
}

RollTrack *roll_track(Roll *roll, uint64_t id)
{
	return g_hash_table_lookup(roll->tracks, &id);
}

RollTrack *roll_put_track(Roll *roll, const TapRecord *record, int64_t now_us)
{
	RollTrack *track = roll_track(roll, record->track);
	RollStage *stage = roll_stage(roll, record->stage);
	if (!stage)
		return NULL;
	if (!track) {
		track = g_new0(RollTrack, 1);
		track->record = *record;
		track->stage = stage;
		g_hash_table_insert(roll->tracks, &track->record.track, track);
	}
	roll_set_flowing(track, (record->flags & TAP_FLOWING) != 0, now_us);
	return track;
}

void roll_set_flowing(RollTrack *track, bool flowing, int64_t now_us)
{
	if (track->flowing == flowing)
		return;
	track->flowing = flowing;
	track->stage->flowing += flowing ? 1 : -1u;
	track->stage->empty_until_us = now_us + ROLL_EMPTY_US;
}

void roll_track_ended(Roll *roll, RollTrack *track, int64_t now_us)
{
	roll_set_flowing(track, false, now_us);
	g_hash_table_remove(roll->tracks, &track->record.track);
}

void roll_forget(Roll *roll)
{
	GHashTableIter iter;
	RollStage *stage;
	g_hash_table_remove_all(roll->tracks);
	g_hash_table_iter_init(&iter, roll->stages);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&stage)) {
		if (!stage->take) {
			g_hash_table_iter_remove(&iter);
			continue;
		}
		stage->flowing = 0;
		g_clear_pointer(&stage->stage, g_free);
		g_clear_pointer(&stage->slots, g_free);
	}
}

void roll_each_stage(Roll *roll, RollIter *at)
{
	g_hash_table_iter_init(&at->iter, roll->stages);
}

void roll_each_track(Roll *roll, RollIter *at)
{
	g_hash_table_iter_init(&at->iter, roll->tracks);
}

void *roll_next(RollIter *at)
{
	void *value;
	return g_hash_table_iter_next(&at->iter, NULL, &value) ? value : NULL;
}
