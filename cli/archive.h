/* archive.h - a backup: the files of a data folder in one tar, with a list of their sums at its end
 *
 * Holds secrets: readable to whoever made it alone. What comes out is checked against the list
 * before anything is believed. Blocks; the operator waits. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Archive Archive;

/* False with error when there is something at path already. */
bool archive_is_free(const char *path, GError **error);
/* A fresh file, under path (replacing what is there) only once it is whole. */
Archive *archive_new(const char *path, GError **error);
/* Gives up what is not finished. */
void archive_free(Archive *archive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Archive, archive_free)

/* Adds the file `from` within folder (a descriptor) under name. */
bool archive_add(Archive *archive, int folder, const char *from, const char *name, GError **error);
/* Adds the list, waits for the disk, gives it its name. */
bool archive_finish(Archive *archive, int64_t now_ms, GError **error);

/* Unpacks path into folder, which is empty; false with error when it is no backup, is not whole or
 * holds anything that was not put there by us. *made_ms: when it was made. */
bool archive_unpack(const char *path, int folder, int64_t *made_ms, GError **error);

/* What a backup may hold, in that order; ends with NULL. */
extern const char *const archive_names[];
