/* store_side.h - what store.c, store_schema.c, store_rows.c, store_questions.c, store_preflights.c
 * and store_copy.c share behind the wall of SQLite
 *
 * No other file includes it. `run` and `prepared` belong to the store's thread, the rest to the
 * loop. */
#pragma once
#include "store.h"
#include "worker.h"
#include <sqlite3.h>
#include <stdatomic.h>

typedef enum Statement {
	PUT_FORUM,
	PUT_SITE,
	PUT_INVITATION,
	PUT_LINK,
	PUT_PEER,
	DROP_PEER,
	PUT_SEAT,
	DROP_SEAT,
	ADD_PREFLIGHT,
	TRIM_PREFLIGHTS,
	LIST_PREFLIGHTS,
	ADD_QUESTION,
	SET_QUESTION,
	ADD_HISTORY,
	FIND_QUESTION,
	FIND_QUESTION_BY_KEY,
	LIST_QUESTIONS,
	LIST_QUESTIONS_IN_STATE,
	LIST_QUESTIONS_OF_SEAT,
	STATEMENTS
} Statement;

/* All of the SQL that is prepared once. */
extern const char *const store_statements[STATEMENTS];

/* Something for the thread to do; the first member of whatever carries its details. */
typedef struct Job {
	/* On the thread, in a transaction and a savepoint of its own; false undoes what it did. */
	bool (*run)(Store *store, struct Job *job);
	/* On the loop. ok: it ran and the transaction is on disk. Releases the job. */
	void (*finish)(struct Job *job);
	unsigned changes; /* rows it writes; 0: it only reads */
	bool ok;
} Job;

struct Store {
	char *path;
	sqlite3 *db; /* the thread's from the first job on */
	sqlite3_stmt *prepared[STATEMENTS];
	Worker *worker;
	struct Copier *copier; /* NULL until the first copy */
	GPtrArray *gathered;   /* changes of store_rows.c */
	bool is_well;
	atomic_uint_fast64_t commits, changes;
};

/* store.c */
void store_post(Store *store, Job *job);
bool store_execute(sqlite3 *db, const char *sql);
/* Sets error; false. */
bool store_fail(sqlite3 *db, const char *what, GError **error);
/* NULL where the column is. */
const char *store_text(sqlite3_stmt *row, int column);

/* store_schema.c */
bool store_migrate(sqlite3 *db, GError **error);

/* store_preflights.c: a check from the columns at_ms, faults, down_bps, up_bps, rtt_ms,
 * loss_permille, path, from this one on. False when it is not sound. */
bool store_read_preflight(sqlite3_stmt *at, int column, Preflight *row);

/* store_rows.c: the changes that wait for store_commit. */
GPtrArray *store_gather_new(void);
bool store_apply_all(Store *store, GPtrArray *changes);
