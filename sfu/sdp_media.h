/* sdp_media.h - one section of an offer: its codecs, extensions and streams
 *
 * Part of the offer's reader. Pure functions. */
#pragma once
#include "sdp.h"
#include "sdp_text.h"

#define SDP_EXTENSION_IDS 15 /* 1 to 14: the one-byte form, RFC 8285 §4.2 */

/* in: from its m-line on. meanings: of extension ids in the whole bundle, -1 where not known yet. */
bool sdp_media_read(SdpMedia *media, Lines in, Lines session, int meanings[SDP_EXTENSION_IDS],
	GError **error);
