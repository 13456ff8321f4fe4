/* params.h - a peer in plain parameters: what was agreed, however it was written
 *
 * Negotiation makes them from an SDP offer; a relay's JSON can make them as well. Plain data,
 * immutable once a Peer is made from it. */
#pragma once
#include "ice_session.h"
#include "rtp.h"
#include "sdp.h"
#include <stdbool.h>
#include <stdint.h>

#define PARAMS_ID_MAX 64   /* ids of peers, stages and owners; ours are 22 characters */
#define PARAMS_MEDIA_MAX 8 /* 5 slots, or 3 sources */
#define PARAMS_LAYERS_MAX 3 /* of one camera (simulcast): a quarter, a half, the full size */

typedef enum Role { ROLE_VIEWER, ROLE_PUBLISHER } Role;

typedef enum SlotName { SLOT_A0, SLOT_A1, SLOT_A2, SLOT_MAIN, SLOT_SLIDES, SLOT_COUNT } SlotName;
typedef enum Source { SOURCE_MIC, SOURCE_CAMERA, SOURCE_SCREEN, SOURCE_COUNT } Source;
typedef enum Codec { CODEC_OPUS, CODEC_VP8, CODEC_H264, CODEC_COUNT } Codec;

static inline bool slot_is_audio(SlotName slot)
{
	return slot <= SLOT_A2;
}

/* One media section that we send or receive. */
typedef struct ParamsMedia {
	char mid[RTP_ID_MAX + 1];
	bool video;
	SlotName slot;                     /* viewers */
	Source source;                     /* publishers */
	uint8_t payload_type[CODEC_COUNT]; /* 0: not agreed */
	uint8_t rtx_payload_type[CODEC_COUNT];
	uint8_t red_payload_type; /* of Opus in RED, to viewers; 0: not agreed */
	RtpExtensionIds extensions;
	uint32_t ssrc, rtx_ssrc; /* viewers: ours */
	uint32_t remote_ssrcs[SDP_SSRC_MAX],
		remote_rtx_ssrcs[SDP_SSRC_MAX]; /* publishers, if told */
	unsigned remote_ssrc_count;
	/* publishers: the layers of a camera, lowest first; count 0: it comes as one stream */
	char rids[PARAMS_LAYERS_MAX][RTP_ID_MAX + 1];
	unsigned rid_count;
	bool nack, transport_cc, remb;
} ParamsMedia;

typedef struct Params {
	char id[PARAMS_ID_MAX + 1], stage[PARAMS_ID_MAX + 1], owner[PARAMS_ID_MAX + 1];
	Role role;
	IceGeneration ice; /* the first */
	DtlsFingerprint fingerprint;
	ParamsMedia media[PARAMS_MEDIA_MAX];
	unsigned media_count;
	uint32_t rtcp_ssrc; /* what our reports and requests are sent from */
} Params;

const char *slot_name(SlotName slot);
const char *source_name(Source source);
/* SOURCE_COUNT for another word. */
Source source_of(const char *name);
uint32_t codec_clock_rate(Codec codec);
