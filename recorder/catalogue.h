/* catalogue.h - the recordings there are, as their folders tell it; nothing else knows
 *
 * A take is being recorded until its index has an end, then it is being finished until
 * recording.webm is there (ready) or finishing was given up (failed, finish.json says why). Main
 * thread; reads small files. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#define CATALOGUE_MAX 200 /* recordings of a stage that are listed: what fits a message */

#define CATALOGUE_FILE "recording.webm"
#define CATALOGUE_REPORT "recording.json"
#define CATALOGUE_TRIES "finish.json"

/* [{id, stage, take, state, reason, started_us, ended_us, length_us, bytes, gaps}], newest first.
 */
json_t *catalogue_list(const char *root, const char *stage);
/* What finishing has come to: tries so far, whether it was given up, why. reason: freed by the
 * caller; NULL. */
void catalogue_read_tries(const char *folder, unsigned *tries, bool *has_failed, char **reason);
bool catalogue_write_tries(const char *folder, unsigned tries, bool has_failed, const char *reason);
/* Folder of the oldest take that is to be finished; NULL when none is. */
char *catalogue_find_work(const char *root);
