#include "store_side.h"

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

	"CREATE TABLE questions(id TEXT PRIMARY KEY, forum TEXT NOT NULL REFERENCES forums(id),"
	" number INTEGER NOT NULL, seat TEXT NOT NULL, source TEXT NOT NULL,"
	" client_key TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, state TEXT NOT NULL,"
	" created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
	" UNIQUE(forum, number), UNIQUE(forum, client_key)) STRICT;"
	"CREATE INDEX questions_by_state ON questions(forum, state, number);"
	"CREATE INDEX questions_by_seat ON questions(forum, seat, number);"
	"CREATE TABLE question_history(question TEXT NOT NULL REFERENCES questions(id),"
	" state TEXT NOT NULL, seat TEXT NOT NULL, changed_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX question_history_by_question ON question_history(question);",

	"ALTER TABLE sites ADD COLUMN province TEXT NOT NULL DEFAULT '';",

	/* Figures that were not measured are -1; faults are words. */
	"CREATE TABLE preflights(site TEXT NOT NULL REFERENCES sites(id), at_ms INTEGER NOT NULL,"
	" faults TEXT NOT NULL, down_bps INTEGER NOT NULL, up_bps INTEGER NOT NULL,"
	" rtt_ms INTEGER NOT NULL, loss_permille INTEGER NOT NULL, path TEXT NOT NULL) STRICT;"
	"CREATE INDEX preflights_by_site ON preflights(site, at_ms);",
};

const char *const store_statements[STATEMENTS] = {
	[PUT_FORUM] = "INSERT INTO forums VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
		      " title=excluded.title, rev=excluded.rev, main=excluded.main",
	[PUT_SITE] = "INSERT INTO sites VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
		     " name=excluded.name, district=excluded.district, phone=excluded.phone,"
		     " join_generation=excluded.join_generation,"
		     " ask_generation=excluded.ask_generation, province=excluded.province",
	[PUT_INVITATION] = "INSERT INTO invitations VALUES(?,?,?,?)",
	[PUT_LINK] = "INSERT INTO links VALUES(?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
		     " name=excluded.name, generation=excluded.generation",
	[PUT_PEER] = "INSERT OR REPLACE INTO peers VALUES(?,?,?,?,?)",
	[DROP_PEER] = "DELETE FROM peers WHERE id=?",
	[PUT_SEAT] = "INSERT OR REPLACE INTO seats VALUES(?,?,?,?,?,?,?,?,?,?)",
	[DROP_SEAT] = "DELETE FROM seats WHERE id=?",
	[ADD_PREFLIGHT] = "INSERT INTO preflights SELECT site, ?2, ?3, ?4, ?5, ?6, ?7, ?8"
			  " FROM invitations WHERE seat=?1",
	[TRIM_PREFLIGHTS] = "DELETE FROM preflights WHERE rowid IN (SELECT p.rowid"
			    " FROM preflights p JOIN invitations i ON i.site=p.site"
			    " WHERE i.seat=?1 ORDER BY p.at_ms DESC, p.rowid DESC"
			    " LIMIT -1 OFFSET ?2)",
	[LIST_PREFLIGHTS] = "SELECT at_ms, faults, down_bps, up_bps, rtt_ms, loss_permille, path"
			    " FROM preflights p JOIN invitations i ON i.site=p.site"
			    " WHERE i.seat=?1 ORDER BY p.at_ms DESC, p.rowid DESC LIMIT ?2",
	/* The key decides: what is there already stays as it is. */
	[ADD_QUESTION] =
		"INSERT INTO questions SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4,"
		" ?5, ?6, ?7, 'new', ?8, ?8 FROM questions WHERE forum=?2"
		" ON CONFLICT(forum, client_key) DO NOTHING",
	[SET_QUESTION] = "UPDATE questions SET state=?1, changed_ms=?2 WHERE id=?3",
	[ADD_HISTORY] = "INSERT INTO question_history VALUES(?,?,?,?)",
	[FIND_QUESTION] = "SELECT * FROM questions WHERE forum=? AND id=?",
	[FIND_QUESTION_BY_KEY] = "SELECT * FROM questions WHERE forum=? AND client_key=?",
	/* Newest first, those below a number. */
	[LIST_QUESTIONS] = "SELECT * FROM questions WHERE forum=?1 AND number<?2"
			   " ORDER BY number DESC LIMIT ?3",
	[LIST_QUESTIONS_IN_STATE] = "SELECT * FROM questions WHERE forum=?1 AND number<?2"
				    " AND state=?4 ORDER BY number DESC LIMIT ?3",
	[LIST_QUESTIONS_OF_SEAT] = "SELECT * FROM questions WHERE forum=?1 AND number<?2"
				   " AND seat=?4 ORDER BY number DESC LIMIT ?3",
};

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

bool store_migrate(sqlite3 *db, GError **error)
{
	int64_t version = pragma(db, "PRAGMA user_version");
	if (version < 0)
		return store_fail(db, "cannot be read", error);
	if (version > (int64_t)G_N_ELEMENTS(migrations)) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			"store: was written by a newer version (schema %d, this one knows %d)",
			(int)version, (int)G_N_ELEMENTS(migrations));
		return false;
	}
	for (; version < (int64_t)G_N_ELEMENTS(migrations); version++) {
		g_autofree char *done = g_strdup_printf("PRAGMA user_version=%d", (int)version + 1);
		if (!store_execute(db, "BEGIN IMMEDIATE") ||
			!store_execute(db, migrations[version]) || !store_execute(db, done) ||
			!store_execute(db, "COMMIT")) {
			store_fail(db, "schema cannot be brought up to date", error);
			store_execute(db, "ROLLBACK");
			return false;
		}
	}
	return true;
}
