/* SRTCP of ours against libsrtp2, both ways; what is forged, replayed or in the clear is refused.
 */
#include "seed.h"
#include "sfu/srtcp.h"
#include <srtp2/srtp.h>
#include <string.h>

#define MESSAGE_MAX 400

static const SrtpProfile profiles[] = { SRTP_PROFILE_AEAD_AES_128_GCM,
	SRTP_PROFILE_AES128_CM_SHA1_80 };

static SrtpKeys keys_of(GRand *random, SrtpProfile profile)
{
	SrtpKeys keys = { .profile = profile };
	uint8_t *parts[] = { keys.client_key, keys.client_salt, keys.server_key, keys.server_salt };
	for (unsigned i = 0; i < 4; i++)
		for (unsigned b = 0; b < (i % 2 ? SRTP_SALT_MAX : SRTP_KEY_LEN); b++)
			parts[i][b] = (uint8_t)g_rand_int(random);
	return keys;
}

/* The peer's side, on libsrtp2. */
static srtp_t peer_of(SrtpProfile profile, bool inbound, const uint8_t *key, const uint8_t *salt)
{
	uint8_t master[SRTP_KEY_LEN + SRTP_SALT_MAX];
	memcpy(master, key, SRTP_KEY_LEN);
	memcpy(master + SRTP_KEY_LEN, salt, srtp_profile_salt_len(profile));
	srtp_policy_t policy = { .ssrc = { .type = inbound ? ssrc_any_inbound : ssrc_any_outbound },
		.key = master };
	if (profile == SRTP_PROFILE_AEAD_AES_128_GCM) {
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
	} else {
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
	}
	srtp_t session = NULL;
	g_assert_cmpint(srtp_create(&session, &policy), ==, srtp_err_status_ok);
	return session;
}

static size_t message(GRand *random, uint8_t *data, uint32_t ssrc)
{
	size_t len = 8 + 4 * (size_t)g_rand_int_range(random, 0, 60);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)g_rand_int(random);
	data[0] = 0x81;
	data[1] = 205;
	for (unsigned i = 0; i < 4; i++)
		data[4 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	return len;
}

static void test_oracle(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned p = 0; p < 2; p++) {
		SrtpKeys keys = keys_of(random, profiles[p]);
		g_autoptr(Srtcp) srtcp = srtcp_new(&keys);
		srtp_t sends = peer_of(profiles[p], false, keys.client_key, keys.client_salt);
		srtp_t hears = peer_of(profiles[p], true, keys.server_key, keys.server_salt);
		for (unsigned i = 0; i < 20000; i++) {
			uint8_t plain[MESSAGE_MAX], data[MESSAGE_MAX + SRTP_MAX_TRAILER_LEN + 4];
			uint32_t ssrc = (uint32_t)g_rand_int_range(random, 1, 12);
			size_t len = message(random, plain, ssrc), sealed = len;
			int size = (int)len;
			memcpy(data, plain, len);
			memset(data + len + SRTCP_TRAILER_MAX, 0x5a, 4);
			g_assert_true(srtcp_seal(srtcp, data, &sealed));
			g_assert_cmpuint(sealed, <=, len + SRTCP_TRAILER_MAX);
			for (unsigned b = 0; b < 4; b++)
				g_assert_cmpuint(data[len + SRTCP_TRAILER_MAX + b], ==, 0x5a);
			int opened = (int)sealed;
			g_assert_cmpint(
				srtp_unprotect_rtcp(hears, data, &opened), ==, srtp_err_status_ok);
			g_assert_cmpmem(data, (size_t)opened, plain, len);

			memcpy(data, plain, len);
			g_assert_cmpint(
				srtp_protect_rtcp(sends, data, &size), ==, srtp_err_status_ok);
			sealed = (size_t)size;
			g_assert_true(srtcp_open(srtcp, data, &sealed));
			g_assert_cmpmem(data, sealed, plain, len);
		}
		srtp_dealloc(sends);
		srtp_dealloc(hears);
	}
}

/* 300 messages of three SSRCs, each three times, up to 20 places out of order: each once. */
static void test_replay(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned p = 0; p < 2; p++) {
		SrtpKeys keys = keys_of(random, profiles[p]);
		g_autoptr(Srtcp) srtcp = srtcp_new(&keys);
		srtp_t sends = peer_of(profiles[p], false, keys.client_key, keys.client_salt);
		static uint8_t all[300][MESSAGE_MAX];
		int size[300];
		unsigned order[900], opened[300] = { 0 };
		for (unsigned i = 0; i < 300; i++) {
			size[i] = (int)message(random, all[i], i % 3 + 1);
			srtp_protect_rtcp(sends, all[i], &size[i]);
		}
		for (unsigned i = 0; i < 900; i++)
			order[i] = i / 3;
		for (unsigned i = 0; i + 20 < 900; i++) {
			unsigned other = i + (unsigned)g_rand_int_range(random, 0, 20);
			unsigned held = order[i];
			order[i] = order[other];
			order[other] = held;
		}
		for (unsigned i = 0; i < 900; i++) {
			uint8_t data[MESSAGE_MAX];
			size_t len = (size_t)size[order[i]];
			memcpy(data, all[order[i]], len);
			opened[order[i]] += srtcp_open(srtcp, data, &len);
		}
		for (unsigned i = 0; i < 300; i++)
			g_assert_cmpuint(opened[i], ==, 1);
		srtp_dealloc(sends);
	}
}

/* Any bit of a message may be turned, any byte may be missing: refused, and the true one is taken
 * after it. */
static void test_forged(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned p = 0; p < 2; p++) {
		SrtpKeys keys = keys_of(random, profiles[p]);
		g_autoptr(Srtcp) srtcp = srtcp_new(&keys);
		srtp_t sends = peer_of(profiles[p], false, keys.client_key, keys.client_salt);
		for (unsigned n = 0; n < 20; n++) {
			uint8_t true_one[MESSAGE_MAX], data[MESSAGE_MAX];
			int size = (int)message(random, true_one, 7);
			srtp_protect_rtcp(sends, true_one, &size);
			for (int bit = 0; bit < size * 8; bit++) {
				size_t len = (size_t)size;
				memcpy(data, true_one, len);
				data[bit / 8] ^= (uint8_t)(1 << bit % 8);
				g_assert_false(srtcp_open(srtcp, data, &len));
			}
			for (int cut = 0; cut < size; cut++) {
				g_autofree uint8_t *part = g_memdup2(true_one, (gsize)cut);
				size_t len = (size_t)cut;
				g_assert_false(srtcp_open(srtcp, part, &len));
			}
			size_t len = (size_t)size;
			memcpy(data, true_one, len);
			g_assert_true(srtcp_open(srtcp, data, &len));
		}
		srtp_dealloc(sends);
	}
}

/* A peer may invent SSRCs: what is kept of them is bounded, and those in use are kept. */
static void test_many_senders(void)
{
	g_autoptr(GRand) random = seeded_random();
	SrtpKeys keys = keys_of(random, SRTP_PROFILE_AEAD_AES_128_GCM);
	g_autoptr(Srtcp) srtcp = srtcp_new(&keys);
	srtp_t sends = peer_of(keys.profile, false, keys.client_key, keys.client_salt);
	uint8_t first[MESSAGE_MAX];
	int first_size = (int)message(random, first, 1);
	srtp_protect_rtcp(sends, first, &first_size);
	for (uint32_t ssrc = 2; ssrc < 500; ssrc++) {
		uint8_t data[MESSAGE_MAX];
		int size = (int)message(random, data, ssrc);
		srtp_protect_rtcp(sends, data, &size);
		size_t len = (size_t)size;
		g_assert_true(srtcp_open(srtcp, data, &len));
		/* The one in use stays, so its first message is taken once. */
		memcpy(data, first, (size_t)first_size);
		len = (size_t)first_size;
		g_assert_true(srtcp_open(srtcp, data, &len) == (ssrc == 2));
		if (ssrc == 2)
			continue;
		int again = (int)message(random, data, 1);
		srtp_protect_rtcp(sends, data, &again);
		len = (size_t)again;
		g_assert_true(srtcp_open(srtcp, data, &len));
	}
	srtp_dealloc(sends);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	srtp_init();
	g_test_add_func("/srtcp/equals-libsrtp2-both-ways", test_oracle);
	g_test_add_func("/srtcp/takes-each-message-once", test_replay);
	g_test_add_func("/srtcp/a-forged-message-changes-nothing", test_forged);
	g_test_add_func("/srtcp/a-peer-cannot-make-us-keep-more", test_many_senders);
	return g_test_run();
}
