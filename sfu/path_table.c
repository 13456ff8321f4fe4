#include "path_table.h"
#include <glib.h>

#define BUCKETS 4096 /* 1,000 viewers with two paths each: half of them empty; 32 KB */

struct PathTable {
	Path *buckets[BUCKETS];
	PathLeaves leaves;
	void *user;
};

PathTable *path_table_new(PathLeaves leaves, void *user)
{
	PathTable *table = g_new0(PathTable, 1);
	table->leaves = leaves;
	table->user = user;
	return table;
}

void path_table_free(PathTable *table)
{
	if (!table)
		return;
	for (unsigned i = 0; i < BUCKETS; i++)
		for (Path *path = table->buckets[i], *next; path; path = next) {
			next = path->next;
			g_assert(!path->peer);
			g_free(path);
		}
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

static void unlink_path(PathTable *table, Path *path)
{
	for (Path **link = bucket(table, &path->remote); *link; link = &(*link)->next)
		if (*link == path) {
			*link = path->next;
			path->next = NULL;
			return;
		}
}

void path_table_remove(PathTable *table, Path *path)
{
	unlink_path(table, path);
	if (path->via)
		table->leaves(path, table->user);
}

static Path *find_route(const PathTable *table, const Address *remote, unsigned worker)
{
	for (Path *path = *bucket(table, remote); path; path = path->next)
		if (!path->peer && path->worker == worker && address_equal(&path->remote, remote))
			return path;
	return NULL;
}

void path_table_add_route(PathTable *table, const Address *remote, unsigned worker)
{
	Path *route = find_route(table, remote, worker);
	if (route)
		unlink_path(table, route); /* the newest again */
	else
		route = g_new0(Path, 1);
	*route = (Path){ .remote = *remote, .worker = (uint8_t)worker, .used = true };
	path_table_add(table, route);
}

void path_table_remove_route(PathTable *table, const Address *remote, unsigned worker)
{
	Path *route = find_route(table, remote, worker);
	if (!route)
		return;
	unlink_path(table, route);
	g_free(route);
}

Path *path_table_find(const PathTable *table, const Address *remote)
{
	for (Path *path = *bucket(table, remote); path; path = path->next)
		if (address_equal(&path->remote, remote))
			return path;
	return NULL;
}
