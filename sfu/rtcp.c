#include "rtcp.h"
#include "common/reader.h"
#include <glib.h>

enum { SR = 200, RR = 201, SDES = 202, BYE = 203, RTPFB = 205, PSFB = 206 };
enum { RTPFB_NACK = 1, RTPFB_TRANSPORT_CC = 15 };
enum { PSFB_PLI = 1, PSFB_FIR = 4, PSFB_ALFB = 15 };

#define BLOCKS_MAX 31       /* five bits of count */
#define REMB_ID 0x52454D42u /* "REMB" */
#define REMB_SSRC_MAX 255
#define CNAME_MAX 255

#define TELL(events, what, ...)                                                                    \
	do {                                                                                       \
		if ((events)->what)                                                                \
			(events)->what(__VA_ARGS__);                                               \
	} while (0)

static int32_t sign24(uint32_t value)
{
	return (int32_t)(value << 8) >> 8;
}

static bool read_blocks(
	Reader *in, uint32_t from, unsigned count, const RtcpEvents *events, void *user)
{
	for (unsigned i = 0; i < count; i++) {
		RtcpReportBlock block = { .ssrc = read_u32(in) };
		block.fraction_lost = read_u8(in);
		block.lost = sign24(read_u24(in));
		block.highest = read_u32(in);
		block.jitter = read_u32(in);
		block.last_sr = read_u32(in);
		block.delay_since_sr = read_u32(in);
		if (!in->ok)
			return false;
		TELL(events, report_block, from, &block, user);
	}
	return true; /* profile-specific extensions may follow */
}

static bool read_sr(Reader *in, unsigned count, const RtcpEvents *events, void *user)
{
	RtcpSenderInfo info = { .ssrc = read_u32(in) };
	info.ntp = read_u64(in);
	info.rtp = read_u32(in);
	info.packets = read_u32(in);
	info.bytes = read_u32(in);
	if (!in->ok)
		return false;
	TELL(events, sender_report, &info, user);
	return read_blocks(in, info.ssrc, count, events, user);
}

static bool read_rr(Reader *in, unsigned count, const RtcpEvents *events, void *user)
{
	uint32_t from = read_u32(in);
	return in->ok && read_blocks(in, from, count, events, user);
}

static bool read_bye(Reader *in, unsigned count, const RtcpEvents *events, void *user)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t ssrc = read_u32(in);
		if (!in->ok)
			return false;
		TELL(events, bye, ssrc, user);
	}
	return true;
}

static bool read_nack(
	Reader *in, uint32_t from, uint32_t ssrc, const RtcpEvents *events, void *user)
{
	uint16_t lost[RTCP_NACK_MAX];
	unsigned count = 0;
	if (!reader_left(in))
		return false; /* RFC 4585 §6.2.1: at least one */
	while (reader_left(in)) {
		uint16_t first = read_u16(in), mask = read_u16(in);
		if (!in->ok)
			return false;
		if (count < RTCP_NACK_MAX)
			lost[count++] = first;
		for (unsigned bit = 0; bit < 16; bit++)
			if (mask >> bit & 1 && count < RTCP_NACK_MAX)
				lost[count++] = (uint16_t)(first + bit + 1);
	}
	TELL(events, nack, from, ssrc, lost, count, user);
	return true;
}

static bool read_fir(Reader *in, uint32_t from, const RtcpEvents *events, void *user)
{
	if (!reader_left(in))
		return false;
	while (reader_left(in)) {
		uint32_t ssrc = read_u32(in);
		uint8_t number = read_u8(in);
		read_skip(in, 3);
		if (!in->ok)
			return false;
		TELL(events, fir, from, ssrc, number, user);
	}
	return true;
}

static bool read_remb(Reader *in, uint32_t from, const RtcpEvents *events, void *user)
{
	if (read_u32(in) != REMB_ID)
		return in->ok; /* another application's feedback */
	unsigned count = read_u8(in);
	uint32_t rate = read_u24(in);
	unsigned exponent = rate >> 18;
	uint64_t mantissa = rate & 0x3ffff;
	read_skip(in, 4 * (size_t)count);
	if (!in->ok)
		return false;
	bool fits = !mantissa || exponent <= (unsigned)__builtin_clzll(mantissa);
	TELL(events, remb, from, fits ? mantissa << exponent : UINT64_MAX, user);
	return true;
}

static bool read_feedback(
	Reader *in, unsigned type, unsigned format, const RtcpEvents *events, void *user)
{
	uint32_t from = read_u32(in), ssrc = read_u32(in);
	if (!in->ok)
		return false;
	if (type == RTPFB && format == RTPFB_NACK)
		return read_nack(in, from, ssrc, events, user);
	if (type == RTPFB && format == RTPFB_TRANSPORT_CC)
		TELL(events, transport_cc, from, in->at, reader_left(in), user);
	if (type == PSFB && format == PSFB_PLI)
		TELL(events, pli, from, ssrc, user);
	if (type == PSFB && format == PSFB_FIR)
		return read_fir(in, from, events, user);
	if (type == PSFB && format == PSFB_ALFB)
		return read_remb(in, from, events, user);
	return true;
}

static bool read_packet(
	Reader *in, unsigned type, unsigned count, const RtcpEvents *events, void *user)
{
	switch (type) {
	case SR:
		return read_sr(in, count, events, user);
	case RR:
		return read_rr(in, count, events, user);
	case BYE:
		return read_bye(in, count, events, user);
	case RTPFB:
	case PSFB:
		return read_feedback(in, type, count, events, user);
	default: /* SDES, APP, XR and what is not invented yet */
		return true;
	}
}

bool rtcp_read(const uint8_t *data, size_t len, const RtcpEvents *events, void *user)
{
	Reader in = reader_of(data, len);
	if (!len)
		return false;
	while (reader_left(&in)) {
		uint8_t first = read_u8(&in), type = read_u8(&in);
		Reader body = read_part(&in, 4 * (size_t)read_u16(&in));
		if (!in.ok || first >> 6 != 2)
			return false;
		/* RFC 3550 allows padding in the last packet only, but libwebrtc puts several
		 * padded transport-wide feedbacks into one datagram. */
		if (first & 0x20) {
			size_t left = reader_left(&body);
			unsigned padding = left ? body.end[-1] : 0;
			if (!padding || padding > left)
				return false;
			body.end -= padding;
		}
		if (!read_packet(&body, type, first & 0x1f, events, user))
			return false;
	}
	return in.ok;
}

/* Room for one whole packet, header written: never half a packet in the datagram. */
static Writer begin(Writer *out, unsigned count, unsigned type, size_t words)
{
	uint8_t *room = write_room(out, 4 + 4 * words);
	if (!room)
		return (Writer){ .ok = false };
	Writer packet = writer_of(room, 4 + 4 * words);
	write_u8(&packet, (uint8_t)(2 << 6 | count));
	write_u8(&packet, (uint8_t)type);
	write_u16(&packet, (uint16_t)words);
	return packet;
}

static void write_blocks(Writer *out, const RtcpReportBlock *blocks, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		write_u32(out, blocks[i].ssrc);
		write_u8(out, blocks[i].fraction_lost);
		write_u24(out, (uint32_t)CLAMP(blocks[i].lost, -0x800000, 0x7fffff) & 0xffffff);
		write_u32(out, blocks[i].highest);
		write_u32(out, blocks[i].jitter);
		write_u32(out, blocks[i].last_sr);
		write_u32(out, blocks[i].delay_since_sr);
	}
}

void rtcp_write_sr(
	Writer *out, const RtcpSenderInfo *info, const RtcpReportBlock *blocks, unsigned count)
{
	g_assert(count <= BLOCKS_MAX);
	Writer packet = begin(out, count, SR, 6 + 6 * count);
	write_u32(&packet, info->ssrc);
	write_u64(&packet, info->ntp);
	write_u32(&packet, info->rtp);
	write_u32(&packet, info->packets);
	write_u32(&packet, info->bytes);
	write_blocks(&packet, blocks, count);
}

void rtcp_write_rr(Writer *out, uint32_t from, const RtcpReportBlock *blocks, unsigned count)
{
	g_assert(count <= BLOCKS_MAX);
	Writer packet = begin(out, count, RR, 1 + 6 * count);
	write_u32(&packet, from);
	write_blocks(&packet, blocks, count);
}

void rtcp_write_sdes_cname(Writer *out, uint32_t ssrc, const char *cname)
{
	size_t len = strlen(cname);
	g_assert(len <= CNAME_MAX);
	size_t words = 1 + (2 + len + 1 + 3) / 4; /* the item, its end, up to the next word */
	Writer packet = begin(out, 1, SDES, words);
	write_u32(&packet, ssrc);
	write_u8(&packet, 1);
	write_u8(&packet, (uint8_t)len);
	write_bytes(&packet, cname, len);
	while (packet.ok && packet.at < packet.end)
		write_u8(&packet, 0);
}

void rtcp_write_pli(Writer *out, uint32_t from, uint32_t ssrc)
{
	Writer packet = begin(out, PSFB_PLI, PSFB, 2);
	write_u32(&packet, from);
	write_u32(&packet, ssrc);
}

/* The numbers from lost[*at] on that one FCI entry can name; *at goes past them. */
static uint32_t nack_entry(const uint16_t *lost, unsigned count, unsigned *at)
{
	uint16_t first = lost[(*at)++];
	uint16_t mask = 0;
	for (; *at < count; (*at)++) {
		uint16_t ahead = (uint16_t)(lost[*at] - first);
		if (ahead > 16)
			break;
		if (ahead)
			mask |= (uint16_t)(1u << (ahead - 1));
	}
	return (uint32_t)first << 16 | mask;
}

void rtcp_write_nack(
	Writer *out, uint32_t from, uint32_t ssrc, const uint16_t *lost, unsigned count)
{
	if (!count)
		return;
	unsigned entries = 0;
	for (unsigned at = 0; at < count; entries++)
		nack_entry(lost, count, &at);
	Writer packet = begin(out, RTPFB_NACK, RTPFB, 2 + entries);
	write_u32(&packet, from);
	write_u32(&packet, ssrc);
	for (unsigned at = 0; at < count;)
		write_u32(&packet, nack_entry(lost, count, &at));
}

void rtcp_write_remb(
	Writer *out, uint32_t from, uint64_t rate_bps, const uint32_t *ssrcs, unsigned count)
{
	g_assert(count <= REMB_SSRC_MAX);
	unsigned exponent = 0;
	for (; rate_bps > 0x3ffff; rate_bps >>= 1)
		exponent++;
	Writer packet = begin(out, PSFB_ALFB, PSFB, 4 + count);
	write_u32(&packet, from);
	write_u32(&packet, 0); /* draft-alvestrand-rmcat-remb §2.2: always 0 */
	write_u32(&packet, REMB_ID);
	write_u8(&packet, (uint8_t)count);
	write_u24(&packet, exponent << 18 | (uint32_t)rate_bps);
	for (unsigned i = 0; i < count; i++)
		write_u32(&packet, ssrcs[i]);
}

void rtcp_write_bye(Writer *out, uint32_t ssrc)
{
	Writer packet = begin(out, 1, BYE, 1);
	write_u32(&packet, ssrc);
}
