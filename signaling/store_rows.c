#include "store_side.h"
#include <string.h>

#define VALUES_MAX 10

typedef struct Value {
	char *text; /* owned */
	int64_t number;
	bool is_text;
} Value;

typedef struct Change {
	unsigned statement, count;
	Value values[VALUES_MAX];
} Change;

static void free_change(void *data)
{
	Change *change = data;
	for (unsigned i = 0; i < change->count; i++)
		g_free(change->values[i].text);
	g_free(change);
}

GPtrArray *store_gather_new(void)
{
	return g_ptr_array_new_with_free_func(free_change);
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

bool store_apply_all(Store *store, GPtrArray *changes)
{
	bool ok = true;
	for (unsigned i = 0; ok && i < changes->len; i++)
		ok = apply(store, changes->pdata[i]);
	return ok;
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
	gather(store, PUT_SITE, "ssssiiis", row->id, row->name, row->district, row->phone,
		(int64_t)row->join_generation, (int64_t)row->ask_generation, row->created_ms,
		row->province ? row->province : "");
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

void store_add_preflight(Store *store, const char *seat, const Preflight *row)
{
	g_autofree char *faults = preflight_fault_words(row);
	gather(store, ADD_PREFLIGHT, "sisiiiis", seat, row->at_ms, faults, row->down_bps,
		row->up_bps, row->rtt_ms, row->loss_permille, row->path);
	gather(store, TRIM_PREFLIGHTS, "si", seat, (int64_t)PREFLIGHTS_KEPT);
}

/* Reading, once, before the first commit: the thread does nothing yet. */

static bool is_flag(sqlite3_stmt *row, int column)
{
	return sqlite3_column_int64(row, column) != 0;
}

static bool read_forum(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	ForumRow row = { .id = store_text(at, 0),
		.title = store_text(at, 1),
		.stage = store_text(at, 2),
		.rev = sqlite3_column_int64(at, 3),
		.main = store_text(at, 4),
		.maker = store_text(at, 5),
		.is_demo = is_flag(at, 6),
		.created_ms = sqlite3_column_int64(at, 7) };
	if (!id_is_valid(row.id) || !id_is_valid(row.stage) || row.rev < 0)
		return false;
	reader->forum(&row, user);
	return true;
}

static bool read_site(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	SiteRow row = { .id = store_text(at, 0),
		.name = store_text(at, 1),
		.district = store_text(at, 2),
		.phone = store_text(at, 3),
		.join_generation = (unsigned)sqlite3_column_int64(at, 4),
		.ask_generation = (unsigned)sqlite3_column_int64(at, 5),
		.created_ms = sqlite3_column_int64(at, 6),
		.province = store_text(at, 7) };
	if (!id_is_valid(row.id))
		return false;
	reader->site(&row, user);
	return true;
}

static bool read_invitation(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	InvitationRow row = { .seat = store_text(at, 0),
		.forum = store_text(at, 1),
		.site = store_text(at, 2),
		.number = (unsigned)sqlite3_column_int64(at, 3) };
	if (!id_is_valid(row.seat) || !id_is_valid(row.forum) || !id_is_valid(row.site))
		return false;
	reader->invitation(&row, user);
	return true;
}

static bool read_link(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	LinkRow row = { .id = store_text(at, 0),
		.forum = store_text(at, 1),
		.kind = *store_text(at, 2),
		.role = role_from_name(store_text(at, 3)),
		.name = store_text(at, 4),
		.generation = (unsigned)sqlite3_column_int64(at, 5) };
	if (!id_is_valid(row.id) || !id_is_valid(row.forum) || row.role == ROLE_NONE)
		return false;
	reader->link(&row, user);
	return true;
}

static bool read_peer(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	PeerRow row = { .id = store_text(at, 0),
		.forum = store_text(at, 1),
		.seat = store_text(at, 2),
		.kind = *store_text(at, 3),
		.name = store_text(at, 4) };
	if (!id_is_valid(row.id) || !id_is_valid(row.forum) || !id_is_valid(row.seat) ||
		!row.kind || !strchr("pv", row.kind))
		return false;
	reader->peer(&row, user);
	return true;
}

static bool read_seat(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	SeatRow row = { .id = store_text(at, 0),
		.forum = store_text(at, 1),
		.device = store_text(at, 2),
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

static bool read_count(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	const char *forum = store_text(at, 0);
	QuestionState state;
	if (!id_is_valid(forum) || !question_state_from_name(store_text(at, 1), &state))
		return false;
	reader->question_count(forum, state, (unsigned)sqlite3_column_int64(at, 2), user);
	return true;
}

static bool read_preflight(sqlite3_stmt *at, const StoreReader *reader, void *user)
{
	const char *forum = store_text(at, 0), *seat = store_text(at, 1);
	Preflight row;
	if (!id_is_valid(forum) || !id_is_valid(seat) || !store_read_preflight(at, 2, &row))
		return false;
	reader->preflight(forum, seat, &row, user);
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
		{ "SELECT forum, state, count(*) FROM questions GROUP BY forum, state",
			read_count },
		/* SQLite gives the other columns of the row that has the max(). */
		{ "SELECT forum, seat, max(at_ms), faults, down_bps, up_bps, rtt_ms, loss_permille,"
		  " path FROM preflights p JOIN invitations i ON i.site=p.site GROUP BY seat",
			read_preflight },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
		sqlite3_stmt *at = NULL;
		if (sqlite3_prepare_v2(store->db, kinds[i].sql, -1, &at, NULL) != SQLITE_OK)
			return store_fail(store->db, kinds[i].sql, error);
		int step;
		while ((step = sqlite3_step(at)) == SQLITE_ROW) {
			if (!kinds[i].read(at, reader, user))
				g_warning("store: a row is not sound, left out (%s)", kinds[i].sql);
		}
		sqlite3_finalize(at);
		if (step != SQLITE_DONE)
			return store_fail(store->db, kinds[i].sql, error);
	}
	return true;
}
