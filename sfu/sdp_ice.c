#include "sdp_ice.h"
#include <arpa/inet.h>

bool sdp_ice_read(SdpIce *ice, Lines section, Lines session, GError **error)
{
	const char *ufrag = find_or_default(section, session, "ice-ufrag");
	const char *pwd = find_or_default(section, session, "ice-pwd");
	/* RFC 8839 §5.4; beside its ice-chars those that libwebrtc lets pass too */
	if (!ufrag || !pwd || strlen(ufrag) < 4 || strlen(pwd) < 22 || !all_of(ufrag, "+/-_=#") ||
		!all_of(pwd, "+/-_=#") || !copy(ice->ufrag, sizeof ice->ufrag, ufrag) ||
		!copy(ice->pwd, sizeof ice->pwd, pwd)) {
		sdp_malformed(error, "thiếu hoặc sai a=ice-ufrag, a=ice-pwd");
		return false;
	}
	return true;
}

bool sdp_read_fragment(SdpIce *ice, const char *text, size_t len, GError **error)
{
	g_autofree char *ours = sdp_text_take(text, len, error);
	g_autoptr(GArray) cut = ours ? sdp_text_cut(ours, error) : NULL;
	if (!cut)
		return false;
	/* One bundle, one transport: wherever they stand first they are those of all. */
	return sdp_ice_read(ice, (Lines){ (const Line *)cut->data, cut->len }, (Lines){ 0 }, error);
}

/* This machine's own, the link's, or of a network behind a NAT. */
static bool is_private(const char *address)
{
	struct in6_addr six;
	struct in_addr four;
	if (inet_pton(AF_INET, address, &four) == 1) {
		uint32_t bits = ntohl(four.s_addr);
		return bits >> 24 == 10 || bits >> 24 == 127 || bits >> 20 == 0xac1 ||
		       bits >> 16 == 0xc0a8 || bits >> 16 == 0xa9fe || bits >> 22 == 0x191;
	}
	return inet_pton(AF_INET6, address, &six) == 1 &&
	       (IN6_IS_ADDR_LOOPBACK(&six) || IN6_IS_ADDR_LINKLOCAL(&six) ||
		       (six.s6_addr[0] & 0xfe) == 0xfc);
}

bool sdp_ice_is_shunned(const SdpCandidate *candidate)
{
	return candidate->port < 1024 && ((candidate->port != 80 && candidate->port != 443) ||
						 is_private(candidate->address));
}

/* RFC 8839 §5.1.2.1: 126 for hosts over UDP; TCP below it, with RFC 6544's direction preference for
 * the passive side. `rank` keeps the order in which the candidates stand. */
static uint32_t priority_of(const SdpCandidate *candidate, unsigned rank)
{
	uint32_t local = candidate->tcp ? (4u << 13) + 8191 - rank : 65535 - rank;
	return (candidate->tcp ? 90u : 126u) << 24 | local << 8 | 255;
}

void sdp_ice_write_candidates(GString *out, const SdpCandidate *candidates, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const SdpCandidate *candidate = &candidates[i];
		g_string_append_printf(out, "a=candidate:%u 1 %s %u %s %u typ host%s\r\n", i + 1,
			candidate->tcp ? "tcp" : "udp", priority_of(candidate, i),
			candidate->address, candidate->port,
			candidate->tcp ? " tcptype passive" : "");
	}
	g_string_append(out, "a=end-of-candidates\r\n");
}

char *sdp_write_fragment(const SdpFragment *ours)
{
	GString *out = g_string_sized_new(1024);
	g_string_append_printf(out,
		"a=ice-lite\r\na=group:BUNDLE %s\r\nm=%s 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:%s\r\n"
		"a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n",
		ours->mid, ours->word, ours->mid, ours->ice_ufrag, ours->ice_pwd);
	sdp_ice_write_candidates(out, ours->candidates, ours->candidate_count);
	return g_string_free(out, FALSE);
}
