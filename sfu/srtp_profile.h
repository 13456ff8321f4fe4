/* srtp_profile.h - the two SRTP profiles we speak, and their keys
 *
 * Plain data: a peer's keys can be put into a memory file and taken out again. */
#pragma once
#include <stdint.h>

typedef enum SrtpProfile {
	SRTP_PROFILE_NONE = 0,
	SRTP_PROFILE_AES128_CM_SHA1_80 = 0x0001, /* RFC 5764 §4.1.2; webrtcbin offers only this */
	SRTP_PROFILE_AEAD_AES_128_GCM = 0x0007,  /* RFC 7714 §14.2; chosen whenever offered */
} SrtpProfile;

#define SRTP_KEY_LEN 16
#define SRTP_SALT_MAX 14

static inline unsigned srtp_profile_salt_len(SrtpProfile profile)
{
	return profile == SRTP_PROFILE_AEAD_AES_128_GCM ? 12 : 14;
}

static inline unsigned srtp_profile_tag_len(SrtpProfile profile)
{
	return profile == SRTP_PROFILE_AEAD_AES_128_GCM ? 16 : 10;
}

/* Both directions, as exported from DTLS (RFC 5764 §4.2). We are always the DTLS server. */
typedef struct SrtpKeys {
	SrtpProfile profile;
	uint8_t client_key[SRTP_KEY_LEN], server_key[SRTP_KEY_LEN];
	uint8_t client_salt[SRTP_SALT_MAX], server_salt[SRTP_SALT_MAX];
} SrtpKeys;
