/* srtp_derive.h - the session keys that SRTP and SRTCP use, from the master key (RFC 3711 §4.3)
 *
 * Pure; any thread. The key derivation rate is 0, as everywhere on the web. */
#pragma once
#include "srtp_profile.h"
#include <stdbool.h>

enum {
	SRTP_LABEL_KEY = 0,
	SRTP_LABEL_AUTH = 1,
	SRTP_LABEL_SALT = 2,
	SRTCP_LABEL_KEY = 3,
	SRTCP_LABEL_AUTH = 4,
	SRTCP_LABEL_SALT = 5,
};

#define SRTP_AUTH_KEY_LEN 20

/* The session keys of one direction, of RTP or of RTCP. Whoever has them wipes them. */
typedef struct SrtpSessionKeys {
	SrtpProfile profile;
	uint8_t key[SRTP_KEY_LEN], auth[SRTP_AUTH_KEY_LEN], salt[SRTP_SALT_MAX];
} SrtpSessionKeys;

/* first_label: SRTP_LABEL_KEY or SRTCP_LABEL_KEY. False when OpenSSL fails. */
bool srtp_derive(SrtpSessionKeys *keys, SrtpProfile profile, unsigned first_label,
	const uint8_t *master_key, const uint8_t *master_salt);
