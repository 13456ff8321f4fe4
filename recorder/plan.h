/* plan.h - what the index of a take says is to be seen and heard, and when
 *
 * Read once, before the packets. Owners are interned strings: they are compared by address. */
#pragma once
#include "timing.h"
#include <jansson.h>

#define PLAN_LEAD_US                                                                               \
	1000000 /* a voice is heard so long before it got its slot: offline, the first             \
		   word that won it the slot is known */

typedef enum PlanKind { PLAN_VOICE, PLAN_PICTURE, PLAN_SLIDES } PlanKind;

typedef struct PlanTrack {
	uint16_t port;
	PlanKind kind;
	const char *owner, *codec; /* interned */
	unsigned clock_rate, payload_type;
} PlanTrack;

typedef struct PlanGap {
	int64_t at_us; /* when it was noticed */
	const char *reason;
} PlanGap;

typedef struct Plan Plan;

/* Reads the lines of an index; NULL with error when it does not begin as one. A torn last line is
 * passed over. */
Plan *plan_read(const char *path, GError **error);
void plan_free(Plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plan, plan_free)
Plan *plan_new(void);
/* One line; for plan_read() and its tests. */
void plan_learn(Plan *plan, json_t *line);

int64_t plan_start_us(const Plan *plan);
/* NULL: no such track. */
const PlanTrack *plan_track(const Plan *plan, uint16_t port);
/* Ports of all tracks; of uint16_t, borrowed. */
const GArray *plan_ports(const Plan *plan);
/* Whose picture is to be seen; NULL: nobody's. */
const char *plan_main(const Plan *plan, int64_t t_us);
/* Whether this publisher's microphone is to be heard. Never while it is muted. */
bool plan_hears(const Plan *plan, const char *owner, int64_t t_us);
/* Of PlanGap, in the order they were noticed. */
const GArray *plan_gaps(const Plan *plan);
Timing *plan_timing(const Plan *plan);
