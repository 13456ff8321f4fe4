/* srtp.h - opens incoming SRTP; the wall round libsrtp2
 *
 * Outgoing RTP is seal.h's, RTCP srtcp.h's. One Srtp per publisher, touched by its worker alone. */
#pragma once
#include "srtp_profile.h"
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Srtp Srtp;

/* Once a process, before the first Srtp; thread-safe after that. */
void srtp_library_init(void);

Srtp *srtp_new(const SrtpKeys *keys, GError **error);
void srtp_free(Srtp *srtp); /* wipes the keys */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Srtp, srtp_free)

/* Decrypts in place; *len becomes the plaintext's. False: not authentic, replayed, or too old; the
 * bytes are worthless then. Replay window 1,024. A new SSRC makes state inside the library: the
 * caller, who knows which it wants, must call srtp_forget() for one it does not keep (an
 * authenticated peer that invents 40,000 SSRCs costs 766 us a packet otherwise). A failed packet
 * leaves no state behind. */
bool srtp_open_rtp(Srtp *srtp, uint8_t *data, size_t *len);
void srtp_forget(Srtp *srtp, uint32_t ssrc);
