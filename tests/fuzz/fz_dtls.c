/* fz_dtls.c - datagrams of any content at a DTLS server, each behind its length of two bytes
 *
 * The server's cookie is random: where an input says COOKIE it is put in, so that OpenSSL is
 * reached. */
#define _GNU_SOURCE
#include "fuzz.h"
#include "sfu/dtls.h"
#include "sfu/dtls_clear.h"

static const char COOKIE[COOKIE_LEN + 1] = "COOKIECOOKIECOOK";

static void on_send(const uint8_t *data, size_t len, void *user)
{
	uint8_t *cookie = user;
	if (!dtls_check(data, len) || len > DTLS_MTU)
		__builtin_trap();
	if (len == VERIFY_REQUEST_LEN)
		memcpy(cookie, data + len - COOKIE_LEN, COOKIE_LEN);
}

static void receive(Dtls *dtls, const uint8_t *data, size_t len, const uint8_t *cookie)
{
	uint8_t datagram[1500];
	memcpy(datagram, data, len);
	uint8_t *at = memmem(datagram, len, COOKIE, COOKIE_LEN);
	if (at)
		memcpy(at, cookie, COOKIE_LEN);
	if (dtls_receive(dtls, datagram, len) == DTLS_CONNECTED)
		__builtin_trap(); /* nobody's certificate */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static DtlsServer *server;
	static const DtlsFingerprint nobody;
	if (!server)
		server = dtls_server_new(NULL);
	uint8_t cookie[COOKIE_LEN] = { 0 };
	Dtls *dtls = dtls_new(server, &nobody, on_send, cookie);
	while (size > 2) {
		size_t len = ((size_t)data[0] << 8 | data[1]) % 1500;
		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		receive(dtls, data, len, cookie);
		data += len;
		size -= len;
	}
	dtls_free(dtls);
	return 0;
}
