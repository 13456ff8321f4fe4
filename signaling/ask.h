/* ask.h - /api/v1/questions: the ask link of a site, plain HTTP without account or media
 *
 * Main thread. */
#pragma once
#include "http.h"

#define ASK_PATH "/api/v1/questions"

/* ASK_PATH and what is below it. */
void ask_request(Hub *hub, Exchange *exchange, const Request *request);
