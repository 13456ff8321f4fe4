#include "store_side.h"
#include <string.h>

typedef enum Work { WORK_ASK, WORK_SET, WORK_FIND, WORK_LIST } Work;

/* One question asked, changed or looked for; or a page of them. */
typedef struct Task {
	Job job;
	Work work;
	char *id, *forum, *seat, *key, *name, *text; /* seat: who asks, who changes, whose */
	QuestionState state, was;
	bool has_state, is_by_link;
	int64_t now_ms, after;
	unsigned limit;

	StoreAnswer answer;
	GPtrArray *rows; /* QuestionRow with its strings owned */
	bool more;
	StoreQuestionDone *done;
	StoreListDone *listed;
	void *user;
} Task;

static void free_row(void *data)
{
	QuestionRow *row = data;
	g_free((char *)row->id);
	g_free((char *)row->forum);
	g_free((char *)row->seat);
	g_free((char *)row->key);
	g_free((char *)row->name);
	g_free((char *)row->text);
	g_free(row);
}

/* On the thread, as all from here to finish(). Binds texts and numbers one after the other: s, i.
 */
static sqlite3_stmt *bind(Store *store, Statement which, const char *types, ...)
{
	sqlite3_stmt *statement = store->prepared[which];
	va_list args;
	va_start(args, types);
	for (int at = 1; *types; types++, at++) {
		if (*types == 's')
			sqlite3_bind_text(
				statement, at, va_arg(args, const char *), -1, SQLITE_STATIC);
		else
			sqlite3_bind_int64(statement, at, va_arg(args, int64_t));
	}
	va_end(args);
	return statement;
}

static void unbind(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

static bool execute(sqlite3_stmt *statement)
{
	bool ok = sqlite3_step(statement) == SQLITE_DONE;
	unbind(statement);
	return ok;
}

/* NULL when the row is not sound. */
static QuestionRow *read_row(sqlite3_stmt *at)
{
	QuestionState state;
	const char *source = store_text(at, 4);
	int64_t number = sqlite3_column_int64(at, 2);
	if (!id_is_valid(store_text(at, 0)) || !id_is_valid(store_text(at, 3)) || number < 1 ||
		!question_state_from_name(store_text(at, 8), &state)) {
		g_warning("store: question %" G_GINT64_FORMAT " is not sound, left out", number);
		return NULL;
	}
	QuestionRow *row = g_new0(QuestionRow, 1);
	row->id = g_strdup(store_text(at, 0));
	row->forum = g_strdup(store_text(at, 1));
	row->number = number;
	row->seat = g_strdup(store_text(at, 3));
	row->is_by_link = strcmp(source, "ask") == 0;
	row->key = g_strdup(store_text(at, 5));
	row->name = g_strdup(store_text(at, 6));
	row->text = g_strdup(store_text(at, 7));
	row->state = state;
	row->created_ms = sqlite3_column_int64(at, 9);
	row->changed_ms = sqlite3_column_int64(at, 10);
	return row;
}

/* Rows up to the limit; false when SQLite fails. */
static bool fetch(Task *task, sqlite3_stmt *statement, unsigned limit)
{
	size_t bytes = 0;
	int step;
	while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
		if (task->rows->len >= limit || bytes > STORE_PAGE_BYTES_MAX) {
			task->more = true;
			break;
		}
		QuestionRow *row = read_row(statement);
		if (!row)
			continue;
		bytes += strlen(row->text);
		g_ptr_array_add(task->rows, row);
	}
	unbind(statement);
	return step == SQLITE_DONE || step == SQLITE_ROW;
}

static bool add_history(Store *store, const QuestionRow *row, Task *task)
{
	return execute(bind(store, ADD_HISTORY, "sssi", row->id, question_state_name(row->state),
		task->seat, task->now_ms));
}

static bool ask(Store *store, Task *task)
{
	if (!execute(bind(store, ADD_QUESTION, "sssssssi", task->id, task->forum, task->seat,
		    task->is_by_link ? "ask" : "page", task->key, task->name, task->text,
		    task->now_ms)))
		return false;
	bool is_new = sqlite3_changes(store->db) > 0;
	if (!fetch(task, bind(store, FIND_QUESTION_BY_KEY, "ss", task->forum, task->key), 1) ||
		!task->rows->len)
		return false;
	task->answer = is_new ? STORE_DONE : STORE_ALREADY;
	task->job.changes = is_new ? 2 : 0;
	return !is_new || add_history(store, task->rows->pdata[0], task);
}

static bool find(Store *store, Task *task)
{
	if (!fetch(task, bind(store, FIND_QUESTION, "ss", task->forum, task->id), 1))
		return false;
	task->answer = task->rows->len ? STORE_DONE : STORE_NONE;
	return true;
}

static bool set(Store *store, Task *task)
{
	if (!find(store, task))
		return false;
	QuestionRow *row = task->rows->len ? task->rows->pdata[0] : NULL;
	if (row) {
		task->was = row->state;
		if (row->state == task->state)
			task->answer = STORE_ALREADY;
		else if (!question_may_become(row->state, task->state))
			task->answer = STORE_ILLEGAL;
	}
	if (task->answer != STORE_DONE) {
		task->job.changes = 0;
		return true;
	}
	row->state = task->state;
	row->changed_ms = task->now_ms;
	return execute(bind(store, SET_QUESTION, "sis", question_state_name(row->state),
		       task->now_ms, row->id)) &&
	       add_history(store, row, task);
}

static bool list(Store *store, Task *task)
{
	int64_t below = task->after ? task->after : G_MAXINT64;
	int64_t limit = (int64_t)task->limit + 1; /* one more says that there are more */
	sqlite3_stmt *statement;
	if (task->seat)
		statement = bind(store, LIST_QUESTIONS_OF_SEAT, "siis", task->forum, below, limit,
			task->seat);
	else if (task->has_state)
		statement = bind(store, LIST_QUESTIONS_IN_STATE, "siis", task->forum, below, limit,
			question_state_name(task->state));
	else
		statement = bind(store, LIST_QUESTIONS, "sii", task->forum, below, limit);
	return fetch(task, statement, task->limit);
}

static bool run(Store *store, Job *job)
{
	static bool (*const works[])(Store *, Task *) = {
		[WORK_ASK] = ask, [WORK_SET] = set, [WORK_FIND] = find, [WORK_LIST] = list
	};
	return works[((Task *)job)->work](store, (Task *)job);
}

/* On the loop. */
static void finish(Job *job)
{
	Task *task = (Task *)job;
	if (task->work == WORK_LIST) {
		task->listed(job->ok, task->rows, task->more, task->user);
	} else {
		const QuestionRow *row = job->ok && task->rows->len ? task->rows->pdata[0] : NULL;
		task->done(job->ok ? task->answer : STORE_FAILED, row, task->was, task->user);
	}
	g_ptr_array_unref(task->rows);
	g_free(task->id);
	g_free(task->forum);
	g_free(task->seat);
	g_free(task->key);
	g_free(task->name);
	g_free(task->text);
	g_free(task);
}

static Task *new_task(Work work, const char *forum, const char *seat, void *user)
{
	Task *task = g_new0(Task, 1);
	task->job.run = run;
	task->job.finish = finish;
	task->job.changes = work == WORK_ASK || work == WORK_SET ? 2 : 0;
	task->work = work;
	task->forum = g_strdup(forum);
	task->seat = g_strdup(seat);
	task->rows = g_ptr_array_new_with_free_func(free_row);
	task->user = user;
	return task;
}

void store_ask(Store *store, const QuestionRow *row, StoreQuestionDone *done, void *user)
{
	Task *task = new_task(WORK_ASK, row->forum, row->seat, user);
	task->id = g_strdup(row->id);
	task->key = g_strdup(row->key);
	task->name = g_strdup(row->name);
	task->text = g_strdup(row->text);
	task->is_by_link = row->is_by_link;
	task->now_ms = row->created_ms;
	task->done = done;
	store_post(store, &task->job);
}

void store_set_question(Store *store, const char *forum, const char *id, QuestionState state,
	const char *by, int64_t now_ms, StoreQuestionDone *done, void *user)
{
	Task *task = new_task(WORK_SET, forum, by, user);
	task->id = g_strdup(id);
	task->state = state;
	task->now_ms = now_ms;
	task->done = done;
	store_post(store, &task->job);
}

void store_find_question(
	Store *store, const char *forum, const char *id, StoreQuestionDone *done, void *user)
{
	Task *task = new_task(WORK_FIND, forum, NULL, user);
	task->id = g_strdup(id);
	task->done = done;
	store_post(store, &task->job);
}

void store_list_questions(Store *store, const QuestionQuery *query, StoreListDone *done, void *user)
{
	Task *task = new_task(WORK_LIST, query->forum, query->seat, user);
	task->has_state = query->state != NULL;
	if (query->state)
		task->state = *query->state;
	task->after = query->after;
	task->limit = CLAMP(query->limit, 1, STORE_PAGE_MAX);
	task->listed = done;
	store_post(store, &task->job);
}
