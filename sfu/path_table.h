/* path_table.h - finds the path that a datagram came by, from its address
 *
 * Buckets of a fixed size, the links are inside the paths. Of several paths of one address the
 * newest is found. Routes alone are allocated here. The worker's thread alone. */
#pragma once
#include "path.h"

typedef struct PathTable PathTable;

/* A path leaves the table and others hold routes of it (path->via). */
typedef void (*PathLeaves)(const Path *path, void *user);

PathTable *path_table_new(PathLeaves leaves, void *user);
/* Paths are gone by now; routes may be left. */
void path_table_free(PathTable *table);
void path_table_add(PathTable *table, Path *path);
void path_table_remove(PathTable *table, Path *path);
/* From now on datagrams from there belong to that worker: it has had a valid check. */
void path_table_add_route(PathTable *table, const Address *remote, unsigned worker);
void path_table_remove_route(PathTable *table, const Address *remote, unsigned worker);
/* NULL: no valid check ever came from there. */
Path *path_table_find(const PathTable *table, const Address *remote);
