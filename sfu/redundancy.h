/* redundancy.h - how many packets of the past go with each of a viewer's voice, by what he loses
 *
 * Begins with the loss, ends when the line has been calm for a time. Plain data, time is an
 * argument; embedded by whoever measures the loss. */
#pragma once
#include <stdint.h>

/* At this loss one goes along, at that two (media.md §3.5). */
#define REDUNDANCY_ONE 0.02
#define REDUNDANCY_TWO 0.08
/* One less when the loss has been under half of that for so long. */
#define REDUNDANCY_CALM_US 20000000

typedef struct Redundancy {
	unsigned distance;    /* 0: none */
	int64_t needed_us[2]; /* when one, when two were worth it last */
} Redundancy;

/* loss: the share lost lately, 0 to 1, smoothed. The distance from now on. About every 100 ms. */
unsigned redundancy_choose(Redundancy *redundancy, double loss, int64_t now_us);
