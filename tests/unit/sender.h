/* sender.h - a publisher's video for tests of slots: frames of some packets, now and then a
 * keyframe or padding */
#pragma once
#include "sfu/slot.h"
#include <string.h>

typedef struct Sender {
	Track *track;
	ParamsMedia media;
	uint16_t sequence, picture_id;
	uint32_t timestamp;
	uint8_t tl0;
	unsigned frame; /* packets left of it */
	bool keyframe;
	bool keyed; /* no more keyframes */
} Sender;

static inline ParamsMedia viewer_media(void)
{
	ParamsMedia media = {
		.video = true, .slot = SLOT_MAIN, .ssrc = 0x1111, .rtx_ssrc = 0x2222
	};
	media.payload_type[CODEC_VP8] = 96;
	media.rtx_payload_type[CODEC_VP8] = 97;
	media.extensions.id[RTP_EXT_TRANSPORT_CC] = 3;
	return media;
}

static inline void sender_init(Sender *sender, GRand *random)
{
	memset(sender, 0, sizeof *sender);
	sender->media = (ParamsMedia){ .video = true, .source = SOURCE_CAMERA };
	sender->media.payload_type[CODEC_VP8] = 120;
	sender->track = track_new("owner", &sender->media);
	sender->track->ssrc = 1;
	/* Near the wrap of everything, more often than chance would have it. */
	sender->sequence = g_rand_boolean(random) ? 65500 : (uint16_t)g_rand_int(random);
	sender->timestamp = g_rand_boolean(random) ? 0xfffff000 : g_rand_int(random);
	sender->picture_id = g_rand_boolean(random) ? 32760 : g_rand_int(random) & 0x7fff;
	sender->tl0 = (uint8_t)g_rand_int(random);
}

/* The next packet of its stream, as it leaves the publisher. */
static inline Packet *sender_next(Sender *sender, PacketPool *pool, GRand *random)
{
	bool first = !sender->frame;
	if (first) {
		sender->frame = (unsigned)g_rand_int_range(random, 1, 5);
		sender->keyframe = !sender->keyed && g_rand_int_range(random, 0, 6) == 0;
		sender->timestamp += 3000;
		sender->picture_id = (sender->picture_id + 1) & 0x7fff;
		sender->tl0++;
	}
	sender->frame--;

	Packet *packet = packet_new(pool);
	bool padding = !first && g_rand_int_range(random, 0, 25) == 0;
	uint8_t *payload = packet->data + RTP_HEADER_LEN;
	const Vp8 vp8 = { .picture_id = sender->picture_id,
		.tl0picidx = sender->tl0,
		.has_picture_id = true,
		.long_picture_id = true,
		.has_tl0picidx = true,
		.start_of_partition = first };
	size_t len = vp8_write(payload, &vp8);
	/* A VP8 frame header: its lowest bit is 0 for a keyframe (RFC 6386 §9.1). */
	static const uint8_t key[] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00 };
	memcpy(payload + len, key, sizeof key);
	if (!(first && sender->keyframe))
		payload[len] |= 1;
	len += sizeof key;

	packet->len = (uint16_t)(RTP_HEADER_LEN + len);
	packet->rtp = (RtpHeader){ .timestamp = sender->timestamp,
		.ssrc = 1,
		.sequence = sender->sequence++,
		.payload_at = RTP_HEADER_LEN,
		.payload_len = padding ? 0 : (uint16_t)len,
		.payload_type = 120,
		.marker = !sender->frame };
	return packet;
}
