/* test_rtcp.c - RTCP: what the writers write, the reader reads back */
#include "sfu/rtcp.h"
#include <glib.h>

#define SEEN_MAX 64

/* Everything one reading told, in order of kind. */
typedef struct Seen {
	RtcpSenderInfo sender[SEEN_MAX];
	RtcpReportBlock block[SEEN_MAX];
	uint16_t lost[RTCP_NACK_MAX];
	uint32_t from, ssrc, bye;
	uint64_t remb;
	size_t fci_len;
	unsigned senders, blocks, nacks, lost_count, plis, firs, rembs, feedbacks, byes;
	uint8_t fir_number;
} Seen;

static void on_sender(const RtcpSenderInfo *info, void *user)
{
	Seen *seen = user;
	seen->sender[seen->senders++ % SEEN_MAX] = *info;
}

static void on_block(uint32_t from, const RtcpReportBlock *block, void *user)
{
	Seen *seen = user;
	seen->from = from;
	seen->block[seen->blocks++ % SEEN_MAX] = *block;
}

static void on_nack(uint32_t from, uint32_t ssrc, const uint16_t *lost, unsigned count, void *user)
{
	Seen *seen = user;
	seen->nacks++;
	seen->from = from;
	seen->ssrc = ssrc;
	seen->lost_count = count;
	memcpy(seen->lost, lost, count * sizeof *lost);
}

static void on_pli(uint32_t from, uint32_t ssrc, void *user)
{
	Seen *seen = user;
	seen->plis++;
	seen->from = from;
	seen->ssrc = ssrc;
}

static void on_fir(uint32_t from, uint32_t ssrc, uint8_t number, void *user)
{
	Seen *seen = user;
	seen->firs++;
	seen->ssrc = ssrc;
	seen->fir_number = number;
}

static void on_remb(uint32_t from, uint64_t rate_bps, void *user)
{
	Seen *seen = user;
	seen->rembs++;
	seen->remb = rate_bps;
}

static void on_transport_cc(uint32_t from, const uint8_t *fci, size_t len, void *user)
{
	Seen *seen = user;
	seen->feedbacks++;
	seen->fci_len = len;
}

static void on_bye(uint32_t ssrc, void *user)
{
	Seen *seen = user;
	seen->byes++;
	seen->bye = ssrc;
}

static const RtcpEvents events = { on_sender, on_block, on_nack, on_pli, on_fir, on_remb,
	on_transport_cc, on_bye };

static bool read_all(Seen *seen, const uint8_t *data, size_t len)
{
	memset(seen, 0, sizeof *seen);
	return rtcp_read(data, len, &events, seen);
}

#define READ(seen, ...)                                                                            \
	read_all(seen, (const uint8_t[]){ __VA_ARGS__ }, sizeof(const uint8_t[]){ __VA_ARGS__ })

static uint32_t any32(void)
{
	return (uint32_t)g_test_rand_int();
}

static RtcpReportBlock any_block(void)
{
	return (RtcpReportBlock){ .ssrc = any32(),
		.fraction_lost = (uint8_t)any32(),
		.lost = g_test_rand_int_range(-0x800000, 0x800000),
		.highest = any32(),
		.jitter = any32(),
		.last_sr = any32(),
		.delay_since_sr = any32() };
}

static void assert_block(const RtcpReportBlock *a, const RtcpReportBlock *b)
{
	g_assert_cmpuint(a->ssrc, ==, b->ssrc);
	g_assert_cmpuint(a->fraction_lost, ==, b->fraction_lost);
	g_assert_cmpint(a->lost, ==, b->lost);
	g_assert_cmpuint(a->highest, ==, b->highest);
	g_assert_cmpuint(a->jitter, ==, b->jitter);
	g_assert_cmpuint(a->last_sr, ==, b->last_sr);
	g_assert_cmpuint(a->delay_since_sr, ==, b->delay_since_sr);
}

static void reads_back_a_whole_compound(void)
{
	for (unsigned round = 0; round < 2000; round++) {
		uint8_t data[1500];
		Seen seen;
		const RtcpSenderInfo info = { .ssrc = any32(),
			.ntp = (uint64_t)any32() << 32 | any32(),
			.rtp = any32(),
			.packets = any32(),
			.bytes = any32() };
		RtcpReportBlock blocks[31];
		unsigned count = (unsigned)g_test_rand_int_range(0, 32);
		for (unsigned i = 0; i < count; i++)
			blocks[i] = any_block();
		char cname[64];
		memset(cname, 'c', sizeof cname);
		cname[g_test_rand_int_range(0, sizeof cname)] = '\0';
		uint64_t rate = (uint64_t)any32() << g_test_rand_int_range(0, 33);
		const uint32_t media[] = { any32(), any32() };

		Writer out = writer_of(data, sizeof data);
		bool sender = g_test_rand_bit();
		if (sender)
			rtcp_write_sr(&out, &info, blocks, count);
		else
			rtcp_write_rr(&out, info.ssrc, blocks, count);
		rtcp_write_sdes_cname(&out, info.ssrc, cname);
		rtcp_write_pli(&out, info.ssrc, media[0]);
		rtcp_write_remb(&out, info.ssrc, rate, media, G_N_ELEMENTS(media));
		rtcp_write_bye(&out, info.ssrc);
		g_assert_true(out.ok);

		g_assert_true(read_all(&seen, data, writer_len(&out)));
		g_assert_cmpuint(seen.senders, ==, sender);
		g_assert_cmpuint(seen.blocks, ==, count);
		for (unsigned i = 0; i < count; i++)
			assert_block(&seen.block[i], &blocks[i]);
		if (sender) {
			g_assert_cmpuint(seen.sender[0].ssrc, ==, info.ssrc);
			g_assert_cmpuint(seen.sender[0].ntp, ==, info.ntp);
			g_assert_cmpuint(seen.sender[0].rtp, ==, info.rtp);
			g_assert_cmpuint(seen.sender[0].packets, ==, info.packets);
			g_assert_cmpuint(seen.sender[0].bytes, ==, info.bytes);
		}
		g_assert_cmpuint(seen.plis, ==, 1);
		g_assert_cmpuint(seen.ssrc, ==, media[0]);
		g_assert_cmpuint(seen.rembs, ==, 1);
		g_assert_cmpuint(seen.remb, <=, rate); /* 18 bits of it */
		g_assert_cmpuint(rate - seen.remb, <=, rate >> 17);
		g_assert_cmpuint(seen.byes, ==, 1);
		g_assert_cmpuint(seen.bye, ==, info.ssrc);

		for (size_t len = 0; len < writer_len(&out); len += 4) /* any cut inside is seen */
			if (!read_all(&seen, data, len))
				break;
		g_assert_false(read_all(&seen, data, writer_len(&out) - 1));
	}
}

static gint by_number(gconstpointer a, gconstpointer b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void reads_back_lost_numbers(void)
{
	for (unsigned round = 0; round < 2000; round++) {
		uint8_t data[1500];
		uint16_t lost[300];
		unsigned count = (unsigned)g_test_rand_int_range(1, G_N_ELEMENTS(lost));
		unsigned step = (unsigned)g_test_rand_int_range(2, 40);
		uint16_t number = (uint16_t)any32();
		for (unsigned i = 0; i < count; i++)
			lost[i] = number = (uint16_t)(number + g_test_rand_int_range(1, (int)step));
		uint32_t from = any32(), ssrc = any32();
		Writer out = writer_of(data, sizeof data);
		rtcp_write_nack(&out, from, ssrc, lost, count);
		g_assert_true(out.ok);

		Seen seen;
		g_assert_true(read_all(&seen, data, writer_len(&out)));
		g_assert_cmpuint(seen.nacks, ==, 1);
		g_assert_cmpuint(seen.from, ==, from);
		g_assert_cmpuint(seen.ssrc, ==, ssrc);
		g_assert_cmpmem(seen.lost, seen.lost_count * 2, lost, count * 2);
	}
}

static void lost_numbers_may_come_in_any_order(void)
{
	uint16_t lost[] = { 9, 7, 65535, 8, 8, 3, 0 }, sorted[] = { 0, 3, 7, 8, 9, 65535 };
	uint8_t data[100];
	Writer out = writer_of(data, sizeof data);
	rtcp_write_nack(&out, 1, 2, lost, G_N_ELEMENTS(lost));
	rtcp_write_nack(&out, 1, 2, lost, 0); /* nothing */
	Seen seen;
	g_assert_true(read_all(&seen, data, writer_len(&out)));
	g_assert_cmpuint(seen.nacks, ==, 1);
	qsort(seen.lost, seen.lost_count, sizeof *lost, by_number);
	unsigned kept = 0;
	for (unsigned i = 0; i < seen.lost_count; i++)
		if (!i || seen.lost[i] != seen.lost[kept - 1])
			seen.lost[kept++] = seen.lost[i];
	g_assert_cmpmem(seen.lost, kept * 2, sorted, sizeof sorted);
}

static void a_flood_of_lost_numbers_is_cut(void)
{
	uint8_t data[1200] = { 0x81, 205, 0, sizeof data / 4 - 1 - 256 };
	memset(data + 12, 0xff, sizeof data - 12);
	data[2] = 1;
	Seen seen;
	g_assert_true(read_all(&seen, data, sizeof data));
	g_assert_cmpuint(seen.nacks, ==, 1);
	g_assert_cmpuint(seen.lost_count, ==, RTCP_NACK_MAX);
}

static void takes_reduced_size_and_the_unknown(void)
{
	Seen seen;
	g_assert_true(READ(&seen, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2));
	g_assert_cmpuint(seen.plis, ==, 1);
	/* APP, XR, a type of tomorrow, an unknown feedback, and a PLI behind them */
	g_assert_true(READ(&seen, 0x80, 204, 0, 2, 0, 0, 0, 1, 'n', 'a', 'm', 'e', /* */
		0x80, 207, 0, 1, 0, 0, 0, 1, 0x80, 219, 0, 0,                      /* */
		0x87, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2,                           /* */
		0x8f, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 'X', 'Y', 'Z', 'W',       /* */
		0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2));
	g_assert_cmpuint(seen.plis, ==, 1);
	g_assert_cmpuint(seen.rembs, ==, 0);
	g_assert_true(READ(&seen, 0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, /* two FIR */
		0, 0, 0, 5, 7, 0, 0, 0, 0, 0, 0, 6, 8, 0, 0, 0));
	g_assert_cmpuint(seen.firs, ==, 2);
	g_assert_cmpuint(seen.ssrc, ==, 6);
	g_assert_cmpuint(seen.fir_number, ==, 8);
}

static void takes_off_padding_wherever_it_is(void)
{
	Seen seen;
	/* libwebrtc pads each of several feedbacks in one datagram */
	g_assert_true(READ(&seen, 0xaf, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, /* */
		0, 1, 0, 1, 0, 0, 0, 0, 0x20, 1, 5, 1,                     /* */
		0xa1, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4));
	g_assert_cmpuint(seen.feedbacks, ==, 1);
	g_assert_cmpuint(seen.fci_len, ==, 11);
	g_assert_cmpuint(seen.plis, ==, 1);
}

static void a_rate_beyond_64_bits_is_the_largest(void)
{
	Seen seen;
	g_assert_true(READ(&seen, 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0,
		0xff, 0xff, 0xff));
	g_assert_cmpuint(seen.remb, ==, UINT64_MAX);
	g_assert_true(READ(
		&seen, 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 0, 0xfc, 0, 0));
	g_assert_cmpuint(seen.remb, ==, 0);
}

static void refuses_what_does_not_add_up(void)
{
	Seen seen;
	g_assert_false(read_all(&seen, NULL, 0));
	g_assert_false(READ(&seen, 0x80, 201, 0));                /* half a header */
	g_assert_false(READ(&seen, 0x40, 201, 0, 1, 0, 0, 0, 1)); /* version 1 */
	g_assert_false(READ(&seen, 0x80, 201, 0, 2, 0, 0, 0, 1)); /* longer than it is */
	g_assert_false(READ(&seen, 0x81, 201, 0, 1, 0, 0, 0, 1)); /* a block too few */
	g_assert_false(READ(&seen, 0x80, 200, 0, 1, 0, 0, 0, 1)); /* half a sender info */
	g_assert_false(READ(&seen, 0x82, 203, 0, 1, 0, 0, 0, 1)); /* a source too few */
	g_assert_false(READ(&seen, 0x81, 205, 0, 1, 0, 0, 0, 1)); /* no media source */
	g_assert_false(READ(&seen, 0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2)); /* nothing lost */
	g_assert_false(
		READ(&seen, 0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3)); /* half a FIR */
	g_assert_false(READ(&seen, 0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 1,
		0, 0, 1));                                        /* a source too few */
	g_assert_false(READ(&seen, 0xa0, 201, 0, 1, 0, 0, 0, 5)); /* more padding than bytes */
	g_assert_false(READ(&seen, 0xa0, 201, 0, 1, 0, 0, 0, 0)); /* padding of none */
	g_assert_false(READ(&seen, 0xa0, 201, 0, 0));             /* padding in nothing */
	/* what came before was told */
	g_assert_false(READ(&seen, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 201, 0, 9));
	g_assert_cmpuint(seen.plis, ==, 1);
}

static void members_may_be_missing(void)
{
	const RtcpEvents none = { NULL };
	uint8_t data[1500];
	const uint16_t lost[] = { 1 };
	const RtcpReportBlock block = any_block();
	const RtcpSenderInfo info = { .ssrc = 1 };
	Writer out = writer_of(data, sizeof data);
	rtcp_write_sr(&out, &info, &block, 1);
	rtcp_write_rr(&out, 1, &block, 1);
	rtcp_write_nack(&out, 1, 2, lost, 1);
	rtcp_write_pli(&out, 1, 2);
	rtcp_write_remb(&out, 1, 1000, NULL, 0);
	rtcp_write_bye(&out, 1);
	g_assert_true(rtcp_read(data, writer_len(&out), &none, NULL));
}

static void writes_a_whole_packet_or_none(void)
{
	uint8_t data[64];
	for (size_t size = 0; size < sizeof data; size++) {
		Writer out = writer_of(data, size);
		rtcp_write_pli(&out, 1, 2);
		rtcp_write_sdes_cname(&out, 1, "diemcau");
		rtcp_write_bye(&out, 1);
		g_assert_true(writer_len(&out) == 0 || writer_len(&out) == 12 ||
			      writer_len(&out) == 32 || writer_len(&out) == 40);
		g_assert_cmpint(out.ok, ==, size >= 40);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtcp/reads-back-a-whole-compound", reads_back_a_whole_compound);
	g_test_add_func("/rtcp/reads-back-lost-numbers", reads_back_lost_numbers);
	g_test_add_func(
		"/rtcp/lost-numbers-may-come-in-any-order", lost_numbers_may_come_in_any_order);
	g_test_add_func("/rtcp/a-flood-of-lost-numbers-is-cut", a_flood_of_lost_numbers_is_cut);
	g_test_add_func(
		"/rtcp/takes-reduced-size-and-the-unknown", takes_reduced_size_and_the_unknown);
	g_test_add_func("/rtcp/takes-off-padding-wherever-it-is", takes_off_padding_wherever_it_is);
	g_test_add_func(
		"/rtcp/a-rate-beyond-64-bits-is-the-largest", a_rate_beyond_64_bits_is_the_largest);
	g_test_add_func("/rtcp/refuses-what-does-not-add-up", refuses_what_does_not_add_up);
	g_test_add_func("/rtcp/members-may-be-missing", members_may_be_missing);
	g_test_add_func("/rtcp/writes-a-whole-packet-or-none", writes_a_whole_packet_or_none);
	return g_test_run();
}
