/* Two packets of Opus as one: libopus hears the same, and what is hostile is refused. */
#include "seed.h"
#include "sfu/opus_join.h"
#include <math.h>
#include <opus.h>
#include <string.h>

#define RATE 48000
#define TICKS OPUS_JOIN_TICKS
#define PACKET_MAX 1500

/* 20 ms of something like a voice: a few tones that move, some noise, pauses. */
static void sing(GRand *random, opus_int16 *samples, unsigned channels, unsigned frame)
{
	double loud = frame % 40 < 30 ? 6000 : 20;
	for (unsigned i = 0; i < TICKS; i++) {
		double t = (double)(frame * TICKS + i) / RATE, sum = 0;
		for (unsigned tone = 1; tone <= 4; tone++)
			sum += sin(2 * G_PI * (140 + 30 * sin(3 * t)) * tone * t) / tone;
		for (unsigned c = 0; c < channels; c++)
			samples[i * channels + c] =
				(opus_int16)(loud * (sum + g_rand_double_range(random, -0.2, 0.2)) /
					     3);
	}
}

static OpusEncoder *encoder_of(unsigned channels, int application, int rate_bps, bool vbr)
{
	int error;
	OpusEncoder *encoder = opus_encoder_create(RATE, (int)channels, application, &error);
	g_assert_cmpint(error, ==, OPUS_OK);
	opus_encoder_ctl(encoder, OPUS_SET_BITRATE(rate_bps));
	opus_encoder_ctl(encoder, OPUS_SET_VBR(vbr));
	opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(1));
	opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(10));
	return encoder;
}

/* A decoder that knows one channel or two; the samples of one packet. */
static void hear(
	OpusDecoder *decoder, const uint8_t *packet, size_t len, opus_int16 *samples, int ticks)
{
	g_assert_cmpint(
		opus_decode(decoder, packet, (opus_int32)len, samples, ticks, 0), ==, ticks);
}

static bool is_padded(const uint8_t *packet)
{
	return (packet[0] & 3) == 3 && (packet[1] & 0x40);
}

static void check_same_sound(
	GRand *random, unsigned channels, int application, int rate_bps, bool vbr)
{
	OpusEncoder *encoder = encoder_of(channels, application, rate_bps, vbr);
	OpusDecoder *alone = opus_decoder_create(RATE, (int)channels, NULL);
	OpusDecoder *together = opus_decoder_create(RATE, (int)channels, NULL);
	static opus_int16 samples[TICKS * 2], heard[2 * TICKS * 2], joined_heard[2 * TICKS * 2];
	uint8_t halves[2][PACKET_MAX], joined[2 * PACKET_MAX];
	unsigned joined_count = 0, padded = 0;
	for (unsigned pair = 0; pair < 100; pair++) {
		size_t lens[2];
		for (unsigned i = 0; i < 2; i++) {
			sing(random, samples, channels, 2 * pair + i);
			int len = opus_encode(encoder, samples, TICKS, halves[i], PACKET_MAX);
			g_assert_cmpint(len, >, 0);
			lens[i] = (size_t)len;
			g_assert_true(opus_join_takes(halves[i], lens[i]) != is_padded(halves[i]));
			hear(alone, halves[i], lens[i], heard + i * TICKS * channels, TICKS);
		}
		size_t len =
			opus_join(halves[0], lens[0], halves[1], lens[1], joined, sizeof joined);
		if (len) {
			joined_count++;
			g_assert_cmpuint(len, <=, lens[0] + lens[1] + 2);
			hear(together, joined, len, joined_heard, 2 * TICKS);
		} else { /* the encoder has padded one, or changed its mode between the two */
			bool any = is_padded(halves[0]) || is_padded(halves[1]);
			g_assert_true(any || halves[0][0] >> 2 != halves[1][0] >> 2);
			padded += any;
			for (unsigned i = 0; i < 2; i++)
				hear(together, halves[i], lens[i],
					joined_heard + i * TICKS * channels, TICKS);
		}
		g_assert_cmpmem(heard, 2 * TICKS * channels * sizeof *heard, joined_heard,
			2 * TICKS * channels * sizeof *heard);
	}
	g_assert_cmpuint(joined_count + padded, >, 80);
	g_assert_true(!vbr || !padded); /* as browsers encode */
	opus_encoder_destroy(encoder);
	opus_decoder_destroy(alone);
	opus_decoder_destroy(together);
}

static void test_same_sound(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned vbr = 0; vbr < 2; vbr++) {
		check_same_sound(random, 1, OPUS_APPLICATION_VOIP, 24000, vbr);
		check_same_sound(random, 1, OPUS_APPLICATION_VOIP, 12000, vbr);
		check_same_sound(random, 1, OPUS_APPLICATION_RESTRICTED_LOWDELAY, 64000, vbr);
		check_same_sound(random, 2, OPUS_APPLICATION_AUDIO, 128000, vbr);
	}
}

/* RFC 6716 §3.1: 9 is 20 ms of SILK, 8 of 10 ms, 10 of 40 ms, 16 is 2.5 ms of CELT. */
static uint8_t toc(unsigned config, unsigned code)
{
	return (uint8_t)(config << 3 | code);
}

static void test_what_is_no_half(void)
{
	const uint8_t good[] = { toc(9, 0), 1, 2, 3 };
	const struct {
		bool takes;
		uint8_t len, bytes[16];
	} rows[] = {
		{ true, 4, { toc(9, 0), 1, 2, 3 } },
		{ true, 1, { toc(9, 0) } }, /* nothing to hear, 20 ms of it */
		{ true, 5, { toc(8, 1), 1, 2, 3, 4 } },
		{ true, 6, { toc(9, 3), 1, 1, 2, 3, 4 } },
		{ true, 10, { toc(16, 3), 8, 1, 2, 3, 4, 5, 6, 7, 8 } },
		{ false, 0, { 0 } },
		{ false, 4, { toc(8, 0), 1, 2, 3 } },             /* 10 ms */
		{ false, 4, { toc(10, 0), 1, 2, 3 } },            /* 40 ms */
		{ false, 5, { toc(9, 1), 1, 2, 3, 4 } },          /* twice 20 ms */
		{ false, 4, { toc(8, 1), 1, 2, 3 } },             /* two halves of 3 bytes */
		{ false, 3, { toc(8, 2), 5, 1 } },                /* the first one is cut off */
		{ false, 7, { toc(9, 3), 0x41, 1, 1, 2, 3, 0 } }, /* padded */
		{ false, 2, { toc(9, 3), 0 } },                   /* no frame at all */
		{ false, 1, { toc(9, 3) } },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		uint8_t out[64];
		g_autofree uint8_t *bytes = g_memdup2(rows[i].bytes, rows[i].len);
		g_assert_true(opus_join_takes(bytes, rows[i].len) == rows[i].takes);
		size_t len = opus_join(bytes, rows[i].len, bytes, rows[i].len, out, sizeof out);
		g_assert_true((len > 0) == rows[i].takes);
		len = opus_join(good, sizeof good, bytes, rows[i].len, out, sizeof out);
		g_assert_true(
			(len > 0) == (rows[i].takes && rows[i].bytes[0] >> 2 == good[0] >> 2));
	}
	uint8_t stereo[] = { toc(9, 0) | 4, 1, 2, 3 }, out[64];
	g_assert_cmpuint(opus_join(good, 4, stereo, 4, out, sizeof out), ==, 0);
	size_t len = opus_join(good, 4, good, 4, out, sizeof out);
	g_assert_cmpuint(len, ==, 7);
	g_assert_cmpuint(out[0], ==, toc(9, 1));
	g_assert_cmpuint(opus_join(good, 4, good, 4, out, len), ==, len);
	g_assert_cmpuint(opus_join(good, 4, good, 4, out, len - 1), ==, 0);
}

static void test_any_bytes(void)
{
	g_autoptr(GRand) random = seeded_random();
	unsigned joined = 0;
	for (unsigned run = 0; run < 300000; run++) {
		uint8_t *packets[2], out[4096];
		size_t lens[2];
		uint8_t first = (uint8_t)g_rand_int(random);
		for (unsigned i = 0; i < 2; i++) {
			lens[i] = (size_t)g_rand_int_range(
				random, 0, g_rand_int_range(random, 1, 600));
			packets[i] = g_malloc(lens[i]); /* its end is watched */
			for (size_t at = 0; at < lens[i]; at++)
				packets[i][at] = (uint8_t)g_rand_int(random);
			if (lens[i])
				packets[i][0] = (first & 0xfc) | (packets[i][0] & 3);
		}
		size_t len = opus_join(packets[0], lens[0], packets[1], lens[1], out, sizeof out);
		if (len) {
			joined++;
			g_assert_cmpint(opus_packet_get_nb_samples(out, (opus_int32)len, RATE), ==,
				2 * TICKS);
		}
		g_free(packets[0]);
		g_free(packets[1]);
	}
	g_assert_cmpuint(joined, >, 1000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/opus-join/sounds-as-the-two-alone", test_same_sound);
	g_test_add_func("/opus-join/what-cannot-be-a-half-is-refused", test_what_is_no_half);
	g_test_add_func("/opus-join/any-bytes-do-no-harm", test_any_bytes);
	return g_test_run();
}
