/* srtcp.h - opens and seals RTCP: SRTCP (RFC 3711 §3.4, RFC 7714 §9), on OpenSSL
 *
 * Beside libsrtp2, which opens RTP, because of what it cost: Debian's stands on NSS, where each of
 * 5,300 messages a second of 442 viewers took 9 us, a quarter of all the SFU did, and each peer
 * 36 KB. Byte-equal to libsrtp2 both ways (tests/unit/test_srtcp.c). One Srtcp per peer, touched by
 * its worker alone. */
#pragma once
#include "srtp_profile.h"
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SRTCP_TRAILER_MAX 20 /* room srtcp_seal needs behind the message */
#define SRTCP_SENDERS_MAX                                                                          \
	16              /* SSRCs whose replay is watched; the one heard last longest ago goes */
#define SRTCP_WINDOW 64 /* messages that may overtake one another */

typedef struct Srtcp Srtcp;

/* NULL when OpenSSL fails. The keys are copied. */
Srtcp *srtcp_new(const SrtpKeys *keys);
void srtcp_free(Srtcp *srtcp); /* wipes the keys */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Srtcp, srtcp_free)

/* Decrypts in place; *len becomes the plaintext's. False: not authentic, in the clear, replayed or
 * too old; the bytes are worthless then, and nothing has changed. */
bool srtcp_open(Srtcp *srtcp, uint8_t *data, size_t *len);
/* Encrypts in place; data has SRTCP_TRAILER_MAX bytes of room behind *len, which is 8 or more. */
bool srtcp_seal(Srtcp *srtcp, uint8_t *data, size_t *len);
