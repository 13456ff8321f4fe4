/* histogram.h - percentiles of many times without keeping them
 *
 * Buckets grow with the value, 32 to each doubling, so that what comes out is within 3 % of what
 * went in; the largest is kept exactly. A plain value. */
#pragma once
#include <stdint.h>

#define HISTOGRAM_STEPS 32    /* buckets to a doubling */
#define HISTOGRAM_BUCKETS 768 /* up to 2^28 us: four minutes */

typedef struct Histogram {
	uint64_t count, sum;
	int64_t max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
} Histogram;

/* Below zero counts as zero. */
void histogram_add(Histogram *histogram, int64_t value);
/* The value that this share (0..1) does not exceed; 0 when nothing was added. */
int64_t histogram_quantile(const Histogram *histogram, double share);
