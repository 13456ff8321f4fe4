/* slot_packet.h - one packet for a viewer, before it is sealed: its header, and what goes behind it
 *
 * Made from a packet of a track and the numbers of its slot. Pure; any thread. */
#pragma once
#include "rewrite.h"
#include "seal.h"
#include "track.h"

#define SLOT_HEADER_MAX 64
/* Three packets of 160 bytes (64 kbit/s): more than twice of music is nothing for a line that
 * loses. */
#define SLOT_RED_MAX 512
#define SLOT_PAD 240 /* bytes of a packet of padding */

/* Header and job, dst not set. Stays where it is until it is sealed: job may point into it. */
typedef struct SlotPacket {
	uint8_t header[SLOT_HEADER_MAX];
	SealJob job;
	bool video;
	int32_t transport_cc; /* its transport-wide number; -1: none */
	uint8_t red[SLOT_RED_MAX];
} SlotPacket;

/* What it is sent as. */
typedef struct SlotFrame {
	const ParamsMedia *media;
	bool again;             /* as RTX (RFC 4588) */
	uint64_t index;         /* of its own stream, RTX has one */
	uint16_t *transport_cc; /* next transport-wide number */
	unsigned redundancy;    /* packets before it that go along in a voice's */
	uint64_t past_from;     /* no earlier ones than this number */
	RtpPlayout playout;
	int64_t now_us;
} SlotFrame;

void slot_packet_make(SlotPacket *out, const SlotFrame *frame, const Track *track,
	const Packet *packet, const Rewritten *numbers);
/* A packet of the stream itself without a payload, of which nobody sees anything. */
void slot_packet_tail(SlotPacket *out, const SlotFrame *frame, Codec codec, uint32_t timestamp);
/* An RTX packet without a payload, padding alone (RFC 4588 §4). False where RTX was not agreed. */
bool slot_packet_pad(SlotPacket *out, const SlotFrame *frame, uint32_t timestamp);
