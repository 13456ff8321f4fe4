/* figures.h - /metrics: the sfu's numbers and our own, for Prometheus
 *
 * Main thread. */
#pragma once
#include "http.h"

/* Asks the sfu for its numbers first; answers without them when it is away. */
void figures_answer(Http *http, Exchange *exchange);
