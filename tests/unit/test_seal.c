/* What we seal is byte for byte what libsrtp2 would have sealed, whichever library does it. */
#include "seed.h"
#include "sfu/rtp.h"
#include "sfu/seal.h"
#include <srtp2/srtp.h>
#include <string.h>

#define PACKETS 500000 /* for each profile */
#define STREAMS 3
#define UNTOUCHED 0xa5

static const char *const backends[] = { "evp", "ipsec-mb" };

typedef struct Stream {
	uint32_t ssrc;
	uint64_t index;
} Stream;

static void fill(GRand *random, uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)g_rand_int(random);
}

static srtp_t oracle_new(SrtpProfile profile, const uint8_t *key, const uint8_t *salt)
{
	uint8_t master[SRTP_KEY_LEN + SRTP_SALT_MAX];
	srtp_policy_t policy = { .ssrc = { .type = ssrc_any_outbound },
		.key = master,
		.window_size = 1024,
		.allow_repeat_tx = 1 };
	memcpy(master, key, SRTP_KEY_LEN);
	memcpy(master + SRTP_KEY_LEN, salt, srtp_profile_salt_len(profile));
	if (profile == SRTP_PROFILE_AEAD_AES_128_GCM) {
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
	} else {
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
	}
	srtp_t session;
	g_assert_cmpint(srtp_create(&session, &policy), ==, srtp_err_status_ok);
	return session;
}

/* A header with or without an extension; its length. */
static size_t write_header(GRand *random, uint8_t *data, const Stream *stream, bool padding)
{
	RtpExtensionIds ids = { 0 };
	ids.id[RTP_EXT_TRANSPORT_CC] = 3;
	const RtpOut out = { .timestamp = g_rand_int(random),
		.ssrc = stream->ssrc,
		.sequence = (uint16_t)stream->index,
		.payload_type = 96,
		.marker = g_rand_boolean(random),
		.padding = padding,
		.ids = &ids,
		.transport_cc = g_rand_boolean(random) ? 7 : -1,
		.audio_level = -1,
		.orientation = -1 };
	return rtp_write(data, 64, &out, NULL);
}

/* Steps like a sender does: mostly by one, sometimes over a loss, and often across a wrap. */
static void step(GRand *random, Stream *stream)
{
	stream->index +=
		g_rand_int_range(random, 0, 50) ? 1 : (unsigned)g_rand_int_range(random, 2, 3000);
}

/* False, and the test skipped, where this machine has no such backend. */
static bool choose(const char *backend)
{
	g_autoptr(GError) error = NULL;
	if (seal_choose(backend, &error))
		return true;
	g_test_skip(error->message);
	return false;
}

/* Nothing is written behind a sealed packet: in the outbox the next one's header is there. */
static void expect_untouched(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		g_assert_cmphex(data[i], ==, UNTOUCHED);
}

static void prove(SrtpProfile profile)
{
	enum { BATCH = 80, BEHIND = 32 };
	g_autoptr(GRand) random = seeded_random();
	uint8_t key[SRTP_KEY_LEN], salt[SRTP_SALT_MAX];
	fill(random, key, sizeof key);
	fill(random, salt, sizeof salt);
	srtp_t oracle = oracle_new(profile, key, salt);
	g_autoptr(Seal) seal = seal_new(profile, key, salt);
	g_assert_nonnull(seal);

	static uint8_t payload[BATCH][1400], ours[BATCH][1900], theirs[BATCH][1800];
	Stream streams[STREAMS];
	for (unsigned i = 0; i < STREAMS; i++)
		streams[i] = (Stream){ .ssrc = g_rand_int(random),
			.index = g_rand_int(random) % 0x7fff };
	unsigned wraps = 0;
	for (unsigned done = 0, batch; done < PACKETS; done += batch) {
		SealJob jobs[BATCH];
		int lengths[BATCH];
		/* Mostly one frame's; now and then more than a library's queue is given at once. */
		batch = (unsigned)g_rand_int_range(
			random, 1, g_rand_int_range(random, 0, 50) ? 16 : BATCH + 1);
		for (unsigned i = 0; i < batch; i++) {
			Stream *stream = &streams[g_rand_int_range(random, 0, STREAMS)];
			uint64_t before = stream->index >> 16;
			step(random, stream);
			wraps += stream->index >> 16 != before;
			SealJob *job = &jobs[i];
			*job = (SealJob){ .dst = ours[i],
				.payload = payload[i],
				.index = stream->index,
				.ssrc = stream->ssrc };
			/* Mostly short, so that a million takes seconds; each length up to an MTU
			 * comes up. */
			job->payload_len = (uint16_t)g_rand_int_range(
				random, 0, g_rand_int_range(random, 0, 20) ? 100 : 1200);
			job->prefix_len = (uint8_t)g_rand_int_range(random, 0, SEAL_PREFIX_MAX + 1);
			job->padding = g_rand_int_range(random, 0, 4)
					       ? 0
					       : (uint8_t)g_rand_int_range(random, 1, 256);
			fill(random, payload[i], job->payload_len < 32 ? job->payload_len : 32);
			fill(random, job->prefix, job->prefix_len);
			job->header_len =
				(uint16_t)write_header(random, ours[i], stream, job->padding > 0);

			uint8_t *at = theirs[i];
			memcpy(at, ours[i], job->header_len);
			at += job->header_len;
			memcpy(at, job->prefix, job->prefix_len);
			at += job->prefix_len;
			memcpy(at, payload[i], job->payload_len);
			at += job->payload_len;
			memset(at, 0, job->padding);
			at += job->padding;
			if (job->padding)
				at[-1] = job->padding;
			lengths[i] = (int)(at - theirs[i]);
			memset(ours[i] + lengths[i], UNTOUCHED, SEAL_TAG_MAX + BEHIND);
			g_assert_cmpint(srtp_protect(oracle, theirs[i], &lengths[i]), ==,
				srtp_err_status_ok);
		}
		seal_batch(seal, jobs, batch);
		for (unsigned i = 0; i < batch; i++) {
			g_assert_cmpmem(ours[i], jobs[i].dst_len, theirs[i], (size_t)lengths[i]);
			expect_untouched(ours[i] + jobs[i].dst_len, BEHIND);
		}
	}
	g_assert_cmpuint(wraps, >, 3);
	srtp_dealloc(oracle);
}

static void test_gcm(const void *backend)
{
	if (choose(backend))
		prove(SRTP_PROFILE_AEAD_AES_128_GCM);
}

static void test_cm(const void *backend)
{
	if (choose(backend))
		prove(SRTP_PROFILE_AES128_CM_SHA1_80);
}

/* The same number sealed again with the same content gives the same bytes: nothing is carried over.
 */
static void test_no_state(const void *backend)
{
	if (!choose(backend))
		return;
	g_autoptr(GRand) random = seeded_random();
	uint8_t key[SRTP_KEY_LEN], salt[SRTP_SALT_MAX], payload[200], first[400], again[400];
	fill(random, key, sizeof key);
	fill(random, salt, sizeof salt);
	fill(random, payload, sizeof payload);
	static const SrtpProfile profiles[] = { SRTP_PROFILE_AEAD_AES_128_GCM,
		SRTP_PROFILE_AES128_CM_SHA1_80 };
	for (unsigned p = 0; p < G_N_ELEMENTS(profiles); p++) {
		g_autoptr(Seal) seal = seal_new(profiles[p], key, salt);
		Stream stream = { .ssrc = 5, .index = ((uint64_t)1 << 47) + 65535 };
		SealJob job = { .dst = first,
			.payload = payload,
			.payload_len = sizeof payload,
			.index = stream.index,
			.ssrc = stream.ssrc };
		job.header_len = (uint16_t)write_header(random, first, &stream, false);
		memcpy(again, first, job.header_len);
		SealJob other = job, same = job;
		uint8_t elsewhere[400];
		other.dst = elsewhere;
		memcpy(elsewhere, first, job.header_len);
		other.index = 77;
		same.dst = again;
		SealJob jobs[] = { job, other, same };
		seal_batch(seal, jobs, 3);
		g_assert_cmpmem(first, jobs[0].dst_len, again, jobs[2].dst_len);
		g_assert_cmpuint(jobs[0].dst_len, ==,
			job.header_len + sizeof payload + srtp_profile_tag_len(profiles[p]));
	}
}

enum { THREAD_PACKETS = 20000, THREAD_BATCH = 8 };

/* A digest of what one thread has sealed, each with keys of its own. */
static gpointer seal_many(gpointer number)
{
	uint8_t key[SRTP_KEY_LEN] = { 0 }, salt[SRTP_SALT_MAX] = { 1 };
	uint8_t payload[300] = { 0 }, out[THREAD_BATCH][400] = { 0 };
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	key[0] = (uint8_t)GPOINTER_TO_UINT(number);
	g_autoptr(Seal) gcm = seal_new(SRTP_PROFILE_AEAD_AES_128_GCM, key, salt);
	g_autoptr(Seal) cm = seal_new(SRTP_PROFILE_AES128_CM_SHA1_80, key, salt);

	for (unsigned index = 0; index < THREAD_PACKETS; index += THREAD_BATCH) {
		SealJob jobs[THREAD_BATCH];
		for (unsigned i = 0; i < THREAD_BATCH; i++)
			jobs[i] = (SealJob){ .dst = out[i],
				.header_len = 20,
				.payload = payload,
				.payload_len = (uint16_t)((index + i) % sizeof payload),
				.index = index + i };
		seal_batch(index / THREAD_BATCH % 2 ? gcm : cm, jobs, THREAD_BATCH);
		for (unsigned i = 0; i < THREAD_BATCH; i++)
			g_checksum_update(sum, out[i], jobs[i].dst_len);
	}
	return g_strdup(g_checksum_get_string(sum));
}

static void test_threads(const void *backend)
{
	enum { THREADS = 4 };
	GThread *threads[THREADS];
	if (!choose(backend))
		return;
	for (unsigned i = 0; i < THREADS; i++)
		threads[i] = g_thread_new("seal", seal_many, GUINT_TO_POINTER(i));
	for (unsigned i = 0; i < THREADS; i++) {
		g_autofree char *together = g_thread_join(threads[i]);
		g_autofree char *alone = seal_many(GUINT_TO_POINTER(i));
		g_assert_cmpstr(together, ==, alone);
	}
}

static void test_choice(void)
{
	g_autoptr(GError) error = NULL;
	g_assert_false(seal_choose("rot13", &error));
	g_assert_nonnull(error);
	g_assert_true(seal_choose("evp", NULL));
	g_assert_cmpstr(seal_chosen(), ==, "evp");
	bool mb = seal_choose("ipsec-mb", NULL);
	g_assert_true(seal_choose("auto", NULL));
	g_assert_cmpstr(seal_chosen(), ==, mb ? "ipsec-mb" : "evp");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*func)(const void *);
	} tests[] = {
		{ "gcm-equals-libsrtp2-over-half-a-million-packets", test_gcm },
		{ "cm-sha1-80-equals-libsrtp2-over-half-a-million-packets", test_cm },
		{ "keeps-nothing-between-packets", test_no_state },
		{ "threads-do-not-disturb-each-other", test_threads },
	};
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(srtp_init(), ==, srtp_err_status_ok);
	g_test_add_func("/seal/auto-takes-the-faster-one-that-works-here", test_choice);
	for (unsigned b = 0; b < G_N_ELEMENTS(backends); b++) {
		for (unsigned t = 0; t < G_N_ELEMENTS(tests); t++) {
			g_autofree char *path =
				g_strdup_printf("/seal/%s/%s", backends[b], tests[t].name);
			g_test_add_data_func(path, backends[b], tests[t].func);
		}
	}
	return g_test_run();
}
