/* fz_h264.c - H.264 payloads */
#include "fuzz.h"
#include "sfu/h264.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	H264 h264;
	if (!h264_read(&h264, data, size))
		return 0;
	g_assert(size > 0);
	g_assert(!h264.keyframe || (h264.starts_nal && (h264.sps || h264.idr)));
	g_assert(!h264.sps || h264.keyframe);
	g_assert(!h264.pps || h264.starts_nal);
	return 0;
}
