#include "red.h"
#include "common/writer.h"
#include <glib.h>

#define BLOCK_HEADER_LEN 4
#define LAST_HEADER_LEN 1
#define ANOTHER_FOLLOWS 0x80

size_t red_write(uint8_t *data, size_t size, uint8_t payload_type, const RedPart *now,
	const RedPart *before, unsigned count)
{
	const RedPart *taken[RED_DISTANCE_MAX];
	uint32_t last_offset = 0;
	size_t need = LAST_HEADER_LEN + (size_t)now->len;
	unsigned blocks = 0;

	for (unsigned i = 0; i < count && blocks < RED_DISTANCE_MAX; i++) {
		uint32_t offset = now->timestamp - before[i].timestamp;
		size_t more = BLOCK_HEADER_LEN + (size_t)before[i].len;
		if (!before[i].len || before[i].len > RED_BLOCK_MAX || offset <= last_offset ||
			offset > RED_OFFSET_MAX || need + more > size)
			continue;
		need += more;
		last_offset = offset;
		taken[blocks++] = &before[i];
	}
	if (!blocks)
		return 0;

	/* In the order of time, the headers of all before the bytes of all. */
	Writer out = writer_of(data, size);
	for (unsigned i = blocks; i--;) {
		uint32_t offset = now->timestamp - taken[i]->timestamp;
		write_u8(&out, ANOTHER_FOLLOWS | payload_type);
		write_u24(&out, offset << 10 | taken[i]->len);
	}
	write_u8(&out, payload_type);
	for (unsigned i = blocks; i--;)
		write_bytes(&out, taken[i]->data, taken[i]->len);
	write_bytes(&out, now->data, now->len);
	g_assert(out.ok);
	return writer_len(&out);
}
