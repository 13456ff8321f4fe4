/* seal.h - seals outgoing RTP: SRTP encryption and authentication (RFC 3711, RFC 7714), in batches
 *
 * Out of place: the shared plaintext payload is read, the viewer's own slot is written, nothing is
 * copied beside. Byte-equal to libsrtp2 (tests/unit/test_seal.c). One Seal per peer, touched by its
 * worker alone. Two backends: OpenSSL's EVP everywhere, Intel's ipsec-mb where there is one. */
#pragma once
#include "srtp_profile.h"
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define SEAL_TAG_MAX 16
#define SEAL_PREFIX_MAX 8

typedef struct Seal Seal;

/* One packet. `dst` holds header_len bytes of RTP header (with extensions) already; prefix, payload
 * and padding follow encrypted, then the tag of the profile; behind it nothing is written. */
typedef struct SealJob {
	uint8_t *dst;
	const uint8_t *payload; /* borrowed, not changed, never overlapping dst */
	uint64_t index;         /* 48-bit packet index: rollover counter << 16 | sequence */
	uint32_t ssrc;
	uint16_t header_len;
	uint16_t payload_len;
	uint8_t prefix_len; /* goes in front of payload: descriptor, RTX's sequence */
	uint8_t padding;    /* RTP padding bytes to add (P bit set by the caller); last = count */
	uint8_t prefix[SEAL_PREFIX_MAX];
	uint16_t dst_len; /* out: the length of the sealed packet; 0 when sealing failed */
} SealJob;

/* Which library the Seals made from now on use: "evp", "ipsec-mb", or "auto" for the faster one
 * that works here. False when there is none of that name. Main thread, before any worker; until
 * then evp. */
bool seal_choose(const char *name, GError **error);
const char *seal_chosen(void);

/* keys: the server's write key and salt as srtp_profile.h names their lengths. */
Seal *seal_new(SrtpProfile profile, const uint8_t *master_key, const uint8_t *master_salt);
void seal_free(Seal *seal); /* wipes the keys */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Seal, seal_free)

/* Seals count jobs in order. Failures are per job (dst_len 0) and cannot come from the network. */
void seal_batch(Seal *seal, SealJob *jobs, unsigned count);
