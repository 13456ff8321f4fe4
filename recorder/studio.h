/* studio.h - which stages are live, and the take of each: from the tap's stream to the disk
 *
 * A take begins with the first packet of a stage that has none and ends when nothing of the stage
 * has flowed for ten seconds; a while longer after the sfu or we ourselves were away, so that it
 * goes on as the same take. When the disk takes no more, everything is closed, the Studio is
 * unwell, and it begins again with a recovery when there is room: what the sfu still keeps by then
 * is not lost. Knows no socket. Main thread; time is an argument. */
#pragma once
#include "take.h"

/* ROLL_EMPTY_US after a restart: pages take up to 10 s to come back. */
#define STUDIO_RETURN_US 30000000
/* A take left open longer ago is not gone on with. */
#define STUDIO_STALE_US 600000000
/* Bytes before the disk; then the tap is not read. */
#define STUDIO_WAITING_MAX (16 * 1024 * 1024)

typedef struct Studio Studio;

typedef struct StudioEvents {
	/* A take began, goes on, has ended: state is "recording" or "ended". */
	void (*take)(const TakeState *take, const char *state, void *user);
	/* Whether it can record; reason: a Vietnamese sentence, "" when well. The tap is to be
	 * dialled (again) when well and to be hung up when not. */
	void (*well)(bool well, const char *reason, void *user);
} StudioEvents;

/* root: the folder of all recordings. Nothing is read or written before studio_open(). */
Studio *studio_new(const char *root, uint64_t reserve, const StudioEvents *events, void *user);
/* Takes that run are closed without an end. */
void studio_free(Studio *studio);

/* Recovers what lies there and is ready for the tap; `well` is called either way. */
void studio_open(Studio *studio, int64_t now_us);
bool studio_is_well(const Studio *studio);
const char *studio_reason(const Studio *studio);
/* What to ask the tap for: the boot we know ("" for none) and the number after the last on disk. */
const char *studio_boot(const Studio *studio);
uint64_t studio_next(const Studio *studio);

/* The next record of the tap. */
void studio_take_in(Studio *studio, const TapRecord *record, int64_t now_us);
/* The line to the tap was lost. */
void studio_away(Studio *studio);
/* False while so much waits for the disk that the tap should not be read. */
bool studio_has_room(const Studio *studio);
/* About each 100 ms. */
void studio_tick(Studio *studio, int64_t now_us);

typedef void (*StudioEach)(const TakeState *take, unsigned flowing, void *user);
void studio_each(const Studio *studio, StudioEach each, void *user);
/* The number up to which all is synced; the time of the newest record. */
uint64_t studio_synced(const Studio *studio);
int64_t studio_newest_us(const Studio *studio);
uint64_t studio_gaps(const Studio *studio);
