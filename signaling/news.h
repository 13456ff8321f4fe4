/* news.h - tells the pages of a forum what has changed, no more often than they can use it
 *
 * The first change goes out at once, those that follow closely are gathered and go out as one
 * state: two hundred hands in five seconds would else be two hundred lists of two hundred to every
 * page on a weak line. Part of the hub. Main thread. */
#pragma once
#include "forum.h"
#include "question.h"

#define NEWS_MS 200           /* between two states of stage or queue; nobody reads faster */
#define NEWS_MS_A_HAND 5      /* the longer the queue, the rarer its list: 200 hands, 1.2 s */
#define NEWS_SITES_MS 500     /* rows of sites go out at most twice a second */
#define NEWS_QUESTIONS_MS 200 /* questions that come closely go out together */

typedef struct News News;

News *news_new(void);
void news_free(News *news);

/* stage.state and queue.state to every page; each seat in the queue learns its new place. */
void news_stage(News *news, Forum *forum);
void news_queue(News *news, Forum *forum);
/* The row of this site to the hub's pages. */
void news_site(News *news, Seat *seat);
/* Its rung has changed: to the hub's pages, gathered as lines.h says. */
void news_line(News *news, Seat *seat);
/* The question, new or in another state: to staff with the counts, and to the seat that asked. */
void news_question(News *news, Forum *forum, const QuestionRow *row);
