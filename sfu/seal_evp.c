#include "hmac_sha1.h"
#include "seal_backend.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

typedef struct EvpSeal {
	Seal seal;
	EVP_CIPHER_CTX *cipher;
	HmacSha1 hmac; /* AES-CM only */
} EvpSeal;

static EVP_CIPHER *aes_gcm, *aes_ctr;

static void fetch(void)
{
	aes_gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	aes_ctr = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
}

/* A fetch costs as much as a packet: once a process. (TSan reads pthread_once, not GLib's.) */
static bool ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, fetch);
	return aes_gcm && aes_ctr;
}

static void evp_close(Seal *seal)
{
	EvpSeal *evp = (EvpSeal *)seal;
	EVP_CIPHER_CTX_free(evp->cipher); /* wipes the key schedule */
	OPENSSL_cleanse(evp, sizeof *evp);
	g_free(evp);
}

static Seal *evp_open(const SrtpSessionKeys *keys)
{
	EvpSeal *evp = g_new0(EvpSeal, 1);
	bool gcm = keys->profile == SRTP_PROFILE_AEAD_AES_128_GCM;
	evp->cipher = EVP_CIPHER_CTX_new();
	if (!ready() || !evp->cipher ||
		EVP_EncryptInit_ex2(evp->cipher, gcm ? aes_gcm : aes_ctr, keys->key, NULL, NULL) !=
			1) {
		evp_close(&evp->seal);
		return NULL;
	}
	if (!gcm)
		hmac_sha1_init(&evp->hmac, keys->auth);
	return &evp->seal;
}

static bool encrypt(EVP_CIPHER_CTX *cipher, uint8_t **at, const uint8_t *from, unsigned len)
{
	int written = 0;
	if (!len)
		return true;
	if (EVP_EncryptUpdate(cipher, *at, &written, from, (int)len) != 1)
		return false;
	*at += len;
	return true;
}

static bool encrypt_all(EVP_CIPHER_CTX *cipher, const SealJob *job, uint8_t **at)
{
	uint8_t padding[255];
	seal_padding(job, padding);
	return encrypt(cipher, at, job->prefix, job->prefix_len) &&
	       encrypt(cipher, at, job->payload, job->payload_len) &&
	       encrypt(cipher, at, padding, job->padding);
}

static bool seal_gcm(EvpSeal *evp, SealJob *job, uint8_t **at)
{
	uint8_t iv[16];
	int written = 0;
	seal_gcm_iv(&evp->seal, job, iv);
	if (EVP_EncryptInit_ex2(evp->cipher, NULL, NULL, iv, NULL) != 1 ||
		EVP_EncryptUpdate(evp->cipher, NULL, &written, job->dst, job->header_len) != 1 ||
		!encrypt_all(evp->cipher, job, at) ||
		EVP_EncryptFinal_ex(evp->cipher, *at, &written) != 1 ||
		EVP_CIPHER_CTX_ctrl(evp->cipher, EVP_CTRL_AEAD_GET_TAG, SEAL_GCM_TAG_LEN, *at) != 1)
		return false;
	*at += SEAL_GCM_TAG_LEN;
	return true;
}

static bool seal_cm(EvpSeal *evp, SealJob *job, uint8_t **at)
{
	uint8_t iv[16], digest[SHA_DIGEST_LENGTH], roc[4];
	seal_cm_iv(&evp->seal, job, iv);
	if (EVP_EncryptInit_ex2(evp->cipher, NULL, NULL, iv, NULL) != 1 ||
		!encrypt_all(evp->cipher, job, at))
		return false;

	seal_roc(job, roc);
	hmac_sha1(&evp->hmac, job->dst, (size_t)(*at - job->dst), roc, sizeof roc, digest);
	memcpy(*at, digest, SEAL_CM_TAG_LEN);
	*at += SEAL_CM_TAG_LEN;
	return true;
}

static void evp_batch(Seal *seal, SealJob *jobs, unsigned count)
{
	EvpSeal *evp = (EvpSeal *)seal;
	for (unsigned i = 0; i < count; i++) {
		SealJob *job = &jobs[i];
		uint8_t *at = job->dst + job->header_len;
		bool fine = seal->profile == SRTP_PROFILE_AEAD_AES_128_GCM ? seal_gcm(evp, job, &at)
									   : seal_cm(evp, job, &at);
		job->dst_len = fine ? (uint16_t)(at - job->dst) : 0;
	}
}

const SealBackend seal_evp = {
	.name = "evp",
	.ready = ready,
	.open = evp_open,
	.close = evp_close,
	.batch = evp_batch,
};
