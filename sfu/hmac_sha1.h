/* hmac_sha1.h - HMAC-SHA1 (RFC 2104) whose key is taken in once: for SRTP's short packets
 *
 * SHA1_* are deprecated in OpenSSL 3, but a copied state makes an HMAC of 0.3 us where EVP_MAC
 * takes 0.7 us. A value; whoever embeds it wipes it. */
#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED
#include "srtp_derive.h"
#include <openssl/sha.h>
#include <stddef.h>

typedef struct HmacSha1 {
	SHA_CTX inner, outer; /* with the key's pads taken in */
} HmacSha1;

void hmac_sha1_init(HmacSha1 *hmac, const uint8_t key[SRTP_AUTH_KEY_LEN]);
/* Of data and what follows it. */
void hmac_sha1(const HmacSha1 *hmac, const uint8_t *data, size_t len, const uint8_t *more,
	size_t more_len, uint8_t digest[SHA_DIGEST_LENGTH]);
