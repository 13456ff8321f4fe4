/* The fragments that WHIP's PATCH carries. */
#include "sfu/sdp_ice.h"
#include <gio/gio.h>
#include <string.h>

static const SdpCandidate candidates[] = { { "192.0.2.1", 8444, false }, { "::1", 8444, true } };

/* RFC 8840 §9: what a browser's WHIP client makes of its own description. */
static void reads_fragments(void)
{
	static const char *const fine[] = {
		"a=ice-options:trickle ice2\r\na=group:BUNDLE 0 1\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:EsAw\r\n"
		"a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
		"a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\n"
		"a=end-of-candidates\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
		"a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
		"a=ice-ufrag:EsAw\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\n", /* of all sections */
		"a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=ice-ufrag:EsAw",
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(fine); i++) {
		g_autoptr(GError) error = NULL;
		SdpIce ice;
		g_assert_true(sdp_read_fragment(&ice, fine[i], strlen(fine[i]), &error));
		g_assert_no_error(error);
		g_assert_cmpstr(ice.ufrag, ==, "EsAw");
		g_assert_cmpstr(ice.pwd, ==, "P2uYro0UCOQ4zxjKXaWCBui1");
	}
	static const char *const bad[] = { "", "\r\n", "EsAw", "a=ice-ufrag:EsAw\r\n",
		"a=ice-ufrag:EsA\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
		"a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCB\r\n",
		"a=ice-ufrag:Es:w\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n",
		"a=ice-ufrag:EsAw\x01\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n" };
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;
		SdpIce ice;
		g_assert_false(sdp_read_fragment(&ice, bad[i], strlen(bad[i]), &error));
		g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
	}
}

static void writes_fragments(void)
{
	const SdpFragment ours = { .word = "audio",
		.mid = "0",
		.ice_ufrag = "0abcdefg",
		.ice_pwd = "abcdefghijklmnopqrstuvwx",
		.candidates = candidates,
		.candidate_count = G_N_ELEMENTS(candidates) };
	g_autofree char *text = sdp_write_fragment(&ours);
	g_assert_cmpstr(text, ==,
		"a=ice-lite\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
		"a=ice-ufrag:0abcdefg\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
		"a=candidate:1 1 udp 2130706431 192.0.2.1 8444 typ host\r\n"
		"a=candidate:2 1 tcp 1520434943 ::1 8444 typ host tcptype passive\r\n"
		"a=end-of-candidates\r\n");
	SdpIce ice;
	g_assert_true(sdp_read_fragment(&ice, text, strlen(text), NULL));
	g_assert_cmpstr(ice.ufrag, ==, "0abcdefg");
}

static void what_is_too_large_is_refused(void)
{
	g_autofree char *fill = g_strnfill(SDP_SIZE_MAX, 'x');
	g_autofree char *text = g_strconcat("a=ice-ufrag:EsAw\r\na=", fill, NULL);
	g_autoptr(GError) error = NULL;
	SdpIce ice;
	g_assert_false(sdp_read_fragment(&ice, text, strlen(text), &error));
	g_assert_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

static void knows_what_chromium_shuns(void)
{
	static const struct {
		const char *address;
		uint16_t port;
		bool shunned;
	} cases[] = {
		{ "203.0.113.1", 443, false },
		{ "203.0.113.1", 80, false },
		{ "203.0.113.1", 444, true },
		{ "10.99.0.1", 443, true },
		{ "10.99.0.1", 1023, true },
		{ "10.99.0.1", 1024, false },
		{ "11.0.0.1", 443, false },
		{ "172.15.0.1", 443, false },
		{ "172.16.0.1", 443, true },
		{ "172.31.255.1", 443, true },
		{ "172.32.0.1", 443, false },
		{ "192.168.1.1", 443, true },
		{ "192.169.1.1", 443, false },
		{ "100.64.0.1", 443, true },
		{ "100.127.0.1", 443, true },
		{ "100.128.0.1", 443, false },
		{ "169.254.1.1", 443, true },
		{ "127.0.0.1", 443, true },
		{ "127.0.0.1", 8443, false },
		{ "2001:db8::1", 443, false },
		{ "fd00::1", 443, true },
		{ "fe80::1", 443, true },
		{ "::1", 443, true },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++)
		for (unsigned tcp = 0; tcp < 2; tcp++) {
			const SdpCandidate candidate = {
				.address = cases[i].address, .port = cases[i].port, .tcp = tcp
			};
			if (sdp_ice_is_shunned(&candidate) != cases[i].shunned)
				g_error("%s port %u", cases[i].address, cases[i].port);
		}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sdp-ice/reads-fragments", reads_fragments);
	g_test_add_func("/sdp-ice/writes-fragments", writes_fragments);
	g_test_add_func("/sdp-ice/knows-what-chromium-shuns", knows_what_chromium_shuns);
	g_test_add_func("/sdp-ice/what-is-too-large-is-refused", what_is_too_large_is_refused);
	return g_test_run();
}
