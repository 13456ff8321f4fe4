/* backup.h - one copy of the store at a time, made for whoever fetches it
 *
 * The copy lies in the data folder, readable to the daemons' user and root alone, until it is
 * fetched or BACKUP_KEPT_S have gone by. Main thread. */
#pragma once
#include "store.h"
#include <jansson.h>

#define BACKUP_KEPT_S 60

typedef struct Backup Backup;

/* Removes what an earlier life has left at path. */
Backup *backup_new(Store *store, const char *path);
/* Before the store is closed. */
void backup_free(Backup *backup);

/* False when one is being made. */
bool backup_start(Backup *backup);
/* {state: "none", "working", "done" or "failed", percent, message}: new reference. */
json_t *backup_state(const Backup *backup);
/* It is fetched: its name goes. */
void backup_end(Backup *backup);
