#include "srtp.h"
#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <srtp2/srtp.h>
#include <string.h>

#define REPLAY_WINDOW 1024 /* 5 s of a busy video stream: late repairs still count as new */

struct Srtp {
	srtp_t in;
};

void srtp_library_init(void)
{
	static gsize once;
	if (!g_once_init_enter(&once))
		return;
	if (srtp_init() != srtp_err_status_ok)
		g_error("libsrtp2 cannot start");
	g_once_init_leave(&once, 1);
}

static srtp_t open_session(SrtpProfile profile, const uint8_t *key, const uint8_t *salt)
{
	uint8_t master[SRTP_KEY_LEN + SRTP_SALT_MAX];
	unsigned salt_len = srtp_profile_salt_len(profile);
	memcpy(master, key, SRTP_KEY_LEN);
	memcpy(master + SRTP_KEY_LEN, salt, salt_len);

	srtp_policy_t policy = {
		.ssrc = { .type = ssrc_any_inbound }, .key = master, .window_size = REPLAY_WINDOW
	};
	if (profile == SRTP_PROFILE_AEAD_AES_128_GCM) {
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
	} else {
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
	}
	srtp_t session = NULL;
	if (srtp_create(&session, &policy) != srtp_err_status_ok)
		session = NULL;
	OPENSSL_cleanse(master, sizeof master);
	return session;
}

Srtp *srtp_new(const SrtpKeys *keys, GError **error)
{
	g_autoptr(Srtp) srtp = g_new0(Srtp, 1);
	srtp->in = open_session(keys->profile, keys->client_key, keys->client_salt);
	if (!srtp->in) {
		g_set_error_literal(error, g_quark_from_static_string("srtp"), 0,
			"libsrtp2 takes no session with these keys");
		return NULL;
	}
	return g_steal_pointer(&srtp);
}

void srtp_free(Srtp *srtp)
{
	if (!srtp)
		return;
	if (srtp->in)
		srtp_dealloc(srtp->in);
	g_free(srtp);
}

bool srtp_open_rtp(Srtp *srtp, uint8_t *data, size_t *len)
{
	int size = (int)*len;
	if (srtp_unprotect(srtp->in, data, &size) != srtp_err_status_ok)
		return false;
	*len = (size_t)size;
	return true;
}

void srtp_forget(Srtp *srtp, uint32_t ssrc)
{
	srtp_remove_stream(srtp->in, htonl(ssrc)); /* it wants network order */
}
