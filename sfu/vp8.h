/* vp8.h - the VP8 payload descriptor (RFC 7741 §4.2): read it, and write it anew for a viewer
 *
 * Pure functions over bytes; any thread. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VP8_DESCRIPTOR_MAX 6

typedef struct Vp8 {
	uint16_t picture_id;   /* 15 bit, or 7 widened */
	uint8_t tl0picidx, tid, keyidx;
	uint8_t partition;
	uint8_t descriptor_len; /* bytes it took */
	bool has_picture_id, long_picture_id, has_tl0picidx, has_tid, has_keyidx;
	bool non_reference, layer_sync, start_of_partition;
	bool starts_frame;     /* S bit and partition 0 */
	bool keyframe;         /* starts_frame and the frame header says so */
	uint16_t width, height; /* of a keyframe, else 0 */
} Vp8;

/* False: too short or malformed. */
bool vp8_read(Vp8 *vp8, const uint8_t *payload, size_t len);
/* Writes a descriptor with these fields (a long picture id whenever there is one); its length. */
size_t vp8_write(uint8_t out[VP8_DESCRIPTOR_MAX], const Vp8 *vp8);
