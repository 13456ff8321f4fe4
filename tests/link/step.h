/* step.h - one thing that happens to the line, as it is written
 *
 *     up|down|both [clear] [KEY=VALUE]…   clear: plain again; what is not named stays as it is
 *         rate=2M          bit/s, of IP bytes; k, M, G; 0: no limit
 *         queue=200ms      or queue=64kB; 0: no limit
 *         delay=30ms       one way
 *         jitter=10ms      0 to 10 ms more, all alike; jitter=10ms:normal a bell in the middle
 *         order=free       jitter may change the order; order=kept
 *         loss=2%          or loss=0.02
 *         burst=1%:25%     a packet: to the bad state, back; burst=1%:25%:50% loses half of it there
 *         reorder=3%:20ms  so many come so much later than their turn; reorder=0
 *         duplicate=1%
 *     outage up|down|both DURATION        nothing passes; 0s ends it
 *     address [IP]                        the server sees another port, or another address
 *     udp on|off      tcp on|off          off: datagrams vanish, connections are reset
 *     stats                               says the counters
 *     end
 *
 * Durations: us, ms, s, min. A plain value. */
#pragma once
#include "lane.h"
#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define STEP_TEXT_MAX 250                        /* bytes of one */
#define STEP_DURATION_MAX_US (24 * 3600000000LL) /* of an outage, and of a script */

typedef enum StepKind {
	STEP_SHAPE,
	STEP_OUTAGE,
	STEP_ADDRESS,
	STEP_UDP,
	STEP_TCP,
	STEP_STATS,
	STEP_END,
} StepKind;

enum { STEP_UP = 1, STEP_DOWN = 2 };

typedef struct Step {
	StepKind kind;
	unsigned ways;                  /* SHAPE, OUTAGE: STEP_UP, STEP_DOWN */
	unsigned set;                   /* SHAPE: a bit for each key; step_change() knows them */
	LaneShape shape;                /* SHAPE: what the keys say, else plain */
	int64_t duration_us;            /* OUTAGE */
	char address[INET6_ADDRSTRLEN]; /* ADDRESS: a valid literal, or empty */
	bool on;                        /* UDP, TCP */
} Step;

/* The error names the word that is wrong. */
bool step_read(Step *step, const char *text, GError **error);
/* "1.5s" and the like, up to STEP_DURATION_MAX_US. */
bool step_read_duration(const char *text, int64_t *us);
/* What the step names is now so in shape. */
void step_change(const Step *step, LaneShape *shape);
