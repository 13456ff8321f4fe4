#include "srtp_derive.h"
#include <openssl/evp.h>
#include <string.h>

/* AES-128 in counter mode over zeros. */
static bool derive(EVP_CIPHER_CTX *ctx, const uint8_t *master_key, const uint8_t *master_salt,
	unsigned salt_len, unsigned label, uint8_t *out, unsigned len)
{
	uint8_t iv[16] = { 0 };
	int written = 0;
	memcpy(iv, master_salt, salt_len);
	iv[7] ^= (uint8_t)label;
	memset(out, 0, len);
	return EVP_EncryptInit_ex(ctx, EVP_aes_128_ctr(), NULL, master_key, iv) == 1 &&
	       EVP_EncryptUpdate(ctx, out, &written, out, (int)len) == 1;
}

bool srtp_derive(SrtpSessionKeys *keys, SrtpProfile profile, unsigned first_label,
	const uint8_t *master_key, const uint8_t *master_salt)
{
	unsigned salt_len = srtp_profile_salt_len(profile);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	*keys = (SrtpSessionKeys){ .profile = profile };
	bool fine = ctx &&
		    derive(ctx, master_key, master_salt, salt_len, first_label, keys->key,
			    sizeof keys->key) &&
		    derive(ctx, master_key, master_salt, salt_len, first_label + 1, keys->auth,
			    sizeof keys->auth) &&
		    derive(ctx, master_key, master_salt, salt_len, first_label + 2, keys->salt,
			    salt_len);
	EVP_CIPHER_CTX_free(ctx);
	return fine;
}
