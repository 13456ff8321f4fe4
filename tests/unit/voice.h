/* voice.h - a publisher's voice for tests: packets of Opus that say which they are */
#pragma once
#include "sfu/packet.h"
#include "sfu/track.h"
#include <string.h>

#define VOICE_TICKS 960
#define VOICE_SILK_20 0x48 /* RFC 6716 §3.1: configuration 9, one frame of 20 ms */
#define VOICE_SILK_40 0x50
#define VOICE_CELT_20 0xf8

typedef struct Voice {
	Track *track;
	ParamsMedia media;
	PacketPool *pool;
	uint32_t number, timestamp; /* of the packet to come */
	int64_t now_us;
} Voice;

static inline void voice_init(Voice *voice, PacketPool *pool, uint32_t number, uint32_t timestamp)
{
	*voice = (Voice){ .media = { .source = SOURCE_MIC },
		.pool = pool,
		.number = number,
		.timestamp = timestamp,
		.now_us = 1000000 };
	voice->media.payload_type[CODEC_OPUS] = 109;
	voice->track = track_new("owner", &voice->media);
	voice->track->ssrc = 7;
}

/* The next packet, as it leaves the publisher: the first byte, its number in four, and filling. */
static inline Packet *voice_next(Voice *voice, uint8_t toc, unsigned len)
{
	Packet *packet = packet_new(voice->pool);
	uint8_t *payload = packet->data + RTP_HEADER_LEN;
	memset(payload, (int)voice->number, len);
	payload[0] = toc;
	for (unsigned i = 0; i < 4; i++)
		payload[1 + i] = (uint8_t)(voice->number >> (24 - 8 * i));
	packet->len = (uint16_t)(RTP_HEADER_LEN + len);
	packet->arrived_us = voice->now_us;
	packet->audio_level = 40;
	packet->rtp = (RtpHeader){ .timestamp = voice->timestamp,
		.ssrc = voice->track->ssrc,
		.sequence = (uint16_t)voice->number,
		.payload_at = RTP_HEADER_LEN,
		.payload_len = (uint16_t)len,
		.payload_type = 109 };
	voice->number++;
	voice->timestamp += toc == VOICE_SILK_40 ? 2 * VOICE_TICKS : VOICE_TICKS;
	voice->now_us += toc == VOICE_SILK_40 ? 40000 : 20000;
	return packet;
}

/* The numbers of the one or two packets in this payload, by RFC 6716 §3.2: code 0 is one, 1 two of
 * one length, 2 two with the length of the first before them. */
static inline unsigned voice_numbers(const uint8_t *payload, unsigned len, uint32_t numbers[2])
{
	const uint8_t *frames[2] = { payload + 1 };
	unsigned code = payload[0] & 3, count = code ? 2 : 1;
	g_assert_cmpuint(code, <, 3);
	if (code == 1)
		frames[1] = payload + 1 + (len - 1) / 2;
	if (code == 2) {
		unsigned first = payload[1], head = 2;
		if (first >= 252)
			first += 4u * payload[head++];
		frames[0] = payload + head;
		frames[1] = frames[0] + first;
	}
	for (unsigned i = 0; i < count; i++) {
		g_assert_true(frames[i] + 4 <= payload + len);
		numbers[i] = (uint32_t)frames[i][0] << 24 | (uint32_t)frames[i][1] << 16 |
			     (uint32_t)frames[i][2] << 8 | frames[i][3];
	}
	return count;
}
