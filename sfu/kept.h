/* kept.h - the last packets of a voice as they were sent, for those who lost them
 *
 * Browsers know no RTX for a voice: what they ask for again comes under its own number or not at
 * all. So the sealed bytes themselves go out once more. Nothing is sealed a second time under one
 * index: where a bit of it differed, the key would be lost (RFC 7714 §8.4, RFC 3711 §9.1). Only
 * slots of a viewer who has asked keep any: a line that loses nothing pays nothing. One a slot,
 * 10 KB, owned by its Viewer; the worker's thread alone. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define KEPT_PACKETS 32  /* 640 ms, twice as much where voices are joined */
#define KEPT_LEN_MAX 320 /* bytes, sealed: a voice of 24 kbit/s with two of the past has 260 */

typedef struct Kept Kept;

typedef struct KeptPacket {
	const uint8_t *data; /* borrowed until the next kept_add() */
	size_t len;
	int32_t transport_cc; /* its transport-wide number; -1: none */
} KeptPacket;

Kept *kept_new(void);
void kept_free(Kept *kept);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Kept, kept_free)

/* Copies what goes out under this number of its stream; one that is too long is not kept. */
void kept_add(Kept *kept, uint16_t sequence, int32_t transport_cc, const uint8_t *data, size_t len);
/* False: it is not here, or no longer. */
bool kept_find(const Kept *kept, uint16_t sequence, KeptPacket *packet);
