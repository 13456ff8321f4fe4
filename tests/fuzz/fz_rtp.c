/* fz_rtp.c - RTP headers and extensions; what was read is written and read again */
#include "fuzz.h"
#include "sfu/rtp.h"

static const RtpExtensionIds ids = { .id = { 4, 10, 11, 1, 3, 2, 13, 5 } };

static void assert_id(const char id[RTP_ID_MAX + 1])
{
	size_t len = strnlen(id, RTP_ID_MAX + 1);
	g_assert(len <= RTP_ID_MAX);
	for (size_t i = 0; i < len; i++)
		g_assert(id[i] > ' ' && id[i] < 0x7f);
}

static void write_and_read(const RtpHeader *header, const RtpExtensions *found)
{
	const RtpOut out = { .timestamp = header->timestamp,
		.ssrc = header->ssrc,
		.sequence = header->sequence,
		.payload_type = header->payload_type,
		.marker = header->marker,
		.ids = &ids,
		.transport_cc = found->transport_cc,
		.audio_level = found->audio_level,
		.voice = found->voice,
		.orientation = found->orientation,
		.mid = found->mid };
	uint8_t packet[64];
	uint16_t cc_at;
	size_t len = rtp_write(packet, sizeof packet, &out, &cc_at);
	g_assert(len >= RTP_HEADER_LEN && cc_at < len);

	RtpHeader again;
	RtpExtensions read;
	g_assert(rtp_read(&again, packet, len));
	rtp_read_extensions(&read, &again, packet, &ids);
	g_assert(again.timestamp == header->timestamp && again.ssrc == header->ssrc);
	g_assert(again.sequence == header->sequence && again.marker == header->marker);
	g_assert(again.payload_type == header->payload_type && again.payload_at == len);
	g_assert(
		read.transport_cc == found->transport_cc && read.orientation == found->orientation);
	g_assert(read.audio_level == found->audio_level && read.voice == found->voice);
	g_assert(!strcmp(read.mid, found->mid));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RtpHeader header;
	RtpExtensions found;
	if (rtp_is_rtcp(data, size))
		g_assert(rtp_is_rtp_or_rtcp(data, size));
	if (!rtp_read(&header, data, size))
		return 0;
	g_assert((size_t)header.payload_at + header.payload_len + header.padding_len == size);
	g_assert((size_t)header.extension_at + header.extension_len <= header.payload_at);
	rtp_read_extensions(&found, &header, data, &ids);
	assert_id(found.mid);
	assert_id(found.rid);
	assert_id(found.repaired_rid);
	g_assert(found.audio_level >= -1 && found.audio_level <= 127);
	g_assert(found.transport_cc >= -1 && found.transport_cc <= UINT16_MAX);
	g_assert(found.orientation >= -1 && found.orientation <= UINT8_MAX);
	write_and_read(&header, &found);
	return 0;
}
