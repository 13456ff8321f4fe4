#include "store_side.h"

/* The checks of one site. */
typedef struct Search {
	Job job;
	char seat[ID_SIZE];
	GArray *rows; /* Preflight */
	StorePreflightsDone *done;
	void *user;
} Search;

bool store_read_preflight(sqlite3_stmt *at, int column, Preflight *row)
{
	*row = (Preflight){ .at_ms = sqlite3_column_int64(at, column),
		.down_bps = sqlite3_column_int64(at, column + 2),
		.up_bps = sqlite3_column_int64(at, column + 3),
		.rtt_ms = sqlite3_column_int64(at, column + 4),
		.loss_permille = sqlite3_column_int64(at, column + 5) };
	const char *path = store_text(at, column + 6);
	if (row->at_ms <= 0 || !preflight_path_is_valid(path) ||
		!preflight_faults_from_words(store_text(at, column + 1), &row->faults))
		return false;
	g_strlcpy(row->path, path, sizeof(row->path));
	return true;
}

/* On the thread. */
static bool run(Store *store, Job *job)
{
	Search *search = (Search *)job;
	sqlite3_stmt *statement = store->prepared[LIST_PREFLIGHTS];
	sqlite3_bind_text(statement, 1, search->seat, -1, SQLITE_STATIC);
	sqlite3_bind_int64(statement, 2, PREFLIGHTS_KEPT);
	int step;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		Preflight row;
		if (store_read_preflight(statement, 0, &row))
			g_array_append_val(search->rows, row);
		else
			g_warning("store: a check of %s is not sound, left out", search->seat);
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return step == SQLITE_DONE;
}

/* On the loop. */
static void finish(Job *job)
{
	Search *search = (Search *)job;
	search->done(job->ok, search->rows, search->user);
	g_array_unref(search->rows);
	g_free(search);
}

void store_list_preflights(Store *store, const char *seat, StorePreflightsDone *done, void *user)
{
	Search *search = g_new0(Search, 1);
	search->job.run = run;
	search->job.finish = finish;
	g_strlcpy(search->seat, seat, sizeof(search->seat));
	search->rows = g_array_new(FALSE, FALSE, sizeof(Preflight));
	search->done = done;
	search->user = user;
	store_post(store, &search->job);
}
