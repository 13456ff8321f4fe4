#include "stir.h"
#include <glib.h>

static void turn_windows(Stir *stir, int64_t now_us)
{
	for (unsigned i = 0; i <= STIR_WINDOWS && now_us - stir->window_us >= STIR_WINDOW_US; i++) {
		for (unsigned n = STIR_WINDOWS - 1; n > 0; n--)
			stir->before[n] = stir->before[n - 1];
		stir->before[0] = stir->bytes;
		stir->bytes = 0;
		stir->asked = false;
		stir->window_us += STIR_WINDOW_US;
	}
	if (now_us - stir->window_us >= STIR_WINDOW_US)
		stir->window_us = now_us;
}

static uint32_t most_before(const Stir *stir)
{
	uint32_t most = 0;
	for (unsigned i = 0; i < STIR_WINDOWS; i++)
		most = MAX(most, stir->before[i]);
	return most;
}

void stir_packet(Stir *stir, bool keyframe, uint32_t timestamp, unsigned len, int64_t now_us)
{
	turn_windows(stir, now_us);
	if (keyframe) {
		stir->keyed = true;
		stir->key_timestamp = timestamp;
	}
	stir->bytes += len;
	stir->asked |= stir->keyed && stir->key_timestamp == timestamp;
	bool spaced = !stir->stirred_us || now_us - stir->stirred_us >= STIR_SPACING_US;
	if (spaced && !stir->asked && stir->bytes >= STIR_BYTES &&
		(double)stir->bytes >= STIR_RISE * most_before(stir))
		stir->stirred_us = now_us;
}
