/* verbs.h - what the operator's commands do, one function each
 *
 * False with the sentence that goes to the screen; what is asked for goes to stdout. */
#pragma once
#include "words.h"
#include <jansson.h>

typedef bool Verb(const Words *words, GError **error);

Verb forum_make, forum_list, forum_links;             /* forum_verbs.c */
Verb site_import, site_list, site_links, site_revoke; /* site_verbs.c */
Verb recording_list;                                  /* recording_verbs.c */
Verb question_list;                                   /* question_verbs.c */
Verb backup_make, backup_restore;                     /* backup_verbs.c */
Verb status_show;                                     /* status_verbs.c */

/* A member of an answer; "" and 0 where there is none. */
const char *verb_text(const json_t *row, const char *key);
json_int_t verb_number(const json_t *row, const char *key);
/* Prints value as JSON on stdout. */
void verb_print_json(const json_t *value);
