/* bucket.h - so many a second, and a burst
 *
 * A plain value; all zeros is a full one. Whoever holds it is its thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct Bucket {
	int64_t at_us;
	double level;
} Bucket;

/* Whether one more may pass now. */
bool bucket_take(Bucket *bucket, double rate, double burst, int64_t now_us);
/* The same for count at once: all or none. */
bool bucket_take_some(Bucket *bucket, double count, double rate, double burst, int64_t now_us);
/* What was taken was not used after all. */
void bucket_give(Bucket *bucket, double count);
/* Until one may pass, as of the last take; 0: at once. */
unsigned bucket_wait_ms(const Bucket *bucket, double rate);
