/* path_table.h - finds the path that a datagram came by, from its address
 *
 * Buckets of a fixed size, the links are inside the paths: nothing is allocated. The worker's
 * thread alone. */
#pragma once
#include "path.h"

typedef struct PathTable PathTable;

PathTable *path_table_new(void);
void path_table_free(PathTable *table);
void path_table_add(PathTable *table, Path *path);
void path_table_remove(PathTable *table, Path *path);
/* NULL: no valid check ever came from there. */
Path *path_table_find(const PathTable *table, const Address *remote);
