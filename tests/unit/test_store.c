/* The store: schema, group commit, and that what was answered survives a kill. */
#include "signaling/registry.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW_MS 1767225600000

static char *folder;

static char *path_of(const char *name)
{
	return g_build_filename(folder, name, NULL);
}

static Store *open_store(const char *name)
{
	g_autofree char *path = path_of(name);
	g_autoptr(GError) error = NULL;
	Store *store = store_open(path, &error);
	g_assert_no_error(error);
	return store;
}

static Links *open_links(void)
{
	g_autofree char *path = path_of("secret.key");
	return links_open(path, NULL);
}

static Registry *open_registry(Store *store, Links *links)
{
	g_autoptr(GError) error = NULL;
	Registry *registry = registry_open(store, links, &error);
	g_assert_no_error(error);
	return registry;
}

static void on_done(bool ok, void *user)
{
	*(int *)user = ok;
}

static bool commit(Store *store)
{
	int done = -1;
	store_commit(store, on_done, &done);
	while (done < 0)
		g_main_context_iteration(NULL, TRUE);
	return done;
}

static int64_t ask(const char *name, const char *sql)
{
	g_autofree char *path = path_of(name);
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), ==, SQLITE_OK);
	int64_t value = -1;
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return value;
}

static void makes_its_schema_and_finds_it_again(void)
{
	store_close(open_store("schema.db"));
	g_assert_cmpint(ask("schema.db", "PRAGMA user_version"), ==, 4);
	store_close(open_store("schema.db"));
	g_assert_cmpint(ask("schema.db", "PRAGMA user_version"), ==, 4);
	g_assert_cmpint(
		ask("schema.db", "SELECT count(*) FROM sqlite_master WHERE type='table'"), ==, 9);
}

/* A store as version 0.1 left it: schema 1, in a file of its own, with a forum at work. */
static const char schema_1[] =
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
	" mic INTEGER NOT NULL, camera INTEGER NOT NULL) STRICT;"
	"INSERT INTO forums VALUES('FFFFFFFFFFFFFFFFFFFFFF','Hội nghị','SSSSSSSSSSSSSSSSSSSSSS',7,"
	" NULL,NULL,0,1);"
	"INSERT INTO sites VALUES('IIIIIIIIIIIIIIIIIIIIII','Xã A','Huyện','0912',3,2,1);"
	"INSERT INTO invitations VALUES('AAAAAAAAAAAAAAAAAAAAAA','FFFFFFFFFFFFFFFFFFFFFF',"
	" 'IIIIIIIIIIIIIIIIIIIIII',1);"
	"INSERT INTO seats VALUES('AAAAAAAAAAAAAAAAAAAAAA','FFFFFFFFFFFFFFFFFFFFFF',NULL,0,0,1,"
	" 1767225600000,0,0,0);"
	"PRAGMA user_version=1;";

static void brings_a_store_of_schema_1_up_to_date(void)
{
	g_autofree char *path = path_of("old.db");
	sqlite3 *db = NULL;
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, schema_1, NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(db);

	Links *links = open_links();
	Store *store = open_store("old.db");
	Registry *registry = open_registry(store, links);
	g_assert_cmpint(ask("old.db", "PRAGMA user_version"), ==, 4);
	Forum *forum = registry_forum(registry, "FFFFFFFFFFFFFFFFFFFFFF");
	g_assert_cmpstr(forum->title, ==, "Hội nghị");
	g_assert_cmpuint(forum->rev, ==, 7);
	g_assert_cmpuint(forum->queue->len, ==, 1);
	Site *site = registry_site(registry, "IIIIIIIIIIIIIIIIIIIIII");
	g_assert_cmpuint(site->join_generation, ==, 3);
	g_assert_cmpuint(forum->questions[QUESTION_NEW], ==, 0);
	store_close(store);
	registry_free(registry);
	links_free(links);
}

/* --- questions --- */

#define FORUM "FFFFFFFFFFFFFFFFFFFFFF"
#define SEAT_A "AAAAAAAAAAAAAAAAAAAAAA"
#define SEAT_B "BBBBBBBBBBBBBBBBBBBBBB"

typedef struct Heard {
	bool is_done, ok, more;
	StoreAnswer answer;
	QuestionState was;
	char id[ID_SIZE];
	int64_t number;
	GArray *numbers;
} Heard;

static void on_question(StoreAnswer answer, const QuestionRow *row, QuestionState was, void *user)
{
	Heard *heard = user;
	heard->is_done = true;
	heard->answer = answer;
	heard->was = was;
	if (!row)
		return;
	g_strlcpy(heard->id, row->id, sizeof(heard->id));
	heard->number = row->number;
}

static void on_list(bool ok, GPtrArray *rows, bool more, void *user)
{
	Heard *heard = user;
	heard->is_done = true;
	heard->ok = ok;
	heard->more = more;
	heard->numbers = g_array_new(FALSE, FALSE, sizeof(int64_t));
	for (unsigned i = 0; i < rows->len; i++)
		g_array_append_val(heard->numbers, ((QuestionRow *)rows->pdata[i])->number);
}

static void settle(const Heard *heard)
{
	while (!heard->is_done)
		g_main_context_iteration(NULL, TRUE);
}

static void put_forum(Store *store)
{
	ForumRow row = { .id = FORUM, .title = "T", .stage = FORUM };
	store_put_forum(store, &row);
	store_commit(store, NULL, NULL);
}

static void post_question(Store *store, const char *seat, unsigned n, Heard *heard)
{
	char id[ID_SIZE];
	id_make(id);
	g_autofree char *key = g_strdup_printf("key-%08u", n);
	QuestionRow row = { .id = id,
		.forum = FORUM,
		.seat = seat,
		.key = key,
		.name = "Bình",
		.text = "Bao giờ?",
		.created_ms = NOW_MS };
	store_ask(store, &row, on_question, heard);
}

static void numbers_questions_and_knows_their_keys(void)
{
	Store *store = open_store("questions.db");
	put_forum(store);
	Heard heard[60] = { 0 }, again[60] = { 0 };
	for (unsigned i = 0; i < 60; i++)
		post_question(store, i % 2 ? SEAT_B : SEAT_A, i, &heard[i]);
	for (unsigned i = 0; i < 60; i++) /* before the first are on disk */
		post_question(store, i % 2 ? SEAT_B : SEAT_A, i, &again[i]);
	settle(&again[59]);
	for (unsigned i = 0; i < 60; i++) {
		g_assert_cmpint(heard[i].answer, ==, STORE_DONE);
		g_assert_cmpint(heard[i].number, ==, i + 1);
		g_assert_cmpint(again[i].answer, ==, STORE_ALREADY);
		g_assert_cmpstr(again[i].id, ==, heard[i].id);
	}
	uint64_t commits, changes;
	store_counts(store, &commits, &changes);
	g_assert_cmpuint(commits, <, 20); /* not an fsync each */
	store_close(store);
	g_assert_cmpint(ask("questions.db", "SELECT count(*) FROM questions"), ==, 60);
	g_assert_cmpint(ask("questions.db", "SELECT count(*) FROM question_history"), ==, 60);
}

static Heard page(Store *store, const char *seat, const QuestionState *state, int64_t after)
{
	Heard heard = { 0 };
	QuestionQuery query = {
		.forum = FORUM, .seat = seat, .state = state, .after = after, .limit = 20
	};
	store_list_questions(store, &query, on_list, &heard);
	settle(&heard);
	g_assert_true(heard.ok);
	return heard;
}

static void assert_page(Heard heard, unsigned count, int64_t first, bool more)
{
	g_assert_cmpuint(heard.numbers->len, ==, count);
	if (count)
		g_assert_cmpint(g_array_index(heard.numbers, int64_t, 0), ==, first);
	g_assert_cmpint(heard.more, ==, more);
	g_array_unref(heard.numbers);
}

/* Follows the test before. */
static void lists_questions_page_by_page(void)
{
	Store *store = open_store("questions.db");
	QuestionState new = QUESTION_NEW, approved = QUESTION_APPROVED;
	assert_page(page(store, NULL, NULL, 0), 20, 60, true);
	assert_page(page(store, NULL, NULL, 41), 20, 40, true);
	assert_page(page(store, NULL, NULL, 21), 20, 20, false);
	assert_page(page(store, SEAT_A, NULL, 0), 20, 59, true);
	assert_page(page(store, NULL, &approved, 0), 0, 0, false);
	Heard first = { 0 }, moved = { 0 };
	post_question(store, SEAT_A, 0, &first);
	settle(&first);
	store_set_question(
		store, FORUM, first.id, QUESTION_APPROVED, SEAT_B, NOW_MS + 5, on_question, &moved);
	settle(&moved);
	g_assert_cmpint(moved.answer, ==, STORE_DONE);
	g_assert_cmpint(moved.was, ==, QUESTION_NEW);
	assert_page(page(store, NULL, &approved, 0), 1, 1, false);
	assert_page(page(store, NULL, &new, 0), 20, 60, true);
	store_close(store);
	g_assert_cmpint(
		ask("questions.db", "SELECT count(*) FROM question_history WHERE state='approved'"
				    " AND seat='" SEAT_B "' AND changed_ms>1767225600000"),
		==, 1);
}

/* SQLite's calls end here, as the program's own symbols go before the C library's. */
static atomic_uint syncs;

int fdatasync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	syncs++;
	return (int)syscall(SYS_fsync, fd);
}

static void on_synced(StoreAnswer answer, const QuestionRow *row, QuestionState was, void *user)
{
	*(unsigned *)user = answer == STORE_DONE ? syncs : 0;
}

static void answers_after_the_fsync(void)
{
	Store *store = open_store("sync.db");
	put_forum(store);
	store_drain(store);
	for (unsigned i = 0; i < 20; i++) {
		unsigned before = syncs, then = 0;
		char id[ID_SIZE];
		id_make(id);
		QuestionRow row = { .id = id,
			.forum = FORUM,
			.seat = SEAT_A,
			.key = id,
			.name = "",
			.text = "?",
			.created_ms = NOW_MS };
		store_ask(store, &row, on_synced, &then);
		store_drain(store);
		g_assert_cmpuint(then, >, before);
	}
	store_close(store);
}

/* Somebody else holds the file; a full disk is tests/live's. */
static void says_so_when_it_cannot_write_and_goes_on_when_it_can(void)
{
	Store *store = open_store("full.db");
	put_forum(store);
	Heard before = { 0 };
	post_question(store, SEAT_A, 0, &before);
	settle(&before);
	g_assert_cmpint(before.answer, ==, STORE_DONE);

	g_autofree char *path = path_of("full.db");
	sqlite3 *other = NULL; /* holds the file for writing: nothing of ours can be committed */
	g_assert_cmpint(sqlite3_open(path, &other), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
	g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "store: cannot write*");
	Heard refused[5] = { 0 };
	for (unsigned i = 0; i < 5; i++)
		post_question(store, SEAT_A, i + 1, &refused[i]);
	/* All five wait in one transaction or two; BUSY_MS later they have failed. */
	settle(&refused[0]);
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	g_assert_cmpint(refused[0].answer, ==, STORE_FAILED);
	g_assert_false(store_is_well(store));
	settle(&refused[4]);
	g_test_assert_expected_messages();

	Heard after = { 0 };
	post_question(store, SEAT_A, 1, &after);
	settle(&after);
	g_assert_cmpint(after.answer, ==, STORE_DONE);
	g_assert_true(store_is_well(store));
	store_close(store);
	g_assert_cmpint(ask("full.db", "SELECT count(*) FROM questions"
				       " WHERE client_key IN ('key-00000000','key-00000001')"),
		==, 2);
}

/* --- copies --- */

typedef struct Copied {
	bool is_done;
	char *trouble;
} Copied;

static void on_copied(const char *trouble, void *user)
{
	Copied *copied = user;
	copied->is_done = true;
	copied->trouble = g_strdup(trouble);
}

/* All that was answered before the copy began is in it, whole, while others go on asking. */
static void copies_itself_while_it_is_written(void)
{
	Store *store = open_store("busy.db");
	put_forum(store);
	Heard before[300] = { 0 };
	for (unsigned i = 0; i < 300; i++)
		post_question(store, SEAT_A, i, &before[i]);
	settle(&before[299]);

	g_autofree char *path = path_of("busy.copy");
	Copied copied = { 0 }, second = { 0 };
	g_assert_true(store_copy(store, path, on_copied, &copied));
	g_assert_false(store_copy(store, path, on_copied, &second));
	Heard during[300] = { 0 };
	for (unsigned i = 0; i < 300; i++) {
		post_question(store, SEAT_B, 300 + i, &during[i]);
		settle(&during[i]);
		g_assert_cmpint(during[i].answer, ==, STORE_DONE);
	}
	while (!copied.is_done)
		g_main_context_iteration(NULL, TRUE);
	g_assert_null(copied.trouble);
	g_assert_cmpuint(store_copy_percent(store), ==, 100);
	g_assert_cmpint(
		ask("busy.copy", "SELECT count(*) FROM questions WHERE number<=300"), ==, 300);
	g_assert_cmpint(ask("busy.copy", "SELECT count(*) = max(number) FROM questions"), ==, 1);
	g_assert_cmpint(
		ask("busy.copy", "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), ==,
		1);
	GStatBuf about;
	g_assert_cmpint(g_stat(path, &about), ==, 0);
	g_assert_cmpint(about.st_mode & 0777, ==, 0600);
	store_close(store);
	store_close(open_store("busy.copy"));
}

static void says_when_it_cannot_be_copied(void)
{
	Store *store = open_store("lonely.db");
	Copied copied = { 0 };
	g_autofree char *path = path_of("no/such/folder.copy");
	g_assert_true(store_copy(store, path, on_copied, &copied));
	while (!copied.is_done)
		g_main_context_iteration(NULL, TRUE);
	g_assert_nonnull(strstr(copied.trouble, "cannot be written"));
	g_free(copied.trouble);
	store_close(store);
}

static void refuses_a_newer_schema(void)
{
	store_close(open_store("newer.db"));
	ask("newer.db", "PRAGMA user_version=99");
	g_autofree char *path = path_of("newer.db");
	g_autoptr(GError) error = NULL;
	g_assert_null(store_open(path, &error));
	g_assert_nonnull(strstr(error->message, "newer version"));
	g_assert_cmpint(ask("newer.db", "PRAGMA user_version"), ==, 99);
}

static void says_when_the_file_is_no_database(void)
{
	g_autofree char *path = path_of("junk.db");
	g_assert_true(g_file_set_contents(path, "this is no database at all, is it?", -1, NULL));
	g_autoptr(GError) error = NULL;
	g_assert_null(store_open(path, &error));
	g_assert_nonnull(error);
}

/* Everything a forum can carry, then a second life of the daemon. */
static void brings_a_forum_back_whole(void)
{
	Links *links = open_links();
	Store *store = open_store("whole.db");
	Registry *registry = open_registry(store, links);
	Forum *forum = registry_add_forum(registry, "Hội nghị", NULL, true, NOW_MS);
	Site *first = registry_add_site(registry, forum, "Xã A", "Huyện", "0912", NOW_MS);
	Site *second = registry_add_site(registry, forum, "Xã B", "", "", NOW_MS);
	char join[LINK_SIZE], old[LINK_SIZE], chair[LINK_SIZE], forum_id[ID_SIZE];
	registry_site_token(registry, second, LINK_JOIN, old);
	registry_revoke(registry, second);
	registry_site_token(registry, second, LINK_JOIN, join);
	registry_forum_token(registry, forum, LINK_CHAIR, chair);
	g_strlcpy(forum_id, forum->id, sizeof(forum_id));
	Door door;
	g_assert_null(registry_enter(registry, chair, &door));
	forum_go_on_air(forum, first->seat);
	forum_go_on_air(forum, door.seat);
	forum_mute(forum, first->seat, true);
	forum_set_sources(forum, door.seat, true, false, true);
	forum_raise_hand(forum, second->seat, NOW_MS);
	char encoder[ID_SIZE], peer[ID_SIZE];
	id_make(encoder);
	id_make(peer);
	Seat *seat = seat_new(encoder, SEAT_OF_ENCODER, ROLE_SPEAKER, "Máy phát 1");
	forum_add(forum, seat);
	forum_go_on_air(forum, seat);
	registry_add_peer(registry, forum, peer, encoder, seat);
	forum_set_main(forum, seat);
	registry_save_forum(registry, forum);
	for (unsigned i = 0; i < forum->changed->len; i++)
		registry_save_seat(registry, forum->changed->pdata[i]);
	uint64_t rev = forum->rev;
	g_assert_true(commit(store));
	store_close(store);
	registry_free(registry);

	store = open_store("whole.db");
	registry = open_registry(store, links);
	forum = registry_forum(registry, forum_id);
	g_assert_nonnull(forum);
	g_assert_cmpstr(forum->title, ==, "Hội nghị");
	g_assert_true(forum->is_demo);
	g_assert_cmpuint(forum->rev, ==, rev);
	g_assert_cmpuint(forum->on_air->len, ==, 3);
	const Seat *up = forum->on_air->pdata[0];
	g_assert_cmpstr(up->name, ==, "Xã A");
	g_assert_true(up->muted);
	up = forum->on_air->pdata[1];
	g_assert_cmpint(up->role, ==, ROLE_CHAIR);
	g_assert_true(up->mic && !up->camera && forum->slides == up);
	g_assert_cmpstr(forum->main->id, ==, encoder);
	g_assert_cmpint(forum->main->origin, ==, SEAT_OF_ENCODER);
	g_assert_cmpuint(forum->queue->len, ==, 1);
	g_assert_null(registry_enter(registry, join, &door));
	g_assert_cmpstr(door.seat->name, ==, "Xã B");
	g_assert_cmpuint(forum_place(forum, door.seat), ==, 1);
	g_assert_true(registry_enter(registry, old, &door) == &REFUSE_REVOKED);
	g_assert_nonnull(registry_peer(registry, peer));
	g_autoptr(GPtrArray) sites = registry_sites(registry, forum);
	g_assert_cmpuint(sites->len, ==, 2);
	g_assert_cmpstr(((Site *)sites->pdata[0])->name, ==, "Xã A");

	registry_drop_peer(registry, registry_peer(registry, peer));
	g_assert_cmpuint(forum->on_air->len, ==, 2);
	g_assert_true(commit(store));
	g_assert_cmpint(ask("whole.db", "SELECT count(*) FROM peers"), ==, 0);
	store_close(store);
	registry_free(registry);
	links_free(links);
}

static void commits_many_changes_with_one_fsync(void)
{
	Links *links = open_links();
	Store *store = open_store("group.db");
	Registry *registry = open_registry(store, links);
	Forum *forum = registry_add_forum(registry, "T", NULL, false, NOW_MS);
	g_assert_true(commit(store));
	int done[200];
	for (unsigned i = 0; i < G_N_ELEMENTS(done); i++) {
		g_autofree char *name = g_strdup_printf("Xã %u", i);
		registry_add_site(registry, forum, name, "", "", NOW_MS);
		done[i] = -1;
		store_commit(store, on_done, &done[i]);
	}
	while (done[G_N_ELEMENTS(done) - 1] < 0)
		g_main_context_iteration(NULL, TRUE);
	for (unsigned i = 0; i < G_N_ELEMENTS(done); i++)
		g_assert_cmpint(done[i], ==, true);
	uint64_t commits, changes;
	store_counts(store, &commits, &changes);
	g_assert_cmpuint(changes, >=, 400);
	g_assert_cmpuint(commits, <, 100);
	store_close(store);
	registry_free(registry);
	links_free(links);
}

static void refuses_a_broken_change_alone(void)
{
	Store *store = open_store("broken.db");
	InvitationRow row = { .seat = "AAAAAAAAAAAAAAAAAAAAAA",
		.forum = "BBBBBBBBBBBBBBBBBBBBBB",
		.site = "CCCCCCCCCCCCCCCCCCCCCC",
		.number = 1 };
	SiteRow site = { .id = "DDDDDDDDDDDDDDDDDDDDDD", .name = "x", .district = "", .phone = "" };
	g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "store: a change was refused*");
	store_put_invitation(store, &row); /* of a forum that is not */
	int first = -1, second = -1;
	store_commit(store, on_done, &first);
	store_put_site(store, &site);
	store_commit(store, on_done, &second);
	while (first < 0 || second < 0)
		g_main_context_iteration(NULL, TRUE);
	g_test_assert_expected_messages();
	g_assert_cmpint(first, ==, false);
	g_assert_cmpint(second, ==, true);
	g_assert_true(store_is_well(store));
	store_close(store);
	g_assert_cmpint(ask("broken.db", "SELECT count(*) FROM sites"), ==, 1);
}

/* The child says each number it was told is on disk; then it is killed in the middle of it. */
static void write_until_killed(int out)
{
	Store *store = open_store("kill.db");
	for (unsigned i = 0;; i++) {
		g_autofree char *id = g_strdup_printf("%022u", i);
		SiteRow row = {
			.id = id, .name = "x", .district = "", .phone = "", .created_ms = i
		};
		store_put_site(store, &row);
		if (!commit(store))
			_exit(2);
		if (write(out, &i, sizeof(i)) != sizeof(i))
			_exit(3);
	}
}

static void keeps_what_it_answered_when_killed(void)
{
	unsigned told = 0;
	for (unsigned round = 0; round < 3; round++) {
		g_autofree char *path = path_of("kill.db");
		g_unlink(path);
		int pipe_fd[2];
		g_assert_cmpint(pipe(pipe_fd), ==, 0);
		pid_t child = fork();
		if (!child) {
			close(pipe_fd[0]);
			write_until_killed(pipe_fd[1]);
		}
		close(pipe_fd[1]);
		unsigned number, count = 0;
		while (count < 20 + round * 7 &&
			read(pipe_fd[0], &number, sizeof(number)) == sizeof(number))
			count++;
		kill(child, SIGKILL);
		while (read(pipe_fd[0], &number, sizeof(number)) == sizeof(number))
			count++;
		close(pipe_fd[0]);
		waitpid(child, NULL, 0);
		g_assert_cmpuint(count, >=, 20);
		store_close(open_store("kill.db"));
		g_assert_cmpint(ask("kill.db", "SELECT count(*) FROM sites"), >=, count);
		g_assert_cmpint(
			ask("kill.db", "SELECT integrity_check='ok' FROM pragma_integrity_check"),
			==, 1);
		told += count;
		g_autofree char *wal = path_of("kill.db-wal");
		g_autofree char *shm = path_of("kill.db-shm");
		g_unlink(wal);
		g_unlink(shm);
	}
	g_test_message("%u acknowledged rows, none lost", told);
}

static void remove_folder(void)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = path_of(name);
		g_unlink(path);
	}
	g_rmdir(folder);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	folder = g_dir_make_tmp("diemcau-store-XXXXXX", NULL);
	/* First: it forks, which only a process without threads may. */
	g_test_add_func(
		"/store/keeps-what-it-answered-when-killed", keeps_what_it_answered_when_killed);
	g_test_add_func(
		"/store/makes-its-schema-and-finds-it-again", makes_its_schema_and_finds_it_again);
	g_test_add_func("/store/brings-a-store-of-schema-1-up-to-date",
		brings_a_store_of_schema_1_up_to_date);
	g_test_add_func("/store/numbers-questions-and-knows-their-keys",
		numbers_questions_and_knows_their_keys);
	g_test_add_func("/store/answers-after-the-fsync", answers_after_the_fsync);
	g_test_add_func("/store/lists-questions-page-by-page", lists_questions_page_by_page);
	g_test_add_func("/store/says-so-when-it-cannot-write-and-goes-on-when-it-can",
		says_so_when_it_cannot_write_and_goes_on_when_it_can);
	g_test_add_func(
		"/store/copies-itself-while-it-is-written", copies_itself_while_it_is_written);
	g_test_add_func("/store/says-when-it-cannot-be-copied", says_when_it_cannot_be_copied);
	g_test_add_func("/store/refuses-a-newer-schema", refuses_a_newer_schema);
	g_test_add_func(
		"/store/says-when-the-file-is-no-database", says_when_the_file_is_no_database);
	g_test_add_func("/store/brings-a-forum-back-whole", brings_a_forum_back_whole);
	g_test_add_func(
		"/store/commits-many-changes-with-one-fsync", commits_many_changes_with_one_fsync);
	g_test_add_func("/store/refuses-a-broken-change-alone", refuses_a_broken_change_alone);
	int failed = g_test_run();
	remove_folder();
	g_free(folder);
	return failed;
}
