/* take.h - one recording of one stage: its folder, its parts, its index
 *
 * Every packet goes to the current part (N.pcap, a minute each), everything else is a line of
 * index.jsonl. What it has already, after a resend, it passes over by the tap's number. Made and
 * used by the Studio; hands all to the Disk and waits for nothing. Main thread; time comes with
 * the records. */
#pragma once
#include "disk.h"
#include "take_state.h"

#define TAKE_PART_US 60000000
#define TAKE_BUFFER (64 * 1024)

typedef struct Take Take;

/* after: the last number of the stream before it; boot: whose numbers they are. */
Take *take_new(Disk *disk, const char *root, const char *stage, const char *boot, uint64_t after,
	int64_t now_us);
/* Goes on with what recovery found: state is taken over. */
Take *take_resume(Disk *disk, TakeState *state);
/* Closes its files; it has not ended, and goes on after the next recovery. */
void take_free(Take *take);
/* Writes the end, then as take_free(). */
void take_end(Take *take, const char *reason, uint64_t upto, int64_t now_us);

const TakeState *take_state(const Take *take);
/* The numbers are of this life of the sfu from now on. */
void take_boot(Take *take, const char *boot, const char *reason, int64_t now_us);
/* A record that concerns its stage. */
void take_add(Take *take, const TapRecord *record);
/* Something is missing: numbers from..to, or (both 0) so many packets, or (all 0) an unknown
 * number. False, and nothing written, when it has all of those numbers. */
bool take_gap(Take *take, const char *reason, uint64_t from, uint64_t to, uint64_t packets,
	int64_t now_us);
/* Hands over what is gathered; lines are synced. */
void take_flush(Take *take);
/* Syncs everything and notes that nothing up to this number is missing. After take_flush() of all
 * takes. */
void take_checkpoint(Take *take, uint64_t upto, int64_t now_us);
