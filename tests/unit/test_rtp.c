/* test_rtp.c - RTP headers and header extensions */
#include "sfu/rtp.h"
#include <glib.h>

static const RtpExtensionIds ids = { .id = { [RTP_EXT_MID] = 4,
					     [RTP_EXT_RID] = 10,
					     [RTP_EXT_REPAIRED_RID] = 11,
					     [RTP_EXT_AUDIO_LEVEL] = 1,
					     [RTP_EXT_TRANSPORT_CC] = 3,
					     [RTP_EXT_ORIENTATION] = 13 } };

static void reads_a_plain_header(void)
{
	const uint8_t packet[] = { 0x80, 0xef, 0x12, 0x34, 0, 1, 2, 3, 0xde, 0xad, 0xbe, 0xef, 'h',
		'i' };
	RtpHeader header;
	g_assert_true(rtp_read(&header, packet, sizeof packet));
	g_assert_true(header.marker);
	g_assert_cmpuint(header.payload_type, ==, 111);
	g_assert_cmphex(header.sequence, ==, 0x1234);
	g_assert_cmphex(header.timestamp, ==, 0x00010203);
	g_assert_cmphex(header.ssrc, ==, 0xdeadbeef);
	g_assert_cmpuint(header.extension_profile, ==, 0);
	g_assert_cmpuint(header.payload_at, ==, 12);
	g_assert_cmpuint(header.payload_len, ==, 2);
	g_assert_cmpuint(header.padding_len, ==, 0);
}

static void steps_over_sources_extension_and_padding(void)
{
	const uint8_t packet[] = { 0xb2, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, /* two CSRCs, X, P */
		1, 1, 1, 1, 2, 2, 2, 2,                                    /* CSRCs */
		0xbe, 0xde, 0, 1, 0x10, 0x85, 0, 0,                        /* level 5, voice */
		'a', 'b', 'c', 0, 0, 3 };
	RtpHeader header;
	RtpExtensions found;
	g_assert_true(rtp_read(&header, packet, sizeof packet));
	g_assert_cmpuint(header.extension_at, ==, 24);
	g_assert_cmpuint(header.extension_len, ==, 4);
	g_assert_cmpuint(header.payload_at, ==, 28);
	g_assert_cmpuint(header.payload_len, ==, 3);
	g_assert_cmpuint(header.padding_len, ==, 3);
	rtp_read_extensions(&found, &header, packet, &ids);
	g_assert_cmpint(found.audio_level, ==, 5);
	g_assert_true(found.voice);
	g_assert_cmpint(found.transport_cc, ==, -1);
	g_assert_cmpint(found.orientation, ==, -1);
	g_assert_cmpstr(found.mid, ==, "");
}

static void takes_padding_alone(void)
{
	const uint8_t packet[] = { 0xa0, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4 };
	RtpHeader header;
	g_assert_true(rtp_read(&header, packet, sizeof packet));
	g_assert_cmpuint(header.payload_len, ==, 0);
	g_assert_cmpuint(header.padding_len, ==, 4);
}

static void refuses_what_does_not_add_up(void)
{
	static const struct {
		const char *why;
		uint8_t bytes[24];
		size_t len;
	} bad[] = {
		{ "shorter than a header", { 0x80, 96 }, 11 },
		{ "version 1", { 0x40, 96 }, 12 },
		{ "fewer sources than it counts", { 0x83, 96 }, 20 },
		{ "no room for the extension's head", { 0x90, 96 }, 14 },
		{ "extension over the end", { 0x90, 96, [12] = 0xbe, [13] = 0xde, [15] = 2 }, 20 },
		{ "extension that wraps 16 bits",
			{ 0x90, 96, [12] = 0xbe, [13] = 0xde, [14] = 0x40, [15] = 0 }, 16 },
		{ "no payload for the padding", { 0xa0, 96 }, 12 },
		{ "padding of none", { 0xa0, 96 }, 16 },
		{ "padding into the header", { 0xa0, 96, [15] = 5 }, 16 },
	};
	RtpHeader header;
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_test_message("%s", bad[i].why);
		g_assert_false(rtp_read(&header, bad[i].bytes, bad[i].len));
	}
	g_assert_false(rtp_read(&header, NULL, 0));
	g_autofree uint8_t *huge = g_malloc0(70000);
	huge[0] = 0x80;
	g_assert_false(rtp_read(&header, huge, 70000));
}

static RtpExtensions extensions_of(const uint8_t *elements, size_t len, uint16_t profile)
{
	uint8_t packet[64] = { 0x90, 96, [12] = (uint8_t)(profile >> 8), [13] = (uint8_t)profile,
		[15] = (uint8_t)(len / 4) };
	RtpHeader header;
	RtpExtensions found;
	memcpy(packet + 16, elements, len);
	g_assert_true(rtp_read(&header, packet, 16 + len));
	rtp_read_extensions(&found, &header, packet, &ids);
	return found;
}

static void reads_both_forms(void)
{
	const uint8_t one[] = { 0x40, '7', 0, 0, 0x31, 0xab, 0xcd, 0xa0, 'q', 0xb0, 'h', 0xd0, 0x0b,
		0, 0, 0 };
	const uint8_t two[] = { 4, 1, '7', 0, 3, 2, 0xab, 0xcd, 10, 1, 'q', 11, 1, 'h', 13, 1, 0x0b,
		0, 0, 0 };
	const RtpExtensions all[] = { extensions_of(one, sizeof one, 0xbede),
		extensions_of(two, sizeof two, 0x1000), extensions_of(two, sizeof two, 0x100f) };
	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
		g_assert_cmpstr(all[i].mid, ==, "7");
		g_assert_cmpstr(all[i].rid, ==, "q");
		g_assert_cmpstr(all[i].repaired_rid, ==, "h");
		g_assert_cmpint(all[i].transport_cc, ==, 0xabcd);
		g_assert_cmpint(all[i].orientation, ==, 0x0b);
		g_assert_cmpint(all[i].audio_level, ==, -1);
	}
	g_assert_cmpstr(extensions_of(one, sizeof one, 0x2000).mid, ==, "");
}

static void ends_the_list_quietly(void)
{
	const uint8_t over[] = { 0x10, 0x05, 0x4f, 'm' }; /* a MID of 16 bytes, one is there */
	const uint8_t fifteen[] = { 0xf0, 0, 0x40, 'm' };
	const uint8_t zero[] = { 0x01, 0, 0, 0x40, 'm', 0, 0, 0 };
	g_assert_cmpint(extensions_of(over, sizeof over, 0xbede).audio_level, ==, 5);
	g_assert_cmpstr(extensions_of(over, sizeof over, 0xbede).mid, ==, "");
	g_assert_cmpstr(extensions_of(fifteen, sizeof fifteen, 0xbede).mid, ==, "");
	g_assert_cmpstr(extensions_of(zero, sizeof zero, 0xbede).mid, ==, "");
}

static void takes_no_odd_identifiers(void)
{
	const uint8_t nul[] = { 0x41, 'm', 0, 0 };
	const uint8_t blank[] = { 0x41, 'm', ' ', 0 };
	const uint8_t longest[] = { 4, 16, '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a',
		'b', 'c', 'd', 'e', 'f', 0, 0 };
	const uint8_t too_long[] = { 4, 17, '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a',
		'b', 'c', 'd', 'e', 'f', 'g', 0 };
	g_assert_cmpstr(extensions_of(nul, sizeof nul, 0xbede).mid, ==, "");
	g_assert_cmpstr(extensions_of(blank, sizeof blank, 0xbede).mid, ==, "");
	g_assert_cmpstr(extensions_of(longest, sizeof longest, 0x1000).mid, ==, "0123456789abcdef");
	g_assert_cmpstr(extensions_of(too_long, sizeof too_long, 0x1000).mid, ==, "");
}

static void reads_back_what_it_writes(void)
{
	for (unsigned round = 0; round < 20000; round++) {
		RtpExtensionIds some = ids;
		for (int i = 0; i < RTP_EXT_COUNT; i++)
			if (g_test_rand_bit())
				some.id[i] = 0;
		char mid[RTP_ID_MAX + 1] = "";
		memset(mid, 'm', (size_t)g_test_rand_int_range(0, RTP_ID_MAX + 1));
		const RtpOut out = { .timestamp = (uint32_t)g_test_rand_int(),
			.ssrc = (uint32_t)g_test_rand_int(),
			.sequence = (uint16_t)g_test_rand_int(),
			.payload_type = (uint8_t)g_test_rand_int_range(0, 128),
			.marker = g_test_rand_bit(),
			.ids = g_test_rand_bit() ? &some : NULL,
			.transport_cc = g_test_rand_int_range(-1, 0x10000),
			.audio_level = (int16_t)g_test_rand_int_range(-1, 128),
			.voice = g_test_rand_bit(),
			.orientation = (int16_t)g_test_rand_int_range(-1, 256),
			.playout = (RtpPlayout)g_test_rand_int_range(0, RTP_PLAYOUT_SMOOTH + 1),
			.mid = g_test_rand_bit() ? mid : NULL };
		const RtpExtensionIds none = { 0 }, *agreed = out.ids ? out.ids : &none;
		uint8_t packet[64];
		uint16_t cc_at;
		size_t len = rtp_write(packet, sizeof packet, &out, &cc_at);
		g_assert_cmpuint(len, >=, RTP_HEADER_LEN);
		g_assert_cmpuint(len % 4, ==, 0);
		g_assert_cmpuint(rtp_write(packet, len - 1, &out, NULL), ==, 0); /* one too few */
		g_assert_cmpuint(rtp_write(packet, len, &out, NULL), ==, len);

		RtpHeader header;
		RtpExtensions found;
		g_assert_true(rtp_read(&header, packet, len));
		rtp_read_extensions(&found, &header, packet, agreed);
		g_assert_cmpuint(header.timestamp, ==, out.timestamp);
		g_assert_cmpuint(header.ssrc, ==, out.ssrc);
		g_assert_cmpuint(header.sequence, ==, out.sequence);
		g_assert_cmpuint(header.payload_type, ==, out.payload_type);
		g_assert_cmpint(header.marker, ==, out.marker);
		g_assert_cmpuint(header.payload_at, ==, len);
		bool has_cc = agreed->id[RTP_EXT_TRANSPORT_CC];
		g_assert_cmpint(found.transport_cc, ==, has_cc ? out.transport_cc : -1);
		g_assert_cmpint(cc_at > 0, ==, found.transport_cc >= 0);
		if (cc_at)
			g_assert_cmpint(
				packet[cc_at] << 8 | packet[cc_at + 1], ==, out.transport_cc);
		g_assert_cmpint(found.audio_level, ==,
			agreed->id[RTP_EXT_AUDIO_LEVEL] ? out.audio_level : -1);
		if (found.audio_level >= 0)
			g_assert_cmpint(found.voice, ==, out.voice);
		g_assert_cmpint(found.orientation, ==,
			agreed->id[RTP_EXT_ORIENTATION] ? out.orientation : -1);
		g_assert_cmpstr(found.mid, ==, out.mid && agreed->id[RTP_EXT_MID] ? out.mid : "");
	}
}

/* Bytes as libwebrtc reads them: 12 bits of least and of most, in 10 ms. */
static void tells_how_long_to_wait(void)
{
	static const struct {
		RtpPlayout playout;
		uint8_t bytes[4];
	} said[] = { { RTP_PLAYOUT_AT_ONCE, { 0x62, 0, 0, 0 } },
		{ RTP_PLAYOUT_SMOOTH, { 0x62, 0, 0x03, 0xe8 } } };
	const RtpExtensionIds agreed = { .id[RTP_EXT_PLAYOUT_DELAY] = 6 };
	uint8_t packet[64];
	RtpOut out = { .ids = &agreed, .transport_cc = -1, .audio_level = -1, .orientation = -1 };
	g_assert_cmpuint(rtp_write(packet, sizeof packet, &out, NULL), ==, RTP_HEADER_LEN);
	for (unsigned i = 0; i < G_N_ELEMENTS(said); i++) {
		out.playout = said[i].playout;
		g_assert_cmpuint(
			rtp_write(packet, sizeof packet, &out, NULL), ==, RTP_HEADER_LEN + 8);
		g_assert_cmpmem(packet + RTP_HEADER_LEN + 4, 4, said[i].bytes, 4);
	}
}

/* Seconds, six bits and eighteen behind the point; they wrap after a minute. */
static void tells_when_it_goes_out(void)
{
	static const uint8_t bytes[] = { 0x22, 0x06, 0, 0 };
	const RtpExtensionIds agreed = { .id[RTP_EXT_ABS_SEND_TIME] = 2 };
	uint8_t packet[64];
	RtpOut out = { .ids = &agreed, .transport_cc = -1, .audio_level = -1, .orientation = -1 };
	for (int64_t us = 1500000; us < 200000000; us += 64000000) {
		out.sent_us = us;
		g_assert_cmpuint(
			rtp_write(packet, sizeof packet, &out, NULL), ==, RTP_HEADER_LEN + 8);
		g_assert_cmpmem(packet + RTP_HEADER_LEN + 4, 4, bytes, 4);
	}
}

static void writes_no_mid_that_is_too_long(void)
{
	uint8_t packet[64];
	const RtpOut out = { .ids = &ids,
		.transport_cc = -1,
		.audio_level = -1,
		.orientation = -1,
		.mid = "0123456789abcdefg" };
	g_assert_cmpuint(rtp_write(packet, sizeof packet, &out, NULL), ==, 0);
}

static void parts_rtp_from_rtcp(void)
{
	for (unsigned first = 0; first < 256; first++)
		for (unsigned second = 0; second < 256; second++) {
			const uint8_t bytes[] = { (uint8_t)first, (uint8_t)second };
			bool ours = first >= 128 && first <= 191;
			g_assert_cmpint(rtp_is_rtp_or_rtcp(bytes, 2), ==, ours);
			g_assert_cmpint(
				rtp_is_rtcp(bytes, 2), ==, ours && second >= 192 && second <= 223);
		}
	g_assert_false(rtp_is_rtp_or_rtcp((const uint8_t *)"\x80", 1));
}

static void knows_its_extensions_by_name(void)
{
	for (int i = 0; i < RTP_EXT_COUNT; i++)
		g_assert_cmpint(rtp_extension_of(rtp_extension_uri((RtpExtension)i)), ==, i);
	g_assert_cmpint(rtp_extension_of("urn:ietf:params:rtp-hdrext:toffset"), ==, -1);
	g_assert_cmpint(rtp_extension_of(""), ==, -1);
}

static void extends_to_the_nearest(void)
{
	g_assert_cmpuint(rtp_extend(0x1ffff, 0), ==, 0x20000);
	g_assert_cmpuint(rtp_extend(0x20000, 0xffff), ==, 0x1ffff);
	g_assert_cmpuint(rtp_extend(0x28000, 0x0001), ==, 0x20001);
	g_assert_cmpuint(rtp_extend(0x28000, 0x0000), ==, 0x20000);
	uint64_t near = (uint64_t)1 << 40;
	for (unsigned i = 0; i < 300000; i++) {
		uint64_t next = near + (uint64_t)(int64_t)g_test_rand_int_range(-0x7fff, 0x8000);
		g_assert_cmpuint(rtp_extend(near, (uint16_t)next), ==, next);
		near = next;
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/reads-a-plain-header", reads_a_plain_header);
	g_test_add_func("/rtp/steps-over-sources-extension-and-padding",
		steps_over_sources_extension_and_padding);
	g_test_add_func("/rtp/takes-padding-alone", takes_padding_alone);
	g_test_add_func("/rtp/refuses-what-does-not-add-up", refuses_what_does_not_add_up);
	g_test_add_func("/rtp/reads-both-forms-of-extension", reads_both_forms);
	g_test_add_func("/rtp/ends-the-list-of-extensions-quietly", ends_the_list_quietly);
	g_test_add_func("/rtp/takes-no-odd-identifiers", takes_no_odd_identifiers);
	g_test_add_func("/rtp/reads-back-what-it-writes", reads_back_what_it_writes);
	g_test_add_func("/rtp/tells-how-long-to-wait", tells_how_long_to_wait);
	g_test_add_func("/rtp/tells-when-it-goes-out", tells_when_it_goes_out);
	g_test_add_func("/rtp/writes-no-mid-that-is-too-long", writes_no_mid_that_is_too_long);
	g_test_add_func("/rtp/parts-rtp-from-rtcp", parts_rtp_from_rtcp);
	g_test_add_func("/rtp/knows-its-extensions-by-name", knows_its_extensions_by_name);
	g_test_add_func("/rtp/extends-to-the-nearest-number", extends_to_the_nearest);
	return g_test_run();
}
