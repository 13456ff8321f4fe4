#include "srtcp.h"
#include "hmac_sha1.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define HEADER_LEN 8 /* in the clear: first word and SSRC */
#define INDEX_LEN 4  /* E flag and 31 bits of index */
#define ENCRYPTED 0x80000000u
#define GCM_TAG_LEN 16
#define CM_TAG_LEN 10

/* One direction. */
typedef struct Side {
	EVP_CIPHER_CTX *cipher;
	HmacSha1 hmac; /* AES-CM only */
	uint8_t salt[16];
} Side;

/* Which messages of one SSRC have been taken. */
typedef struct Sender {
	uint32_t ssrc, highest;
	uint64_t window; /* bit n: highest - n has come */
	uint64_t heard;  /* how late among all */
	bool used;
} Sender;

struct Srtcp {
	SrtpProfile profile;
	Side in, out;
	uint32_t index; /* of the last message sent */
	Sender senders[SRTCP_SENDERS_MAX];
	uint64_t heard;
};

static bool open_side(
	Side *side, SrtpProfile profile, const uint8_t *key, const uint8_t *salt, bool encrypts)
{
	bool gcm = profile == SRTP_PROFILE_AEAD_AES_128_GCM;
	SrtpSessionKeys keys;
	side->cipher = EVP_CIPHER_CTX_new();
	/* Counter mode is its own inverse. */
	bool fine = side->cipher && srtp_derive(&keys, profile, SRTCP_LABEL_KEY, key, salt) &&
		    EVP_CipherInit_ex(side->cipher, gcm ? EVP_aes_128_gcm() : EVP_aes_128_ctr(),
			    NULL, keys.key, NULL, encrypts || !gcm) == 1;
	memcpy(side->salt, keys.salt, srtp_profile_salt_len(profile));
	if (!gcm)
		hmac_sha1_init(&side->hmac, keys.auth);
	OPENSSL_cleanse(&keys, sizeof keys);
	return fine;
}

Srtcp *srtcp_new(const SrtpKeys *keys)
{
	Srtcp *srtcp = g_new0(Srtcp, 1);
	srtcp->profile = keys->profile;
	if (open_side(&srtcp->in, keys->profile, keys->client_key, keys->client_salt, false) &&
		open_side(&srtcp->out, keys->profile, keys->server_key, keys->server_salt, true))
		return srtcp;
	srtcp_free(srtcp);
	return NULL;
}

void srtcp_free(Srtcp *srtcp)
{
	if (!srtcp)
		return;
	EVP_CIPHER_CTX_free(srtcp->in.cipher); /* wipes the key schedule */
	EVP_CIPHER_CTX_free(srtcp->out.cipher);
	OPENSSL_cleanse(srtcp, sizeof *srtcp);
	g_free(srtcp);
}

static uint32_t word_at(const uint8_t *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static void put_word(uint8_t *data, uint32_t word)
{
	for (unsigned i = 0; i < 4; i++)
		data[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* The SSRC and the index, XORed over the salt: at 2 and 8 (RFC 7714 §9.1), or at 4 and 10 (RFC 3711
 * §4.1.1). */
static void make_iv(const Side *side, unsigned at, uint32_t ssrc, uint32_t index, uint8_t iv[16])
{
	memcpy(iv, side->salt, 16);
	for (unsigned i = 0; i < 4; i++) {
		iv[at + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
		iv[at + 6 + i] ^= (uint8_t)(index >> (24 - 8 * i));
	}
}

/* -- replay -- */

static Sender *sender_of(Srtcp *srtcp, uint32_t ssrc)
{
	for (unsigned i = 0; i < SRTCP_SENDERS_MAX; i++)
		if (srtcp->senders[i].used && srtcp->senders[i].ssrc == ssrc)
			return &srtcp->senders[i];
	return NULL;
}

static bool is_fresh(Srtcp *srtcp, uint32_t ssrc, uint32_t index)
{
	const Sender *sender = sender_of(srtcp, ssrc);
	if (!sender || index > sender->highest)
		return true;
	uint32_t back = sender->highest - index;
	return back < SRTCP_WINDOW && !(sender->window >> back & 1);
}

/* Of an authentic message alone. */
static void note(Srtcp *srtcp, uint32_t ssrc, uint32_t index)
{
	Sender *sender = sender_of(srtcp, ssrc);
	if (!sender) {
		sender = &srtcp->senders[0];
		for (unsigned i = 1; i < SRTCP_SENDERS_MAX; i++)
			if (srtcp->senders[i].heard < sender->heard)
				sender = &srtcp->senders[i];
		*sender = (Sender){ .ssrc = ssrc, .highest = index, .used = true };
	}
	sender->heard = ++srtcp->heard;
	if (index > sender->highest) {
		uint32_t step = index - sender->highest;
		sender->window = step < SRTCP_WINDOW ? sender->window << step : 0;
		sender->highest = index;
	}
	sender->window |= (uint64_t)1 << (sender->highest - index);
}

/* -- the two ciphers -- */

/* Header and index word are authenticated, what lies between is encrypted. */
static bool run_gcm(
	Side *side, uint8_t *data, size_t len, uint8_t *tag, uint32_t word, bool encrypts)
{
	uint8_t iv[16], index[INDEX_LEN];
	int written = 0;
	make_iv(side, 2, word_at(data + 4), word & ~ENCRYPTED, iv);
	put_word(index, word);
	return EVP_CipherInit_ex(side->cipher, NULL, NULL, NULL, iv, -1) == 1 &&
	       EVP_CipherUpdate(side->cipher, NULL, &written, data, HEADER_LEN) == 1 &&
	       EVP_CipherUpdate(side->cipher, NULL, &written, index, INDEX_LEN) == 1 &&
	       (encrypts || EVP_CIPHER_CTX_ctrl(
				    side->cipher, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) == 1) &&
	       (len == HEADER_LEN || EVP_CipherUpdate(side->cipher, data + HEADER_LEN, &written,
					     data + HEADER_LEN, (int)(len - HEADER_LEN)) == 1) &&
	       EVP_CipherFinal_ex(side->cipher, data + len, &written) == 1 &&
	       (!encrypts || EVP_CIPHER_CTX_ctrl(
				     side->cipher, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, tag) == 1);
}

static bool run_cm(Side *side, uint8_t *data, size_t len, uint32_t index)
{
	uint8_t iv[16];
	int written = 0;
	make_iv(side, 4, word_at(data + 4), index, iv);
	return EVP_CipherInit_ex(side->cipher, NULL, NULL, NULL, iv, -1) == 1 &&
	       (len == HEADER_LEN || EVP_CipherUpdate(side->cipher, data + HEADER_LEN, &written,
					     data + HEADER_LEN, (int)(len - HEADER_LEN)) == 1);
}

/* message, tag, index word */
static bool open_gcm(Srtcp *srtcp, uint8_t *data, size_t *len)
{
	if (*len < HEADER_LEN + GCM_TAG_LEN + INDEX_LEN)
		return false;
	size_t plain = *len - GCM_TAG_LEN - INDEX_LEN;
	uint32_t word = word_at(data + *len - INDEX_LEN), ssrc = word_at(data + 4);
	uint8_t tag[GCM_TAG_LEN];
	memcpy(tag, data + plain, sizeof tag);
	if (!(word & ENCRYPTED) || !is_fresh(srtcp, ssrc, word & ~ENCRYPTED) ||
		!run_gcm(&srtcp->in, data, plain, tag, word, false))
		return false;
	note(srtcp, ssrc, word & ~ENCRYPTED);
	*len = plain;
	return true;
}

/* message, index word, tag */
static bool open_cm(Srtcp *srtcp, uint8_t *data, size_t *len)
{
	if (*len < HEADER_LEN + INDEX_LEN + CM_TAG_LEN)
		return false;
	size_t plain = *len - INDEX_LEN - CM_TAG_LEN;
	uint32_t word = word_at(data + plain), ssrc = word_at(data + 4);
	uint8_t digest[SHA_DIGEST_LENGTH];
	if (!(word & ENCRYPTED) || !is_fresh(srtcp, ssrc, word & ~ENCRYPTED))
		return false;
	hmac_sha1(&srtcp->in.hmac, data, plain, data + plain, INDEX_LEN, digest);
	if (CRYPTO_memcmp(digest, data + plain + INDEX_LEN, CM_TAG_LEN) ||
		!run_cm(&srtcp->in, data, plain, word & ~ENCRYPTED))
		return false;
	note(srtcp, ssrc, word & ~ENCRYPTED);
	*len = plain;
	return true;
}

bool srtcp_open(Srtcp *srtcp, uint8_t *data, size_t *len)
{
	return srtcp->profile == SRTP_PROFILE_AEAD_AES_128_GCM ? open_gcm(srtcp, data, len)
							       : open_cm(srtcp, data, len);
}

bool srtcp_seal(Srtcp *srtcp, uint8_t *data, size_t *len)
{
	/* One index for all our SSRCs: no pair of both ever comes twice. */
	if (*len < HEADER_LEN || srtcp->index == ~ENCRYPTED)
		return false;
	uint32_t word = ENCRYPTED | ++srtcp->index;
	if (srtcp->profile == SRTP_PROFILE_AEAD_AES_128_GCM) {
		if (!run_gcm(&srtcp->out, data, *len, data + *len, word, true))
			return false;
		put_word(data + *len + GCM_TAG_LEN, word);
		*len += GCM_TAG_LEN + INDEX_LEN;
		return true;
	}
	uint8_t digest[SHA_DIGEST_LENGTH];
	if (!run_cm(&srtcp->out, data, *len, srtcp->index))
		return false;
	put_word(data + *len, word);
	hmac_sha1(&srtcp->out.hmac, data, *len, data + *len, INDEX_LEN, digest);
	memcpy(data + *len + INDEX_LEN, digest, CM_TAG_LEN);
	*len += INDEX_LEN + CM_TAG_LEN;
	return true;
}
