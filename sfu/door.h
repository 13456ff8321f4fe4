/* door.h - TCP connections that came by the HTTPS port, from signaling
 *
 * A listening Unix SOCK_SEQPACKET socket; each message has one byte and, beside it, the descriptor
 * of one connected TCP socket of which nothing was read yet (SCM_RIGHTS). A caller of another user,
 * or one that sends anything else, is closed with all he sent. The worker's thread alone. */
#pragma once
#include "stats.h"
#include "worker.h"

#define DOOR_CALLERS_MAX 4 /* signaling, its successor, and reserve */

typedef struct Door Door;

/* The descriptor is taken over: close-on-exec, and does not block. */
typedef void (*DoorTake)(int fd, void *user);

/* listen_fd: taken over. */
Door *door_new(Worker *worker, int listen_fd, Stats *stats, DoorTake take, void *user);
void door_free(Door *door);
/* Accepts again where no descriptor was left. About once a second. */
void door_tick(Door *door);
