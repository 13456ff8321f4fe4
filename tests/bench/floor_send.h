/* floor_send.h - the least a sender can do: header, seal, sendmmsg; no track, no slot, no outbox
 *
 * One packet source for all, one key and one set of numbers for each destination. One thread. */
#pragma once
#include "floor_drain.h"
#include "sfu/srtp_profile.h"

#define FLOOR_FRAME_PACKETS 5
#define FLOOR_VIDEO_BYTES 1150 /* a sealed packet, with GCM */
#define FLOOR_AUDIO_BYTES 120

typedef enum FloorCrypto { FLOOR_CLEAR, FLOOR_EVP, FLOOR_IPSEC_MB, FLOOR_CRYPTOS } FloorCrypto;

typedef struct FloorSent {
	uint64_t packets, messages, refused; /* refused: packets the socket did not take */
} FloorSent;

typedef struct FloorSend FloorSend;

/* To the first count sockets of drain, which is borrowed. */
FloorSend *floor_send_new(const Drain *drain, unsigned count, SrtpProfile profile, GError **error);
void floor_send_free(FloorSend *send);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FloorSend, floor_send_free)

/* Whether this machine has it. */
bool floor_send_can(const FloorSend *send, FloorCrypto crypto);

/* To each destination one frame, one audio packet, or both; both in one message with gso. */
void floor_send_all(FloorSend *send, FloorCrypto crypto, bool gso, bool video, bool audio);
FloorSent floor_send_sum(const FloorSend *send);
