#include "stun.h"
#include "common/reader.h"
#include "common/writer.h"
#include <glib.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { BINDING_REQUEST = 0x0001, BINDING_SUCCESS = 0x0101 };
enum {
	USERNAME = 0x0006,
	MESSAGE_INTEGRITY = 0x0008,
	XOR_MAPPED_ADDRESS = 0x0020,
	PRIORITY = 0x0024,
	USE_CANDIDATE = 0x0025,
	FINGERPRINT = 0x8028,
	ICE_CONTROLLED = 0x8029,
	ICE_CONTROLLING = 0x802a,
};

#define COOKIE 0x2112a442u
#define HEADER_LEN 20
#define INTEGRITY_LEN 20
#define FINGERPRINT_XOR 0x5354554eu
#define PRIORITY_PRFLX 0x6effffffu /* RFC 8445 §5.1.2: 110 for peer-reflexive */

static uint32_t crc32_of(const uint8_t *data, size_t len)
{
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* The length that the header tells of must already count the attribute that is being made. */
static void set_length(Writer *out, size_t coming)
{
	size_t len = writer_len(out) - HEADER_LEN + coming;
	out->start[2] = (uint8_t)(len >> 8);
	out->start[3] = (uint8_t)len;
}

static void sign(uint8_t mac[INTEGRITY_LEN], const char *password, const uint8_t *data, size_t len)
{
	unsigned mac_len = INTEGRITY_LEN;
	HMAC(EVP_sha1(), password, (int)strlen(password), data, len, mac, &mac_len);
}

/* MESSAGE-INTEGRITY and FINGERPRINT: the last two attributes. */
static size_t finish(Writer *out, const char *password)
{
	uint8_t mac[INTEGRITY_LEN];
	if (!out->ok)
		return 0;
	set_length(out, 4 + INTEGRITY_LEN);
	sign(mac, password, out->start, writer_len(out));
	write_u16(out, MESSAGE_INTEGRITY);
	write_u16(out, INTEGRITY_LEN);
	write_bytes(out, mac, sizeof mac);

	set_length(out, 8);
	uint32_t crc = crc32_of(out->start, writer_len(out));
	write_u16(out, FINGERPRINT);
	write_u16(out, 4);
	write_u32(out, crc ^ FINGERPRINT_XOR);
	return out->ok ? writer_len(out) : 0;
}

bool stun_is_request(const uint8_t *data, size_t len)
{
	return stun_is_message(data, len) && data[0] == 0 && data[1] == BINDING_REQUEST;
}

size_t stun_write_answer(uint8_t *data, size_t size, const uint8_t *request,
	const struct sockaddr_in *address, const char *password)
{
	Writer out = writer_of(data, size);
	write_u16(&out, BINDING_SUCCESS);
	write_u16(&out, 0);
	write_u32(&out, COOKIE);
	write_bytes(&out, request + HEADER_LEN - STUN_TRANSACTION_LEN, STUN_TRANSACTION_LEN);
	write_u16(&out, XOR_MAPPED_ADDRESS);
	write_u16(&out, 8);
	write_u16(&out, 1); /* IPv4 */
	write_u16(&out, ntohs(address->sin_port) ^ (COOKIE >> 16));
	write_u32(&out, ntohl(address->sin_addr.s_addr) ^ COOKIE);
	return finish(&out, password);
}

size_t stun_write_check(uint8_t *data, size_t size, const StunCheck *check)
{
	Writer out = writer_of(data, size);
	size_t name_len = strlen(check->username);

	write_u16(&out, BINDING_REQUEST);
	write_u16(&out, 0);
	write_u32(&out, COOKIE);
	write_bytes(&out, check->transaction, sizeof check->transaction);

	write_u16(&out, USERNAME);
	write_u16(&out, (uint16_t)name_len);
	write_bytes(&out, check->username, name_len);
	write_bytes(&out, "\0\0", (4 - name_len % 4) % 4);
	write_u16(&out, PRIORITY);
	write_u16(&out, 4);
	write_u32(&out, PRIORITY_PRFLX);
	write_u16(&out, check->controlled ? ICE_CONTROLLED : ICE_CONTROLLING);
	write_u16(&out, 8);
	write_u64(&out, check->tie_breaker);
	if (!check->controlled) {
		write_u16(&out, USE_CANDIDATE);
		write_u16(&out, 0);
	}
	return finish(&out, check->password);
}

bool stun_is_message(const uint8_t *data, size_t len)
{
	return len >= HEADER_LEN && data[0] <= 3;
}

bool stun_is_answer(const uint8_t *data, size_t len, const StunCheck *check)
{
	Reader in = reader_of(data, len);
	uint16_t type = read_u16(&in), told = read_u16(&in);
	bool ours = read_u32(&in) == COOKIE && type == BINDING_SUCCESS &&
		    told + (size_t)HEADER_LEN == len;
	const uint8_t *transaction = read_bytes(&in, STUN_TRANSACTION_LEN);
	if (!ours || !transaction || len > STUN_CHECK_MAX ||
		memcmp(transaction, check->transaction, STUN_TRANSACTION_LEN))
		return false;

	while (reader_left(&in)) {
		size_t at = (size_t)(in.at - data);
		uint16_t attribute = read_u16(&in), value_len = read_u16(&in);
		const uint8_t *value = read_bytes(&in, value_len + (4u - value_len % 4) % 4);
		if (!value)
			return false;
		if (attribute != MESSAGE_INTEGRITY)
			continue;
		uint8_t copy[STUN_CHECK_MAX], mac[INTEGRITY_LEN];
		memcpy(copy, data, at);
		Writer to = writer_of(copy, sizeof copy);
		to.at += at;
		set_length(&to, 4 + INTEGRITY_LEN);
		sign(mac, check->password, copy, at);
		return value_len == INTEGRITY_LEN && !CRYPTO_memcmp(mac, value, INTEGRITY_LEN);
	}
	return false;
}
