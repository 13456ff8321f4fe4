/* forum.h - the live state of one forum: its seats, who is on stage, who waits to speak
 *
 * Pure state and rules: no socket, no store, no clock (time comes as an argument). What a call
 * changed is left in `changes` and `changed`; the hub takes it from there to the store, the sfu
 * and the pages. Main thread. */
#pragma once
#include "question.h"
#include "refusal.h"
#include "seat.h"

#define FORUM_TITLE_MAX 300
#define FORUM_SEATS_MAX 2000 /* a province has 500 communes; twice that at home, and reserve */
#define STAGE_MAX 25         /* each is media the sfu takes in; 3 are heard and 2 seen at once */
#define QUEUE_MAX 1000       /* every site of the largest forum may raise its hand */

typedef enum ForumChange { CHANGED_STAGE = 1, CHANGED_QUEUE = 2 } ForumChange;

typedef struct Forum {
	char id[ID_SIZE];
	char stage[ID_SIZE]; /* what the sfu knows this forum by */
	char maker[ID_SIZE]; /* the API link that made it; may be empty */
	char *title;
	int64_t created_ms;
	bool is_demo;
	unsigned invited;  /* the highest number of its sites */
	int64_t newest_ms; /* when the last of them was made */
	uint64_t rev;      /* of the stage; rises */
	GHashTable *seats;
	GPtrArray *on_air; /* Seat, in the order they came up */
	GPtrArray *queue;  /* Seat, in the order they raised their hands */
	Seat *main, *slides;
	uint64_t order; /* counter behind air_order, screen_order and hand_order */

	unsigned questions[QUESTION_STATES]; /* how many are in each; the desk counts */
	Bucket asking;                       /* the desk's, as in Seat */

	unsigned changes;
	GPtrArray *changed; /* Seat */
} Forum;

Forum *forum_new(const char *id, const char *stage, const char *title);
void forum_free(Forum *forum);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Forum, forum_free)

/* Takes the seat over. */
void forum_add(Forum *forum, Seat *seat);
/* Off stage, out of the queue, released. */
void forum_remove(Forum *forum, Seat *seat);
Seat *forum_find(const Forum *forum, const char *seat);
/* Puts the seat among the changed. */
void forum_touch(Forum *forum, Seat *seat);
void forum_settled(Forum *forum);

/* After a start: stage and queue from what the seats carry, whoever has the main slot by id.
 * Nothing is marked as changed. */
void forum_restore(Forum *forum, const char *main);

/* On stage; its hand is lowered. Whoever comes while nobody has the main slot gets it. */
const Refusal *forum_go_on_air(Forum *forum, Seat *seat);
/* Off stage: the main slot falls back to the chair, else to the first on air. */
const Refusal *forum_leave_air(Forum *forum, Seat *seat);
/* NULL: the main slot stays empty. */
const Refusal *forum_set_main(Forum *forum, Seat *seat);
const Refusal *forum_mute(Forum *forum, Seat *seat, bool muted);
/* What the seat has switched on. The latest screen has the slides slot. */
const Refusal *forum_set_sources(Forum *forum, Seat *seat, bool mic, bool camera, bool screen);

/* Its device is away and its media has ended: it keeps the floor, but shows nothing, and the main
 * slot goes to somebody on air who is there (to nobody when all are away). */
void forum_fade(Forum *forum, Seat *seat);

/* A hand that is up stays where it is. */
const Refusal *forum_raise_hand(Forum *forum, Seat *seat, int64_t now_ms);
void forum_lower_hand(Forum *forum, Seat *seat);
/* 1.. in the queue, 0 for none. */
unsigned forum_place(const Forum *forum, const Seat *seat);
