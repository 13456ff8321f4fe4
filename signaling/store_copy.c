#include "store_side.h"
#include "store_vfs.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#define PAGES_A_STEP 256 /* 1 MB; between two steps the copy can be given up */

typedef struct Copier {
	Worker *worker;
	bool is_busy;
	atomic_uint percent;
	atomic_bool given_up;
} Copier;

typedef struct Copy {
	Copier *copier;
	char *from, *to;
	char *trouble; /* NULL when it is done */
	StoreCopied *done;
	void *user;
} Copy;

static sqlite3 *open_read_only(const char *path)
{
	sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
	/* Holding a read transaction pins what is seen: the copy never has to begin anew. */
	if (sqlite3_open_v2(path, &db, flags, store_vfs()) == SQLITE_OK &&
		store_execute(db, "BEGIN") && store_execute(db, "SELECT count(*) FROM forums"))
		return db;
	sqlite3_close(db);
	return NULL;
}

/* Empty and for our eyes only, before SQLite writes the first byte. */
static sqlite3 *make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	close(fd);
	sqlite3 *db = NULL;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &db, flags, store_vfs()) == SQLITE_OK)
		return db;
	sqlite3_close(db);
	return NULL;
}

static char *run_steps(Copier *copier, sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int step = backup ? SQLITE_OK : SQLITE_ERROR;
	while (step == SQLITE_OK && !copier->given_up) {
		step = sqlite3_backup_step(backup, PAGES_A_STEP);
		int left = sqlite3_backup_remaining(backup), all = sqlite3_backup_pagecount(backup);
		copier->percent = all ? (unsigned)(100 - 100LL * left / all) : 0;
	}
	sqlite3_backup_finish(backup);
	if (copier->given_up)
		return g_strdup("the server is being stopped");
	return step == SQLITE_DONE ? NULL : g_strdup(sqlite3_errmsg(to));
}

/* A copy that cannot be trusted is worse than none. */
static char *examine(sqlite3 *db)
{
	sqlite3_stmt *at = NULL;
	char *trouble = NULL;
	if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &at, NULL) != SQLITE_OK ||
		sqlite3_step(at) != SQLITE_ROW)
		trouble = g_strdup(sqlite3_errmsg(db));
	else if (g_strcmp0(store_text(at, 0), "ok") != 0)
		trouble = g_strdup_printf("the copy is not sound: %s", store_text(at, 0));
	sqlite3_finalize(at);
	return trouble;
}

/* On the thread. */
static void run_copy(Copy *copy)
{
	g_unlink(copy->to);
	sqlite3 *from = open_read_only(copy->from);
	sqlite3 *to = from ? make_file(copy->to) : NULL;
	if (to)
		copy->trouble = run_steps(copy->copier, from, to);
	else
		copy->trouble = g_strdup(from ? "the copy cannot be written to the data folder"
					      : "the store cannot be read");
	if (to && !copy->trouble)
		copy->trouble = examine(to);
	sqlite3_close(to);
	sqlite3_close(from);
	if (copy->trouble)
		g_unlink(copy->to);
}

static void work(GPtrArray *copies, void *user)
{
	for (unsigned i = 0; i < copies->len; i++)
		run_copy(copies->pdata[i]);
}

static void on_done(void *item, void *user)
{
	Copy *copy = item;
	copy->copier->is_busy = false;
	copy->done(copy->trouble, copy->user);
	g_free(copy->from);
	g_free(copy->to);
	g_free(copy->trouble);
	g_free(copy);
}

bool store_copy(Store *store, const char *path, StoreCopied *done, void *user)
{
	static const WorkerEvents events = { work, on_done };
	if (!store->copier) {
		store->copier = g_new0(Copier, 1);
		store->copier->worker = worker_new("copy", &events, NULL);
	}
	Copier *copier = store->copier;
	if (copier->is_busy)
		return false;
	copier->is_busy = true;
	copier->percent = 0;
	Copy *copy = g_new0(Copy, 1);
	copy->copier = copier;
	copy->from = g_strdup(store->path);
	copy->to = g_strdup(path);
	copy->done = done;
	copy->user = user;
	worker_post(copier->worker, copy);
	return true;
}

unsigned store_copy_percent(const Store *store)
{
	return store->copier ? store->copier->percent : 0;
}

void store_stop_copy(Store *store)
{
	Copier *copier = g_steal_pointer(&store->copier);
	if (!copier)
		return;
	copier->given_up = true;
	worker_free(copier->worker);
	g_free(copier);
}
