#include "dtls_clear.h"
#include <openssl/crypto.h>

enum {
	MESSAGE_VERIFY_REQUEST = 3,
	MESSAGE_CERTIFICATE = 11,
	MESSAGE_CERTIFICATE_VERIFY = 15,
	MESSAGE_CLIENT_KEY_EXCHANGE = 16,
};
/* Numbers of a client's messages after a cookie was asked for, RFC 6347 §4.2.2. */
enum { SEQUENCE_HELLO = 1, SEQUENCE_LAST_CLEAR = 4 };

bool record_read(Reader *in, Record *record)
{
	record->type = read_u8(in);
	record->version = read_u16(in);
	record->number = read_u64(in);
	record->epoch = (uint16_t)(record->number >> 48);
	record->len = read_u16(in);
	record->body = read_bytes(in, record->len);
	return in->ok && record->len && record->type >= RECORD_CHANGE_CIPHER &&
	       record->type <= RECORD_DATA &&
	       (record->version == 0xfeff || record->version == 0xfefd);
}

void record_write(Writer *out, const Record *record)
{
	write_u8(out, record->type);
	write_u16(out, record->version);
	write_u64(out, record->number);
	write_u16(out, (uint16_t)record->len);
	write_bytes(out, record->body, record->len);
}

static bool has_cookie(Reader *hello, const uint8_t cookie[COOKIE_LEN], bool *readable)
{
	read_skip(hello, 2 + 32); /* version, random */
	read_skip(hello, read_u8(hello));
	uint8_t len = read_u8(hello);
	const uint8_t *theirs = read_bytes(hello, len);
	*readable = hello->ok;
	return hello->ok && len == COOKIE_LEN && !CRYPTO_memcmp(theirs, cookie, COOKIE_LEN);
}

static ClearKind hello_kind(
	Reader *body, size_t from, unsigned sequence, const uint8_t cookie[COOKIE_LEN])
{
	bool readable = false;
	if (sequence > SEQUENCE_HELLO)
		return CLEAR_BAD;
	if (from)
		return sequence ? CLEAR_HELLO_REST : CLEAR_BAD;
	if (has_cookie(body, cookie, &readable))
		return sequence ? CLEAR_HELLO_COOKIE : CLEAR_BAD;
	return readable ? CLEAR_HELLO_BARE : CLEAR_BAD;
}

static bool follows_hello(uint8_t type, unsigned sequence)
{
	return sequence > SEQUENCE_HELLO && sequence <= SEQUENCE_LAST_CLEAR &&
	       (type == MESSAGE_CERTIFICATE || type == MESSAGE_CLIENT_KEY_EXCHANGE ||
		       type == MESSAGE_CERTIFICATE_VERIFY);
}

ClearKind clear_kind(const Record *record, const uint8_t cookie[COOKIE_LEN], size_t *hello_len)
{
	Reader in = reader_of(record->body, record->len);
	while (reader_left(&in)) {
		uint8_t type = read_u8(&in);
		size_t len = read_u24(&in);
		unsigned sequence = read_u16(&in);
		size_t from = read_u24(&in), part = read_u24(&in);
		Reader body = read_part(&in, part);
		if (!in.ok || len > MESSAGE_MAX || from + part > len || (len && !part))
			return CLEAR_BAD;
		if (type == MESSAGE_CLIENT_HELLO) {
			*hello_len = len;
			/* A hello stands alone in its record. */
			return reader_left(&in) ? CLEAR_BAD
						: hello_kind(&body, from, sequence, cookie);
		}
		if (!follows_hello(type, sequence))
			return CLEAR_BAD;
	}
	return in.ok ? CLEAR_FLIGHT : CLEAR_BAD;
}

void write_verify_request(
	uint8_t out[VERIFY_REQUEST_LEN], uint64_t number, const uint8_t cookie[COOKIE_LEN])
{
	uint8_t body[VERIFY_REQUEST_LEN - RECORD_HEADER];
	Writer at = writer_of(body, sizeof body);
	write_u8(&at, MESSAGE_VERIFY_REQUEST);
	write_u24(&at, 3 + COOKIE_LEN);
	write_u16(&at, 0); /* always the first message of a handshake */
	write_u24(&at, 0);
	write_u24(&at, 3 + COOKIE_LEN);
	write_u16(&at, 0xfeff);
	write_u8(&at, COOKIE_LEN);
	write_bytes(&at, cookie, COOKIE_LEN);

	const Record record = { .type = RECORD_HANDSHAKE,
		.version = 0xfeff,
		.number = number,
		.body = body,
		.len = sizeof body };
	at = writer_of(out, VERIFY_REQUEST_LEN);
	record_write(&at, &record);
}
