/* stir.h - when a picture that stood still began to change: a slide was turned
 *
 * A screen in which nothing moves sends little. After a keyframe, or a change, it sends more for
 * some seconds, less and less, until the picture is as sharp as it gets: so a change is where a
 * window has much, and half as much again as any of the last. Pure; a plain value within a Track.
 * Times are now_us of the packets. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define STIR_WINDOW_US 500000
#define STIR_WINDOWS 3  /* that it is held against */
#define STIR_BYTES 6000 /* of a window, at least: more than a pointer moves */
#define STIR_RISE 1.5   /* times the most of those */
#define STIR_SPACING_US 1500000

typedef struct Stir {
	int64_t stirred_us; /* the last change; 0: none yet */

	/* Its own. */
	int64_t window_us;
	uint32_t bytes, before[STIR_WINDOWS]; /* of this window, of those before it */
	uint32_t key_timestamp;
	bool keyed, asked; /* asked: a keyframe came in this window, which is no change */
} Stir;

/* A packet of len bytes of payload; keyframe: one begins with it. */
void stir_packet(Stir *stir, bool keyframe, uint32_t timestamp, unsigned len, int64_t now_us);
