#include "sdp.h"
#include "sdp_ice.h"
#include "sdp_media.h"

#define MID_NONE (-1)

/* The bundle and what it runs over */

static int media_of(const SdpOffer *offer, const char *mid)
{
	for (unsigned i = 0; i < offer->media_count; i++)
		if (!strcmp(offer->media[i].mid, mid))
			return (int)i;
	return MID_NONE;
}

/* Marks the sections of the first BUNDLE group; gives the one that its transport is read from (RFC
 * 9143 §7.2: the first of the group that is not rejected). Some stacks write other ICE credentials
 * into the later ones. */
static int read_bundle(SdpOffer *offer, Lines session)
{
	int tagged = MID_NONE;
	for (unsigned i = 0; i < session.count; i++) {
		if (strcmp(session.line[i].name, "group") ||
			!g_str_has_prefix(session.line[i].value, "BUNDLE "))
			continue;
		char *at = (char *)session.line[i].value + strlen("BUNDLE ");
		for (char *mid; (mid = next_word(&at));) {
			int section = media_of(offer, mid);
			if (section == MID_NONE)
				continue;
			offer->media[section].bundled = true;
			if (tagged == MID_NONE && !offer->media[section].rejected)
				tagged = section;
		}
		break;
	}
	return tagged;
}

/* "sha-256 AB:CD:…"; other functions are passed over. */
static bool read_fingerprint(const char *value, DtlsFingerprint *fingerprint, bool *is_sha256)
{
	*is_sha256 = !g_ascii_strncasecmp(value, "sha-256 ", 8);
	if (!*is_sha256)
		return true;
	value += 8 + strspn(value + 8, " ");
	for (unsigned i = 0; i < sizeof fingerprint->sha256; i++, value += 3) {
		bool last = i + 1 == sizeof fingerprint->sha256;
		if (!g_ascii_isxdigit(value[0]) || !g_ascii_isxdigit(value[1]) ||
			value[2] != (last ? '\0' : ':'))
			return false;
		fingerprint->sha256[i] = (uint8_t)(g_ascii_xdigit_value(value[0]) << 4 |
						   g_ascii_xdigit_value(value[1]));
	}
	return true;
}

static bool read_fingerprints(SdpOffer *offer, Lines all, GError **error)
{
	bool found = false;
	for (unsigned i = 0; i < all.count; i++) {
		DtlsFingerprint this;
		bool is_sha256;
		if (strcmp(all.line[i].name, "fingerprint"))
			continue;
		if (!read_fingerprint(all.line[i].value, &this, &is_sha256)) {
			sdp_malformed(error, "có a=fingerprint sai");
			return false;
		}
		if (is_sha256 && found && memcmp(&this, &offer->fingerprint, sizeof this)) {
			sdp_refused(error, "có nhiều chứng thư khác nhau (a=fingerprint)");
			return false;
		}
		if (is_sha256) {
			offer->fingerprint = this;
			found = true;
		}
	}
	if (!found)
		sdp_refused(error, "thiếu a=fingerprint:sha-256");
	return found;
}

/* We are the DTLS server: the offerer has to be, or to be ready to be, the client. RFC 4145 §4.1:
 * none written is active. */
static bool setup_is_ours(Lines section, Lines session)
{
	const char *setup = find_or_default(section, session, "setup");
	return !setup || !strcmp(setup, "actpass") || !strcmp(setup, "active");
}

static bool mids_differ(const SdpOffer *offer)
{
	for (unsigned i = 0; i < offer->media_count; i++)
		if (offer->media[i].mid[0] && media_of(offer, offer->media[i].mid) != (int)i)
			return false;
	return true;
}

static bool read_transport(SdpOffer *offer, const Lines *sections, Lines session, GError **error)
{
	if (!mids_differ(offer)) {
		sdp_malformed(error, "hai phần có cùng a=mid");
		return false;
	}
	int tagged = read_bundle(offer, session);
	if (tagged == MID_NONE) {
		sdp_refused(error, "thiếu a=group:BUNDLE");
		return false;
	}
	for (unsigned i = 0; i < offer->media_count; i++) {
		const SdpMedia *media = &offer->media[i];
		if (!media->bundled || media->rejected)
			continue;
		if (media->kind != SDP_OTHER && !media->rtcp_mux) {
			sdp_refused(error, "thiếu a=rtcp-mux");
			return false;
		}
		if (!setup_is_ours(sections[i], session)) {
			sdp_refused(error, "cần a=setup:actpass hoặc active");
			return false;
		}
	}
	offer->extmap_allow_mixed =
		find_or_default(sections[tagged], session, "extmap-allow-mixed") != NULL;
	return sdp_ice_read(&offer->ice, sections[tagged], session, error);
}

SdpOffer *sdp_read_offer(const char *text, size_t len, GError **error)
{
	g_autofree char *ours = sdp_text_take(text, len, error);
	g_autoptr(GArray) cut = ours ? sdp_text_cut(ours, error) : NULL;
	if (!cut)
		return NULL;
	Lines all = { (const Line *)cut->data, cut->len };
	if (!all.count || all.line[0].type != 'v' || strcmp(all.line[0].value, "0")) {
		sdp_malformed(error, "không bắt đầu bằng v=0");
		return NULL;
	}

	g_autoptr(SdpOffer) offer = g_new0(SdpOffer, 1);
	Lines session = { all.line, 0 }, sections[SDP_MEDIA_MAX];
	Lines *current = &session;
	for (unsigned i = 0; i < all.count; i++) {
		if (all.line[i].type == 'm') {
			if (offer->media_count == SDP_MEDIA_MAX) {
				sdp_refused(error, "có quá 32 phần m=");
				return NULL;
			}
			current = &sections[offer->media_count++];
			*current = (Lines){ &all.line[i], 0 };
		}
		current->count++;
	}

	int meanings[SDP_EXTENSION_IDS];
	memset(meanings, -1, sizeof meanings);
	for (unsigned i = 0; i < offer->media_count; i++)
		if (!sdp_media_read(&offer->media[i], sections[i], session, meanings, error))
			return NULL;
	if (!read_transport(offer, sections, session, error) ||
		!read_fingerprints(offer, all, error))
		return NULL;
	return g_steal_pointer(&offer);
}

void sdp_offer_free(SdpOffer *offer)
{
	g_free(offer);
}
