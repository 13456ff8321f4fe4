/* handover.h - gives TCP connections to the sfu: ICE-TCP that came by the HTTPS port
 *
 * One message of one byte a connection, its descriptor beside it (SCM_RIGHTS), over a Unix
 * SOCK_SEQPACKET socket to the sfu's door. Never blocks. While the sfu is away a connection waits
 * for HANDOVER_WAIT_US, within HANDOVER_WAITING_MAX; then it is closed, and the browser's ICE comes
 * again. Main thread. */
#pragma once
#include <glib.h>
#include <stdint.h>

#define HANDOVER_WAITING_MAX 512 /* a descriptor each; every site at once after a restart */
#define HANDOVER_WAIT_US (2 * G_USEC_PER_SEC)

typedef struct Handover Handover;

typedef struct HandoverCounts {
	unsigned waiting;
	uint64_t handed_total, lost_total; /* lost: closed here */
} HandoverCounts;

/* path: of the sfu's door; nobody has to be there yet. clock_us: monotonic. */
Handover *handover_new(const char *path, int64_t (*clock_us)(void));
/* What waits is closed. */
void handover_free(Handover *handover);
/* Takes fd over. */
void handover_give(Handover *handover, int fd);
/* Tries again with what waits. Called by itself from the loop as long as anything does. */
void handover_tick(Handover *handover);
void handover_counts(const Handover *handover, HandoverCounts *counts);
