/* range.h - which bytes of a file are asked for: RFC 9110 §14, a single range
 *
 * What is no range we know (another unit, several ranges, wrong words, numbers the wrong way round)
 * is passed over, as §14.2 allows, and the whole file is the answer. Pure function. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum RangeVerdict {
	RANGE_WHOLE,
	RANGE_PART,
	RANGE_OUTSIDE, /* a range, but no byte of it is there: 416 */
} RangeVerdict;

typedef struct Range {
	uint64_t first, length; /* length is never 0 of a RANGE_PART */
} Range;

/* header: of the Range header; "" for none. range is the whole file unless it is a part. */
RangeVerdict range_read(const char *header, uint64_t size, Range *range);
