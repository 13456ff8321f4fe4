/* desk.h - the question desk: takes questions in, keeps to the limits, tells whoever may know
 *
 * Between those who ask (WebSocket, ask link) and the store. What is answered is on disk; what is
 * not yet approved is told to staff and to the asking seat, to nobody else. Counts of each state
 * stand in the Forum. Main thread. */
#pragma once
#include "forum.h"
#include "store.h"

/* A site asks this much; 31 people behind its link share it, and its pages send again by
 * themselves. */
#define DESK_SITE_RATE 1
#define DESK_SITE_BURST 10
#define DESK_LOOK_RATE 20 /* looking after one's own: 31 phones, every few seconds */
#define DESK_LOOK_BURST 100
#define DESK_FORUM_RATE 500 /* the store takes 10,000 rows a second */
#define DESK_FORUM_BURST 500
#define DESK_WAITING_MAX 2000 /* for the disk; each holds up to 24 KiB */
#define DESK_FORUM_MAX 100000 /* questions in one forum: twenty times the busiest morning */

struct Hub;

typedef struct DeskCounts {
	uint64_t asked, repeated, refused, failed;
	unsigned waiting; /* for the disk, now */
} DeskCounts;

/* What somebody sends: as it came. name may be NULL. */
typedef struct Asking {
	const char *key, *text, *name;
	bool is_by_link;
} Asking;

/* refusal is NULL when it worked; row is borrowed and, like refusal, gone afterwards. is_new is
 * false where the key was known already. */
typedef void DeskDone(const Refusal *refusal, const QuestionRow *row, bool is_new, void *user);

/* Calls done at once when it is refused, else when it is on disk. */
void desk_ask(struct Hub *hub, Seat *seat, const Asking *asked, DeskDone *done, void *user);
void desk_set(
	struct Hub *hub, Seat *by, const char *id, QuestionState state, DeskDone *done, void *user);
/* One of this seat's own. */
void desk_find(struct Hub *hub, Seat *seat, const char *id, DeskDone *done, void *user);

/* NULL and *clean, *name filled in (free them), or what is wrong with the text. */
const Refusal *desk_read(const Asking *asked, char **clean, char **name);
/* Whether the seat and its forum may ask one more now; refusal is filled in where not. */
bool desk_admits(Seat *seat, int64_t now_us, Refusal *refusal);
/* Whether the seat may look after its own now. */
bool desk_shows(Seat *seat, int64_t now_us, Refusal *refusal);
