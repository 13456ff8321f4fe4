/* child.h - one daemon under the supervisor: started, listened to, watched, started again
 *
 * Keeps what must outlive its lives: the sockets it is handed and those it stores (FDSTORE=1).
 * Lives on the main context. */
#pragma once
#include "folder.h"
#include "sockets.h"
#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#define WATCHDOG_US 5000000 /* silence of a daemon's loop that is taken for a hang */
#define STORE_MAX 1024      /* stored descriptors: a TCP connection for each of 442 sites, twice */
#define RESTART_FIRST_MS 200
#define RESTART_LAST_MS 5000           /* for what dies again and again ... */
#define LIVED_US (10 * G_USEC_PER_SEC) /* ... within this time of its start */
#define START_TIMEOUT_MS 90000 /* from start to READY; sanitizers and full machines are slow */

typedef struct Child Child;

typedef struct ChildEvents {
	/* Said READY=1 for the first time. */
	void (*ready)(void *user);
	/* Ended before that. sentence is NULL when it has said why by itself. */
	void (*failed)(const char *sentence, void *user);
} ChildEvents;

/* Takes the sockets of these names (NULL-terminated) as its own: borrowed, they live longer.
 * program is the absolute path; name stands in the log. NULL with error. */
Child *child_new(const char *name, const char *program, const char *const *socket_names,
	GArray *sockets, const Person *person, const ChildEvents *events, void *user,
	GError **error);
void child_free(Child *child);

bool child_start(Child *child, GError **error);
/* No more restarts; SIGTERM to what runs. */
void child_stop(Child *child);
/* SIGKILL to what runs, with all of its session. */
void child_kill(Child *child);
/* SIGHUP, if it is ready for it. */
void child_reload(Child *child);

bool child_runs(const Child *child);
/* Whether its process at this moment is pid. */
bool child_is(const Child *child, pid_t pid);
/* Its process has ended; code and status as of waitid(2). */
void child_ended(Child *child, int code, int status);
