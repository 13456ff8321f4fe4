/* What comes in is opened once, and a stream nobody wants leaves nothing behind. */
#include "seed.h"
#include "sfu/rtp.h"
#include "sfu/seal.h"
#include "sfu/srtp.h"
#include <malloc.h>
#include <string.h>

static SrtpKeys keys_of(GRand *random, SrtpProfile profile)
{
	SrtpKeys keys = { .profile = profile };
	uint8_t *parts[] = { keys.client_key, keys.client_salt, keys.server_key, keys.server_salt };
	for (unsigned i = 0; i < 4; i++)
		for (unsigned b = 0; b < (i % 2 ? SRTP_SALT_MAX : SRTP_KEY_LEN); b++)
			parts[i][b] = (uint8_t)g_rand_int(random);
	return keys;
}

/* A packet as the peer would send it. */
static size_t sealed(Seal *peer, uint8_t *out, uint32_t ssrc, uint64_t index)
{
	static const uint8_t payload[50] = { 1, 2, 3 };
	static const RtpExtensionIds none;
	const RtpOut header = { .ssrc = ssrc,
		.sequence = (uint16_t)index,
		.payload_type = 111,
		.transport_cc = -1,
		.audio_level = -1,
		.orientation = -1,
		.ids = &none };
	SealJob job = { .dst = out,
		.payload = payload,
		.payload_len = sizeof payload,
		.index = index,
		.ssrc = ssrc };
	job.header_len = (uint16_t)rtp_write(out, 64, &header, NULL);
	seal_batch(peer, &job, 1);
	return job.dst_len;
}

static const SrtpProfile profiles[] = { SRTP_PROFILE_AEAD_AES_128_GCM,
	SRTP_PROFILE_AES128_CM_SHA1_80 };

static void test_once(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned p = 0; p < 2; p++) {
		SrtpKeys keys = keys_of(random, profiles[p]);
		g_autoptr(Srtp) srtp = srtp_new(&keys, NULL);
		g_autoptr(Seal) peer = seal_new(keys.profile, keys.client_key, keys.client_salt);
		/* Each of 300 numbers around the wrap three times, shuffled within 60. */
		uint64_t order[900];
		unsigned opened[300] = { 0 };
		for (unsigned i = 0; i < 900; i++)
			order[i] = 65400 + i / 3;
		for (unsigned i = 0; i + 60 < 900; i++) {
			unsigned other = i + (unsigned)g_rand_int_range(random, 0, 60);
			uint64_t held = order[i];
			order[i] = order[other];
			order[other] = held;
		}
		for (unsigned i = 0; i < 900; i++) {
			uint8_t data[300];
			size_t len = sealed(peer, data, 9, order[i]);
			if (srtp_open_rtp(srtp, data, &len)) {
				g_assert_cmpuint(len, ==, 62);
				opened[order[i] - 65400]++;
			}
		}
		for (unsigned i = 0; i < 300; i++)
			g_assert_cmpuint(opened[i], ==, 1);
	}
}

static void test_loss_at_the_wrap(void)
{
	g_autoptr(GRand) random = seeded_random();
	SrtpKeys keys = keys_of(random, SRTP_PROFILE_AEAD_AES_128_GCM);
	g_autoptr(Srtp) srtp = srtp_new(&keys, NULL);
	g_autoptr(Seal) peer = seal_new(keys.profile, keys.client_key, keys.client_salt);
	for (uint64_t index = 65500; index < 66000; index++) {
		uint8_t data[300];
		size_t len = sealed(peer, data, 9, index);
		if (g_rand_int_range(random, 0, 5) == 0)
			continue;
		g_assert_true(srtp_open_rtp(srtp, data, &len));
	}
}

static void test_forged(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned p = 0; p < 2; p++) {
		SrtpKeys keys = keys_of(random, profiles[p]);
		g_autoptr(Srtp) srtp = srtp_new(&keys, NULL);
		g_autoptr(Seal) peer = seal_new(keys.profile, keys.client_key, keys.client_salt);
		for (unsigned i = 0; i < 200; i++) {
			uint8_t data[300], copy[300];
			size_t len = sealed(peer, data, 9, 100 + i), forged = len;
			memcpy(copy, data, len);
			copy[g_rand_int_range(random, 1, (gint32)len)] ^=
				1 << g_rand_int_range(random, 0, 8);
			g_assert_false(srtp_open_rtp(srtp, copy, &forged));
			g_assert_true(srtp_open_rtp(srtp, data, &len));
		}
	}
}

static size_t in_use(void)
{
	return mallinfo2().uordblks;
}

static void test_forgets(void)
{
	g_autoptr(GRand) random = seeded_random();
	SrtpKeys keys = keys_of(random, SRTP_PROFILE_AEAD_AES_128_GCM);
	g_autoptr(Srtp) srtp = srtp_new(&keys, NULL);
	g_autoptr(Seal) peer = seal_new(keys.profile, keys.client_key, keys.client_salt);
	size_t before = 0;
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t data[300];
		uint32_t ssrc = g_rand_int(random);
		size_t len = sealed(peer, data, ssrc, 100);
		g_assert_true(srtp_open_rtp(srtp, data, &len));
		srtp_forget(srtp, ssrc);
		if (i == 1000)
			before = in_use();
	}
	/* Under a sanitizer mallinfo2() tells nothing, and this holds by itself: the plain build
	 * proves it. */
	g_assert_cmpuint(in_use(), <=, before + 256 * 1024);

	/* It can come again: nothing of it is remembered. */
	uint8_t data[300];
	size_t len = sealed(peer, data, 5, 100);
	g_assert_true(srtp_open_rtp(srtp, data, &len));
	srtp_forget(srtp, 5);
	len = sealed(peer, data, 5, 100);
	g_assert_true(srtp_open_rtp(srtp, data, &len));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	srtp_library_init();
	g_test_add_func("/srtp/opens-each-packet-once", test_once);
	g_test_add_func("/srtp/loss-at-the-wrap-does-no-harm", test_loss_at_the_wrap);
	g_test_add_func("/srtp/a-forged-packet-changes-nothing", test_forged);
	g_test_add_func("/srtp/a-stream-nobody-wants-leaves-nothing", test_forgets);
	return g_test_run();
}
