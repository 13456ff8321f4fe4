/* sdp_ice.h - ICE as SDP writes it: credentials and candidates, in an offer, an answer or a
 * fragment
 *
 * A fragment (RFC 8840 §9) is what WHIP's PATCH carries: what changes when ICE restarts, and
 * nothing of the media. Of the peer's candidates none is needed: an ICE-lite agent learns where
 * its peer is from the checks. Pure functions. */
#pragma once
#include "sdp.h"
#include "sdp_text.h"

/* Those of a section, or else the session's. False with error when they are missing or wrong. */
bool sdp_ice_read(SdpIce *ice, Lines section, Lines session, GError **error);
/* Chromium lets such a candidate lie: its port is below 1024, and not 80 or 443 of an address that
 * the whole Internet knows (measured over TCP: 443 of 10.99.0.1 no, of 203.0.113.1 yes; Firefox
 * both). */
bool sdp_ice_is_shunned(const SdpCandidate *candidate);
void sdp_ice_write_candidates(GString *out, const SdpCandidate *candidates, unsigned count);

typedef struct SdpFragment {
	const char *word, *mid; /* of the section that the bundle's transport belongs to */
	const char *ice_ufrag, *ice_pwd;
	const SdpCandidate *candidates;
	unsigned candidate_count;
} SdpFragment;

/* False with error, written for a person, when it is none. */
bool sdp_read_fragment(SdpIce *ice, const char *text, size_t len, GError **error);
/* Free with g_free. */
char *sdp_write_fragment(const SdpFragment *ours);
