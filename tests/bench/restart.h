/* restart.h - the ICE restart of one peer: a PATCH with new credentials, then checks under them
 *
 * Embedded in whoever has the Endpoint and told how it went on; media flows meanwhile. A PATCH that
 * is not answered 200 leaves the peer as it is. */
#pragma once
#include "endpoint.h"
#include "histogram.h"
#include "http.h"

/* Where all peers count together. */
typedef struct Restarts {
	unsigned asked, done, failed; /* asked: without those whose peer left meanwhile */
	Histogram times;              /* of what is done: from being due to the answered check */
} Restarts;

typedef struct Restart {
	Restarts *counts;
	Http *http;
	Endpoint *endpoint; /* borrowed until it is over */
	Offer *offer;
	int64_t due_us; /* 0: none is under way */
} Restart;

void restart_init(Restart *restart, Restarts *counts, Http *http);
/* The peer leaves: what is under way does not count. */
void restart_clear(Restart *restart);

/* None may be under way. url, token: of the peer; offer gets new credentials. */
void restart_ask(
	Restart *restart, Endpoint *endpoint, Offer *offer, const char *url, const char *token);
bool restart_is_under_way(const Restart *restart);
/* Both do nothing when none is under way. */
void restart_done(Restart *restart);
void restart_fail(Restart *restart, const char *why);
