/* fz_dtls.c - datagrams of any content at a DTLS server, parted by a length byte */
#include "fuzz.h"
#include "sfu/dtls.h"

static void on_send(const uint8_t *data, size_t len, void *user)
{
	if (!dtls_check(data, len) || len > DTLS_MTU)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static DtlsServer *server;
	static const DtlsFingerprint nobody;
	if (!server)
		server = dtls_server_new(NULL);
	Dtls *dtls = dtls_new(server, &nobody, on_send, NULL);
	while (size > 2) {
		size_t len = ((size_t)data[0] << 8 | data[1]) % 1500;
		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		if (dtls_receive(dtls, data, len) == DTLS_CONNECTED)
			__builtin_trap(); /* nobody's certificate */
		data += len;
		size -= len;
	}
	dtls_free(dtls);
	return 0;
}
