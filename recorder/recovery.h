/* recovery.h - what lies in the recordings folder after an end that nobody chose
 *
 * Cuts what is torn off the tails of a take's index and parts and tells how far it is whole. Whole
 * packets and lines are never thrown away. Main thread, before a take goes on; reads from the disk.
 */
#pragma once
#include "take_state.h"

typedef enum RecoveryTrust {
	RECOVERY_WHOLE,  /* what can be read is there: after a kill, a crash, a full disk */
	RECOVERY_SYNCED, /* only what was synced: after a failed sync */
} RecoveryTrust;

/* One take's folder. NULL when there is no readable beginning of an index in it. */
TakeState *recovery_read(const char *folder, RecoveryTrust trust);
/* The takes under root (STAGE/TAKE/) that have not ended, and those that ended at or after since_us
 * (their state says so); of TakeState, freed with the array. */
GPtrArray *recovery_find(const char *root, int64_t since_us, RecoveryTrust trust);
/* Whether an index ends with the line that ends a take, read from its tail: of hundreds of takes
 * only a few are to be read whole. */
bool recovery_has_ended(const char *index);
/* Whether a stage's id may name a folder. */
bool recovery_is_name(const char *word);
