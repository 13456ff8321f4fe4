#include "liar.h"

#define NACKS 40

void liar_packet(Liar *liar, uint16_t number)
{
	if (!liar->started)
		liar->told = (uint16_t)(number - 1);
	if (!liar->started || (int16_t)(number - liar->highest) > 0)
		liar->highest = number;
	liar->started = true;
}

/* One run of packets that have not arrived. */
static void write_feedback(Liar *liar, Writer *out, uint32_t from, uint32_t ssrc)
{
	unsigned count = (uint16_t)(liar->highest - liar->told);
	if (!count || count > LIAR_PACKETS_MAX)
		return;
	write_u8(out, 0x80 | 15);
	write_u8(out, 205);
	write_u16(out, 5); /* words that follow */
	write_u32(out, from);
	write_u32(out, ssrc);
	write_u16(out, (uint16_t)(liar->told + 1));
	write_u16(out, (uint16_t)count);
	write_u24(out, 1);
	write_u8(out, liar->count++);
	write_u16(out, (uint16_t)count);
	write_u16(out, 0);
	liar->told = liar->highest;
}

void liar_write(Liar *liar, Writer *out, uint32_t from, const Stream *streams, unsigned count)
{
	RtcpReportBlock blocks[8] = { 0 };
	unsigned reported = 0;
	for (unsigned i = 0; i < count && reported < 8; i++)
		if (streams[i].started)
			blocks[reported++] = (RtcpReportBlock){ .ssrc = streams[i].ssrc,
				.fraction_lost = 255,
				.lost = 0x7fffff,
				.highest = (uint32_t)streams[i].highest };
	rtcp_write_rr(out, from, blocks, reported);
	for (unsigned i = 0; i < count; i++) {
		uint16_t lost[NACKS];
		if (!streams[i].started)
			continue;
		for (unsigned n = 0; n < NACKS; n++)
			lost[n] = (uint16_t)(streams[i].highest - NACKS + 1 + n);
		rtcp_write_nack(out, from, streams[i].ssrc, lost, NACKS);
		rtcp_write_pli(out, from, streams[i].ssrc);
	}
	if (liar->started)
		write_feedback(liar, out, from, streams[0].ssrc);
}
