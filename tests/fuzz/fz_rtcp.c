/* fz_rtcp.c - RTCP; what was told is written anew, and reading that tells the same */
#include "fuzz.h"
#include "sfu/rtcp.h"
#include "sfu/twcc.h"

#define OUT_MAX (256 * 1024) /* each event becomes a packet of its own, several times as long */

typedef struct Told {
	Writer out;
	unsigned events;
	uint64_t sum; /* of all that was told */
} Told;

static void mix(Told *told, uint64_t value)
{
	told->sum = (told->sum ^ value) * 0x100000001b3u;
}

static void on_sender(const RtcpSenderInfo *info, void *user)
{
	Told *told = user;
	told->events++;
	mix(told, info->ssrc);
	mix(told, info->ntp);
	mix(told, info->rtp);
	mix(told, (uint64_t)info->packets << 32 | info->bytes);
	rtcp_write_sr(&told->out, info, NULL, 0);
}

static void on_block(uint32_t from, const RtcpReportBlock *block, void *user)
{
	Told *told = user;
	told->events++;
	mix(told, (uint64_t)from << 32 | block->ssrc);
	mix(told, (uint64_t)block->fraction_lost << 32 | (uint32_t)block->lost);
	mix(told, (uint64_t)block->highest << 32 | block->jitter);
	mix(told, (uint64_t)block->last_sr << 32 | block->delay_since_sr);
	rtcp_write_rr(&told->out, from, block, 1);
}

static void on_nack(uint32_t from, uint32_t ssrc, const uint16_t *lost, unsigned count, void *user)
{
	Told *told = user;
	told->events++;
	g_assert(count && count <= RTCP_NACK_MAX);
	g_autofree uint8_t *seen = g_malloc0(0x10000);
	for (unsigned i = 0; i < count; i++) { /* once each: writing joins what is named twice */
		if (!seen[lost[i]])
			told->sum += ((uint64_t)from << 32 | ssrc) * (lost[i] + 1u);
		seen[lost[i]] = 1;
	}
	rtcp_write_nack(&told->out, from, ssrc, lost, count);
}

static void on_pli(uint32_t from, uint32_t ssrc, void *user)
{
	Told *told = user;
	told->events++;
	mix(told, (uint64_t)from << 32 | ssrc);
	rtcp_write_pli(&told->out, from, ssrc);
}

static void on_remb(uint32_t from, uint64_t rate_bps, void *user)
{
	Told *told = user;
	told->events++;
	/* the exponent that we write is the smallest: equal but for a rate that overflowed */
	mix(told, rate_bps == UINT64_MAX ? 0x3ffffull << 46 : rate_bps);
	rtcp_write_remb(&told->out, from, rate_bps, NULL, 0);
}

static void on_transport_cc(uint32_t from, const uint8_t *fci, size_t len, void *user)
{
	TwccFeedback feedback;
	twcc_read(&feedback, fci, len);
}

static void on_bye(uint32_t ssrc, void *user)
{
	Told *told = user;
	told->events++;
	mix(told, ssrc);
	rtcp_write_bye(&told->out, ssrc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[OUT_MAX], second[OUT_MAX];
	const RtcpEvents events = { .sender_report = on_sender,
		.report_block = on_block,
		.nack = on_nack,
		.pli = on_pli,
		.remb = on_remb,
		.transport_cc = on_transport_cc,
		.bye = on_bye };
	if (size > 4096) /* longer than any datagram of ours */
		return 0;
	Told told = { .out = writer_of(first, sizeof first) };
	rtcp_read(data, size, &events, &told);
	if (!told.events)
		return 0;
	g_assert(told.out.ok);

	Told again = { .out = writer_of(second, sizeof second) };
	g_assert(rtcp_read(first, writer_len(&told.out), &events, &again));
	g_assert(again.events == told.events);
	g_assert(again.sum == told.sum);
	return 0;
}
