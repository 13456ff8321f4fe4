/* worker.h - a thread that is reached by posting, and answers by posting back
 *
 * Whatever was posted while it worked is handed over as one batch (group commit lives on that).
 * Made, posted to and freed by the main thread; `work` runs on the thread, `done` on the GLib
 * context of the thread that made it. The only place in this daemon with a lock. */
#pragma once
#include <glib.h>

typedef struct Worker Worker;

typedef struct WorkerEvents {
	void (*work)(GPtrArray *batch, void *user); /* on the thread; items are borrowed */
	void (*done)(void *item, void *user); /* on the loop, in order; the item is released here */
} WorkerEvents;

Worker *worker_new(const char *name, const WorkerEvents *events, void *user);
/* Works off what is queued, ends the thread, then calls done for the rest. */
void worker_free(Worker *worker);
/* Waits until all that was posted is worked off, and calls done for it. */
void worker_drain(Worker *worker);
void worker_post(Worker *worker, void *item);
