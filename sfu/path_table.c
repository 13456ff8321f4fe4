#include "path_table.h"
#include <glib.h>

#define BUCKETS 4096 /* 1,000 viewers with two paths each: half of them empty; 32 KB */

struct PathTable {
	Path *buckets[BUCKETS];
};

PathTable *path_table_new(void)
{
	return g_new0(PathTable, 1);
}

void path_table_free(PathTable *table)
{
	g_free(table);
}

static Path **bucket(const PathTable *table, const Address *remote)
{
	return (Path **)&table->buckets[address_hash(remote) % BUCKETS];
}

void path_table_add(PathTable *table, Path *path)
{
	Path **head = bucket(table, &path->remote);
	path->next = *head;
	*head = path;
}

void path_table_remove(PathTable *table, Path *path)
{
	for (Path **link = bucket(table, &path->remote); *link; link = &(*link)->next)
		if (*link == path) {
			*link = path->next;
			path->next = NULL;
			return;
		}
}

Path *path_table_find(const PathTable *table, const Address *remote)
{
	for (Path *path = *bucket(table, remote); path; path = path->next)
		if (address_equal(&path->remote, remote))
			return path;
	return NULL;
}
