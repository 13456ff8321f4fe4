/* picture.h - a publisher's VP8 picture for tests, in packets of some 500 bytes */
#pragma once
#include "sfu/packet.h"
#include "sfu/vp8.h"
#include <string.h>

#define PICTURE 4 /* packets of each */

/* One of them, a reference for the caller. number: of the picture. */
static inline Packet *picture_packet(
	PacketPool *pool, uint16_t sequence, uint16_t number, unsigned at, bool key, int64_t now_us)
{
	/* A VP8 frame header: its lowest bit is 0 for a keyframe (RFC 6386 §9.1). */
	static const uint8_t frame[] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00 };
	const Vp8 vp8 = { .picture_id = number,
		.has_picture_id = true,
		.long_picture_id = true,
		.start_of_partition = at == 0 };
	Packet *packet = packet_new(pool);
	uint8_t *payload = packet->data + RTP_HEADER_LEN;
	size_t len = vp8_write(payload, &vp8);
	memcpy(payload + len, frame, sizeof frame);
	payload[len] |= !(key && at == 0);
	packet->len = (uint16_t)(RTP_HEADER_LEN + len + 500);
	packet->arrived_us = now_us;
	packet->rtp = (RtpHeader){ .timestamp = number * 3000u,
		.ssrc = 1,
		.sequence = sequence,
		.payload_at = RTP_HEADER_LEN,
		.payload_len = (uint16_t)(len + 500),
		.payload_type = 120,
		.marker = at == PICTURE - 1 };
	return packet;
}
