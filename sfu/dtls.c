#include "dtls.h"
#include "dtls_clear.h"
#include "dtls_identity.h"
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#define DATAGRAM_MAX 1500
#define RESTARTS_MAX 3 /* T-04: forgeries in the middle spoil at most so many tries */
#define RESTARTS_WITHIN_US 10000000

struct DtlsServer {
	SSL_CTX *ctx;
	BIO_METHOD *datagrams;
	char fingerprint[DTLS_FINGERPRINT_SIZE];
};

struct Dtls {
	DtlsServer *server;
	DtlsFingerprint expected;
	DtlsSend send;
	void *user;
	DtlsState state;

	uint8_t cookie[COOKIE_LEN];
	SSL *ssl; /* NULL until a hello brings the cookie: strangers cost no memory */
	size_t hello_len;
	const uint8_t *in; /* the record OpenSSL may read now */
	size_t in_len;
	bool silent;         /* what OpenSSL says now is not for the peer */
	uint64_t in_number;  /* of the next record in the clear, as OpenSSL sees them */
	uint64_t out_base;   /* added to OpenSSL's record numbers in the clear */
	uint64_t out_number; /* of our next record in the clear */
	unsigned restarts;
	int64_t restarts_since_us;
	bool has_keys;
	SrtpKeys keys;
};

/* -- a BIO that keeps the edges of datagrams -- */

/* Records in the clear get their numbers here, after those of our own cookie requests: a receiver
 * drops a number it has seen. An alert in the clear would be an answer to a forgery, and end the
 * handshake of the honest peer who gets it. */
static int bio_write(BIO *bio, const char *data, int len)
{
	Dtls *dtls = BIO_get_data(bio);
	uint8_t datagram[DTLS_MTU];
	Writer out = writer_of(datagram, sizeof datagram);
	BIO_clear_retry_flags(bio);
	if (dtls->silent || len <= 0)
		return len;
	for (Reader in = reader_of(data, (size_t)len); reader_left(&in);) {
		Record record;
		if (!record_read(&in, &record))
			return len;
		if (!record.epoch && record.type == RECORD_ALERT)
			continue;
		if (!record.epoch) {
			record.number += dtls->out_base;
			dtls->out_number = MAX(dtls->out_number, record.number + 1);
		}
		record_write(&out, &record);
	}
	if (out.ok && writer_len(&out))
		dtls->send(datagram, writer_len(&out), dtls->user);
	return len;
}

static int bio_read(BIO *bio, char *data, int size)
{
	Dtls *dtls = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (!dtls->in) {
		BIO_set_retry_read(bio);
		return -1;
	}
	int len = dtls->in_len < (size_t)size ? (int)dtls->in_len : size;
	memcpy(data, dtls->in, (size_t)len);
	dtls->in = NULL;
	return len;
}

/* Every question not named here is answered 0: a 1 to BIO_CTRL_DGRAM_* or to kTLS crashes OpenSSL
 * later. */
static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	Dtls *dtls = BIO_get_data(bio);
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return DTLS_MTU;
	case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
		return 28;
	case BIO_CTRL_PENDING:
		return dtls && dtls->in ? (long)dtls->in_len : 0;
	default:
		return 0;
	}
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static BIO_METHOD *datagram_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_ctrl(method, bio_ctrl);
	BIO_meth_set_create(method, bio_create);
	return method;
}

/* -- the server -- */

static GQuark dtls_error(void)
{
	return g_quark_from_static_string("dtls");
}

/* Any certificate will do here: the fingerprint of the SDP is what it must match, checked at the
 * end. No chain is built, so no key of a stranger's chain is ever computed with. */
static int accept_any(X509_STORE_CTX *store, void *user)
{
	return 1;
}

static Dtls *dtls_of(SSL *ssl)
{
	return BIO_get_data(SSL_get_rbio(ssl));
}

static int give_cookie(SSL *ssl, unsigned char *cookie, unsigned int *len)
{
	memcpy(cookie, dtls_of(ssl)->cookie, COOKIE_LEN);
	*len = COOKIE_LEN;
	return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int len)
{
	return len == COOKIE_LEN && !CRYPTO_memcmp(cookie, dtls_of(ssl)->cookie, COOKIE_LEN);
}

static bool configure(SSL_CTX *ctx)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	SSL_CTX_set_cookie_generate_cb(ctx, give_cookie);
	SSL_CTX_set_cookie_verify_cb(ctx, check_cookie);
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_COOKIE_EXCHANGE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1);
	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:"
					    "ECDHE-ECDSA-AES256-GCM-SHA384:"
					    "ECDHE-ECDSA-CHACHA20-POLY1305") &&
	       SSL_CTX_set1_groups_list(ctx, "X25519:P-256") &&
	       !SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80");
}

DtlsServer *dtls_server_new(GError **error)
{
	DtlsServer *server = g_new0(DtlsServer, 1);
	server->ctx = SSL_CTX_new(DTLS_server_method());
	server->datagrams = datagram_method();
	bool fine = server->ctx && server->datagrams && configure(server->ctx) &&
		    dtls_identity_make(server->ctx, server->fingerprint);
	if (!fine) {
		g_set_error(error, dtls_error(), 0, "DTLS cannot start: %s",
			ERR_reason_error_string(ERR_peek_last_error()));
		ERR_clear_error();
		dtls_server_free(server);
		return NULL;
	}
	return server;
}

void dtls_server_free(DtlsServer *server)
{
	if (!server)
		return;
	SSL_CTX_free(server->ctx);
	BIO_meth_free(server->datagrams);
	g_free(server);
}

const char *dtls_server_fingerprint(const DtlsServer *server)
{
	return server->fingerprint;
}

/* -- one peer -- */

static unsigned int no_longer_than_a_second(SSL *ssl, unsigned int timer_us)
{
	/* 100, 200, 400, 800 ms, then a second: the first flight of a weak line is lost often
	 * enough. */
	if (!timer_us)
		return 100000;
	return timer_us >= 500000 ? 1000000 : 2 * timer_us;
}

Dtls *dtls_new(DtlsServer *server, const DtlsFingerprint *expected, DtlsSend send, void *user)
{
	Dtls *dtls = g_new0(Dtls, 1);
	dtls->server = server;
	dtls->expected = *expected;
	dtls->send = send;
	dtls->user = user;
	if (RAND_bytes(dtls->cookie, sizeof dtls->cookie) != 1)
		g_error("no random numbers");
	return dtls;
}

void dtls_free(Dtls *dtls)
{
	if (!dtls)
		return;
	SSL_free(dtls->ssl);
	OPENSSL_cleanse(&dtls->keys, sizeof dtls->keys);
	g_free(dtls);
}

bool dtls_check(const uint8_t *data, size_t len)
{
	Reader in = reader_of(data, len);
	Record record;
	if (!len || len > DATAGRAM_MAX)
		return false;
	while (reader_left(&in))
		if (!record_read(&in, &record))
			return false;
	return true;
}

static bool is_expected(const Dtls *dtls)
{
	unsigned char digest[32];
	unsigned len = 0;
	X509 *certificate = SSL_get1_peer_certificate(dtls->ssl);
	bool fine = certificate && X509_digest(certificate, EVP_sha256(), digest, &len) &&
		    len == sizeof digest && !CRYPTO_memcmp(digest, dtls->expected.sha256, len);
	X509_free(certificate);
	return fine;
}

/* RFC 5764 §4.2: client key, server key, client salt, server salt. */
static bool export_keys(Dtls *dtls)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	const SRTP_PROTECTION_PROFILE *agreed = SSL_get_selected_srtp_profile(dtls->ssl);
	SrtpKeys *keys = &dtls->keys;
	uint8_t material[2 * (SRTP_KEY_LEN + SRTP_SALT_MAX)];
	if (!agreed)
		return false;
	keys->profile = agreed->id == SRTP_AEAD_AES_128_GCM ? SRTP_PROFILE_AEAD_AES_128_GCM
							    : SRTP_PROFILE_AES128_CM_SHA1_80;
	unsigned salt = srtp_profile_salt_len(keys->profile);
	if (SSL_export_keying_material(dtls->ssl, material, 2 * (SRTP_KEY_LEN + salt), label,
		    sizeof label - 1, NULL, 0, 0) != 1)
		return false;
	const uint8_t *at = material;
	memcpy(keys->client_key, at, SRTP_KEY_LEN);
	memcpy(keys->server_key, at + SRTP_KEY_LEN, SRTP_KEY_LEN);
	memcpy(keys->client_salt, at + 2 * SRTP_KEY_LEN, salt);
	memcpy(keys->server_salt, at + 2 * SRTP_KEY_LEN + salt, salt);
	OPENSSL_cleanse(material, sizeof material);
	return true;
}

static void finish(Dtls *dtls)
{
	if (!is_expected(dtls)) {
		dtls->state = DTLS_FAILED;
		return;
	}
	dtls->has_keys = export_keys(dtls);
	dtls->state = dtls->has_keys ? DTLS_CONNECTED : DTLS_FAILED;
}

/* Something in the handshake was not from the peer, or the peer is broken: begin anew with its next
 * hello, a few times. */
static void begin_anew(Dtls *dtls)
{
	int64_t now_us = g_get_monotonic_time(); /* OpenSSL's own timers read the clock here, too */
	if (now_us - dtls->restarts_since_us > RESTARTS_WITHIN_US) {
		dtls->restarts_since_us = now_us;
		dtls->restarts = 0;
	}
	if (++dtls->restarts > RESTARTS_MAX)
		dtls->state = DTLS_FAILED;
	SSL_free(dtls->ssl);
	dtls->ssl = NULL;
}

static void pump_handshake(Dtls *dtls)
{
	ERR_clear_error();
	int done = SSL_do_handshake(dtls->ssl);
	int error = SSL_get_error(dtls->ssl, done);
	ERR_clear_error();
	if (done == 1)
		finish(dtls);
	else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		begin_anew(dtls);
}

static void pump_connected(Dtls *dtls)
{
	uint8_t data[DATAGRAM_MAX];
	int got;
	ERR_clear_error();
	while ((got = SSL_read(dtls->ssl, data, sizeof data)) > 0)
		; /* nothing of ours travels inside */
	if (SSL_get_shutdown(dtls->ssl) & SSL_RECEIVED_SHUTDOWN)
		dtls->state = DTLS_CLOSED;
	ERR_clear_error();
}

/* Lets OpenSSL read one record, as a datagram of its own. */
static void show(Dtls *dtls, const Record *record)
{
	uint8_t datagram[DATAGRAM_MAX];
	Writer out = writer_of(datagram, sizeof datagram);
	record_write(&out, record);
	if (!out.ok)
		return;
	dtls->in = datagram;
	dtls->in_len = writer_len(&out);
	if (dtls->state == DTLS_HANDSHAKE)
		pump_handshake(dtls);
	else
		pump_connected(dtls);
	dtls->in = NULL;
}

/* Numbers in the clear are ours: a forged one could move OpenSSL's replay window past all that the
 * peer will send. */
static void show_clear(Dtls *dtls, const Record *record)
{
	Record ours = *record;
	ours.number = dtls->in_number++;
	show(dtls, &ours);
}

/* The cookie was asked for without OpenSSL. It must believe that it did so itself, as the numbers
 * of the messages are hashed: so it is shown the smallest hello there is, and not heard. */
static bool open_ssl(Dtls *dtls)
{
	static const uint8_t hello[] = { MESSAGE_CLIENT_HELLO, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42,
		0xfe, 0xfd, [46] = 0 /* session */, 0 /* cookie */, 0, 2, 0xc0, 0x2b, 1, 0 };
	const Record record = {
		.type = RECORD_HANDSHAKE, .version = 0xfeff, .body = hello, .len = sizeof hello
	};

	BIO *bio = BIO_new(dtls->server->datagrams);
	BIO_set_data(bio, dtls);
	dtls->ssl = SSL_new(dtls->server->ctx);
	SSL_set_bio(dtls->ssl, bio, bio);
	SSL_set_mtu(dtls->ssl, DTLS_MTU);
	SSL_set_accept_state(dtls->ssl);
	DTLS_set_timer_cb(dtls->ssl, no_longer_than_a_second);

	dtls->in_number = 0;
	dtls->out_base = dtls->out_number;
	dtls->silent = true;
	show_clear(dtls, &record);
	dtls->silent = false;
	return dtls->ssl && SSL_get_state(dtls->ssl) == DTLS_ST_SW_HELLO_VERIFY_REQUEST;
}

static bool wants_hello(const Dtls *dtls)
{
	return !dtls->ssl || SSL_get_state(dtls->ssl) == DTLS_ST_SW_HELLO_VERIFY_REQUEST;
}

static void ask_for_cookie(Dtls *dtls)
{
	uint8_t request[VERIFY_REQUEST_LEN];
	write_verify_request(request, dtls->out_number++, dtls->cookie);
	dtls->send(request, sizeof request, dtls->user);
}

static void receive_clear(Dtls *dtls, const Record *record)
{
	size_t hello_len = 0;
	if (dtls->state != DTLS_HANDSHAKE)
		return;
	if (record->type == RECORD_CHANGE_CIPHER) {
		if (!wants_hello(dtls) && record->len == 1 && record->body[0] == 1)
			show_clear(dtls, record);
		return;
	}
	if (record->type != RECORD_HANDSHAKE)
		return; /* alerts and data in the clear are nobody's */
	switch (clear_kind(record, dtls->cookie, &hello_len)) {
	case CLEAR_HELLO_BARE:
		if (wants_hello(dtls))
			ask_for_cookie(dtls);
		return;
	case CLEAR_HELLO_COOKIE:
		if (!wants_hello(dtls) || (!dtls->ssl && !open_ssl(dtls)))
			return;
		dtls->hello_len = hello_len;
		show_clear(dtls, record);
		return;
	case CLEAR_HELLO_REST:
		if (dtls->ssl && wants_hello(dtls) && hello_len == dtls->hello_len)
			show_clear(dtls, record);
		return;
	case CLEAR_FLIGHT:
		if (!wants_hello(dtls))
			show_clear(dtls, record);
		return;
	case CLEAR_BAD:
		return;
	}
}

/* Before the peer's change of cipher OpenSSL would keep sealed records unread, 17 KB each, up to a
 * hundred: those come again. */
static bool wants_sealed(const Dtls *dtls)
{
	return dtls->ssl &&
	       (dtls->state == DTLS_CONNECTED || SSL_get_state(dtls->ssl) == TLS_ST_SR_CHANGE);
}

DtlsState dtls_receive(Dtls *dtls, const uint8_t *data, size_t len)
{
	if (!dtls_check(data, len))
		return dtls->state;
	for (Reader in = reader_of(data, len); reader_left(&in);) {
		Record record;
		if (!record_read(&in, &record) || dtls->state == DTLS_FAILED ||
			dtls->state == DTLS_CLOSED)
			break;
		if (!record.epoch)
			receive_clear(dtls, &record);
		else if (record.epoch == 1 && wants_sealed(dtls))
			show(dtls, &record);
	}
	return dtls->state;
}

int64_t dtls_timeout_us(Dtls *dtls)
{
	struct timeval left;
	if (!dtls->ssl || dtls->state != DTLS_HANDSHAKE || !DTLSv1_get_timeout(dtls->ssl, &left))
		return -1;
	return (int64_t)left.tv_sec * 1000000 + left.tv_usec;
}

DtlsState dtls_tick(Dtls *dtls)
{
	if (dtls->ssl && dtls->state == DTLS_HANDSHAKE) {
		ERR_clear_error();
		if (DTLSv1_handle_timeout(dtls->ssl) < 0)
			dtls->state = DTLS_FAILED;
		ERR_clear_error();
	}
	return dtls->state;
}

DtlsState dtls_state(const Dtls *dtls)
{
	return dtls->state;
}

bool dtls_keys(Dtls *dtls, SrtpKeys *keys)
{
	if (!dtls->has_keys || dtls->state != DTLS_CONNECTED)
		return false;
	*keys = dtls->keys;
	return true;
}

void dtls_close(Dtls *dtls)
{
	if (!dtls->ssl || dtls->state != DTLS_CONNECTED)
		return;
	ERR_clear_error();
	SSL_shutdown(dtls->ssl);
	ERR_clear_error();
}

void dtls_forget_handshake(Dtls *dtls)
{
	if (dtls->state != DTLS_CONNECTED)
		return;
	SSL_free(dtls->ssl);
	dtls->ssl = NULL;
	OPENSSL_cleanse(&dtls->keys, sizeof dtls->keys);
	dtls->has_keys = false;
}
