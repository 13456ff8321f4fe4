/* gaps.h - the packets of one incoming stream that are missing, and when to ask for them again
 *
 * A plain value inside a Track. Asked for at the first tick after the gap shows, then each
 * GAPS_SPACING_US, GAPS_TRIES times; what is older than GAPS_AGE_US is given up. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define GAPS_MAX 128 /* more than that missing at once is no loss, it is an outage */
#define GAPS_SPACING_US 40000
#define GAPS_TRIES 10
#define GAPS_AGE_US 1000000

typedef struct Gap {
	uint64_t sequence;
	int64_t seen_us, asked_us;
	uint8_t tries;
} Gap;

typedef struct Gaps {
	Gap missing[GAPS_MAX];
	unsigned count;
	uint64_t highest;
} Gaps;

/* This number came, for the first time. */
void gaps_packet(Gaps *gaps, uint64_t sequence, int64_t now_us);
/* The numbers to ask for now; how many were put into lost. */
unsigned gaps_due(Gaps *gaps, uint16_t *lost, unsigned max, int64_t now_us);
