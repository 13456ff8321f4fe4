#include "seal_backend.h"

#define NO_IPSEC_MB "it was not built in, or this processor has no AES instructions"

/* The faster one first. */
static const SealBackend *const backends[] = {
#ifdef SEAL_HAVE_IPSEC_MB
	&seal_ipsec_mb,
#endif
	&seal_evp,
};

static const SealBackend *chosen = &seal_evp;

bool seal_choose(const char *name, GError **error)
{
	bool any = !strcmp(name, "auto");
	for (unsigned i = 0; i < G_N_ELEMENTS(backends); i++) {
		if ((any || !strcmp(name, backends[i]->name)) && backends[i]->ready()) {
			chosen = backends[i];
			return true;
		}
	}
	g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
		"cannot seal with %s: %s", name,
		!strcmp(name, "ipsec-mb") ? NO_IPSEC_MB : "there are auto, evp and ipsec-mb");
	return false;
}

const char *seal_chosen(void)
{
	return chosen->name;
}

/* RFC 3711 §4.3 with a key derivation rate of 0. */
static bool derive(const uint8_t *master_key, const uint8_t *master_salt, unsigned salt_len,
	uint8_t label, uint8_t *out, unsigned len)
{
	uint8_t iv[16] = { 0 };
	memcpy(iv, master_salt, salt_len);
	iv[7] ^= label;
	return seal_evp_keystream(master_key, iv, out, len);
}

Seal *seal_open(const SealBackend *backend, const SealKeys *keys)
{
	Seal *seal = backend->open(keys);
	if (!seal)
		return NULL;
	seal->backend = backend;
	seal->profile = keys->profile;
	memcpy(seal->salt, keys->salt, srtp_profile_salt_len(keys->profile));
	return seal;
}

Seal *seal_new(SrtpProfile profile, const uint8_t *master_key, const uint8_t *master_salt)
{
	unsigned salt_len = srtp_profile_salt_len(profile);
	SealKeys keys = { .profile = profile };
	Seal *seal = NULL;

	if (derive(master_key, master_salt, salt_len, 0, keys.key, sizeof keys.key) &&
		derive(master_key, master_salt, salt_len, 1, keys.auth, sizeof keys.auth) &&
		derive(master_key, master_salt, salt_len, 2, keys.salt, salt_len))
		seal = seal_open(chosen, &keys);
	explicit_bzero(&keys, sizeof keys);
	return seal;
}

void seal_free(Seal *seal)
{
	if (seal)
		seal->backend->close(seal);
}

void seal_batch(Seal *seal, SealJob *jobs, unsigned count)
{
	seal->backend->batch(seal, jobs, count);
}
