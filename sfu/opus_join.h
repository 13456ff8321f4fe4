/* opus_join.h - two packets of Opus as one, without decoding them (RFC 6716 §3.2)
 *
 * The wall of libopus. The packets are a publisher's, hostile bytes. Pure functions; any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPUS_JOIN_TICKS 960 /* of each half: 20 ms at 48 kHz */

/* A well-formed packet of 20 ms without padding: it may become a half. */
bool opus_join_takes(const uint8_t *packet, size_t len);
/* Writes both, 40 ms, and returns the length. 0: one of them may not, they are not of one
 * configuration, or there is no room. */
size_t opus_join(const uint8_t *first, size_t first_len, const uint8_t *second, size_t second_len,
	uint8_t *out, size_t size);
