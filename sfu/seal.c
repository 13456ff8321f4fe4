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

Seal *seal_open(const SealBackend *backend, const SrtpSessionKeys *keys)
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
	SrtpSessionKeys keys;
	Seal *seal = NULL;

	if (srtp_derive(&keys, profile, SRTP_LABEL_KEY, master_key, master_salt))
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
