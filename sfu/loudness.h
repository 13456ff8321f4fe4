/* loudness.h - how loud one microphone is, from the levels that its packets carry (RFC 6464)
 *
 * A plain value inside an audio Track; nothing is decoded. Levels are dB over silence: 127 -
 * (-dBov). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define LOUDNESS_SPEECH 92 /* -35 dBov: speech in a room with an ordinary microphone */

typedef struct Loudness {
	uint32_t level_q8; /* smoothed, 256ths of a dB */
	int64_t spoke_us;  /* when it was last at speech level; 0 for never */
	int64_t heard_us;  /* last packet */
} Loudness;

/* level: as in the extension, 0 loud to 127 silent; -1 (not told) counts as speech. */
void loudness_packet(Loudness *loudness, int16_t level, int64_t now_us);
/* The smoothed level now, 256ths of a dB; 0 when no packet came for half a second. */
uint32_t loudness_level(const Loudness *loudness, int64_t now_us);
/* Spoke within the last hold_us. */
bool loudness_is_speaking(const Loudness *loudness, int64_t hold_us, int64_t now_us);
