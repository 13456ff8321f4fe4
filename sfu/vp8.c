#include "vp8.h"
#include "common/reader.h"
#include "common/writer.h"

enum { X = 0x80, N = 0x20, S = 0x10 };           /* first octet, RFC 7741 §4.2 */
enum { I = 0x80, L = 0x40, T = 0x20, K = 0x10 }; /* extension octet */

#define KEYFRAME_HEADER_LEN 10 /* tag, start code, width, height: RFC 6386 §9.1 */

static void read_frame_header(Vp8 *vp8, Reader *in)
{
	const uint8_t *tag = read_bytes(in, KEYFRAME_HEADER_LEN);
	if (!tag || tag[0] & 1 || tag[3] != 0x9d || tag[4] != 0x01 || tag[5] != 0x2a)
		return;
	vp8->keyframe = true;
	vp8->width = (uint16_t)((tag[7] << 8 | tag[6]) & 0x3fff); /* the top two bits scale */
	vp8->height = (uint16_t)((tag[9] << 8 | tag[8]) & 0x3fff);
}

bool vp8_read(Vp8 *vp8, const uint8_t *payload, size_t len)
{
	*vp8 = (Vp8){ 0 };
	Reader in = reader_of(payload, len);
	uint8_t first = read_u8(&in);
	uint8_t extension = first & X ? read_u8(&in) : 0;
	vp8->non_reference = first & N;
	vp8->start_of_partition = first & S;
	vp8->partition = first & 0x07;

	if (extension & I) {
		vp8->has_picture_id = true;
		vp8->picture_id = read_u8(&in);
		vp8->long_picture_id = vp8->picture_id & 0x80;
		if (vp8->long_picture_id)
			vp8->picture_id = (uint16_t)((vp8->picture_id & 0x7f) << 8 | read_u8(&in));
	}
	if (extension & L) {
		vp8->has_tl0picidx = true;
		vp8->tl0picidx = read_u8(&in);
	}
	if (extension & (T | K)) {
		uint8_t octet = read_u8(&in);
		vp8->has_tid = extension & T;
		vp8->has_keyidx = extension & K;
		if (vp8->has_tid) {
			vp8->tid = octet >> 6;
			vp8->layer_sync = octet & 0x20;
		}
		if (vp8->has_keyidx)
			vp8->keyidx = octet & 0x1f;
	}
	if (!reader_left(&in)) /* a descriptor with no picture behind it says nothing */
		return false;

	vp8->descriptor_len = (uint8_t)(in.at - payload);
	vp8->starts_frame = vp8->start_of_partition && !vp8->partition;
	if (vp8->starts_frame)
		read_frame_header(vp8, &in);
	return true;
}

size_t vp8_write(uint8_t out[VP8_DESCRIPTOR_MAX], const Vp8 *vp8)
{
	uint8_t extension = (uint8_t)((vp8->has_picture_id ? I : 0) | (vp8->has_tl0picidx ? L : 0) |
				      (vp8->has_tid ? T : 0) | (vp8->has_keyidx ? K : 0));
	Writer to = writer_of(out, VP8_DESCRIPTOR_MAX);
	write_u8(&to, (uint8_t)((extension ? X : 0) | (vp8->non_reference ? N : 0) |
				(vp8->start_of_partition ? S : 0) | (vp8->partition & 0x07)));
	if (extension)
		write_u8(&to, extension);
	if (vp8->has_picture_id)
		write_u16(&to, (uint16_t)(0x8000 | vp8->picture_id));
	if (vp8->has_tl0picidx)
		write_u8(&to, vp8->tl0picidx);
	if (vp8->has_tid || vp8->has_keyidx) {
		unsigned octet = vp8->has_keyidx ? vp8->keyidx & 0x1f : 0;
		if (vp8->has_tid)
			octet |= (vp8->tid & 3u) << 6 | (vp8->layer_sync ? 0x20 : 0);
		write_u8(&to, (uint8_t)octet);
	}
	return writer_len(&to);
}
