#include "loudness.h"

#define STALE_US 500000 /* DTX leaves up to 400 ms between packets */

void loudness_packet(Loudness *loudness, int16_t level, int64_t now_us)
{
	uint32_t decibel = level < 0 ? LOUDNESS_SPEECH : 127u - (uint32_t)level;
	/* Rises in about 60 ms, falls in about 300 ms of 20 ms packets. */
	uint32_t target = decibel << 8;
	uint32_t shift = target > loudness->level_q8 ? 2 : 4;
	int32_t step = ((int32_t)target - (int32_t)loudness->level_q8) / (1 << shift);
	loudness->level_q8 = (uint32_t)((int32_t)loudness->level_q8 + step);
	loudness->heard_us = now_us;
	if (loudness->level_q8 >= LOUDNESS_SPEECH << 8)
		loudness->spoke_us = now_us;
}

uint32_t loudness_level(const Loudness *loudness, int64_t now_us)
{
	return now_us - loudness->heard_us > STALE_US ? 0 : loudness->level_q8;
}

bool loudness_is_speaking(const Loudness *loudness, int64_t hold_us, int64_t now_us)
{
	return loudness->spoke_us && now_us - loudness->spoke_us <= hold_us;
}
