#include "desk.h"
#include "hub.h"
#include "text.h"
#include <string.h>

/* Something that waits for the disk. */
typedef struct Waiting {
	Hub *hub;
	Forum *forum;
	char seat[ID_SIZE];
	DeskDone *done;
	void *user;
} Waiting;

static Waiting *wait_for(Hub *hub, Seat *seat, DeskDone *done, void *user)
{
	Waiting *waiting = g_new0(Waiting, 1);
	waiting->hub = hub;
	waiting->forum = seat->forum;
	g_strlcpy(waiting->seat, seat->id, sizeof(waiting->seat));
	waiting->done = done;
	waiting->user = user;
	hub->desk.waiting++;
	return waiting;
}

static void conclude(Waiting *waiting, const Refusal *refusal, const QuestionRow *row, bool is_new)
{
	waiting->hub->desk.waiting--;
	waiting->done(refusal, row, is_new, waiting->user);
	g_free(waiting);
}

const Refusal *desk_read(const Asking *asked, char **clean, char **name)
{
	g_autofree char *text = text_clean(asked->text, true);
	g_autofree char *who = text_clean(asked->name ? asked->name : "", false);
	if (!text || !who)
		return &REFUSE_TEXT_BROKEN;
	bool is_seen = false;
	for (const char *at = text; *at && !is_seen; at = g_utf8_next_char(at))
		is_seen = g_unichar_isgraph(g_utf8_get_char(at)) &&
			  !g_unichar_ismark(g_utf8_get_char(at));
	if (!is_seen)
		return &REFUSE_TEXT_EMPTY;
	if (g_utf8_strlen(text, -1) > QUESTION_TEXT_MAX)
		return &REFUSE_TEXT_LONG;
	if (g_utf8_strlen(who, -1) > QUESTION_NAME_MAX)
		return &REFUSE_TEXT_NAME;
	*clean = g_steal_pointer(&text);
	*name = g_steal_pointer(&who);
	return NULL;
}

static bool refuse(Refusal *refusal, const Refusal *why, const Bucket *bucket, double rate)
{
	*refusal = *why;
	refusal->retry_ms = MAX(refusal->retry_ms, bucket_wait_ms(bucket, rate));
	return false;
}

bool desk_admits(Seat *seat, int64_t now_us, Refusal *refusal)
{
#ifdef GUARD_OFF_QUESTION_RATE
	return true;
#endif
	Bucket *all = &seat->forum->asking;
	if (!bucket_take(&seat->asking, DESK_SITE_RATE, DESK_SITE_BURST, now_us))
		return refuse(refusal, &REFUSE_ASK_FAST, &seat->asking, DESK_SITE_RATE);
	if (bucket_take(all, DESK_FORUM_RATE, DESK_FORUM_BURST, now_us))
		return true;
	bucket_give(&seat->asking, 1);
	return refuse(refusal, &REFUSE_ASK_BUSY, all, DESK_FORUM_RATE);
}

bool desk_shows(Seat *seat, int64_t now_us, Refusal *refusal)
{
	return bucket_take(&seat->looking, DESK_LOOK_RATE, DESK_LOOK_BURST, now_us) ||
	       refuse(refusal, &REFUSE_TOO_FAST, &seat->looking, DESK_LOOK_RATE);
}

static unsigned total(const Forum *forum)
{
	unsigned sum = 0;
	for (unsigned i = 0; i < QUESTION_STATES; i++)
		sum += forum->questions[i];
	return sum;
}

static void on_asked(StoreAnswer answer, const QuestionRow *row, QuestionState was, void *user)
{
	Waiting *waiting = user;
	Hub *hub = waiting->hub;
	if (answer == STORE_FAILED) {
		hub->desk.failed++;
		conclude(waiting, &REFUSE_ASK_STORE, NULL, false);
		return;
	}
	if (strcmp(row->seat, waiting->seat) != 0) { /* says nothing of the other site's question */
		conclude(waiting, &REFUSE_KEY_TAKEN, NULL, false);
		return;
	}
	bool is_new = answer == STORE_DONE;
	if (is_new) {
		hub->desk.asked++;
		waiting->forum->questions[row->state]++;
		g_info("seat %s: question %" G_GINT64_FORMAT, row->seat, row->number);
		if (!hub->is_ending)
			news_question(hub->news, waiting->forum, row);
	} else {
		hub->desk.repeated++;
	}
	conclude(waiting, NULL, row, is_new);
}

void desk_ask(Hub *hub, Seat *seat, const Asking *asked, DeskDone *done, void *user)
{
	g_autofree char *text = NULL, *name = NULL;
	Refusal refusal;
	const Refusal *why = desk_read(asked, &text, &name);
	if (!why && !desk_admits(seat, g_get_monotonic_time(), &refusal))
		why = &refusal;
	else if (!why && total(seat->forum) >= DESK_FORUM_MAX)
		why = &REFUSE_ASK_FULL;
	else if (!why && hub->desk.waiting >= DESK_WAITING_MAX)
		why = &REFUSE_ASK_BUSY;
	if (why) {
		hub->desk.refused++;
		done(why, NULL, false, user);
		return;
	}
	char id[ID_SIZE];
	id_make(id);
	QuestionRow row = { .id = id,
		.forum = seat->forum->id,
		.seat = seat->id,
		.key = asked->key,
		.name = name,
		.text = text,
		.is_by_link = asked->is_by_link,
		.created_ms = g_get_real_time() / 1000 };
	store_ask(hub->store, &row, on_asked, wait_for(hub, seat, done, user));
}

static void on_set(StoreAnswer answer, const QuestionRow *row, QuestionState was, void *user)
{
	Waiting *waiting = user;
	Hub *hub = waiting->hub;
	if (answer == STORE_DONE) {
		waiting->forum->questions[was]--;
		waiting->forum->questions[row->state]++;
		g_info("seat %s: question %" G_GINT64_FORMAT " is %s", waiting->seat, row->number,
			question_state_name(row->state));
		if (!hub->is_ending)
			news_question(hub->news, waiting->forum, row);
	}
	const Refusal *refusal = answer == STORE_FAILED    ? &REFUSE_STORE
				 : answer == STORE_NONE    ? &REFUSE_NO_QUESTION
				 : answer == STORE_ILLEGAL ? &REFUSE_QUESTION_STATE
							   : NULL;
	conclude(waiting, refusal, row, answer == STORE_DONE);
}

void desk_set(Hub *hub, Seat *by, const char *id, QuestionState state, DeskDone *done, void *user)
{
	store_set_question(hub->store, by->forum->id, id, state, by->id, g_get_real_time() / 1000,
		on_set, wait_for(hub, by, done, user));
}

static void on_found(StoreAnswer answer, const QuestionRow *row, QuestionState was, void *user)
{
	Waiting *waiting = user;
	const Refusal *refusal = NULL;
	if (answer == STORE_FAILED)
		refusal = &REFUSE_STORE;
	else if (!row || strcmp(row->seat, waiting->seat) != 0)
		refusal = &REFUSE_NO_QUESTION;
	conclude(waiting, refusal, refusal ? NULL : row, false);
}

void desk_find(Hub *hub, Seat *seat, const char *id, DeskDone *done, void *user)
{
	Refusal refusal;
	if (!desk_shows(seat, g_get_monotonic_time(), &refusal)) {
		done(&refusal, NULL, false, user);
		return;
	}
	store_find_question(
		hub->store, seat->forum->id, id, on_found, wait_for(hub, seat, done, user));
}
