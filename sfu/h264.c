#include "h264.h"
#include "common/reader.h"

enum { IDR = 5, SPS = 7, PPS = 8, SINGLE_MAX = 23, STAP_A = 24, FU_A = 28 };

/* One NAL unit, or the first fragment of one; `next` is the byte behind its header. */
static void nal_starts(H264 *h264, unsigned type, uint8_t next)
{
	h264->starts_nal = true;
	h264->sps |= type == SPS;
	h264->pps |= type == PPS;
	h264->idr |= type == IDR;
	/* first_mb_in_slice is a ue(v): a set first bit is 0, the picture's first slice */
	h264->keyframe |= type == SPS || (type == IDR && next & 0x80);
}

static bool read_nal(H264 *h264, Reader *in)
{
	uint8_t header = read_u8(in);
	uint8_t next = reader_left(in) ? read_u8(in) : 0; /* an end of sequence is a header alone */
	unsigned type = header & 0x1f;
	if (!in->ok || header & 0x80 || !type || type > SINGLE_MAX)
		return false;
	nal_starts(h264, type, next);
	return true;
}

static bool read_stap_a(H264 *h264, Reader *in)
{
	read_skip(in, 1);
	if (!reader_left(in))
		return false;
	while (reader_left(in)) {
		Reader nal = read_part(in, read_u16(in));
		if (!in->ok || !read_nal(h264, &nal))
			return false;
	}
	return true;
}

static bool read_fu_a(H264 *h264, Reader *in)
{
	read_skip(in, 1);
	uint8_t header = read_u8(in), next = read_u8(in);
	unsigned type = header & 0x1f;
	bool starts = header & 0x80, ends = header & 0x40;
	if (!in->ok || !type || type > SINGLE_MAX || (starts && ends))
		return false;
	if (starts)
		nal_starts(h264, type, next);
	else
		h264->idr = type == IDR;
	return true;
}

bool h264_read(H264 *h264, const uint8_t *payload, size_t len)
{
	*h264 = (H264){ 0 };
	Reader in = reader_of(payload, len);
	if (!len || payload[0] & 0x80)
		return false;
	switch (payload[0] & 0x1f) {
	case STAP_A:
		return read_stap_a(h264, &in);
	case FU_A:
		return read_fu_a(h264, &in);
	default:
		return read_nal(h264, &in);
	}
}
