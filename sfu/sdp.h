/* sdp.h - reads the offer of a browser or another stack and writes our answer (RFC 8866, RFC 8829, RFC 9429)
 *
 * SDP is one way to write a peer's parameters; nothing past this file sees its lines. The reader takes
 * what it knows and passes over the rest (Firefox leaves orphan rtcp-fb lines). Pure functions. */
#pragma once
#include "dtls.h"
#include "rtp.h"
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define SDP_SIZE_MAX (64 * 1024)
#define SDP_MEDIA_MAX 32
#define SDP_CODEC_MAX 24   /* of ours, a media section */
#define SDP_RID_MAX 4
#define SDP_SSRC_MAX 8
#define SDP_CANDIDATE_MAX 32

typedef enum SdpKind { SDP_OTHER, SDP_AUDIO, SDP_VIDEO } SdpKind;
typedef enum SdpCodecName { SDP_CODEC_OTHER, SDP_OPUS, SDP_VP8, SDP_H264, SDP_RTX, SDP_RED } SdpCodecName;
typedef enum SdpDirection { SDP_INACTIVE = 0, SDP_SENDONLY = 1, SDP_RECVONLY = 2, SDP_SENDRECV = 3 } SdpDirection;

typedef struct SdpCodec {
	SdpCodecName name;
	uint8_t payload_type;
	uint8_t apt;                /* of an RTX: the payload type it repairs */
	uint32_t clock_rate;
	bool nack, nack_pli, ccm_fir, transport_cc, remb; /* a=rtcp-fb */
	/* H.264: profile-level-id (0 if absent) and packetization-mode */
	uint32_t profile_level_id;
	uint8_t packetization_mode;
	char fmtp[128];             /* as offered, for Opus, RED and H.264; "" if longer (webrtcbin's is) */
} SdpCodec;

typedef struct SdpMedia {
	SdpKind kind;
	SdpDirection direction;
	bool rejected;              /* port 0 and not bundle-only */
	bool bundled;               /* its mid stands in the BUNDLE group that we answer */
	bool rtcp_mux;
	char mid[RTP_ID_MAX + 1];
	char word[16], format[32];  /* of the m-line: "audio", and its first format; for a rejection */
	char protocol[24];          /* "UDP/TLS/RTP/SAVPF" */
	char msid[2][64];           /* stream and track as offered; "" if absent */
	SdpCodec codecs[SDP_CODEC_MAX];
	unsigned codec_count;
	RtpExtensionIds extensions; /* ids as offered; those with a direction that excludes us are 0 */
	char rids[SDP_RID_MAX][RTP_ID_MAX + 1]; /* a=simulcast:send, in order */
	unsigned rid_count;
	uint32_t ssrcs[SDP_SSRC_MAX];     /* first of each a=ssrc, without those that repair */
	uint32_t rtx_ssrcs[SDP_SSRC_MAX]; /* same index: its partner of a=ssrc-group:FID, 0 for none */
	unsigned ssrc_count;
} SdpMedia;

/* The peer's own credentials, RFC 8839 §5.4. */
typedef struct SdpIce {
	char ufrag[257], pwd[257];
} SdpIce;

typedef struct SdpOffer {
	SdpIce ice;                        /* of the first section of the bundle */
	DtlsFingerprint fingerprint;       /* exactly one sha-256, else the offer is refused */
	bool extmap_allow_mixed;
	SdpMedia media[SDP_MEDIA_MAX];
	unsigned media_count;
} SdpOffer;

/* NULL with error (written for a person) when it is no offer that we can take: size, m-lines, no
 * ICE credentials, no or several fingerprints, a=setup:passive, no BUNDLE, no rtcp-mux.
 * G_IO_ERROR_INVALID_DATA: it is malformed (HTTP 400); G_IO_ERROR_NOT_SUPPORTED: well-formed, but
 * nothing we can serve (422). */
SdpOffer *sdp_read_offer(const char *text, size_t len, GError **error);
void sdp_offer_free(SdpOffer *offer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SdpOffer, sdp_offer_free)

typedef struct SdpCandidate {
	const char *address;        /* IPv4 or IPv6 literal */
	uint16_t port;
	bool tcp;                   /* TCP passive, RFC 6544 */
} SdpCandidate;

/* What we answer to one media section of the offer; unused fields zero. */
typedef struct SdpAnswerMedia {
	bool reject;                /* port 0 */
	SdpDirection direction;     /* ours */
	SdpCodec codecs[4];         /* agreed, payload types as offered; RTX among them */
	unsigned codec_count;
	RtpExtensionIds extensions; /* agreed */
	uint32_t ssrc, rtx_ssrc;    /* of what we send; 0 for none */
	const char *stream_id, *track_id, *cname; /* msid; NULL for none */
	char rids[SDP_RID_MAX][RTP_ID_MAX + 1];   /* a=simulcast:recv; count 0 for none */
	unsigned rid_count;
	unsigned bandwidth_kbps;    /* b=AS/TIAS; 0 for none */
} SdpAnswerMedia;

typedef struct SdpAnswer {
	uint64_t session_id;
	const char *ice_ufrag, *ice_pwd;
	const char *fingerprint;    /* "AB:CD:…" */
	const SdpCandidate *candidates;
	unsigned candidate_count;
	SdpAnswerMedia media[SDP_MEDIA_MAX]; /* one for each of the offer's, in its order */
} SdpAnswer;

/* The answer's text: ice-lite, setup:passive, one BUNDLE, candidates whole with end-of-candidates,
 * sections in the offer's order. Free with g_free. */
char *sdp_write_answer(const SdpOffer *offer, const SdpAnswer *answer);
