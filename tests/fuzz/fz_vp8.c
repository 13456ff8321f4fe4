/* fz_vp8.c - VP8 payload descriptors: what was read is written and read again */
#include "fuzz.h"
#include "sfu/vp8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Vp8 vp8, again;
	if (!vp8_read(&vp8, data, size))
		return 0;
	g_assert(vp8.descriptor_len >= 1 && vp8.descriptor_len <= VP8_DESCRIPTOR_MAX);
	g_assert(vp8.descriptor_len < size);
	g_assert(!vp8.keyframe || vp8.starts_frame);

	uint8_t *packet = g_malloc(VP8_DESCRIPTOR_MAX + size);
	size_t len = vp8_write(packet, &vp8), left = size - vp8.descriptor_len;
	g_assert(len <= VP8_DESCRIPTOR_MAX);
	memcpy(packet + len, data + vp8.descriptor_len, left);
	g_assert(vp8_read(&again, packet, len + left));
	g_free(packet);

	g_assert(again.descriptor_len == len);
	g_assert(again.long_picture_id == again.has_picture_id);
	g_assert(again.picture_id == vp8.picture_id && again.has_picture_id == vp8.has_picture_id);
	g_assert(again.tl0picidx == vp8.tl0picidx && again.has_tl0picidx == vp8.has_tl0picidx);
	g_assert(again.tid == vp8.tid && again.has_tid == vp8.has_tid);
	g_assert(again.keyidx == vp8.keyidx && again.has_keyidx == vp8.has_keyidx);
	g_assert(again.partition == vp8.partition && again.layer_sync == vp8.layer_sync);
	g_assert(again.non_reference == vp8.non_reference && again.keyframe == vp8.keyframe);
	g_assert(again.starts_frame == vp8.starts_frame);
	g_assert(again.width == vp8.width && again.height == vp8.height);
	return 0;
}
