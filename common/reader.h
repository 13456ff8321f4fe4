/* reader.h - walks bytes that came from outside, and cannot run over their end
 *
 * Once a read asks for more than is left, `ok` turns false and stays false and every later read
 * gives zero: read straight through and ask once. All integers are big-endian. A value, on the
 * stack of whoever reads; it borrows the bytes. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Reader {
	const uint8_t *at;
	const uint8_t *end;
	bool ok;
} Reader;

static inline Reader reader_of(const void *data, size_t len)
{
	const uint8_t *at = data;
	return (Reader){ .at = at, .end = len ? at + len : at, .ok = true };
}

static inline size_t reader_left(const Reader *in)
{
	return in->ok ? (size_t)(in->end - in->at) : 0;
}

/* The next len bytes, borrowed; NULL (and not ok) if fewer are left. */
static inline const uint8_t *read_bytes(Reader *in, size_t len)
{
	if (!in->ok || (size_t)(in->end - in->at) < len) {
		in->ok = false;
		return NULL;
	}
	const uint8_t *bytes = in->at;
	in->at += len;
	return bytes;
}

static inline void read_skip(Reader *in, size_t len)
{
	(void)read_bytes(in, len);
}

static inline uint8_t read_u8(Reader *in)
{
	const uint8_t *b = read_bytes(in, 1);
	return b ? b[0] : 0;
}

static inline uint16_t read_u16(Reader *in)
{
	const uint8_t *b = read_bytes(in, 2);
	return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static inline uint32_t read_u24(Reader *in)
{
	const uint8_t *b = read_bytes(in, 3);
	return b ? (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2] : 0;
}

static inline uint32_t read_u32(Reader *in)
{
	const uint8_t *b = read_bytes(in, 4);
	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

static inline uint64_t read_u64(Reader *in)
{
	uint64_t high = read_u32(in);
	return high << 32 | read_u32(in);
}

/* A reader over the next len bytes, which this one steps past. */
static inline Reader read_part(Reader *in, size_t len)
{
	const uint8_t *b = read_bytes(in, len);
	Reader part = reader_of(b, b ? len : 0);
	part.ok = b != NULL;
	return part;
}
