/* tap_line.h - the recorder's end of the sfu's tap: dials, and dials again, and reads records
 *
 * Lives on the main thread's context; reads no more while its reader has no room, so that the sfu's
 * history, not our memory, takes what comes too fast. */
#pragma once
#include "common/tap_record.h"
#include <glib.h>

typedef struct TapLine TapLine;

typedef struct TapLineEvents {
	/* Connected: fill in what to ask for (boot, next). */
	void (*ask)(TapRecord *ask, void *user);
	void (*record)(const TapRecord *record, void *user);
	bool (*has_room)(void *user);
	void (*lost)(void *user);
} TapLineEvents;

/* Hung up at first. */
TapLine *tap_line_new(const char *path, const TapLineEvents *events, void *user);
void tap_line_free(TapLine *line);
/* From now on it is kept up. Dials at the next tick. */
void tap_line_dial(TapLine *line);
/* Without `lost`. May be called from inside an event. */
void tap_line_hang_up(TapLine *line);
bool tap_line_is_up(const TapLine *line);
/* About each 100 ms. */
void tap_line_tick(TapLine *line);
