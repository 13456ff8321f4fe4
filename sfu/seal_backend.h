/* seal_backend.h - what a library that seals offers to seal.c; known to seal*.c alone
 *
 * Each backend is the wall around one library. Its own struct begins with a Seal. */
#pragma once
#include "seal.h"
#include "srtp_derive.h"
#include <string.h>

#define SEAL_CM_TAG_LEN 10
#define SEAL_GCM_TAG_LEN 16

typedef struct SealBackend SealBackend;

struct Seal {
	const SealBackend *backend;
	SrtpProfile profile;
	uint8_t salt[16]; /* session salt, then zeros: what an IV starts from */
};

struct SealBackend {
	const char *name;
	/* Whether the library works here, on this processor. */
	bool (*ready)(void);
	/* A Seal whose head seal.c fills in; NULL when the library fails. Keys are copied. */
	Seal *(*open)(const SrtpSessionKeys *keys);
	void (*close)(Seal *seal); /* wipes the keys */
	void (*batch)(Seal *seal, SealJob *jobs, unsigned count);
};

extern const SealBackend seal_evp;
extern const SealBackend seal_ipsec_mb; /* only where the build found it */

/* A Seal of this backend, for seal_free(); NULL when its library fails. */
Seal *seal_open(const SealBackend *backend, const SrtpSessionKeys *keys);

/* The SSRC and the 48-bit index, XORed over the salt: at 2 (RFC 7714 §8.1) or 4 (RFC 3711 §4.1.1).
 */
static inline void seal_iv(const Seal *seal, const SealJob *job, unsigned at, uint8_t iv[16])
{
	uint64_t high;
	uint16_t low;
	memcpy(iv, seal->salt, 16);
	memcpy(&high, iv + at, sizeof high);
	memcpy(&low, iv + at + 8, sizeof low);
	high ^= GUINT64_TO_BE((uint64_t)job->ssrc << 32 | (uint32_t)(job->index >> 16));
	low ^= GUINT16_TO_BE((uint16_t)job->index);
	memcpy(iv + at, &high, sizeof high);
	memcpy(iv + at + 8, &low, sizeof low);
}

static inline void seal_gcm_iv(const Seal *seal, const SealJob *job, uint8_t iv[16])
{
	seal_iv(seal, job, 2, iv); /* the first 12 bytes count */
}

static inline void seal_cm_iv(const Seal *seal, const SealJob *job, uint8_t iv[16])
{
	seal_iv(seal, job, 4, iv);
}

/* The rollover counter, as RFC 3711 §4.2 authenticates it. */
static inline void seal_roc(const SealJob *job, uint8_t roc[4])
{
	uint32_t value = GUINT32_TO_BE((uint32_t)(job->index >> 16));
	memcpy(roc, &value, 4);
}

/* RTP padding: zeros, and their number. */
static inline void seal_padding(const SealJob *job, uint8_t padding[255])
{
	memset(padding, 0, job->padding);
	if (job->padding)
		padding[job->padding - 1] = job->padding;
}
