#include "bucket.h"
#include <glib.h>

bool bucket_take(Bucket *bucket, double rate, double burst, int64_t now_us)
{
	if (!bucket->at_us)
		bucket->level = burst;
	else
		bucket->level += (double)(now_us - bucket->at_us) / G_USEC_PER_SEC * rate;
	bucket->at_us = now_us;
	bucket->level = MIN(bucket->level, burst);
	if (bucket->level < 1)
		return false;
	bucket->level -= 1;
	return true;
}

void bucket_give(Bucket *bucket)
{
	bucket->level += 1;
}

unsigned bucket_wait_ms(const Bucket *bucket, double rate)
{
	double missing = 1 - bucket->level;
	return missing > 0 ? (unsigned)(missing / rate * 1000) + 1 : 0;
}
