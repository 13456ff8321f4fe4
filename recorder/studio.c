#include "studio.h"
#include "recovery.h"
#include "roll.h"
#include <errno.h>
#include <string.h>

#define CHECKPOINT_US 1000000
#define RETRY_US 2000000
#define ENDED_LATELY_US 60000000 /* the tap's history may still hold packets of such a take */

struct Studio {
	char *root;
	Disk *disk;
	StudioEvents events;
	void *user;
	bool is_well, is_linked; /* linked: the tap has said hello */
	bool failed;             /* since the last open */
	RecoveryTrust trust;
	char *reason;
	TapWord boot;
	uint64_t last; /* number of the last record taken in */
	uint64_t synced, gaps;
	int64_t newest_us, checkpoint_us, retry_us;
	Roll *roll;
};

/* -- well and unwell -- */

static void say(Studio *studio, bool well, const char *reason)
{
	bool changed = studio->is_well != well || g_strcmp0(studio->reason, reason);
	studio->is_well = well;
	if (changed && !well)
		g_warning("studio: %s", reason);
	else if (changed)
		g_message("studio: ready");
	g_free(studio->reason);
	studio->reason = g_strdup(reason);
	if (changed && studio->events.well)
		studio->events.well(well, reason, studio->user);
}

static const char *sentence_of(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		return "ổ đĩa đã đầy";
	case EIO:
		return "ổ đĩa bị lỗi";
	case EROFS:
		return "ổ đĩa chỉ cho đọc";
	case EACCES:
	case EPERM:
		return "không có quyền ghi vào thư mục ghi hình";
	default:
		return "không ghi được vào ổ đĩa";
	}
}

static void close_takes(Studio *studio)
{
	RollIter at;
	RollStage *stage;
	roll_each_stage(studio->roll, &at);
	while ((stage = roll_next(&at)))
		take_free(g_steal_pointer(&stage->take));
}

static void on_disk_failed(int error, const char *path, void *user)
{
	Studio *studio = user;
	g_warning("studio: %s: %s", path, g_strerror(error));
	studio->failed = true;
	studio->trust = error == EIO ? RECOVERY_SYNCED : RECOVERY_WHOLE;
	studio->retry_us = 0;
	close_takes(studio);
	disk_reset(studio->disk);
	say(studio, false, sentence_of(error));
}

static void on_disk_reached(uint64_t mark, void *user)
{
	Studio *studio = user;
	studio->synced = mark;
}

/* -- life -- */

Studio *studio_new(const char *root, uint64_t reserve, const StudioEvents *events, void *user)
{
	static const DiskEvents disk_events = { on_disk_reached, on_disk_failed };
	Studio *studio = g_new0(Studio, 1);
	studio->root = g_strdup(root);
	studio->events = *events;
	studio->user = user;
	studio->reason = g_strdup("đang chuẩn bị");
	(void)g_mkdir_with_parents(root, 0750); /* where it cannot be, studio_open() says so */
	studio->disk = disk_new(reserve, &disk_events, studio);
	studio->roll = roll_new();
	return studio;
}

void studio_free(Studio *studio)
{
	if (!studio)
		return;
	roll_free(studio->roll);
	disk_free(studio->disk);
	g_free(studio->root);
	g_free(studio->reason);
	g_free(studio);
}

static void tell_take(Studio *studio, const Take *take, const char *state)
{
	if (studio->events.take)
		studio->events.take(take_state(take), state, studio->user);
}

static void end_take(Studio *studio, RollStage *stage, const char *reason, int64_t now_us)
{
	if (!stage->take)
		return;
	g_message("take %s: ended (%s)", take_state(stage->take)->name, reason);
	tell_take(studio, stage->take, "ended");
	take_end(g_steal_pointer(&stage->take), reason, studio->last, now_us);
}

/* One that recovery has found: of two open ones of a stage, the later goes on. */
static void adopt(Studio *studio, TakeState *state, int64_t now_us)
{
	RollStage *stage = roll_stage(studio->roll, state->stage);
	if (!stage) {
		take_state_free(state);
		return;
	}
	bool is_later = !stage->take || take_state(stage->take)->last_us < state->last_us;
	bool is_stale = now_us - state->last_us > STUDIO_STALE_US;
	if (is_later && !is_stale) {
		end_take(studio, stage, "left open", now_us);
		stage->take = take_resume(studio->disk, state);
		stage->empty_until_us = now_us + STUDIO_RETURN_US;
		g_message("take %s: goes on", state->name);
		tell_take(studio, stage->take, "recording");
		return;
	}
	int64_t ended_us = state->last_us;
	uint64_t upto = state->last_packet;
	g_message("take %s: ended (left open)", state->name);
	take_end(take_resume(studio->disk, state), "left open", upto, ended_us);
}

static int compare_times(const void *a, const void *b)
{
	const TakeState *left = *(TakeState *const *)a, *right = *(TakeState *const *)b;
	return left->last_us < right->last_us ? -1 : left->last_us > right->last_us;
}

/* The stream goes on behind what the last of them knows, in the life of the sfu that it knows. */
static void learn_place(Studio *studio, GPtrArray *found)
{
	const TakeState *newest = found->len ? found->pdata[found->len - 1] : NULL;
	studio->boot[0] = 0;
	studio->last = 0;
	if (!newest)
		return;
	memcpy(studio->boot, newest->boot, sizeof studio->boot);
	for (unsigned i = 0; i < found->len; i++) {
		const TakeState *state = found->pdata[i];
		if (!strcmp(state->boot, studio->boot))
			studio->last = MAX(studio->last, state->safe);
	}
}

void studio_open(Studio *studio, int64_t now_us)
{
	studio->failed = !disk_has_room(studio->disk, studio->root);
	if (studio->failed) {
		say(studio, false, "ổ đĩa đã đầy hoặc không ghi được");
		return;
	}
	g_autoptr(GPtrArray) found =
		recovery_find(studio->root, now_us - ENDED_LATELY_US, studio->trust);
	g_ptr_array_sort(found, compare_times);
	learn_place(studio, found);
	g_ptr_array_set_free_func(found, NULL);
	for (unsigned i = 0; i < found->len; i++) {
		TakeState *state = found->pdata[i];
		if (state->ended)
			take_state_free(state);
		else
			adopt(studio, state, now_us);
	}
	studio->trust = RECOVERY_WHOLE;
	studio->synced = studio->last;
	studio->checkpoint_us = now_us;
	say(studio, true, "");
}

bool studio_is_well(const Studio *studio)
{
	return studio->is_well;
}

const char *studio_reason(const Studio *studio)
{
	return studio->reason;
}

const char *studio_boot(const Studio *studio)
{
	return studio->boot;
}

uint64_t studio_next(const Studio *studio)
{
	return studio->last + 1;
}

/* -- the stream -- */

static void on_track(Studio *studio, const TapRecord *record, int64_t now_us)
{
	RollTrack *track = roll_put_track(studio->roll, record, now_us);
	if (track && track->stage->take)
		take_add(track->stage->take, record);
}

static void keep(TapRecord **kept, const TapRecord *record)
{
	g_free(*kept);
	*kept = g_memdup2(record, sizeof *record);
	(*kept)->number = 0;
}

/* With what is known of the stage so far, as of the packet that begins it. */
static void begin_take(Studio *studio, RollStage *stage, const TapRecord *packet)
{
	int64_t time_us = packet->time_ns / 1000;
	RollIter at;
	RollTrack *track;
	stage->take = take_new(
		studio->disk, studio->root, stage->id, studio->boot, packet->number - 1, time_us);
	g_message("take %s: begins", take_state(stage->take)->name);
	TapRecord *told[] = { stage->stage, stage->slots };
	for (unsigned i = 0; i < G_N_ELEMENTS(told); i++) {
		if (!told[i])
			continue;
		told[i]->time_ns = packet->time_ns;
		take_add(stage->take, told[i]);
	}
	roll_each_track(studio->roll, &at);
	while ((track = roll_next(&at))) {
		if (track->stage != stage)
			continue;
		track->record.number = 0;
		track->record.time_ns = packet->time_ns;
		take_add(stage->take, &track->record);
	}
	tell_take(studio, stage->take, "recording");
}

static void on_packet(Studio *studio, const TapRecord *record)
{
	RollTrack *track = roll_track(studio->roll, record->track);
	if (!track)
		return;
	if (!track->stage->take)
		begin_take(studio, track->stage, record);
	take_add(track->stage->take, record);
}

static void on_of_track(Studio *studio, const TapRecord *record, int64_t now_us)
{
	RollTrack *track = roll_track(studio->roll, record->track);
	if (!track)
		return;
	if (track->stage->take)
		take_add(track->stage->take, record);
	if (record->type == TAP_QUIET)
		roll_set_flowing(track, false, now_us);
	else if (record->type == TAP_ENDED)
		roll_track_ended(studio->roll, track, now_us);
}

static void on_of_stage(Studio *studio, const TapRecord *record, int64_t now_us)
{
	RollStage *stage = roll_stage(studio->roll, record->stage);
	if (!stage)
		return;
	if (record->type == TAP_STAGE_GONE) {
		end_take(studio, stage, "stage gone", now_us);
		roll_stage_gone(studio->roll, stage);
		return;
	}
	keep(record->type == TAP_STAGE ? &stage->stage : &stage->slots, record);
	if (stage->take)
		take_add(stage->take, record);
}

static void tell_gap(Studio *studio, const char *reason, uint64_t from, uint64_t to,
	uint64_t packets, int64_t now_us)
{
	RollIter at;
	RollStage *stage;
	bool named = false;
	roll_each_stage(studio->roll, &at);
	while ((stage = roll_next(&at)))
		if (stage->take && take_gap(stage->take, reason, from, to, packets, now_us))
			named = true;
	if (named)
		g_warning("studio: a gap (%s)", reason);
	studio->gaps += named;
}

/* The tap is there. What flows is told after this; a stage that nothing is told of is empty, and
 * has a while to come back. */
static void on_hello(Studio *studio, const TapRecord *record, int64_t now_us)
{
	bool is_same = !strcmp(studio->boot, record->hello.boot);
	RollIter at;
	RollStage *stage;
	roll_forget(studio->roll);
	roll_each_stage(studio->roll, &at);
	while ((stage = roll_next(&at))) {
		stage->empty_until_us = now_us + STUDIO_RETURN_US;
		take_boot(stage->take, record->hello.boot,
			is_same ? "recorder dialled again" : "sfu started anew", now_us);
	}
	if (!is_same) {
		if (studio->boot[0])
			tell_gap(studio, "sfu started anew", 0, 0, 0, now_us);
		studio->last = studio->synced = 0;
		memcpy(studio->boot, record->hello.boot, sizeof studio->boot);
	}
	studio->is_linked = true;
}

void studio_take_in(Studio *studio, const TapRecord *record, int64_t now_us)
{
	if (!studio->is_well || (record->number && record->number <= studio->last))
		return; /* a resent page begins before what we asked for */
	switch (record->type) {
	case TAP_HELLO:
		on_hello(studio, record, now_us);
		break;
	case TAP_GAP:
		tell_gap(studio, "not kept so long", record->gap.from, record->gap.to, 0, now_us);
		break;
	case TAP_DROPPED:
		tell_gap(studio, "the sfu was busy", 0, 0, record->dropped, now_us);
		break;
	case TAP_PACKET:
		on_packet(studio, record);
		break;
	case TAP_TRACK:
		on_track(studio, record, now_us);
		break;
	case TAP_QUIET:
	case TAP_ENDED:
	case TAP_REPORT:
		on_of_track(studio, record, now_us);
		break;
	case TAP_STAGE:
	case TAP_SLOTS_NOW:
	case TAP_STAGE_GONE:
		on_of_stage(studio, record, now_us);
		break;
	default:
		break; /* of a newer sfu */
	}
	if (record->number) {
		studio->last = record->number;
		studio->newest_us = record->time_ns / 1000;
	}
}

void studio_away(Studio *studio)
{
	studio->is_linked = false;
}

bool studio_has_room(const Studio *studio)
{
	return disk_waiting(studio->disk) < STUDIO_WAITING_MAX;
}

/* -- time -- */

static void checkpoint(Studio *studio, int64_t now_us)
{
	RollIter at;
	RollStage *stage;
	studio->checkpoint_us = now_us;
	roll_each_stage(studio->roll, &at);
	while ((stage = roll_next(&at)))
		if (stage->take)
			take_checkpoint(stage->take, studio->last, now_us);
	disk_mark(studio->disk, studio->last);
}

static void try_again(Studio *studio, int64_t now_us)
{
	if (!studio->retry_us)
		studio->retry_us = now_us + RETRY_US;
	if (now_us < studio->retry_us)
		return;
	studio->retry_us = now_us + RETRY_US;
	studio_open(studio, now_us);
}

void studio_tick(Studio *studio, int64_t now_us)
{
	RollIter at;
	RollStage *stage;
	if (studio->failed) {
		try_again(studio, now_us);
		return;
	}
	roll_each_stage(studio->roll, &at);
	while ((stage = roll_next(&at))) {
		if (!stage->take)
			continue;
		if (studio->is_linked && !stage->flowing && now_us >= stage->empty_until_us)
			end_take(studio, stage, "empty", now_us);
		else
			take_flush(stage->take);
	}
	if (now_us - studio->checkpoint_us >= CHECKPOINT_US)
		checkpoint(studio, now_us);
}

/* -- what is known -- */

void studio_each(const Studio *studio, StudioEach each, void *user)
{
	RollIter at;
	RollStage *stage;
	roll_each_stage(studio->roll, &at);
	while ((stage = roll_next(&at)))
		if (stage->take)
			each(take_state(stage->take), stage->flowing, user);
}

uint64_t studio_synced(const Studio *studio)
{
	return studio->synced;
}

int64_t studio_newest_us(const Studio *studio)
{
	return studio->newest_us;
}

uint64_t studio_gaps(const Studio *studio)
{
	return studio->gaps;
}
