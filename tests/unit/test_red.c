/* RED as it is written, read by RFC 2198 §3: a header of four bytes for each block but the last, of
 * one byte for that, then the blocks. */
#include "seed.h"
#include "sfu/red.h"
#include <stdbool.h>
#include <string.h>

#define OPUS 111
#define BLOCKS_MAX 8

typedef struct Block {
	uint32_t offset;
	const uint8_t *data;
	size_t len;
	bool last;
} Block;

/* Knows nothing of the writer. The number of blocks. */
static unsigned read_red(const uint8_t *data, size_t len, Block blocks[BLOCKS_MAX])
{
	unsigned count = 0;
	size_t at = 0, left;
	for (;; count++) {
		g_assert_cmpuint(count, <, BLOCKS_MAX);
		g_assert_cmpuint(at, <, len);
		g_assert_cmpuint(data[at] & 0x7f, ==, OPUS);
		blocks[count] = (Block){ .last = !(data[at] & 0x80) };
		if (blocks[count].last)
			break;
		g_assert_cmpuint(at + 4, <=, len);
		blocks[count].offset = (uint32_t)data[at + 1] << 6 | data[at + 2] >> 2;
		blocks[count].len = (size_t)(data[at + 2] & 3) << 8 | data[at + 3];
		at += 4;
	}
	at++;
	count++;
	left = len - at;
	for (unsigned i = 0; i < count; i++) {
		if (blocks[i].last)
			blocks[i].len = left;
		g_assert_cmpuint(blocks[i].len, <=, left);
		blocks[i].data = data + at;
		at += blocks[i].len;
		left -= blocks[i].len;
	}
	g_assert_cmpuint(left, ==, 0);
	return count;
}

static void test_bytes(void)
{
	const RedPart now = { (const uint8_t *)"now", 3, 10000 };
	const RedPart before[] = { { (const uint8_t *)"ab", 2, 9040 },
		{ (const uint8_t *)"c", 1, 8080 } };
	static const uint8_t one[] = { 0xef, 0x0f, 0x00, 0x02, 0x6f, 'a', 'b', 'n', 'o', 'w' };
	static const uint8_t two[] = { 0xef, 0x1e, 0x00, 0x01, 0xef, 0x0f, 0x00, 0x02, 0x6f, 'c',
		'a', 'b', 'n', 'o', 'w' };
	uint8_t data[64];
	size_t len = red_write(data, sizeof data, OPUS, &now, before, 1);
	g_assert_cmpmem(data, len, one, sizeof one);
	len = red_write(data, sizeof data, OPUS, &now, before, 2);
	g_assert_cmpmem(data, len, two, sizeof two);
	/* Of two the nearer, where there is room for one. */
	len = red_write(data, sizeof two - 1, OPUS, &now, before, 2);
	g_assert_cmpmem(data, len, one, sizeof one);
	g_assert_cmpuint(red_write(data, sizeof one - 1, OPUS, &now, before, 1), ==, 0);
	g_assert_cmpuint(red_write(data, sizeof data, OPUS, &now, before, 0), ==, 0);
}

static void test_limits(void)
{
	static uint8_t bytes[2000], data[4000];
	const RedPart now = { bytes, 50, 5 };
	const struct {
		RedPart before;
		bool goes;
	} rows[] = {
		{ { bytes, 50, 5 - 960u }, true }, /* over the wrap */
		{ { bytes, 50, 5 - RED_OFFSET_MAX }, true },
		{ { bytes, 50, 5 - RED_OFFSET_MAX - 1u }, false }, /* too old */
		{ { bytes, 50, 5 }, false },                       /* of no other time */
		{ { bytes, 50, 965 }, false },                     /* of the future */
		{ { bytes, RED_BLOCK_MAX, 5 - 960u }, true },
		{ { bytes, RED_BLOCK_MAX + 1, 5 - 960u }, false }, /* too long */
		{ { bytes, 0, 5 - 960u }, false },                 /* nothing */
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		size_t len = red_write(data, sizeof data, OPUS, &now, &rows[i].before, 1);
		g_assert_cmpuint(len, ==, rows[i].goes ? 5u + 50 + rows[i].before.len : 0);
	}
}

static bool fits(const RedPart *part, uint32_t now, uint32_t after)
{
	uint32_t offset = now - part->timestamp;
	return part->len >= 1 && part->len <= 1023 && offset > after && offset < 1 << 14;
}

/* Any parts in any room: what can go along does, what goes along is whole. */
static void test_any(void)
{
	g_autoptr(GRand) random = seeded_random();
	static uint8_t bytes[3][1500];
	unsigned blocks_seen[4] = { 0 };
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i / 1500][i % 1500] = (uint8_t)g_rand_int(random);
	for (unsigned run = 0; run < 200000; run++) {
		bool small = g_rand_int_range(random, 0, 3) > 0;
		RedPart parts[3];
		uint32_t time = g_rand_int(random);
		for (unsigned i = 0; i < 3; i++) {
			parts[i] = (RedPart){ .data = bytes[i],
				.len = (uint16_t)g_rand_int_range(random, 0, small ? 200 : 1500),
				.timestamp = time };
			time -= (uint32_t)g_rand_int_range(random, 0, small ? 2000 : 20000);
		}
		unsigned count = (unsigned)g_rand_int_range(random, 0, 3);
		size_t size = (size_t)g_rand_int_range(random, 0, 2000);
		g_autofree uint8_t *data = g_malloc(size); /* its end is watched */
		size_t len = red_write(data, size, OPUS, &parts[0], parts + 1, count);

		const RedPart *expected[3];
		unsigned expect = 0;
		size_t need = 1u + parts[0].len;
		uint32_t after = 0;
		for (unsigned i = 1; i <= count; i++) {
			if (!fits(&parts[i], parts[0].timestamp, after) ||
				need + 4 + parts[i].len > size)
				continue;
			need += 4u + parts[i].len;
			after = parts[0].timestamp - parts[i].timestamp;
			expected[expect++] = &parts[i];
		}
		blocks_seen[expect]++;
		g_assert_cmpuint(len, ==, expect ? need : 0);
		if (!expect)
			continue;
		Block blocks[BLOCKS_MAX];
		unsigned got = read_red(data, len, blocks);
		g_assert_cmpuint(got, ==, expect + 1);
		for (unsigned i = 0; i < expect; i++) {
			const RedPart *part = expected[expect - 1 - i];
			g_assert_cmpuint(
				parts[0].timestamp - blocks[i].offset, ==, part->timestamp);
			g_assert_cmpmem(blocks[i].data, blocks[i].len, part->data, part->len);
		}
		g_assert_cmpmem(blocks[expect].data, blocks[expect].len, bytes[0], parts[0].len);
	}
	g_assert_cmpuint(blocks_seen[1], >, 1000);
	g_assert_cmpuint(blocks_seen[2], >, 1000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/red/is-written-as-the-rfc-has-it", test_bytes);
	g_test_add_func("/red/what-its-header-cannot-say-is-left-out", test_limits);
	g_test_add_func("/red/any-parts-in-any-room-are-read-again", test_any);
	return g_test_run();
}
