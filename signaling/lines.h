/* lines.h - the sites whose rung has changed and whose staff have yet to be told
 *
 * When a province's line goes weak, four hundred sites change within seconds: a board hears of all
 * of them together, at most once in LINES_US. Knows no clock and no page. Part of the news. Main
 * thread. */
#pragma once
#include "forum.h"
#include <jansson.h>

#define LINES_US G_USEC_PER_SEC

typedef struct Lines Lines;

Lines *lines_new(void);
void lines_free(Lines *lines);

/* Borrowed until it is told; seats that are no site's are passed over. */
void lines_add(Lines *lines, Seat *seat);
/* Until lines_take() gives what was added; 0: now; -1: there is nothing. */
int lines_wait_ms(const Lines *lines, int64_t now_us);

/* A forum's rows of docs/API.md §2.2, `lines.state`; rows is a new reference. */
typedef void LinesTell(Forum *forum, json_t *rows, void *user);
/* Tells each forum's pages of what was added, as it is now; nothing before it is time. */
void lines_take(Lines *lines, int64_t now_us, LinesTell *tell, void *user);
