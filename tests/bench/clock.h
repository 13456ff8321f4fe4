/* clock.h - the one clock that everything here is measured with
 *
 * The kernel stamps datagrams with the wall clock; clock_offset_us() moves those onto ours. */
#pragma once
#include <stdint.h>
#include <time.h>

static inline int64_t clock_read_us(clockid_t which)
{
	struct timespec now;
	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline int64_t clock_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

/* What the wall clock is ahead of ours. */
static inline int64_t clock_offset_us(void)
{
	return clock_read_us(CLOCK_REALTIME) - clock_us();
}
