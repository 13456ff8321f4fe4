#include "lines.h"
#include "view.h"

struct Lines {
	GHashTable *seats; /* set of Seat */
	int64_t told_us;   /* 0: never */
};

Lines *lines_new(void)
{
	Lines *lines = g_new0(Lines, 1);
	lines->seats = g_hash_table_new(NULL, NULL);
	return lines;
}

void lines_free(Lines *lines)
{
	if (!lines)
		return;
	g_hash_table_unref(lines->seats);
	g_free(lines);
}

void lines_add(Lines *lines, Seat *seat)
{
	if (seat->origin == SEAT_OF_SITE)
		g_hash_table_add(lines->seats, seat);
}

int lines_wait_ms(const Lines *lines, int64_t now_us)
{
	if (!g_hash_table_size(lines->seats))
		return -1;
	int64_t left_us = lines->told_us ? lines->told_us + LINES_US - now_us : 0;
	return left_us > 0 ? (int)((left_us + 999) / 1000) : 0;
}

void lines_take(Lines *lines, int64_t now_us, LinesTell *tell, void *user)
{
	if (lines_wait_ms(lines, now_us) != 0)
		return;
	lines->told_us = now_us;
	g_autoptr(GHashTable) forums = g_hash_table_new(NULL, NULL); /* Forum -> JSON array */
	GHashTableIter at;
	Seat *seat;
	Forum *forum;
	json_t *rows;
	g_hash_table_iter_init(&at, lines->seats);
	while (g_hash_table_iter_next(&at, (void **)&seat, NULL)) {
		rows = g_hash_table_lookup(forums, seat->forum);
		if (!rows) {
			rows = json_array();
			g_hash_table_insert(forums, seat->forum, rows);
		}
		json_array_append_new(rows, json_pack("{s:s, s:o}", "seat", seat->id, "line",
						    view_line(&seat->receive.rung)));
	}
	g_hash_table_remove_all(lines->seats);
	g_hash_table_iter_init(&at, forums);
	while (g_hash_table_iter_next(&at, (void **)&forum, (void **)&rows))
		tell(forum, rows, user);
}
