#include "first_bytes.h"
#include "common/reader.h"

#define TLS_HANDSHAKE 0x16
#define TLS_MAJOR 3
#define STUN_HEADER 20
#define STUN_BINDING 0x0001
#define STUN_COOKIE 0x2112a442u

static FirstBytes judge_tls(Reader in)
{
	if (read_u8(&in) != TLS_HANDSHAKE && in.ok)
		return FIRST_BYTES_OTHER;
	if (read_u8(&in) != TLS_MAJOR && in.ok)
		return FIRST_BYTES_OTHER;
	return in.ok ? FIRST_BYTES_TLS : FIRST_BYTES_SHORT;
}

/* Whether the bytes that are there are those of value, from its highest on. */
static bool begins(Reader *in, unsigned bytes, uint32_t value)
{
	while (bytes--) {
		uint8_t byte = read_u8(in);
		if (!in->ok)
			return true;
		if (byte != (uint8_t)(value >> 8 * bytes))
			return false;
	}
	return true;
}

static FirstBytes judge_ice(Reader in)
{
	unsigned high = read_u8(&in);
	if (high > FIRST_BYTES_CHECK_MAX >> 8)
		return FIRST_BYTES_OTHER;
	unsigned frame = high << 8 | read_u8(&in);
	if (in.ok && (frame < STUN_HEADER || frame > FIRST_BYTES_CHECK_MAX || frame % 4))
		return FIRST_BYTES_OTHER;
	if (!begins(&in, 2, STUN_BINDING) || !begins(&in, 2, frame - STUN_HEADER) ||
		!begins(&in, 4, STUN_COOKIE))
		return FIRST_BYTES_OTHER;
	return in.ok ? FIRST_BYTES_ICE : FIRST_BYTES_SHORT;
}

FirstBytes first_bytes_judge(const uint8_t *data, size_t len)
{
	FirstBytes tls = judge_tls(reader_of(data, len));
	return tls == FIRST_BYTES_OTHER ? judge_ice(reader_of(data, len)) : tls;
}
