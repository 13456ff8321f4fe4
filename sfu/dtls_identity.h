/* dtls_identity.h - who we are in DTLS: a key, its self-signed certificate, and their fingerprint
 *
 * New at each start: what a peer trusts is the fingerprint in our SDP answer (RFC 8122). Behind the
 * wall of dtls.c, which alone includes this. */
#pragma once
#include <openssl/ssl.h>
#include <stdbool.h>

#define DTLS_FINGERPRINT_SIZE (32 * 3) /* "AB:CD:…" and its end */

/* Makes a P-256 key and a certificate good for a year and has ctx use them. False: OpenSSL's error
 * queue says why. */
bool dtls_identity_make(SSL_CTX *ctx, char fingerprint[DTLS_FINGERPRINT_SIZE]);
