/* tap.h - the recorder's way to the packets: a socket, a numbered stream, ten seconds of memory
 *
 * A thread of its own (a Worker) looks into the feeds of the media workers each 10 ms, copies what
 * came into the TapHistory and sends its pages to whoever has dialled, from the number he asked
 * for. It is no part of the control thread, whose JSON and SDP would make it late, nor of a media
 * worker, which would have to copy and to send. Nobody waits for it: a recorder that does not read
 * loses its place when the history runs out, and is told which numbers it lost. */
#pragma once
#include "tap_feed.h"
#include "tap_history.h"
#include "worker.h"

#define TAP_CALLERS_MAX 4 /* the recorder, its successor, and an operator's tool or two */

typedef struct Tap Tap;

/* listen_fd: a listening SOCK_SEQPACKET, taken over. boot: names this life of the sfu. Runs at
 * once. */
Tap *tap_new(int listen_fd, const char *boot, GError **error);
/* Sends what is there, as far as the sockets take it, and ends. Its feeds are removed by now. */
void tap_free(Tap *tap);

/* A feed for one worker, which has not started yet; NULL tap gives NULL. */
TapFeed *tap_add_feed(Tap *tap, Stats *stats);
/* Takes what is left in it and frees it; its worker has ended. Waits for the tap's thread. */
void tap_remove_feed(Tap *tap, TapFeed *feed);

typedef struct TapStats {
	_Atomic uint64_t callers, history_bytes, next, overrun_total;
} TapStats;

/* Any thread. */
const TapStats *tap_stats(const Tap *tap);
