#include "guard.h"
#include <srtp2/srtp.h>
#include <string.h>

#define REPLAY_WINDOW 1024

struct Guard {
	srtp_t in, out;
};

static srtp_t open_session(
	SrtpProfile profile, srtp_ssrc_type_t kind, const uint8_t *key, const uint8_t *salt)
{
	uint8_t master[SRTP_KEY_LEN + SRTP_SALT_MAX];
	memcpy(master, key, SRTP_KEY_LEN);
	memcpy(master + SRTP_KEY_LEN, salt, srtp_profile_salt_len(profile));
	srtp_policy_t policy = {
		.ssrc = { .type = kind }, .key = master, .window_size = REPLAY_WINDOW
	};
	if (profile == SRTP_PROFILE_AEAD_AES_128_GCM) {
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
	} else {
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
	}
	srtp_t session = NULL;
	return srtp_create(&session, &policy) == srtp_err_status_ok ? session : NULL;
}

Guard *guard_new(const SrtpKeys *keys, bool opens)
{
	static gsize once;
	if (g_once_init_enter(&once)) {
		srtp_init();
		g_once_init_leave(&once, 1);
	}
	Guard *guard = g_new0(Guard, 1);
	guard->out =
		open_session(keys->profile, ssrc_any_outbound, keys->client_key, keys->client_salt);
	if (opens)
		guard->in = open_session(
			keys->profile, ssrc_any_inbound, keys->server_key, keys->server_salt);
	if (guard->out && (guard->in || !opens))
		return guard;
	guard_free(guard);
	return NULL;
}

void guard_free(Guard *guard)
{
	if (!guard)
		return;
	if (guard->in)
		srtp_dealloc(guard->in);
	if (guard->out)
		srtp_dealloc(guard->out);
	g_free(guard);
}

typedef srtp_err_status_t (*Transform)(srtp_t session, void *data, int *len);

static bool apply(Transform transform, srtp_t session, uint8_t *data, size_t *len)
{
	int size = (int)*len;
	if (!session || transform(session, data, &size) != srtp_err_status_ok)
		return false;
	*len = (size_t)size;
	return true;
}

bool guard_open_rtp(Guard *guard, uint8_t *data, size_t *len)
{
	return apply(srtp_unprotect, guard->in, data, len);
}

bool guard_open_rtcp(Guard *guard, uint8_t *data, size_t *len)
{
	return apply(srtp_unprotect_rtcp, guard->in, data, len);
}

bool guard_seal_rtp(Guard *guard, uint8_t *data, size_t *len)
{
	return apply(srtp_protect, guard->out, data, len);
}

bool guard_seal_rtcp(Guard *guard, uint8_t *data, size_t *len)
{
	return apply(srtp_protect_rtcp, guard->out, data, len);
}
