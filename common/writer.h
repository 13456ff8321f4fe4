/* writer.h - puts big-endian values into a buffer of fixed size
 *
 * The counterpart of Reader: once a write does not fit, `ok` turns false and stays false and
 * nothing more is written. A value, on the stack of whoever writes; it borrows the buffer. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Writer {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	bool ok;
} Writer;

static inline Writer writer_of(void *buffer, size_t size)
{
	uint8_t *at = buffer;
	return (Writer){ .start = at, .at = at, .end = at + size, .ok = true };
}

static inline size_t writer_len(const Writer *out)
{
	return (size_t)(out->at - out->start);
}

/* Room for len bytes, which the caller fills; NULL (and not ok) if they do not fit. */
static inline uint8_t *write_room(Writer *out, size_t len)
{
	if (!out->ok || (size_t)(out->end - out->at) < len) {
		out->ok = false;
		return NULL;
	}
	uint8_t *room = out->at;
	out->at += len;
	return room;
}

static inline void write_bytes(Writer *out, const void *bytes, size_t len)
{
	uint8_t *room = write_room(out, len);
	if (room && len)
		memcpy(room, bytes, len);
}

static inline void write_u8(Writer *out, uint8_t value)
{
	uint8_t *b = write_room(out, 1);
	if (b)
		b[0] = value;
}

static inline void write_u16(Writer *out, uint16_t value)
{
	uint8_t *b = write_room(out, 2);
	if (b) {
		b[0] = (uint8_t)(value >> 8);
		b[1] = (uint8_t)value;
	}
}

static inline void write_u24(Writer *out, uint32_t value)
{
	write_u8(out, (uint8_t)(value >> 16));
	write_u16(out, (uint16_t)value);
}

static inline void write_u32(Writer *out, uint32_t value)
{
	write_u16(out, (uint16_t)(value >> 16));
	write_u16(out, (uint16_t)value);
}

static inline void write_u64(Writer *out, uint64_t value)
{
	write_u32(out, (uint32_t)(value >> 32));
	write_u32(out, (uint32_t)value);
}
