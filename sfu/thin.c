#include "thin.h"
#include <glib.h>

static unsigned wanted(const Thin *thin)
{
	return thin->highest > thin->fewer ? thin->highest - thin->fewer : 0;
}

static void change(Thin *thin, int64_t behind_us, int64_t now_us)
{
	thin->since_us = now_us;
	thin->behind_us = behind_us;
}

static void go_down(Thin *thin, int64_t behind_us, int64_t now_us)
{
	if (thin->fewer >= thin->highest || now_us - thin->since_us < THIN_DOWN_US)
		return;
	if (thin->fewer && behind_us < MIN(thin->behind_us + THIN_MORE_US, THIN_MUCH_US))
		return; /* what waits goes out first */
	uint8_t *failures = &thin->failures[wanted(thin)];
	bool failed = thin->more_us && now_us - thin->more_us < THIN_UP_US;
	*failures = failed ? MIN(*failures + 1, THIN_FAILURES) : 0;
	thin->fewer++;
	change(thin, behind_us, now_us);
}

static void judge(Thin *thin, int64_t behind_us, int64_t now_us)
{
	if (behind_us > THIN_LEVEL_US)
		thin->since_us = MAX(thin->since_us, now_us - THIN_DOWN_US);
	if (behind_us > THIN_BEHIND_US) {
		go_down(thin, behind_us, now_us);
	} else if (behind_us <= THIN_LEVEL_US && thin->fewer &&
		   now_us - thin->since_us >= (int64_t)THIN_UP_US
						      << thin->failures[wanted(thin) + 1]) {
		thin->fewer--;
		thin->more_us = now_us;
		change(thin, behind_us, now_us);
	}
}

/* A picture begins. */
static void begin(Thin *thin, const Packet *packet, bool follows)
{
	unsigned layer = packet->vp8.has_tid ? packet->vp8.tid : 0;
	bool whole = thin_is_whole(thin);
	thin->highest = MAX(thin->highest, (uint8_t)layer);
	if (whole)
		thin->most = thin->highest;
	thin->most = MIN(thin->most, (uint8_t)wanted(thin));
	if (packet->keyframe)
		thin->most = (uint8_t)wanted(thin);
	else if (layer == thin->most + 1u && layer <= wanted(thin) && packet->vp8.layer_sync)
		thin->most = (uint8_t)layer;
	thin->leaves_out = layer > thin->most && follows;
}

bool thin_leaves_out(
	Thin *thin, const Packet *packet, bool follows, int64_t behind_us, int64_t now_us)
{
	if (!thin->begun || packet->rtp.timestamp != thin->timestamp) {
		thin->begun = true;
		thin->timestamp = packet->rtp.timestamp;
		judge(thin, behind_us, now_us);
		begin(thin, packet, follows);
	}
	return thin->leaves_out;
}
