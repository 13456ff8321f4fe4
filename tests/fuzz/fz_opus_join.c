/* fz_opus_join.c - two packets of Opus as one: the first two bytes of the input say how long the
 * first one is, the rest is both */
#include "fuzz.h"
#include "sfu/opus_join.h"
#include <opus.h>

typedef struct Frames {
	const unsigned char *data[48];
	opus_int16 len[48];
	int count;
} Frames;

static void parse(Frames *frames, const uint8_t *data, size_t len)
{
	frames->count =
		opus_packet_parse(data, (opus_int32)len, NULL, frames->data, frames->len, NULL);
	g_assert(frames->count > 0);
}

/* The frames of both, untouched and in order. */
static void check(
	const uint8_t *joined, size_t len, const uint8_t *const halves[2], const size_t lens[2])
{
	Frames all, some;
	int at = 0;
	g_assert(opus_packet_get_nb_samples(joined, (opus_int32)len, 48000) == 2 * OPUS_JOIN_TICKS);
	parse(&all, joined, len);
	for (unsigned half = 0; half < 2; half++) {
		g_assert(opus_join_takes(halves[half], lens[half]));
		g_assert(halves[half][0] >> 2 == joined[0] >> 2);
		parse(&some, halves[half], lens[half]);
		for (int i = 0; i < some.count; i++, at++) {
			g_assert(at < all.count && all.len[at] == some.len[i]);
			g_assert(!memcmp(all.data[at], some.data[i], (size_t)some.len[i]));
		}
	}
	g_assert(at == all.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t cut = MIN((size_t)data[0] << 8 | data[1], size - 2);
	const size_t lens[2] = { cut, size - 2 - cut };
	/* Each in memory of its own, so that its end is watched. */
	g_autofree uint8_t *first = g_memdup2(data + 2, lens[0]);
	g_autofree uint8_t *second = g_memdup2(data + 2 + cut, lens[1]);
	const uint8_t *const halves[2] = { first, second };

	g_autofree uint8_t *out = g_malloc(size + 64);
	size_t len = opus_join(first, lens[0], second, lens[1], out, size + 64);
	if (len)
		check(out, len, halves, lens);
	g_autofree uint8_t *tight = g_malloc(len);
	g_assert(opus_join(first, lens[0], second, lens[1], tight, len) == len);
	g_assert(!len || !opus_join(first, lens[0], second, lens[1], tight, len - 1));
	return 0;
}
