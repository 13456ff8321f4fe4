/* rtp.h - reads and writes RTP headers and header extensions (RFC 3550 §5.1, RFC 8285)
 *
 * Pure functions over bytes; any thread. */
#pragma once
#include "common/writer.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTP_HEADER_LEN 12
#define RTP_PACKET_MAX 1500
#define RTP_ID_MAX 16          /* longest MID or RID we keep, RFC 8852 */

typedef struct RtpHeader {
	uint32_t timestamp;
	uint32_t ssrc;
	uint16_t sequence;
	uint16_t extension_profile; /* 0xBEDE or 0x100x; 0 when there is none */
	uint16_t extension_at, extension_len;
	uint16_t payload_at, payload_len; /* without padding */
	uint8_t payload_type;
	uint8_t padding_len;
	bool marker;
} RtpHeader;

/* The header extensions of ours, by what they carry; the id is what SDP agreed, 0 for none. */
typedef enum RtpExtension {
	RTP_EXT_MID,             /* urn:ietf:params:rtp-hdrext:sdes:mid */
	RTP_EXT_RID,             /* …sdes:rtp-stream-id */
	RTP_EXT_REPAIRED_RID,    /* …sdes:repaired-rtp-stream-id */
	RTP_EXT_AUDIO_LEVEL,     /* urn:ietf:params:rtp-hdrext:ssrc-audio-level, RFC 6464 */
	RTP_EXT_TRANSPORT_CC,    /* draft-holmer-rmcat-transport-wide-cc-extensions-01 */
	RTP_EXT_ABS_SEND_TIME,
	RTP_EXT_ORIENTATION,     /* urn:3gpp:video-orientation */
	RTP_EXT_PLAYOUT_DELAY,
	RTP_EXT_COUNT
} RtpExtension;

typedef struct RtpExtensionIds {
	uint8_t id[RTP_EXT_COUNT]; /* 1..14; 0: not agreed */
} RtpExtensionIds;

typedef struct RtpExtensions {
	char mid[RTP_ID_MAX + 1], rid[RTP_ID_MAX + 1], repaired_rid[RTP_ID_MAX + 1]; /* "" if absent */
	int16_t audio_level;     /* -dBov, 0 loud to 127 silent; -1 if absent */
	bool voice;
	int32_t transport_cc;    /* 0..65535; -1 if absent */
	int16_t orientation;     /* the byte; -1 if absent */
} RtpExtensions;

/* The URI of an extension, and back (-1 for one we do not know). */
const char *rtp_extension_uri(RtpExtension extension);
int rtp_extension_of(const char *uri);

/* True for bytes that RFC 7983 gives to RTP or RTCP (128..191), and which of the two (RFC 5761 §4). */
bool rtp_is_rtp_or_rtcp(const uint8_t *data, size_t len);
bool rtp_is_rtcp(const uint8_t *data, size_t len);

/* Reads a whole packet in the clear. False: malformed (version, lengths, padding). */
bool rtp_read(RtpHeader *header, const uint8_t *data, size_t len);
/* One- and two-byte forms; elements that do not fit end the list quietly. */
void rtp_read_extensions(RtpExtensions *out, const RtpHeader *header, const uint8_t *data,
	const RtpExtensionIds *ids);

/* How long a receiver may wait before it shows a picture (the extension playout-delay of libwebrtc);
 * a receiver stays with what it was told last. */
typedef enum RtpPlayout {
	RTP_PLAYOUT_UNSAID,
	RTP_PLAYOUT_AT_ONCE, /* not at all, however unevenly pictures come */
	RTP_PLAYOUT_SMOOTH,  /* as it sees fit: what every receiver does unless it is told */
} RtpPlayout;

/* What a header of ours carries. Only extensions with an agreed id are written; one-byte form. */
typedef struct RtpOut {
	uint32_t timestamp, ssrc;
	uint16_t sequence;
	uint8_t payload_type;
	bool marker, padding;
	const RtpExtensionIds *ids;
	int32_t transport_cc;    /* -1: none */
	int16_t audio_level;     /* -1: none; with voice */
	bool voice;
	int16_t orientation;     /* -1: none */
	RtpPlayout playout;
	int64_t sent_us;         /* abs-send-time: when it goes out, by any clock; 0: not said */
	const char *mid;         /* NULL: none */
} RtpOut;

/* Writes the header; returns its length, 0 if it does not fit. *transport_cc_at (may be NULL): where
 * the 16-bit transport-wide number stands in it, 0 if it has none. */
size_t rtp_write(uint8_t *data, size_t size, const RtpOut *out, uint16_t *transport_cc_at);

/* The extended number nearest to `near` whose low 16 bits are `sequence`. */
static inline uint64_t rtp_extend(uint64_t near, uint16_t sequence)
{
	return near + (uint64_t)(int64_t)(int16_t)(uint16_t)(sequence - (uint16_t)near);
}
