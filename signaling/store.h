/* store.h - what outlives the daemon: forums, sites and their checks, invitations, links, stage,
 * queue, questions
 *
 * SQLite stands behind this wall (WAL, synchronous=FULL). The loop keeps everything it needs of the
 * live forum in memory: that is read once, at start; writes are gathered by store_put_… and
 * store_drop_… and handed over by store_commit as one atomic change to the store's own thread,
 * which commits all that waits in one transaction (one fsync) and answers on the loop. Questions
 * are many and grow for years: they stay on the disk, and the thread finds, changes and lists them
 * in the order it was asked. Main thread. */
#pragma once
#include "id.h"
#include "preflight.h"
#include "question.h"
#include "roles.h"
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Store Store;

typedef struct ForumRow {
	const char *id, *title, *stage, *main, *maker; /* main, maker may be NULL */
	int64_t rev, created_ms;
	bool is_demo;
} ForumRow;

typedef struct SiteRow {
	const char *id, *name, *district, *phone;
	const char *province; /* above the district; empty where nobody said (NULL when writing) */
	unsigned join_generation, ask_generation;
	int64_t created_ms;
} SiteRow;

/* A site's seat in a forum. */
typedef struct InvitationRow {
	const char *seat, *forum, *site;
	unsigned number; /* 1.. in the forum, in the order they were invited */
} InvitationRow;

/* A link of a forum that belongs to no site: staff (then id is its seat), WHIP, WHEP, API. */
typedef struct LinkRow {
	const char *id, *forum, *name;
	char kind;
	Role role;
	unsigned generation;
} LinkRow;

/* A PeerConnection that came by HTTP. Of kind `p` it has a seat on stage. */
typedef struct PeerRow {
	const char *id, *forum, *seat, *name;
	char kind;
} PeerRow;

/* What a seat has of stage and queue. Seats without a row have nothing. */
typedef struct SeatRow {
	const char *id, *forum, *device;
	int64_t air_order, screen_order, hand_order, hand_ms;
	bool muted, mic, camera;
} SeatRow;

typedef struct StoreReader {
	void (*forum)(const ForumRow *row, void *user);
	void (*site)(const SiteRow *row, void *user);
	void (*invitation)(const InvitationRow *row, void *user);
	void (*link)(const LinkRow *row, void *user);
	void (*peer)(const PeerRow *row, void *user);
	void (*seat)(const SeatRow *row, void *user);
	void (*question_count)(const char *forum, QuestionState state, unsigned count, void *user);
	/* The last check of the site that has this seat. */
	void (*preflight)(const char *forum, const char *seat, const Preflight *row, void *user);
} StoreReader;

/* Makes the file or brings its schema up to date; refuses a newer one than it knows. */
Store *store_open(const char *path, GError **error);
/* Writes what is queued first. */
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/* Every row, kind by kind in the order above; rows that are not sound are left out with a
 * warning. */
bool store_read(Store *store, const StoreReader *reader, void *user, GError **error);

void store_put_forum(Store *store, const ForumRow *row);
void store_put_site(Store *store, const SiteRow *row);
void store_put_invitation(Store *store, const InvitationRow *row);
void store_put_link(Store *store, const LinkRow *row);
void store_put_peer(Store *store, const PeerRow *row);
void store_drop_peer(Store *store, const char *id);
void store_put_seat(Store *store, const SeatRow *row);
void store_drop_seat(Store *store, const char *id);

/* One check of a machine, kept for the site that has this seat; of a site's the last
 * PREFLIGHTS_KEPT stay. */
void store_add_preflight(Store *store, const char *seat, const Preflight *row);

/* Hands over what was gathered. done (may be NULL) comes on the loop once it is on disk, or at
 * once when there was nothing; ok is false when it could not be written. */
void store_commit(Store *store, void (*done)(bool ok, void *user), void *user);
/* Waits until everything handed over so far is written or has failed, and answers for it. */
void store_drain(Store *store);

typedef enum StoreAnswer {
	STORE_DONE,    /* it is on disk */
	STORE_ALREADY, /* nothing to do: the key was known, the state was that */
	STORE_NONE,    /* there is no such question */
	STORE_ILLEGAL, /* it may not become that from what it is */
	STORE_FAILED,  /* the disk did not take it; nothing has changed */
} StoreAnswer;

/* On the loop, once what it says is on disk. row is as stored now, NULL with NONE and FAILED; was
 * is the state before. */
typedef void StoreQuestionDone(
	StoreAnswer answer, const QuestionRow *row, QuestionState was, void *user);

/* Adds it with the forum's next number, unless the forum has one with this key: then that one comes
 * back. Of row are used: id, forum, seat, key, name, text, is_by_link, created_ms. */
void store_ask(Store *store, const QuestionRow *row, StoreQuestionDone *done, void *user);
/* by: the seat that did it, for the history. */
void store_set_question(Store *store, const char *forum, const char *id, QuestionState state,
	const char *by, int64_t now_ms, StoreQuestionDone *done, void *user);
void store_find_question(
	Store *store, const char *forum, const char *id, StoreQuestionDone *done, void *user);

#define STORE_PAGE_MAX 50                 /* questions */
#define STORE_PAGE_BYTES_MAX (256 * 1024) /* of their texts; a page goes out as one message */

typedef struct QuestionQuery {
	const char *forum;
	const char *seat;           /* NULL: of all seats */
	const QuestionState *state; /* NULL: in all states; not together with seat */
	int64_t after;              /* newest first, those below this number; 0: from the top */
	unsigned limit;             /* up to STORE_PAGE_MAX */
} QuestionQuery;

/* rows: QuestionRow, borrowed. more: there are some below the last. ok is false when the disk
 * cannot be read. */
typedef void StoreListDone(bool ok, GPtrArray *rows, bool more, void *user);
void store_list_questions(
	Store *store, const QuestionQuery *query, StoreListDone *done, void *user);

/* rows: Preflight, borrowed, newest first. ok is false when the disk cannot be read. */
typedef void StorePreflightsDone(bool ok, const GArray *rows, void *user);
void store_list_preflights(Store *store, const char *seat, StorePreflightsDone *done, void *user);

/* Copies the store as it is now into a fresh file at path, on a thread of its own, while writing
 * goes on: all that was answered before is in it, and what comes later is not. done comes on the
 * loop; trouble is NULL or why there is no sound copy (then there is no file either). False, and
 * nothing begun, while another copy is at work. */
typedef void StoreCopied(const char *trouble, void *user);
bool store_copy(Store *store, const char *path, StoreCopied *done, void *user);
/* Gives up the copy at work, if there is one, and waits for its done. */
void store_stop_copy(Store *store);
/* Of the copy at work: 0 to 100. */
unsigned store_copy_percent(const Store *store);

/* False since a write failed, true again since one succeeded. */
bool store_is_well(const Store *store);
/* Commits (fsyncs) and changes so far: how well the grouping works. */
void store_counts(const Store *store, uint64_t *commits, uint64_t *changes);
