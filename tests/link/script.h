/* script.h - what happens to the line, and when
 *
 *     # a thin line, then none, then a new address
 *     0s   down rate=2M delay=30ms queue=200ms
 *     10s  down rate=400k
 *     20s  outage both 20s
 *     45s  address
 *     60s  end
 *
 * A time since the start and a step (step.h) a line, in order of time; blank lines and those that
 * begin with # say nothing. Knows no clock. */
#pragma once
#include "step.h"

#define SCRIPT_TEXT_MAX (64 * 1024)
#define SCRIPT_STEPS_MAX 1000

typedef struct Script Script;

/* NULL with an error that begins with "line N: ". Nothing comes after `end`. */
Script *script_read(const char *text, size_t len, GError **error);
void script_free(Script *script);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Script, script_free)

/* The next step that is due so long after the start, once, borrowed; NULL if none is. */
const Step *script_due(Script *script, int64_t since_us);
/* When the next step is due; LANE_NEVER_US when all are done. */
int64_t script_next_us(const Script *script);
