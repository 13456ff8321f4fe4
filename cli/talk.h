/* talk.h - asks the running server one thing after the other
 *
 * Over signaling's own socket in the run folder, with the main loop turning only while an answer is
 * awaited. Main thread. */
#pragma once
#include "words.h"
#include <jansson.h>

typedef struct Talk Talk;

/* NULL with a sentence when no server runs on the data folder, or we may not speak to it. */
Talk *talk_open(const Words *words, GError **error);
void talk_close(Talk *talk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Talk, talk_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* The result, a new reference; params are stolen. NULL with the server's own sentence, or with ours
 * when it gives none in time. */
json_t *talk_ask(Talk *talk, const char *method, json_t *params, GError **error);
/* All rows of a list that comes in pages: the result's member `list`, gathered over `after`. */
json_t *talk_list(Talk *talk, const char *method, json_t *params, const char *list, GError **error);
