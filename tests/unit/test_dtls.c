/* The DTLS server of a peer: fragments, loss, forgeries, fingerprints, profiles. */
#include "seed.h"
#include "sfu/dtls.h"
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

/* Datagrams on their way to the client. */
typedef struct Line {
	GQueue to_client; /* GBytes */
	unsigned sent;    /* datagrams of the server so far */
	unsigned lose;    /* number of the server's datagram to lose, from 1; 0: none */
} Line;

typedef struct Client {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;
	DtlsFingerprint fingerprint;
	bool connected;
} Client;

static DtlsServer *server;
static GBytes *before_each; /* a forgery that comes before each record of the client; NULL: none */

static void on_send(const uint8_t *data, size_t len, void *user)
{
	Line *line = user;
	g_assert_true(dtls_check(data, len));
	g_assert_cmpuint(len, <=, DTLS_MTU);
	if (++line->sent != line->lose)
		g_queue_push_tail(&line->to_client, g_bytes_new(data, len));
}

static void make_identity(Client *client)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	unsigned len = 0;
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_sign(certificate, key, EVP_sha256());
	X509_digest(certificate, EVP_sha256(), client->fingerprint.sha256, &len);
	SSL_CTX_use_certificate(client->ctx, certificate);
	SSL_CTX_use_PrivateKey(client->ctx, key);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static Client *client_new(const char *profiles, unsigned mtu)
{
	Client *client = g_new0(Client, 1);
	client->ctx = SSL_CTX_new(DTLS_client_method());
	make_identity(client);
	if (profiles)
		g_assert_false(SSL_CTX_set_tlsext_use_srtp(client->ctx, profiles));
	client->ssl = SSL_new(client->ctx);
	client->in = BIO_new(BIO_s_mem());
	client->out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(client->in, -1);
	SSL_set_bio(client->ssl, client->in, client->out);
	SSL_set_options(client->ssl, SSL_OP_NO_QUERY_MTU);
	SSL_set_mtu(client->ssl, mtu);
	SSL_set_connect_state(client->ssl);
	return client;
}

static void client_free(Client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->ctx);
	g_free(client);
}

/* What the client wrote, a record a datagram: so a hello comes in as many pieces as it has
 * fragments. */
static void client_to_server(Client *client, Dtls *dtls, unsigned *count, unsigned lose)
{
	uint8_t *data;
	long len = BIO_get_mem_data(client->out, &data);
	g_autofree uint8_t *copy = g_memdup2(data, (gsize)len);
	(void)BIO_reset(client->out);
	for (long at = 0; at < len;) {
		size_t record = 13u + ((size_t)copy[at + 11] << 8 | copy[at + 12]);
		if (before_each)
			dtls_receive(dtls, g_bytes_get_data(before_each, NULL),
				g_bytes_get_size(before_each));
		if (++*count != lose)
			dtls_receive(dtls, copy + at, record);
		at += (long)record;
	}
}

static void client_step(Client *client, Line *line)
{
	GBytes *datagram = g_queue_pop_head(&line->to_client);
	if (datagram) {
		gsize len;
		const void *data = g_bytes_get_data(datagram, &len);
		BIO_write(client->in, data, (int)len);
		g_bytes_unref(datagram);
	}
	if (!client->connected)
		client->connected = SSL_do_handshake(client->ssl) == 1;
	else
		SSL_read(client->ssl, (uint8_t[64]){ 0 }, 64);
}

/* Until both are done or nothing moves for two seconds of lost flights. */
static void shake(Client *client, Dtls *dtls, Line *line, unsigned lose_client)
{
	unsigned count = 0;
	gint64 end = g_get_monotonic_time() + 5 * G_USEC_PER_SEC;
	while (g_get_monotonic_time() < end) {
		client_step(client, line);
		client_to_server(client, dtls, &count, lose_client);
		if (client->connected && dtls_state(dtls) != DTLS_HANDSHAKE &&
			g_queue_is_empty(&line->to_client))
			return;
		if (dtls_state(dtls) == DTLS_FAILED)
			return;
		if (g_queue_is_empty(&line->to_client)) {
			if (dtls_timeout_us(dtls) == 0)
				dtls_tick(dtls);
			DTLSv1_handle_timeout(client->ssl);
			client_to_server(client, dtls, &count, lose_client);
		}
	}
}

static void line_clear(Line *line)
{
	g_queue_clear_full(&line->to_client, (GDestroyNotify)g_bytes_unref);
}

static void check_keys(Client *client, Dtls *dtls, SrtpProfile profile)
{
	SrtpKeys keys;
	uint8_t material[60];
	unsigned salt = srtp_profile_salt_len(profile);
	g_assert_true(dtls_keys(dtls, &keys));
	g_assert_cmpint(keys.profile, ==, profile);
	g_assert_cmpint(SSL_export_keying_material(client->ssl, material, 2 * (16 + salt),
				"EXTRACTOR-dtls_srtp", 19, NULL, 0, 0),
		==, 1);
	g_assert_cmpmem(keys.client_key, 16, material, 16);
	g_assert_cmpmem(keys.server_key, 16, material + 16, 16);
	g_assert_cmpmem(keys.client_salt, salt, material + 32, salt);
	g_assert_cmpmem(keys.server_salt, salt, material + 32 + salt, salt);
}

static void connect_with(const char *profiles, unsigned mtu, SrtpProfile expected,
	unsigned lose_server, unsigned lose_client)
{
	Line line = { .lose = lose_server };
	Client *client = client_new(profiles, mtu);
	Dtls *dtls = dtls_new(server, &client->fingerprint, on_send, &line);
	shake(client, dtls, &line, lose_client);
	g_assert_cmpint(dtls_state(dtls), ==, DTLS_CONNECTED);
	g_assert_true(client->connected);
	check_keys(client, dtls, expected);
	dtls_close(dtls);
	line_clear(&line);
	dtls_free(dtls);
	client_free(client);
}

static void test_profiles(void)
{
	connect_with("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_128_GCM", 1200,
		SRTP_PROFILE_AEAD_AES_128_GCM, 0, 0);
	connect_with("SRTP_AES128_CM_SHA1_80", 1200, SRTP_PROFILE_AES128_CM_SHA1_80, 0, 0);
}

static void test_split_hello(void)
{
	/* An MTU of 256 makes three or more fragments of a hello. */
	connect_with("SRTP_AEAD_AES_128_GCM", 256, SRTP_PROFILE_AEAD_AES_128_GCM, 0, 0);
}

static void test_loss(void)
{
	for (unsigned lost = 1; lost <= 4; lost++)
		connect_with("SRTP_AEAD_AES_128_GCM", 256, SRTP_PROFILE_AEAD_AES_128_GCM, lost, 0);
	for (unsigned lost = 1; lost <= 6; lost++)
		connect_with("SRTP_AEAD_AES_128_GCM", 256, SRTP_PROFILE_AEAD_AES_128_GCM, 0, lost);
}

static void test_no_profile(void)
{
	Line line = { 0 };
	Client *client = client_new(NULL, 1200);
	SrtpKeys keys;
	Dtls *dtls = dtls_new(server, &client->fingerprint, on_send, &line);
	shake(client, dtls, &line, 0);
	g_assert_cmpint(dtls_state(dtls), ==, DTLS_FAILED);
	g_assert_false(dtls_keys(dtls, &keys));
	line_clear(&line);
	dtls_free(dtls);
	client_free(client);
}

static void test_fingerprint(void)
{
	Line line = { 0 };
	Client *client = client_new("SRTP_AEAD_AES_128_GCM", 1200);
	SrtpKeys keys;
	client->fingerprint.sha256[7] ^= 1;
	Dtls *dtls = dtls_new(server, &client->fingerprint, on_send, &line);
	shake(client, dtls, &line, 0);
	g_assert_cmpint(dtls_state(dtls), ==, DTLS_FAILED);
	g_assert_false(dtls_keys(dtls, &keys));
	line_clear(&line);
	dtls_free(dtls);
	client_free(client);
}

/* Records that anybody can make who knows the five-tuple. */
static void forge(GRand *random, Dtls *dtls, unsigned count)
{
	static const uint8_t alert[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40 };
	static const uint8_t goodbye[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0 };
	for (unsigned i = 0; i < count; i++) {
		uint8_t sealed[60] = { 21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, (uint8_t)i, 0, 47 };
		for (unsigned b = 13; b < sizeof sealed; b++)
			sealed[b] = (uint8_t)g_rand_int(random);
		dtls_receive(dtls, alert, sizeof alert);
		dtls_receive(dtls, goodbye, sizeof goodbye);
		dtls_receive(dtls, sealed, sizeof sealed);
	}
}

/* The first flight of a stranger. */
static GBytes *hello_with(const char *ciphers, unsigned mtu)
{
	Client *stranger = client_new("SRTP_AEAD_AES_128_GCM", mtu);
	uint8_t *data;
	SSL_set_cipher_list(stranger->ssl, ciphers);
	SSL_do_handshake(stranger->ssl);
	long len = BIO_get_mem_data(stranger->out, &data);
	GBytes *hello = g_bytes_new(data, (gsize)len);
	client_free(stranger);
	return hello;
}

/* One who offers no cipher of ours. */
static GBytes *strange_hello(void)
{
	return hello_with("AES128-SHA", 1200);
}

/* Everything about it is right but who sent it; also its pieces, where the peer's come in pieces.
 */
static void test_forged_hello(void)
{
	for (unsigned mtu = 256; mtu <= 1200; mtu += 944) {
		before_each = hello_with("DEFAULT", 1200);
		connect_with("SRTP_AEAD_AES_128_GCM", mtu, SRTP_PROFILE_AEAD_AES_128_GCM, 0, 0);
		g_clear_pointer(&before_each, g_bytes_unref);

		/* Its records one by one: a datagram of the client's own size. */
		g_autoptr(GBytes) pieces = hello_with("DEFAULT", 256);
		const uint8_t *data = g_bytes_get_data(pieces, NULL);
		for (gsize at = 0; at < g_bytes_get_size(pieces);) {
			gsize record = 13u + ((gsize)data[at + 11] << 8 | data[at + 12]);
			before_each = g_bytes_new(data + at, record);
			connect_with(
				"SRTP_AEAD_AES_128_GCM", mtu, SRTP_PROFILE_AEAD_AES_128_GCM, 0, 0);
			g_clear_pointer(&before_each, g_bytes_unref);
			at += record;
		}
	}
}

static void test_forgeries(void)
{
	g_autoptr(GRand) random = seeded_random();
	g_autoptr(GBytes) hello = strange_hello();
	gsize hello_len;
	const uint8_t *hello_data = g_bytes_get_data(hello, &hello_len);
	Line line = { 0 };
	Client *client = client_new("SRTP_AEAD_AES_128_GCM", 1200);
	Dtls *dtls = dtls_new(server, &client->fingerprint, on_send, &line);

	forge(random, dtls, 20);
	dtls_receive(dtls, hello_data, hello_len);
	forge(random, dtls, 20);
	shake(client, dtls, &line, 0);
	g_assert_cmpint(dtls_state(dtls), ==, DTLS_CONNECTED);

	/* On the live session: nothing in the clear may end it or make it answer. */
	unsigned sent = line.sent;
	forge(random, dtls, 20);
	for (unsigned i = 0; i < 10; i++)
		dtls_receive(dtls, hello_data, hello_len);
	g_assert_cmpint(dtls_state(dtls), ==, DTLS_CONNECTED);
	g_assert_cmpuint(line.sent, ==, sent);
	check_keys(client, dtls, SRTP_PROFILE_AEAD_AES_128_GCM);

	/* The peer's own goodbye does. */
	unsigned count = 0;
	SSL_shutdown(client->ssl);
	client_to_server(client, dtls, &count, 0);
	g_assert_cmpint(dtls_state(dtls), ==, DTLS_CLOSED);
	line_clear(&line);
	dtls_free(dtls);
	client_free(client);
}

static void test_forgets_the_handshake(void)
{
	Line line = { 0 };
	Client *client = client_new("SRTP_AEAD_AES_128_GCM", 1200);
	Dtls *dtls = dtls_new(server, &client->fingerprint, on_send, &line);
	SrtpKeys keys;
	unsigned count = 0;
	shake(client, dtls, &line, 0);
	dtls_forget_handshake(dtls);
	g_assert_false(dtls_keys(dtls, &keys));
	SSL_shutdown(client->ssl);
	client_to_server(client, dtls, &count, 0);
	g_assert_cmpint(dtls_state(dtls), ==, DTLS_CONNECTED);
	unsigned sent = line.sent;
	dtls_close(dtls);
	g_assert_cmpuint(line.sent, ==, sent);
	line_clear(&line);
	dtls_free(dtls);
	client_free(client);
}

static void test_check(void)
{
	g_autoptr(GBytes) hello = strange_hello();
	gsize len;
	const uint8_t *data = g_bytes_get_data(hello, &len);
	g_assert_true(dtls_check(data, len));
	for (gsize cut = 0; cut < len; cut++)
		g_assert_false(dtls_check(data, cut));
	g_autofree uint8_t *bad = g_memdup2(data, len);
	bad[0] = 19;
	g_assert_false(dtls_check(bad, len));
	bad[0] = 22;
	bad[1] = 0x03;
	g_assert_false(dtls_check(bad, len));
	bad[1] = 0xfe;
	bad[12]++;
	g_assert_false(dtls_check(bad, len));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	server = dtls_server_new(NULL);
	g_assert_nonnull(server);
	g_test_add_func("/dtls/gcm-is-chosen-and-cm-taken-where-it-is-all-there-is", test_profiles);
	g_test_add_func("/dtls/takes-a-hello-in-several-datagrams", test_split_hello);
	g_test_add_func("/dtls/any-one-datagram-may-be-lost", test_loss);
	g_test_add_func("/dtls/no-profile-no-keys", test_no_profile);
	g_test_add_func("/dtls/another-certificate-gets-no-keys", test_fingerprint);
	g_test_add_func("/dtls/forgeries-end-nothing", test_forgeries);
	g_test_add_func("/dtls/a-forged-hello-ends-no-join", test_forged_hello);
	g_test_add_func("/dtls/the-handshake-can-be-forgotten", test_forgets_the_handshake);
	g_test_add_func("/dtls/malformed-records-are-not-shown-to-openssl", test_check);
	int result = g_test_run();
	dtls_server_free(server);
	return result;
}
