#include "store_side.h"
#include "store_vfs.h"
#include <string.h>
#include <sys/stat.h>

#define BUSY_MS 5000 /* an operator's sqlite3 may hold the file for a moment */

/* What one store_commit handed over. */
typedef struct Batch {
	Job job;
	GPtrArray *changes;
	void (*done)(bool ok, void *user);
	void *user;
} Batch;

bool store_fail(sqlite3 *db, const char *what, GError **error)
{
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "store: %s: %s", what,
		db ? sqlite3_errmsg(db) : "no memory");
	return false;
}

bool store_execute(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

const char *store_text(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

static bool open_file(Store *store, const char *path, GError **error)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &store->db, flags, store_vfs()) != SQLITE_OK)
		return store_fail(store->db, path, error);
	sqlite3_busy_timeout(store->db, BUSY_MS);
	if (!store_execute(store->db, "PRAGMA journal_mode=WAL") ||
		!store_execute(store->db, "PRAGMA synchronous=FULL") ||
		!store_execute(store->db, "PRAGMA foreign_keys=ON"))
		return store_fail(store->db, path, error);
	if (!store_migrate(store->db, error))
		return false;
	for (unsigned i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(store->db, store_statements[i], -1,
			    SQLITE_PREPARE_PERSISTENT, &store->prepared[i], NULL) != SQLITE_OK)
			return store_fail(store->db, store_statements[i], error);
	}
	return true;
}

static void close_file(Store *store)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store->prepared[i]);
	sqlite3_close(store->db);
}

/* On the thread. A full disk may have ended the whole transaction: then nothing more is tried, or
 * it would be a transaction of its own. */
static bool run_job(Store *store, Job *job)
{
	if (sqlite3_get_autocommit(store->db) || !store_execute(store->db, "SAVEPOINT job"))
		return false;
	if (job->run(store, job))
		return store_execute(store->db, "RELEASE job");
	if (job->changes)
		g_warning("store: a change was refused: %s", sqlite3_errmsg(store->db));
	if (!sqlite3_get_autocommit(store->db)) {
		store_execute(store->db, "ROLLBACK TO job");
		store_execute(store->db, "RELEASE job");
	}
	return false;
}

static void work(GPtrArray *jobs, void *user)
{
	Store *store = user;
	uint64_t changes = 0;
	bool ok = store_execute(store->db, "BEGIN IMMEDIATE");
	for (unsigned i = 0; i < jobs->len; i++) {
		Job *job = jobs->pdata[i];
		job->ok = ok && run_job(store, job);
		changes += job->changes;
	}
	if (ok && store_execute(store->db, "COMMIT")) {
		store->commits += changes > 0;
		store->changes += changes;
		return;
	}
	g_warning("store: cannot write: %s", sqlite3_errmsg(store->db));
	store_execute(store->db, "ROLLBACK");
	for (unsigned i = 0; i < jobs->len; i++)
		((Job *)jobs->pdata[i])->ok = false;
}

static void on_done(void *item, void *user)
{
	Store *store = user;
	Job *job = item;
	/* That something can be read says nothing about the disk. */
	if (job->changes)
		store->is_well = job->ok;
	job->finish(job);
}

Store *store_open(const char *path, GError **error)
{
	static const WorkerEvents events = { work, on_done };
	mode_t before = umask(077);
	Store *store = g_new0(Store, 1);
	store->path = g_strdup(path);
	bool opened = open_file(store, path, error);
	umask(before);
	if (!opened) {
		close_file(store);
		g_free(store->path);
		g_free(store);
		return NULL;
	}
	store->gathered = store_gather_new();
	store->is_well = true;
	store->worker = worker_new("store", &events, store);
	return store;
}

void store_close(Store *store)
{
	if (!store)
		return;
	store_stop_copy(store);
	store_commit(store, NULL, NULL);
	worker_free(store->worker);
	close_file(store);
	g_ptr_array_unref(store->gathered);
	g_free(store->path);
	g_free(store);
}

void store_drain(Store *store)
{
	store_commit(store, NULL, NULL);
	worker_drain(store->worker);
}

void store_post(Store *store, Job *job)
{
	worker_post(store->worker, job);
}

static bool run_batch(Store *store, Job *job)
{
	return store_apply_all(store, ((Batch *)job)->changes);
}

static void finish_batch(Job *job)
{
	Batch *batch = (Batch *)job;
	if (batch->done)
		batch->done(job->ok, batch->user);
	g_ptr_array_unref(batch->changes);
	g_free(batch);
}

void store_commit(Store *store, void (*done)(bool ok, void *user), void *user)
{
	if (!store->gathered->len) {
		if (done)
			done(true, user);
		return;
	}
	Batch *batch = g_new0(Batch, 1);
	batch->job.run = run_batch;
	batch->job.finish = finish_batch;
	batch->job.changes = store->gathered->len;
	batch->changes = store->gathered;
	batch->done = done;
	batch->user = user;
	store->gathered = store_gather_new();
	store_post(store, &batch->job);
}

bool store_is_well(const Store *store)
{
	return store->is_well;
}

void store_counts(const Store *store, uint64_t *commits, uint64_t *changes)
{
	*commits = store->commits;
	*changes = store->changes;
}
