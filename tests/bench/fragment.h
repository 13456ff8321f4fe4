/* fragment.h - the SDP fragments of an ICE restart over WHIP and WHEP (RFC 9725 §4.3.1, RFC 8840)
 *
 * Pure functions. */
#pragma once
#include "offer.h"

#define FRAGMENT_UFRAG_MIN 4 /* RFC 8839 §5.4 */
#define FRAGMENT_PWD_MIN 22

/* Our credentials, and no candidate: the server learns them from our checks. Free with g_free. */
char *fragment_write(const Offer *ours);
/* Takes their credentials out, the first ones that are told, and leaves the rest of answer. False
 * with error, and answer untouched, when they are missing or no credentials of ICE. */
bool fragment_read(Answer *answer, const char *fragment, GError **error);
