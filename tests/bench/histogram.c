#include "histogram.h"
#include <glib.h>

/* Values below HISTOGRAM_STEPS have a bucket each, then each doubling has as many. */
static unsigned bucket_of(uint64_t value)
{
	if (value < HISTOGRAM_STEPS)
		return (unsigned)value;
	unsigned doublings = 63 - (unsigned)__builtin_clzll(value) - 5;
	unsigned bucket = doublings * HISTOGRAM_STEPS + (unsigned)(value >> doublings);
	return MIN(bucket, HISTOGRAM_BUCKETS - 1u);
}

static int64_t highest_of(unsigned bucket)
{
	if (bucket < HISTOGRAM_STEPS)
		return bucket;
	unsigned doublings = bucket / HISTOGRAM_STEPS - 1;
	uint64_t base = bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS;
	return (int64_t)(((base + 1) << doublings) - 1);
}

void histogram_add(Histogram *histogram, int64_t value)
{
	value = MAX(value, 0);
	histogram->count++;
	histogram->sum += (uint64_t)value;
	histogram->max = MAX(histogram->max, value);
	histogram->buckets[bucket_of((uint64_t)value)]++;
}

int64_t histogram_quantile(const Histogram *histogram, double share)
{
	uint64_t wanted = (uint64_t)((double)histogram->count * share + 0.5), so_far = 0;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		so_far += histogram->buckets[i];
		if (so_far && so_far >= wanted)
			return MIN(highest_of(i), histogram->max);
	}
	return histogram->max;
}
