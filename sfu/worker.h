/* worker.h - one thread with its own loop: descriptors, a tick, and work posted to it
 *
 * Every object of the packet path belongs to one Worker for life and is touched by its thread
 * alone; others post to it. It knows no packet and no peer. */
#pragma once
#include "postbox.h"
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define WORKER_TICK_US 5000 /* a wake-up costs 15-26 us here: 0.4 % of a core */

typedef struct Worker Worker;
typedef struct WorkerWatch WorkerWatch;

/* events as in epoll_event. */
typedef void (*WorkerReady)(uint32_t events, void *user);

typedef struct WorkerEvents {
	void (*tick)(int64_t now_us, void *user);   /* each WORKER_TICK_US, or later under load */
	void (*settle)(int64_t now_us, void *user); /* at the end of each turn of the loop */
} WorkerEvents;

/* Not running yet. index: 0.. */
Worker *worker_new(unsigned index, GError **error);
/* Stopped before. */
void worker_free(Worker *worker);
void worker_start(Worker *worker, const WorkerEvents *events, void *user);
/* Ends the loop after what is posted and joins the thread. Not from the worker itself. */
void worker_stop(Worker *worker);

unsigned worker_index(const Worker *worker);
/* The time of this turn of the loop, monotonic. The worker's own thread only. */
int64_t worker_now_us(const Worker *worker);

/* Runs func(user) on the worker, in the order posted. Any thread. */
void worker_post(Worker *worker, PostFunc func, void *user);
/* Runs what is posted by now, not at the next turn. False: nothing was. The worker's own thread, or
 * anybody once it is stopped. */
bool worker_run_posts(Worker *worker);

/* The worker's own thread, or before worker_start. events: EPOLLIN and so on. The descriptor stays
 * the caller's. */
WorkerWatch *worker_watch(Worker *worker, int fd, uint32_t events, WorkerReady ready, void *user);
void worker_watch_change(WorkerWatch *watch, uint32_t events);
/* No call comes after this, not even for events of the running turn. */
void worker_unwatch(WorkerWatch *watch);
