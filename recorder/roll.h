/* roll.h - the stages and tracks that the tap has told of, and which of them flow
 *
 * What a Studio knows between two records; a stage holds its take while one runs. Main thread; time
 * is an argument. Its fields are read per packet by the Studio. */
#pragma once
#include "take.h"

#define ROLL_STAGES_MAX 200
#define ROLL_EMPTY_US 10000000 /* nothing flows: the take ends */

typedef struct RollStage {
	TapWord id;
	TapRecord *stage, *slots; /* as last told; NULL */
	Take *take;               /* owned; NULL: none runs */
	unsigned flowing;
	int64_t empty_until_us; /* when nothing flows: the take ends then */
} RollStage;

/* A track, as told. */
typedef struct RollTrack {
	TapRecord record;
	RollStage *stage;
	bool flowing;
} RollTrack;

typedef struct Roll Roll;

Roll *roll_new(void);
/* Takes that run are closed without an end. */
void roll_free(Roll *roll);

/* The stage of this id, made if it is new; NULL when it may name no folder or there are too many.
 */
RollStage *roll_stage(Roll *roll, const char *id);
/* The stage is gone, and its tracks: without a take by now. */
void roll_stage_gone(Roll *roll, RollStage *stage);
/* NULL: not told of. */
RollTrack *roll_track(Roll *roll, uint64_t id);
/* A record that tells of a track; NULL when its stage cannot be. */
RollTrack *roll_put_track(Roll *roll, const TapRecord *record, int64_t now_us);
void roll_set_flowing(RollTrack *track, bool flowing, int64_t now_us);
void roll_track_ended(Roll *roll, RollTrack *track, int64_t now_us);
/* What the tap has told is forgotten; stages with a take stay. */
void roll_forget(Roll *roll);

/* Over all stages, or all tracks: roll_next() gives one after another, and NULL. */
typedef struct RollIter {
	GHashTableIter iter;
} RollIter;
void roll_each_stage(Roll *roll, RollIter *at);
void roll_each_track(Roll *roll, RollIter *at);
void *roll_next(RollIter *at);
