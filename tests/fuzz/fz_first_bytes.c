/* fz_first_bytes.c - any beginning of a connection: the verdict is sound, stays, and comes in time
 */
#include "fuzz.h"
#include "signaling/first_bytes.h"

static bool is_check(const uint8_t *data)
{
	unsigned frame = (unsigned)data[0] << 8 | data[1],
		 length = (unsigned)data[4] << 8 | data[5];
	return frame >= 20 && frame <= FIRST_BYTES_CHECK_MAX && frame == length + 20 &&
	       !memcmp(data + 2, (uint8_t[]){ 0, 1 }, 2) &&
	       !memcmp(data + 6, (uint8_t[]){ 0x21, 0x12, 0xa4, 0x42 }, 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FirstBytes before = FIRST_BYTES_SHORT;
	for (size_t len = 0; len <= size && len <= 64; len++) {
		uint8_t *exact = g_memdup2(data, len); /* one byte further is seen by ASan */
		FirstBytes now = first_bytes_judge(exact, len);
		g_free(exact);
		g_assert(before == FIRST_BYTES_SHORT || now == before);
		g_assert(now != FIRST_BYTES_SHORT || len < FIRST_BYTES_ENOUGH);
		g_assert(now != FIRST_BYTES_TLS || (data[0] == 0x16 && data[1] == 3));
		g_assert(now != FIRST_BYTES_ICE || is_check(data));
		before = now;
	}
	return 0;
}
