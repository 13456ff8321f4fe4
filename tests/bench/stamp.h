/* stamp.h - the moment a packet was sent, carried in its last bytes
 *
 * A publisher and the viewers that open packets are one process, so that one clock says how long
 * the server took. Real pictures end before the stamp; a decoder passes over what follows them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define STAMP_LEN 16

static const uint8_t stamp_magic[8] = { 0xd1, 'd', 'i', 'e', 'm', 'c', 'a', 'u' };

/* Into the last STAMP_LEN bytes of a payload that has at least so many. */
static inline void stamp_write(uint8_t *payload, size_t len, int64_t now_us)
{
	memcpy(payload + len - STAMP_LEN, stamp_magic, sizeof stamp_magic);
	memcpy(payload + len - 8, &now_us, sizeof now_us);
}

/* False if there is none. */
static inline bool stamp_read(const uint8_t *payload, size_t len, int64_t *sent_us)
{
	if (len < STAMP_LEN ||
		memcmp(payload + len - STAMP_LEN, stamp_magic, sizeof stamp_magic) != 0)
		return false;
	memcpy(sent_us, payload + len - 8, sizeof *sent_us);
	return true;
}
