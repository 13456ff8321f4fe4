/* rung.h - where a receive connection stands on the ladder, and why, as the sfu last told
 *
 * Rung 0 is sound alone, RUNG_TOP is everything (docs/API.md §2.6). A plain value; lives in its
 * peer and goes with it. Main thread. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define RUNG_TOP 6
#define RUNG_COUNT (RUNG_TOP + 1)
#define RUNG_RATE_MAX_BPS 10000000000LL /* ten times the port of a machine */
#define RUNG_RTT_MAX_MS 60000           /* nobody answers after a minute */

typedef struct Rung {
	const char *why; /* line, loss, cap, top or unknown; NULL: nothing was told yet */
	unsigned rung;
	int64_t rate_bps;
	unsigned loss_percent;
	int rtt_ms; /* -1: not known */
} Rung;

/* Reads the members of a peer.rung or of a row of a dump. False with *what (static text) when one
 * of them is missing, of another type or out of its bounds; *rung is then as it was. */
bool rung_read(json_t *object, Rung *rung, const char **what);
/* Whether a person would see no difference: the same rung for the same reason. */
bool rung_is_same(const Rung *a, const Rung *b);
