/* unrest.h - a hall that does not sit still: sites and speakers come, go and change their network,
 * all complain at once
 *
 * Driven while it is measured, and spread over that time. Whom it moves is the hall's. */
#pragma once
#include "options.h"
#include "publisher.h"
#include "viewer.h"

typedef struct Unrest {
	const Options *options;
	Viewer **viewers;
	Publisher **publishers;
	void (*viewer_leaves)(unsigned index, void *user);
	void (*bring_speaker)(unsigned index, void *user); /* to a place that is NULL */
	void *user;

	unsigned churned, churned_publishers, failed_publishers;
	Restarts restarts;                     /* counted by those who restart */
	uint64_t burst;                        /* viewers that have complained */
	uint64_t burst_plis, burst_plis_after; /* what speakers saw of it: in that second, later */
	uint64_t seen_before;
} Unrest;

/* passed_us: of the measured time. */
void unrest_tick(Unrest *unrest, int64_t passed_us, int64_t now_us);
/* A restart is under way. Each has a time limit of its own. */
bool unrest_is_busy(const Unrest *unrest);
