/* finisher.h - starts diemcau-finish for each take that has ended, one at a time
 *
 * By itself after an end and after a crash: what is to be done is asked of the folders. A child may
 * die: it is tried FINISHER_TRIES times, then given up with a reason. Main thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define FINISHER_TRIES 3
#define FINISHER_AGAIN_US 5000000 /* after a try that failed */
#define FINISHER_LOOK_US 60000000 /* whether something was overlooked */

typedef struct Finisher Finisher;

typedef struct FinisherEvents {
	/* A take is ready, or given up. */
	void (*done)(const char *stage, const char *take, bool is_ready, void *user);
} FinisherEvents;

/* program: diemcau-finish; height of the pictures: 360 or 720. */
Finisher *finisher_new(const char *program, const char *root, unsigned height,
	const FinisherEvents *events, void *user);
/* Ends the child; its take is begun anew next time. */
void finisher_free(Finisher *finisher);
/* A take has ended: its last lines are on the disk in a moment. */
void finisher_wake(Finisher *finisher, int64_t now_us);
void finisher_tick(Finisher *finisher, int64_t now_us);
/* STAGE.TAKE of the one that is being finished; "" for none. */
const char *finisher_at(const Finisher *finisher);
