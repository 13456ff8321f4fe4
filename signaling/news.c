#include "news.h"
#include "common/rpc.h"
#include "lines.h"
#include "session.h"
#include "view.h"

#define NEWS_QUESTIONS_MAX 50 /* rows a message */

/* What one forum's pages have yet to be told. */
typedef struct Paper {
	Forum *forum;
	unsigned changes; /* ForumChange */
	int64_t sent_us;
	unsigned timer;
	json_t *questions; /* rows for staff; NULL for none */
	int64_t questions_us;
	unsigned questions_timer;
} Paper;

struct News {
	GHashTable *papers; /* Forum -> Paper */
	GHashTable *rows;   /* set of Seat */
	Lines *lines;
	unsigned rows_timer, lines_timer;
};

static void free_paper(void *data)
{
	Paper *paper = data;
	if (paper->timer)
		g_source_remove(paper->timer);
	if (paper->questions_timer)
		g_source_remove(paper->questions_timer);
	json_decref(paper->questions);
	g_free(paper);
}

News *news_new(void)
{
	News *news = g_new0(News, 1);
	news->papers = g_hash_table_new_full(NULL, NULL, NULL, free_paper);
	news->rows = g_hash_table_new(NULL, NULL);
	news->lines = lines_new();
	return news;
}

void news_free(News *news)
{
	if (!news)
		return;
	if (news->rows_timer)
		g_source_remove(news->rows_timer);
	if (news->lines_timer)
		g_source_remove(news->lines_timer);
	lines_free(news->lines);
	g_hash_table_unref(news->rows);
	g_hash_table_unref(news->papers);
	g_free(news);
}

/* To every page of the forum that has its seat and one of these roles. */
static void broadcast(Forum *forum, unsigned roles, const char *method, json_t *params)
{
	char *text = rpc_write_notification(method, params);
	g_autoptr(Frame) frame = frame_new(text);
	g_free(text);
	GHashTableIter at;
	Seat *seat;
	g_hash_table_iter_init(&at, forum->seats);
	while (g_hash_table_iter_next(&at, NULL, (void **)&seat)) {
		if (seat->holder && (seat->role & roles))
			session_send(seat->holder, frame);
	}
}

static void tell_places(Forum *forum)
{
	for (unsigned i = 0; i < forum->queue->len; i++) {
		Seat *seat = forum->queue->pdata[i];
		if (seat->told_place == i + 1)
			continue;
		seat->told_place = i + 1;
		if (seat->holder)
			session_notify(seat->holder, "seat.state", view_seat(seat));
	}
}

static void publish(Paper *paper)
{
	Forum *forum = paper->forum;
	if (paper->changes & CHANGED_STAGE)
		broadcast(forum, ROLES_SEATED, "stage.state", view_stage(forum));
	if (paper->changes & CHANGED_QUEUE) {
		broadcast(forum, ROLES_SEATED, "queue.state",
			json_pack("{s:o}", "queue", view_queue(forum)));
		tell_places(forum);
	}
	paper->changes = 0;
	paper->sent_us = g_get_monotonic_time();
}

static gboolean on_time(void *data)
{
	Paper *paper = data;
	paper->timer = 0;
	publish(paper);
	return G_SOURCE_REMOVE;
}

static Paper *paper_of(News *news, Forum *forum)
{
	Paper *paper = g_hash_table_lookup(news->papers, forum);
	if (!paper) {
		paper = g_new0(Paper, 1);
		paper->forum = forum;
		g_hash_table_insert(news->papers, forum, paper);
	}
	return paper;
}

static void add(News *news, Forum *forum, ForumChange change)
{
	Paper *paper = paper_of(news, forum);
	paper->changes |= change;
	if (paper->timer)
		return;
	int64_t every_ms = NEWS_MS + NEWS_MS_A_HAND * (int64_t)forum->queue->len;
	int64_t left_ms = every_ms - (g_get_monotonic_time() - paper->sent_us) / 1000;
	if (left_ms <= 0)
		publish(paper);
	else
		paper->timer = g_timeout_add((unsigned)left_ms, on_time, paper);
}

void news_stage(News *news, Forum *forum)
{
	add(news, forum, CHANGED_STAGE);
}

void news_queue(News *news, Forum *forum)
{
	add(news, forum, CHANGED_QUEUE);
}

static gboolean on_rows(void *data)
{
	News *news = data;
	news->rows_timer = 0;
	g_autoptr(GHashTable) lists = g_hash_table_new(NULL, NULL); /* Forum -> JSON array */
	GHashTableIter at;
	Seat *seat;
	Forum *forum;
	json_t *sites;
	g_hash_table_iter_init(&at, news->rows);
	while (g_hash_table_iter_next(&at, (void **)&seat, NULL)) {
		sites = g_hash_table_lookup(lists, seat->forum);
		if (!sites) {
			sites = json_array();
			g_hash_table_insert(lists, seat->forum, sites);
		}
		json_array_append_new(sites, view_site(seat));
	}
	g_hash_table_remove_all(news->rows);
	g_hash_table_iter_init(&at, lists);
	while (g_hash_table_iter_next(&at, (void **)&forum, (void **)&sites))
		broadcast(forum, ROLES_HUB, "sites.state", json_pack("{s:o}", "sites", sites));
	return G_SOURCE_REMOVE;
}

void news_site(News *news, Seat *seat)
{
	if (seat->origin != SEAT_OF_SITE)
		return;
	g_hash_table_add(news->rows, seat);
	if (!news->rows_timer)
		news->rows_timer = g_timeout_add(NEWS_SITES_MS, on_rows, news);
}

static void tell_lines(Forum *forum, json_t *rows, void *user)
{
	broadcast(forum, ROLES_HUB, "lines.state", json_pack("{s:o}", "lines", rows));
}

static gboolean on_lines(void *data)
{
	News *news = data;
	news->lines_timer = 0;
	lines_take(news->lines, g_get_monotonic_time(), tell_lines, NULL);
	return G_SOURCE_REMOVE;
}

void news_line(News *news, Seat *seat)
{
	lines_add(news->lines, seat);
	int wait_ms = lines_wait_ms(news->lines, g_get_monotonic_time());
	if (wait_ms >= 0 && !news->lines_timer)
		news->lines_timer = g_timeout_add((unsigned)wait_ms, on_lines, news);
}

static void publish_questions(Paper *paper)
{
	json_t *params = json_pack("{s:o, s:o}", "questions", g_steal_pointer(&paper->questions),
		"counts", view_question_counts(paper->forum));
	broadcast(paper->forum, ROLES_STAFF, "question.state", params);
	paper->questions_us = g_get_monotonic_time();
}

static gboolean on_questions(void *data)
{
	Paper *paper = data;
	paper->questions_timer = 0;
	publish_questions(paper);
	return G_SOURCE_REMOVE;
}

static void tell_staff(Paper *paper, const QuestionRow *row)
{
	if (!paper->questions)
		paper->questions = json_array();
	json_array_append_new(paper->questions, view_question(paper->forum, row));
	int64_t left_ms = NEWS_QUESTIONS_MS - (g_get_monotonic_time() - paper->questions_us) / 1000;
	if (left_ms > 0 && json_array_size(paper->questions) < NEWS_QUESTIONS_MAX) {
		if (!paper->questions_timer)
			paper->questions_timer =
				g_timeout_add((unsigned)left_ms, on_questions, paper);
		return;
	}
	if (paper->questions_timer)
		g_source_remove(paper->questions_timer);
	paper->questions_timer = 0;
	publish_questions(paper);
}

void news_question(News *news, Forum *forum, const QuestionRow *row)
{
	tell_staff(paper_of(news, forum), row);
	Seat *seat = forum_find(forum, row->seat);
	if (seat && seat->holder && !(seat->role & ROLES_STAFF))
		session_notify(seat->holder, "question.state",
			json_pack("{s:[o]}", "questions", view_question(forum, row)));
}
