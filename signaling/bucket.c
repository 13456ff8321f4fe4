#include "bucket.h"
#include <glib.h>

bool bucket_take(Bucket *bucket, double rate, double burst, int64_t now_us)
{
	return bucket_take_some(bucket, 1, rate, burst, now_us);
}

bool bucket_take_some(Bucket *bucket, double count, double rate, double burst, int64_t now_us)
{
	if (!bucket->at_us)
		bucket->level = burst;
	else
		bucket->level += (double)(now_us - bucket->at_us) / G_USEC_PER_SEC * rate;
	bucket->at_us = now_us;
	bucket->level = MIN(bucket->level, burst);
	if (bucket->level < count)
		return false;
	bucket->level -= count;
	return true;
}

void bucket_give(Bucket *bucket, double count)
{
	bucket->level += count;
}

unsigned bucket_wait_ms(const Bucket *bucket, double rate)
{
	double missing = 1 - bucket->level;
	return missing > 0 ? (unsigned)(missing / rate * 1000) + 1 : 0;
}
