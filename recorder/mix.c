#include "mix.h"
#include <glib.h>

void mix_add(Mix *mix, int64_t at, const int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int64_t n = at + (int64_t)i;
		if (n >= mix->next && n < mix->next + MIX_ROOM)
			mix->sums[(uint64_t)n % MIX_ROOM] += samples[i];
	}
}

void mix_take(Mix *mix, int16_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int32_t *sum = &mix->sums[(uint64_t)mix->next++ % MIX_ROOM];
		samples[i] = (int16_t)CLAMP(*sum, INT16_MIN, INT16_MAX);
		*sum = 0;
	}
}
