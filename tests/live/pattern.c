#include "pattern.h"

#include <string.h>

enum {
	BLACK = 16,
	WHITE = 235,
	DARK = 90, /* a coded block is rarely further than 40 from what was drawn */
	BRIGHT = 165,
};

static void fill(uint8_t *plane, unsigned stride, unsigned x, unsigned y, unsigned width,
	unsigned height, uint8_t value)
{
	for (unsigned row = y; row < y + height; row++)
		memset(plane + (size_t)row * stride + x, value, width);
}

void pattern_draw(uint8_t *i420, unsigned width, unsigned height, Pattern pattern)
{
	uint8_t *u = i420 + (size_t)width * height;
	uint8_t *v = u + (size_t)width * height / 4;
	unsigned tall = height / 6;
	unsigned identity = (pattern.identity & 15u) << 4 | (~pattern.identity & 15u);

	fill(i420, width, 0, 0, width, height, 100);
	memset(u, 128, (size_t)width * height / 4);
	memset(v, 128, (size_t)width * height / 4);
	fill(u, width / 2, 0, height / 6, width / 2, height / 3, 60 + 10 * (pattern.identity & 15));
	for (unsigned i = 0; i < PATTERN_NUMBER_BLOCKS; i++) {
		bool bit = pattern.number >> (PATTERN_NUMBER_BLOCKS - 1 - i) & 1;
		unsigned wide = width / PATTERN_NUMBER_BLOCKS;
		fill(i420, width, i * wide, 0, wide, tall, bit ? WHITE : BLACK);
	}
	for (unsigned i = 0; i < PATTERN_IDENTITY_BLOCKS; i++) {
		bool bit = identity >> (PATTERN_IDENTITY_BLOCKS - 1 - i) & 1;
		unsigned wide = width / PATTERN_IDENTITY_BLOCKS;
		fill(i420, width, i * wide, tall, wide, tall, bit ? WHITE : BLACK);
	}
	/* A bar that walks, so that the rest of the picture moves too. */
	unsigned step = pattern.number * 4u % (width - 24);
	fill(i420, width, step, height / 2, 24, height / 3, 200);
}

/* 0, 1, or -1 for what is neither. */
static int block(const uint8_t *luma, unsigned stride, unsigned x, unsigned y, unsigned width,
	unsigned height)
{
	unsigned sum = 0, count = 0;

	for (unsigned row = y + height / 3; row < y + height - height / 3; row++)
		for (unsigned col = x + width / 3; col < x + width - width / 3; col++, count++)
			sum += luma[(size_t)row * stride + col];
	if (count == 0)
		return -1;
	unsigned mean = sum / count;
	return mean < DARK ? 0 : mean > BRIGHT ? 1 : -1;
}

static bool row_of_blocks(const uint8_t *luma, unsigned stride, unsigned width, unsigned y,
	unsigned tall, unsigned blocks, unsigned *value)
{
	unsigned wide = width / blocks;

	*value = 0;
	for (unsigned i = 0; i < blocks; i++) {
		int bit = block(luma, stride, i * wide, y, wide, tall);
		if (bit < 0)
			return false;
		*value = *value << 1 | (unsigned)bit;
	}
	return true;
}

bool pattern_read(
	const uint8_t *luma, unsigned stride, unsigned width, unsigned height, Pattern *pattern)
{
	unsigned tall = height / 6, number, identity;

	if (!row_of_blocks(luma, stride, width, 0, tall, PATTERN_NUMBER_BLOCKS, &number) ||
		!row_of_blocks(luma, stride, width, tall, tall, PATTERN_IDENTITY_BLOCKS, &identity))
		return false;
	if (identity >> 4 != (~identity & 15u))
		return false;
	pattern->number = (uint16_t)number;
	pattern->identity = (uint8_t)(identity >> 4);
	return true;
}
