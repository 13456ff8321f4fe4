/* view.h - the forum as the pages see it: JSON of stage, queue, sites, questions and one's own seat
 *
 * Shapes of docs/API.md §2. New references; nothing is kept. Main thread. */
#pragma once
#include "forum.h"
#include <jansson.h>

json_t *view_stage(const Forum *forum);
json_t *view_queue(const Forum *forum);
/* All sites of the forum: whole rows. */
json_t *view_sites(const Forum *forum);
json_t *view_site(const Seat *seat);
json_t *view_seat(const Seat *seat);
/* null while nothing is known of it. */
json_t *view_line(const Rung *rung);
/* The stage as the sfu is told it (stage.put). */
json_t *view_stage_put(const Forum *forum);

/* {id, number, state}: all that the asker needs to keep. */
json_t *view_receipt(const QuestionRow *row);
json_t *view_question(const Forum *forum, const QuestionRow *row);
/* {new: 3, …} */
json_t *view_question_counts(const Forum *forum);
/* {questions} of QuestionRows, with {counts} of the whole forum for whoever may see them. */
json_t *view_questions(const Forum *forum, const GPtrArray *rows, bool with_counts);
