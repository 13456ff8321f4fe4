#include "forum.h"
#include <string.h>

static void free_seat(void *seat)
{
	seat_free(seat);
}

Forum *forum_new(const char *id, const char *stage, const char *title)
{
	Forum *forum = g_new0(Forum, 1);
	g_strlcpy(forum->id, id, sizeof(forum->id));
	g_strlcpy(forum->stage, stage, sizeof(forum->stage));
	forum->title = g_strdup(title);
	forum->seats = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_seat);
	forum->on_air = g_ptr_array_new();
	forum->queue = g_ptr_array_new();
	forum->changed = g_ptr_array_new();
	return forum;
}

void forum_free(Forum *forum)
{
	if (!forum)
		return;
	g_ptr_array_unref(forum->changed);
	g_ptr_array_unref(forum->queue);
	g_ptr_array_unref(forum->on_air);
	g_hash_table_unref(forum->seats);
	g_free(forum->title);
	g_free(forum);
}

void forum_add(Forum *forum, Seat *seat)
{
	seat->forum = forum;
	g_hash_table_insert(forum->seats, seat->id, seat);
}

void forum_remove(Forum *forum, Seat *seat)
{
	(void)forum_leave_air(forum, seat);
	forum_lower_hand(forum, seat);
	if (seat->is_changed)
		g_ptr_array_remove(forum->changed, seat);
	g_hash_table_remove(forum->seats, seat->id);
}

Seat *forum_find(const Forum *forum, const char *seat)
{
	return seat ? g_hash_table_lookup(forum->seats, seat) : NULL;
}

void forum_touch(Forum *forum, Seat *seat)
{
	if (seat->is_changed)
		return;
	seat->is_changed = true;
	g_ptr_array_add(forum->changed, seat);
}

void forum_settled(Forum *forum)
{
	for (unsigned i = 0; i < forum->changed->len; i++)
		((Seat *)forum->changed->pdata[i])->is_changed = false;
	g_ptr_array_set_size(forum->changed, 0);
	forum->changes = 0;
}

static void change_stage(Forum *forum, Seat *seat)
{
	if (!(forum->changes & CHANGED_STAGE))
		forum->rev++;
	forum->changes |= CHANGED_STAGE;
	if (seat)
		forum_touch(forum, seat);
}

/* The latest of those who share their screen; NULL when none does. */
static Seat *latest_screen(const Forum *forum)
{
	Seat *latest = NULL;
	for (unsigned i = 0; i < forum->on_air->len; i++) {
		Seat *seat = forum->on_air->pdata[i];
		if (seat->screen_order > (latest ? latest->screen_order : 0))
			latest = seat;
	}
	return latest;
}

/* The chair, else the first on air; of those who are there, where that is asked for. */
static Seat *next_main(const Forum *forum, bool must_be_online)
{
	Seat *first = NULL;
	for (unsigned i = 0; i < forum->on_air->len; i++) {
		Seat *seat = forum->on_air->pdata[i];
		if (must_be_online && !seat_is_online(seat))
			continue;
		if (seat->role == ROLE_CHAIR)
			return seat;
		if (!first)
			first = seat;
	}
	return first;
}

static int compare_air(const void *a, const void *b)
{
	const Seat *x = *(Seat *const *)a, *y = *(Seat *const *)b;
	return x->air_order < y->air_order ? -1 : x->air_order > y->air_order;
}

static int compare_hand(const void *a, const void *b)
{
	const Seat *x = *(Seat *const *)a, *y = *(Seat *const *)b;
	return x->hand_order < y->hand_order ? -1 : x->hand_order > y->hand_order;
}

void forum_restore(Forum *forum, const char *main)
{
	GHashTableIter at;
	Seat *seat;
	g_hash_table_iter_init(&at, forum->seats);
	while (g_hash_table_iter_next(&at, NULL, (void **)&seat)) {
		if (seat->on_air)
			g_ptr_array_add(forum->on_air, seat);
		if (seat->hand_ms)
			g_ptr_array_add(forum->queue, seat);
		uint64_t order = MAX(seat->air_order, MAX(seat->screen_order, seat->hand_order));
		forum->order = MAX(forum->order, order);
	}
	g_ptr_array_sort(forum->on_air, compare_air);
	g_ptr_array_sort(forum->queue, compare_hand);
	forum->main = forum_find(forum, main);
	if (forum->main && !forum->main->on_air)
		forum->main = next_main(forum, false);
	forum->slides = latest_screen(forum);
}

const Refusal *forum_go_on_air(Forum *forum, Seat *seat)
{
	forum_lower_hand(forum, seat);
	if (seat->on_air)
		return NULL;
#ifndef GUARD_OFF_STAGE_MAX
	if (forum->on_air->len >= STAGE_MAX)
		return &REFUSE_STAGE_FULL;
#endif
	seat->on_air = true;
	seat->air_order = ++forum->order;
	g_ptr_array_add(forum->on_air, seat);
	if (!forum->main)
		forum->main = seat;
	change_stage(forum, seat);
	return NULL;
}

const Refusal *forum_leave_air(Forum *forum, Seat *seat)
{
	if (!seat->on_air)
		return &REFUSE_SEAT_NOT_ON_STAGE;
	g_ptr_array_remove(forum->on_air, seat);
	seat->on_air = seat->muted = seat->mic = seat->camera = false;
	seat->air_order = seat->screen_order = 0;
	if (forum->main == seat)
		forum->main = next_main(forum, false);
	forum->slides = latest_screen(forum);
	change_stage(forum, seat);
	return NULL;
}

const Refusal *forum_set_main(Forum *forum, Seat *seat)
{
	if (seat && !seat->on_air)
		return &REFUSE_SEAT_NOT_ON_STAGE;
	if (forum->main == seat)
		return NULL;
	forum->main = seat;
	change_stage(forum, seat);
	return NULL;
}

const Refusal *forum_mute(Forum *forum, Seat *seat, bool muted)
{
	if (!seat->on_air)
		return &REFUSE_SEAT_NOT_ON_STAGE;
	if (seat->muted == muted)
		return NULL;
	seat->muted = muted;
	change_stage(forum, seat);
	return NULL;
}

const Refusal *forum_set_sources(Forum *forum, Seat *seat, bool mic, bool camera, bool screen)
{
	if (!seat->on_air)
		return &REFUSE_NOT_ON_STAGE;
	if (seat->mic == mic && seat->camera == camera && !!seat->screen_order == screen)
		return NULL;
	seat->mic = mic;
	seat->camera = camera;
	if (!screen)
		seat->screen_order = 0;
	else if (!seat->screen_order)
		seat->screen_order = ++forum->order;
	forum->slides = latest_screen(forum);
	change_stage(forum, seat);
	return NULL;
}

void forum_fade(Forum *forum, Seat *seat)
{
	if (!seat->on_air)
		return;
	(void)forum_set_sources(forum, seat, false, false, false);
	if (forum->main == seat)
		(void)forum_set_main(forum, next_main(forum, true));
}

const Refusal *forum_raise_hand(Forum *forum, Seat *seat, int64_t now_ms)
{
	if (seat->on_air)
		return &REFUSE_ON_STAGE_ALREADY;
	if (seat->hand_ms)
		return NULL;
	if (forum->queue->len >= QUEUE_MAX)
		return &REFUSE_QUEUE_FULL;
	seat->hand_ms = now_ms;
	seat->hand_order = ++forum->order;
	g_ptr_array_add(forum->queue, seat);
	forum->changes |= CHANGED_QUEUE;
	forum_touch(forum, seat);
	return NULL;
}

void forum_lower_hand(Forum *forum, Seat *seat)
{
	if (!seat->hand_ms)
		return;
	seat->hand_ms = 0;
	seat->hand_order = 0;
	g_ptr_array_remove(forum->queue, seat);
	forum->changes |= CHANGED_QUEUE;
	forum_touch(forum, seat);
}

unsigned forum_place(const Forum *forum, const Seat *seat)
{
	unsigned index;
	if (!seat->hand_ms || !g_ptr_array_find(forum->queue, seat, &index))
		return 0;
	return index + 1;
}
