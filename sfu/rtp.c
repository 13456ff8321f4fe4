#include "rtp.h"
#include "common/reader.h"

#define VERSION 2
#define ONE_BYTE 0xBEDE
/* A MID of 16, a level, a number, an orientation, a playout delay and a time, each with its head. */
#define ELEMENTS_MAX 32
#define PLAYOUT_MOST 1000 /* in 10 ms: what receivers do unless they are told */
#define TWO_BYTE 0x1000 /* the low four bits are the application's, RFC 8285 §4.3 */

static const char *const uris[RTP_EXT_COUNT] = {
	[RTP_EXT_MID] = "urn:ietf:params:rtp-hdrext:sdes:mid",
	[RTP_EXT_RID] = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
	[RTP_EXT_REPAIRED_RID] = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
	[RTP_EXT_AUDIO_LEVEL] = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
	[RTP_EXT_TRANSPORT_CC] =
		"http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
	[RTP_EXT_ABS_SEND_TIME] = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
	[RTP_EXT_ORIENTATION] = "urn:3gpp:video-orientation",
	[RTP_EXT_PLAYOUT_DELAY] = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
};

const char *rtp_extension_uri(RtpExtension extension)
{
	return uris[extension];
}

int rtp_extension_of(const char *uri)
{
	for (int i = 0; i < RTP_EXT_COUNT; i++)
		if (!strcmp(uri, uris[i]))
			return i;
	return -1;
}

bool rtp_is_rtp_or_rtcp(const uint8_t *data, size_t len)
{
	return len >= 2 && data[0] >= 128 && data[0] <= 191;
}

bool rtp_is_rtcp(const uint8_t *data, size_t len)
{
	return rtp_is_rtp_or_rtcp(data, len) && data[1] >= 192 && data[1] <= 223;
}

bool rtp_read(RtpHeader *header, const uint8_t *data, size_t len)
{
	*header = (RtpHeader){ 0 };
	if (len > UINT16_MAX) /* the offsets below are 16 bit; a datagram is never longer */
		return false;

	Reader in = reader_of(data, len);
	uint8_t first = read_u8(&in), second = read_u8(&in);
	header->sequence = read_u16(&in);
	header->timestamp = read_u32(&in);
	header->ssrc = read_u32(&in);
	if (!in.ok || first >> 6 != VERSION)
		return false;
	header->marker = second & 0x80;
	header->payload_type = second & 0x7f;
	read_skip(&in, 4 * (first & 0x0f));

	if (first & 0x10) {
		header->extension_profile = read_u16(&in);
		size_t extension_len = 4 * (size_t)read_u16(&in);
		header->extension_at = (uint16_t)(in.at - data);
		read_skip(&in, extension_len);
		header->extension_len = (uint16_t)extension_len; /* true to 16 bits if in.ok */
	}
	if (!in.ok)
		return false;

	header->payload_at = (uint16_t)(in.at - data);
	size_t left = reader_left(&in);
	if (first & 0x20) {
		if (!left)
			return false;
		header->padding_len = data[len - 1];
		if (!header->padding_len || header->padding_len > left)
			return false;
		left -= header->padding_len;
	}
	header->payload_len = (uint16_t)left;
	return true;
}

/* A MID or RID is short and visible; anything else counts as absent. */
static void take_id(char out[RTP_ID_MAX + 1], const uint8_t *bytes, size_t len)
{
	if (!len || len > RTP_ID_MAX)
		return;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] <= ' ' || bytes[i] >= 0x7f)
			return;
	memcpy(out, bytes, len);
	out[len] = '\0';
}

static void take(RtpExtensions *out, RtpExtension what, const uint8_t *bytes, size_t len)
{
	switch (what) {
	case RTP_EXT_MID:
		take_id(out->mid, bytes, len);
		break;
	case RTP_EXT_RID:
		take_id(out->rid, bytes, len);
		break;
	case RTP_EXT_REPAIRED_RID:
		take_id(out->repaired_rid, bytes, len);
		break;
	case RTP_EXT_AUDIO_LEVEL:
		if (len == 1) {
			out->voice = bytes[0] & 0x80;
			out->audio_level = bytes[0] & 0x7f;
		}
		break;
	case RTP_EXT_TRANSPORT_CC:
		if (len == 2)
			out->transport_cc = bytes[0] << 8 | bytes[1];
		break;
	case RTP_EXT_ORIENTATION:
		if (len == 1)
			out->orientation = bytes[0];
		break;
	default: /* nothing reads the others */
		break;
	}
}

void rtp_read_extensions(RtpExtensions *out, const RtpHeader *header, const uint8_t *data,
	const RtpExtensionIds *ids)
{
	*out = (RtpExtensions){ .audio_level = -1, .transport_cc = -1, .orientation = -1 };
	bool two = (header->extension_profile & 0xfff0) == TWO_BYTE;
	if (!two && header->extension_profile != ONE_BYTE)
		return;

	Reader in = reader_of(data + header->extension_at, header->extension_len);
	while (reader_left(&in)) {
		uint8_t id = read_u8(&in);
		size_t len;
		if (two) {
			if (!id) /* a byte of padding */
				continue;
			len = read_u8(&in);
		} else {
			len = (id & 0x0f) + 1u;
			if (!id)
				continue;
			id >>= 4;
			if (!id || id == 15) /* RFC 8285 §4.2: both end the list */
				return;
		}
		const uint8_t *bytes = read_bytes(&in, len);
		if (!bytes)
			return;
		for (int i = 0; i < RTP_EXT_COUNT; i++)
			if (ids->id[i] == id)
				take(out, (RtpExtension)i, bytes, len);
	}
}

/* One element in the one-byte form, if it was agreed; where its value stands. */
static uint8_t *element(Writer *out, const RtpExtensionIds *ids, RtpExtension what, size_t len)
{
	if (!ids->id[what])
		return NULL;
	write_u8(out, (uint8_t)(ids->id[what] << 4 | (len - 1)));
	return write_room(out, len);
}

/* The elements, up to a whole word; *transport_cc_at counts from the first. */
static void write_elements(Writer *to, const RtpOut *out, uint16_t *transport_cc_at)
{
	uint8_t *at;
	size_t mid_len = out->mid ? strlen(out->mid) : 0;
	if (mid_len > RTP_ID_MAX)
		to->ok = false;
	else if (mid_len && (at = element(to, out->ids, RTP_EXT_MID, mid_len)))
		memcpy(at, out->mid, mid_len);
	if (out->audio_level >= 0 && (at = element(to, out->ids, RTP_EXT_AUDIO_LEVEL, 1)))
		at[0] = (uint8_t)((out->voice ? 0x80 : 0) | (out->audio_level & 0x7f));
	if (out->transport_cc >= 0 && (at = element(to, out->ids, RTP_EXT_TRANSPORT_CC, 2))) {
		at[0] = (uint8_t)(out->transport_cc >> 8);
		at[1] = (uint8_t)out->transport_cc;
		*transport_cc_at = (uint16_t)(at - to->start);
	}
	if (out->orientation >= 0 && (at = element(to, out->ids, RTP_EXT_ORIENTATION, 1)))
		at[0] = (uint8_t)out->orientation;
	if (out->playout && (at = element(to, out->ids, RTP_EXT_PLAYOUT_DELAY, 3))) {
		/* Two times 12 bits, the least and the most, in 10 ms. */
		unsigned most = out->playout == RTP_PLAYOUT_SMOOTH ? PLAYOUT_MOST : 0;
		at[0] = 0;
		at[1] = (uint8_t)(most >> 8);
		at[2] = (uint8_t)most;
	}
	if (out->sent_us && (at = element(to, out->ids, RTP_EXT_ABS_SEND_TIME, 3))) {
		/* Seconds, 6 bits and 18 behind the point. */
		uint32_t time = (uint32_t)(((uint64_t)out->sent_us << 18) / 1000000);
		at[0] = (uint8_t)(time >> 16);
		at[1] = (uint8_t)(time >> 8);
		at[2] = (uint8_t)time;
	}
	while (to->ok && writer_len(to) % 4)
		write_u8(to, 0);
}

size_t rtp_write(uint8_t *data, size_t size, const RtpOut *out, uint16_t *transport_cc_at)
{
	uint8_t elements[ELEMENTS_MAX];
	uint16_t cc_at = 0;
	Writer extension = writer_of(elements, sizeof elements), to = writer_of(data, size);
	if (out->ids)
		write_elements(&extension, out, &cc_at);
	size_t len = writer_len(&extension);

	write_u8(&to, (uint8_t)(VERSION << 6 | (out->padding ? 0x20 : 0) | (len ? 0x10 : 0)));
	write_u8(&to, (uint8_t)((out->marker ? 0x80 : 0) | (out->payload_type & 0x7f)));
	write_u16(&to, out->sequence);
	write_u32(&to, out->timestamp);
	write_u32(&to, out->ssrc);
	if (len) {
		write_u16(&to, ONE_BYTE);
		write_u16(&to, (uint16_t)(len / 4));
		write_bytes(&to, elements, len);
	}
	if (!to.ok || !extension.ok)
		return 0;
	if (transport_cc_at)
		*transport_cc_at = cc_at ? (uint16_t)(RTP_HEADER_LEN + 4 + cc_at) : 0;
	return writer_len(&to);
}
