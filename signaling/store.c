#include "store.h"
#include "store_vfs.h"
#include "worker.h"
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#define VALUES_MAX 10
#define BUSY_MS 5000 /* an operator's sqlite3 may hold the file for a moment */

/* Schema N is reached by running migrations[0] to migrations[N - 1]. Never edit one that was
 * released; add the next. */
static const char *const migrations[] = {
	"CREATE TABLE forums(id TEXT PRIMARY KEY, title TEXT NOT NULL, stage TEXT NOT NULL UNIQUE,"
	" rev INTEGER NOT NULL, main TEXT, maker TEXT, demo INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE sites(id TEXT PRIMARY KEY, name TEXT NOT NULL, district TEXT NOT NULL,"
	" phone TEXT NOT NULL, join_generation INTEGER NOT NULL, ask_generation INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE invitations(seat TEXT PRIMARY KEY, forum TEXT NOT NULL REFERENCES forums(id),"
	" site TEXT NOT NULL REFERENCES sites(id), number INTEGER NOT NULL,"
	" UNIQUE(forum, site), UNIQUE(forum, number)) STRICT;"
	"CREATE TABLE links(id TEXT PRIMARY KEY, forum TEXT NOT NULL REFERENCES forums(id),"
	" kind TEXT NOT NULL, role TEXT NOT NULL, name TEXT NOT NULL,"
	" generation INTEGER NOT NULL) STRICT;"
	"CREATE TABLE peers(id TEXT PRIMARY KEY, forum TEXT NOT NULL REFERENCES forums(id),"
	" seat TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL) STRICT;"
	"CREATE TABLE seats(id TEXT PRIMARY KEY, forum TEXT NOT NULL REFERENCES forums(id),"
	" device TEXT, air_order INTEGER NOT NULL, screen_order INTEGER NOT NULL,"
	" hand_order INTEGER NOT NULL, hand_ms INTEGER NOT NULL, muted INTEGER NOT NULL,"
	" mic INTEGER NOT NULL, camera INTEGER NOT NULL) STRICT;",
};

enum {
	PUT_FORUM,
	PUT_SITE,
	PUT_INVITATION,
	PUT_LINK,
	PUT_PEER,
	DROP_PEER,
	PUT_SEAT,
	DROP_SEAT,
	STATEMENTS
};

static const char *const statements[STATEMENTS] = {
	[PUT_FORUM] = "INSERT INTO forums VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
		      " title=excluded.title, rev=excluded.rev, main=excluded.main",
	[PUT_SITE] = "INSERT INTO sites VALUES(?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
		     " name=excluded.name, district=excluded.district, phone=excluded.phone,"
		     " join_generation=excluded.join_generation,"
		     " ask_generation=excluded.ask_generation",
	[PUT_INVITATION] = "INSERT INTO invitations VALUES(?,?,?,?)",
	[PUT_LINK] = "INSERT INTO links VALUES(?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
		     " name=excluded.name, generation=excluded.generation",
	[PUT_PEER] = "INSERT OR REPLACE INTO peers VALUES(?,?,?,?,?)",
	[DROP_PEER] = "DELETE FROM peers WHERE id=?",
	[PUT_SEAT] = "INSERT OR REPLACE INTO seats VALUES(?,?,?,?,?,?,?,?,?,?)",
	[DROP_SEAT] = "DELETE FROM seats WHERE id=?",
};

typedef struct Value {
	char *text; /* owned */
	int64_t number;
	bool is_text;
} Value;

typedef struct Change {
	unsigned statement, count;
	Value values[VALUES_MAX];
} Change;

/* What one store_commit handed over. */
typedef struct Batch {
	GPtrArray *changes;
	void (*done)(bool ok, void *user);
	void *user;
	bool ok;
} Batch;

struct Store {
	sqlite3 *db; /* the thread's from the first commit on */
	sqlite3_stmt *prepared[STATEMENTS];
	Worker *worker;
	GPtrArray *gathered; /* Change */
	bool is_well;
	atomic_uint_fast64_t commits, changes;
};

static void free_change(void *data)
{
	Change *change = data;
	for (unsigned i = 0; i < change->count; i++)
		g_free(change->values[i].text);
	g_free(change);
}

static bool fail(sqlite3 *db, const char *what, GError **error)
{
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "store: %s: %s", what,
		db ? sqlite3_errmsg(db) : "no memory");
	return false;
}

static bool execute(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int64_t pragma(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int64_t value = -1;
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
		sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

static bool migrate(sqlite3 *db, GError **error)
{
	int64_t version = pragma(db, "PRAGMA user_version");
	if (version < 0)
		return fail(db, "cannot be read", error);
	if (version > (int64_t)G_N_ELEMENTS(migrations)) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"store: was written by a newer version (schema %d, this one knows %d)",
			(int)version, (int)G_N_ELEMENTS(migrations));
		return false;
	}
	for (; version < (int64_t)G_N_ELEMENTS(migrations); version++) {
		g_autofree char *done = g_strdup_printf("PRAGMA user_version=%d", (int)version + 1);
		if (!execute(db, "BEGIN IMMEDIATE") || !execute(db, migrations[version]) ||
			!execute(db, done) || !execute(db, "COMMIT")) {
			fail(db, "schema cannot be brought up to date", error);
			execute(db, "ROLLBACK");
			return false;
		}
	}
	return true;
}

static bool open_file(Store *store, const char *path, GError **error)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	if (sqlite3_open_v2(path, &store->db, flags, store_vfs()) != SQLITE_OK)
		return fail(store->db, path, error);
	sqlite3_busy_timeout(store->db, BUSY_MS);
	if (!execute(store->db, "PRAGMA journal_mode=WAL") ||
		!execute(store->db, "PRAGMA synchronous=FULL") ||
		!execute(store->db, "PRAGMA foreign_keys=ON"))
		return fail(store->db, path, error);
	if (!migrate(store->db, error))
		return false;
	for (unsigned i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(store->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &store->prepared[i], NULL) != SQLITE_OK)
			return fail(store->db, statements[i], error);
	}
	return true;
}

static void close_file(Store *store)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store->prepared[i]);
	sqlite3_close(store->db);
}

/* On the thread. */
static bool apply(Store *store, const Change *change)
{
	sqlite3_stmt *statement = store->prepared[change->statement];
	for (unsigned i = 0; i < change->count; i++) {
		const Value *value = &change->values[i];
		int at = (int)i + 1;
		if (!value->is_text)
			sqlite3_bind_int64(statement, at, value->number);
		else if (value->text)
			sqlite3_bind_text(statement, at, value->text, -1, SQLITE_STATIC);
		else
			sqlite3_bind_null(statement, at);
	}
	bool done = sqlite3_step(statement) == SQLITE_DONE;
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return done;
}

static bool apply_batch(Store *store, Batch *batch)
{
	if (!execute(store->db, "SAVEPOINT batch"))
		return false;
	bool ok = true;
	for (unsigned i = 0; ok && i < batch->changes->len; i++)
		ok = apply(store, batch->changes->pdata[i]);
	if (!ok) {
		g_warning("store: a change was refused: %s", sqlite3_errmsg(store->db));
		execute(store->db, "ROLLBACK TO batch");
	}
	execute(store->db, "RELEASE batch");
	return ok;
}

static void work(GPtrArray *batches, void *user)
{
	Store *store = user;
	uint64_t changes = 0;
	bool ok = execute(store->db, "BEGIN IMMEDIATE");
	for (unsigned i = 0; i < batches->len; i++) {
		Batch *batch = batches->pdata[i];
		batch->ok = ok && apply_batch(store, batch);
		changes += batch->changes->len;
	}
	if (ok && execute(store->db, "COMMIT")) {
		store->commits++;
		store->changes += changes;
		return;
	}
	g_warning("store: cannot write: %s", sqlite3_errmsg(store->db));
	execute(store->db, "ROLLBACK");
	for (unsigned i = 0; i < batches->len; i++)
		((Batch *)batches->pdata[i])->ok = false;
}

static void on_done(void *item, void *user)
{
	Store *store = user;
	Batch *batch = item;
	store->is_well = batch->ok;
	if (batch->done)
		batch->done(batch->ok, batch->user);
	g_ptr_array_unref(batch->changes);
	g_free(batch);
}

Store *store_open(const char *path, GError **error)
{
	static const WorkerEvents events = { work, on_done };
	mode_t before = umask(077);
	Store *store = g_new0(Store, 1);
	bool opened = open_file(store, path, error);
	umask(before);
	if (!opened) {
		close_file(store);
		g_free(store);
		return NULL;
	}
	store->gathered = g_ptr_array_new_with_free_func(free_change);
	store->is_well = true;
	store->worker = worker_new("store", &events, store);
	return store;
}

void store_close(Store *store)
{
	if (!store)
		return;
	store_commit(store, NULL, NULL);
	worker_free(store->worker);
	close_file(store);
	g_ptr_array_unref(store->gathered);
	g_free(store);
}

/* `values` says the type of each: s text (may be NULL), i int64_t. */
static void gather(Store *store, unsigned statement, const char *types, ...)
{
	Change *change = g_new0(Change, 1);
	change->statement = statement;
	va_list args;
	va_start(args, types);
	for (; *types; types++) {
		Value *value = &change->values[change->count++];
		value->is_text = *types == 's';
		if (value->is_text)
			value->text = g_strdup(va_arg(args, const char *));
		else
			value->number = va_arg(args, int64_t);
	}
	va_end(args);
	g_ptr_array_add(store->gathered, change);
}

void store_put_forum(Store *store, const ForumRow *row)
{
	gather(store, PUT_FORUM, "sssissii", row->id, row->title, row->stage, row->rev, row->main,
		row->maker, (int64_t)row->is_demo, row->created_ms);
}

void store_put_site(Store *store, const SiteRow *row)
{
	gather(store, PUT_SITE, "ssssiii", row->id, row->name, row->district, row->phone,
		(int64_t)row->join_generation, (int64_t)row->ask_generation, row->created_ms);
}

void store_put_invitation(Store *store, const InvitationRow *row)
{
	gather(store, PUT_INVITATION, "sssi", row->seat, row->forum, row->site,
		(int64_t)row->number);
}

void store_put_link(Store *store, const LinkRow *row)
{
	const char kind[2] = { row->kind, '\0' };
	gather(store, PUT_LINK, "sssssi", row->id, row->forum, kind, role_name(row->role),
		row->name, (int64_t)row->generation);
}

void store_put_peer(Store *store, const PeerRow *row)
{
	const char kind[2] = { row->kind, '\0' };
	gather(store, PUT_PEER, "sssss", row->id, row->forum, row->seat, kind, row->name);
}

void store_drop_peer(Store *store, const char *id)
{
	gather(store, DROP_PEER, "s", id);
}

void store_put_seat(Store *store, const SeatRow *row)
{
	gather(store, PUT_SEAT, "sssiiiiiii", row->id, row->forum, row->device, row->air_order,
		row->screen_order, row->hand_order, row->hand_ms, (int64_t)row->muted,
		(int64_t)row->mic, (int64_t)row->camera);
}

void store_drop_seat(Store *store, const char *id)
{
	gather(store, DROP_SEAT, "s", id);
}

void store_commit(Store *store, void (*done)(bool ok, void *user), void *user)
{
	if (!store->gathered->len) {
		if (done)
			done(true, user);
		return;
	}
	Batch *batch = g_new0(Batch, 1);
	batch->changes = store->gathered;
	batch->done = done;
	batch->user = user;
	store->gathered = g_ptr_array_new_with_free_func(free_change);
	worker_post(store->worker, batch);
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

/* Reading, once, before the first commit: the thread does nothing yet. */

static const char *text(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

static bool is_flag(sqlite3_stmt *row, int column)
{
	return sqlite3_column_int64(row, column) != 0;
}

static bool read_forum(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	ForumRow row = { .id = text(at, 0),
		.title = text(at, 1),
		.stage = text(at, 2),
		.rev = sqlite3_column_int64(at, 3),
		.main = text(at, 4),
		.maker = text(at, 5),
		.is_demo = is_flag(at, 6),
		.created_ms = sqlite3_column_int64(at, 7) };
	if (!id_is_valid(row.id) || !id_is_valid(row.stage) || row.rev < 0)
		return false;
	reader->forum(&row, user);
	return true;
}

static bool read_site(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	SiteRow row = { .id = text(at, 0),
		.name = text(at, 1),
		.district = text(at, 2),
		.phone = text(at, 3),
		.join_generation = (unsigned)sqlite3_column_int64(at, 4),
		.ask_generation = (unsigned)sqlite3_column_int64(at, 5),
		.created_ms = sqlite3_column_int64(at, 6) };
	if (!id_is_valid(row.id))
		return false;
	reader->site(&row, user);
	return true;
}

static bool read_invitation(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	InvitationRow row = { .seat = text(at, 0),
		.forum = text(at, 1),
		.site = text(at, 2),
		.number = (unsigned)sqlite3_column_int64(at, 3) };
	if (!id_is_valid(row.seat) || !id_is_valid(row.forum) || !id_is_valid(row.site))
		return false;
	reader->invitation(&row, user);
	return true;
}

static bool read_link(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	LinkRow row = { .id = text(at, 0),
		.forum = text(at, 1),
		.kind = *text(at, 2),
		.role = role_from_name(text(at, 3)),
		.name = text(at, 4),
		.generation = (unsigned)sqlite3_column_int64(at, 5) };
	if (!id_is_valid(row.id) || !id_is_valid(row.forum) || row.role == ROLE_NONE)
		return false;
	reader->link(&row, user);
	return true;
}

static bool read_peer(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	PeerRow row = { .id = text(at, 0),
		.forum = text(at, 1),
		.seat = text(at, 2),
		.kind = *text(at, 3),
		.name = text(at, 4) };
	if (!id_is_valid(row.id) || !id_is_valid(row.forum) || !id_is_valid(row.seat) ||
		!row.kind || !strchr("pv", row.kind))
		return false;
	reader->peer(&row, user);
	return true;
}

static bool read_seat(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	SeatRow row = { .id = text(at, 0),
		.forum = text(at, 1),
		.device = text(at, 2),
		.air_order = sqlite3_column_int64(at, 3),
		.screen_order = sqlite3_column_int64(at, 4),
		.hand_order = sqlite3_column_int64(at, 5),
		.hand_ms = sqlite3_column_int64(at, 6),
		.muted = is_flag(at, 7),
		.mic = is_flag(at, 8),
		.camera = is_flag(at, 9) };
	if (!id_is_valid(row.id) || !id_is_valid(row.forum) || row.air_order < 0 ||
		row.screen_order < 0 || row.hand_order < 0 || row.hand_ms < 0)
		return false;
	reader->seat(&row, user);
	return true;
}

bool store_read(Store *store, const StoreReader *reader, void *user, GError **error)
{
	static const struct {
		const char *sql;
		bool (*read)(sqlite3_stmt *at, const StoreReader *reader, void *user);
	} kinds[] = {
		{ "SELECT * FROM forums ORDER BY created_ms, rowid", read_forum },
		{ "SELECT * FROM sites ORDER BY created_ms, rowid", read_site },
		{ "SELECT * FROM invitations ORDER BY forum, number", read_invitation },
		{ "SELECT * FROM links ORDER BY rowid", read_link },
		{ "SELECT * FROM peers ORDER BY rowid", read_peer },
		{ "SELECT * FROM seats ORDER BY rowid", read_seat },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
		sqlite3_stmt *at = NULL;
		if (sqlite3_prepare_v2(store->db, kinds[i].sql, -1, &at, NULL) != SQLITE_OK)
			return fail(store->db, kinds[i].sql, error);
		int step;
		while ((step = sqlite3_step(at)) == SQLITE_ROW) {
			if (!kinds[i].read(at, reader, user))
				g_warning("store: a row is not sound, left out (%s)", kinds[i].sql);
		}
		sqlite3_finalize(at);
		if (step != SQLITE_DONE)
			return fail(store->db, kinds[i].sql, error);
	}
	return true;
}
