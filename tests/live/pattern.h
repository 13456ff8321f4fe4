/* pattern.h - the picture that tells its own number
 *
 * Sixteen black or white blocks along the top are the frame's number, most significant first.
 * Below them eight blocks name the source: four bits, and the same four turned over, so that a
 * grey, black or foreign picture is never taken for one of ours. media.mjs draws the same. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	PATTERN_NUMBER_BLOCKS = 16,
	PATTERN_IDENTITY_BLOCKS = 8,
};

typedef struct Pattern {
	uint16_t number;
	uint8_t identity; /* 0 to 15 */
} Pattern;

/* Draws an I420 picture of tightly packed planes; width is a multiple of 16, height of 6. */
void pattern_draw(uint8_t *i420, unsigned width, unsigned height, Pattern pattern);

/* Reads the luma plane. False if a block is neither black nor white or the identity is torn. */
bool pattern_read(
	const uint8_t *luma, unsigned stride, unsigned width, unsigned height, Pattern *pattern);
