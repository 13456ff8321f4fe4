#include "hmac_sha1.h"
#include <openssl/crypto.h>
#include <string.h>

void hmac_sha1_init(HmacSha1 *hmac, const uint8_t key[SRTP_AUTH_KEY_LEN])
{
	uint8_t pad[SHA_CBLOCK];
	memset(pad, 0x36, sizeof pad);
	for (unsigned i = 0; i < SRTP_AUTH_KEY_LEN; i++)
		pad[i] ^= key[i];
	SHA1_Init(&hmac->inner);
	SHA1_Update(&hmac->inner, pad, sizeof pad);
	for (unsigned i = 0; i < sizeof pad; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA1_Init(&hmac->outer);
	SHA1_Update(&hmac->outer, pad, sizeof pad);
	OPENSSL_cleanse(pad, sizeof pad);
}

void hmac_sha1(const HmacSha1 *hmac, const uint8_t *data, size_t len, const uint8_t *more,
	size_t more_len, uint8_t digest[SHA_DIGEST_LENGTH])
{
	SHA_CTX hash = hmac->inner;
	SHA1_Update(&hash, data, len);
	SHA1_Update(&hash, more, more_len);
	SHA1_Final(digest, &hash);
	hash = hmac->outer;
	SHA1_Update(&hash, digest, SHA_DIGEST_LENGTH);
	SHA1_Final(digest, &hash);
}
