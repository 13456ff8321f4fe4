/* red.h - a packet of voice that carries those before it once more (RFC 2198)
 *
 * What a line loses comes with the next packet, or the one after. Pure functions over bytes; any
 * thread. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define RED_DISTANCE_MAX 2 /* packets before: each costs the line as much as the voice itself */
/* What a block's header of four bytes can say. */
#define RED_OFFSET_MAX 0x3fff /* ticks: 341 ms of Opus */
#define RED_BLOCK_MAX 1023    /* bytes */

/* The payload of one packet, borrowed. */
typedef struct RedPart {
	const uint8_t *data;
	uint16_t len;
	uint32_t timestamp;
} RedPart;

/* Writes `now` behind those of `before` (the nearest first) that the format and the room take; all
 * are of payload_type. Returns the length, 0 when none of `before` can go along. */
size_t red_write(uint8_t *data, size_t size, uint8_t payload_type, const RedPart *now,
	const RedPart *before, unsigned count);
