#include "dtls.h"
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/time.h>

#define RECORD_HEADER 13
#define RECORD_MAX (16384 + 256)
#define DATAGRAM_MAX 1500
#define CERTIFICATE_DAYS 365
#define RESTARTS_MAX 3 /* T-04: forged hellos spoil at most so many tries */
#define RESTARTS_WITHIN_US 10000000

enum { RECORD_CHANGE_CIPHER = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };

struct DtlsServer {
	SSL_CTX *ctx;
	BIO_METHOD *datagrams;
	char fingerprint[32 * 3];
};

/* A queued datagram: length in front. */
typedef struct Queued {
	struct Queued *next;
	size_t len;
	uint8_t data[];
} Queued;

struct Dtls {
	DtlsServer *server;
	DtlsFingerprint expected;
	DtlsSend send;
	void *user;
	SSL *ssl;
	DtlsState state;
	Queued *first, **last;
	size_t queued;
	unsigned restarts;
	int64_t restarts_since_us;
	bool has_keys;
	SrtpKeys keys;
};

/* -- a BIO that keeps the edges of datagrams -- */

static int bio_write(BIO *bio, const char *data, int len)
{
	Dtls *dtls = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	/* An alert in the clear would be our answer to a stranger's forged hello, and end the
	 * handshake of the honest peer who gets it. */
	bool clear_alert = len > RECORD_HEADER && data[0] == RECORD_ALERT && !data[3] && !data[4];
	if (len > 0 && !clear_alert)
		dtls->send((const uint8_t *)data, (size_t)len, dtls->user);
	return len;
}

static int bio_read(BIO *bio, char *data, int size)
{
	Dtls *dtls = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	Queued *head = dtls->first;
	if (!head) {
		BIO_set_retry_read(bio);
		return -1;
	}
	int len = head->len < (size_t)size ? (int)head->len : size;
	memcpy(data, head->data, (size_t)len);
	dtls->first = head->next;
	if (!dtls->first)
		dtls->last = &dtls->first;
	dtls->queued -= head->len;
	g_free(head);
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
		return dtls && dtls->first ? (long)dtls->first->len : 0;
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

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	unsigned char serial[8];
	GRand *random = g_rand_new();
	for (unsigned i = 0; i < sizeof serial; i++)
		serial[i] = (unsigned char)g_rand_int(random);
	g_rand_free(random);
	serial[0] &= 0x7f;
	BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
	BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
	BN_free(number);
	X509_set_version(certificate, 2);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), (long)CERTIFICATE_DAYS * 86400);
	X509_set_pubkey(certificate, key);
	X509_NAME *name = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)"diemcau", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	if (!X509_sign(certificate, key, EVP_sha256())) {
		X509_free(certificate);
		return NULL;
	}
	return certificate;
}

/* Any certificate will do here: the fingerprint of the SDP is what it must match, checked at the
 * end. */
static int accept_any(int fine, X509_STORE_CTX *store)
{
	return 1;
}

static bool configure(DtlsServer *server, EVP_PKEY *key, X509 *certificate)
{
	SSL_CTX *ctx = server->ctx;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_SINGLE_ECDH_USE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1);
	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:"
					    "ECDHE-ECDSA-AES256-GCM-SHA384:"
					    "ECDHE-ECDSA-CHACHA20-POLY1305") &&
	       SSL_CTX_set1_groups_list(ctx, "X25519:P-256") &&
	       SSL_CTX_use_certificate(ctx, certificate) && SSL_CTX_use_PrivateKey(ctx, key) &&
	       !SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80");
}

static bool set_fingerprint(DtlsServer *server, X509 *certificate)
{
	unsigned char digest[32];
	unsigned len = 0;
	if (!X509_digest(certificate, EVP_sha256(), digest, &len) || len != sizeof digest)
		return false;
	for (unsigned i = 0; i < len; i++)
		g_snprintf(
			server->fingerprint + 3 * i, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
	return true;
}

DtlsServer *dtls_server_new(GError **error)
{
	DtlsServer *server = g_new0(DtlsServer, 1);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = key ? make_certificate(key) : NULL;
	server->ctx = SSL_CTX_new(DTLS_server_method());
	server->datagrams = datagram_method();
	bool fine = certificate && server->ctx && server->datagrams &&
		    configure(server, key, certificate) && set_fingerprint(server, certificate);
	X509_free(certificate);
	EVP_PKEY_free(key);
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

static void open_ssl(Dtls *dtls)
{
	BIO *bio = BIO_new(dtls->server->datagrams);
	BIO_set_data(bio, dtls);
	dtls->ssl = SSL_new(dtls->server->ctx);
	SSL_set_bio(dtls->ssl, bio, bio);
	SSL_set_mtu(dtls->ssl, DTLS_MTU);
	SSL_set_accept_state(dtls->ssl);
	DTLS_set_timer_cb(dtls->ssl, no_longer_than_a_second);
}

Dtls *dtls_new(DtlsServer *server, const DtlsFingerprint *expected, DtlsSend send, void *user)
{
	Dtls *dtls = g_new0(Dtls, 1);
	dtls->server = server;
	dtls->expected = *expected;
	dtls->send = send;
	dtls->user = user;
	dtls->last = &dtls->first;
	open_ssl(dtls);
	return dtls;
}

static void drop_queue(Dtls *dtls)
{
	while (dtls->first) {
		Queued *head = dtls->first;
		dtls->first = head->next;
		g_free(head);
	}
	dtls->last = &dtls->first;
	dtls->queued = 0;
}

void dtls_free(Dtls *dtls)
{
	if (!dtls)
		return;
	SSL_free(dtls->ssl);
	drop_queue(dtls);
	OPENSSL_cleanse(&dtls->keys, sizeof dtls->keys);
	g_free(dtls);
}

bool dtls_check(const uint8_t *data, size_t len)
{
	if (!len || len > DATAGRAM_MAX)
		return false;
	while (len) {
		if (len < RECORD_HEADER || data[0] < RECORD_CHANGE_CIPHER ||
			data[0] > RECORD_DATA || data[1] != 0xfe ||
			(data[2] != 0xff && data[2] != 0xfd))
			return false;
		size_t record = (size_t)data[11] << 8 | data[12];
		if (!record || record > RECORD_MAX || record + RECORD_HEADER > len)
			return false;
		data += RECORD_HEADER + record;
		len -= RECORD_HEADER + record;
	}
	return true;
}

/* Leaves out what an honest peer never sends in the clear, and anybody could forge: alerts and data
 * of epoch 0. Returns what is left. */
static size_t without_forgeries(uint8_t *out, const uint8_t *data, size_t len, bool connected)
{
	size_t kept = 0;
	while (len) {
		size_t record = RECORD_HEADER + ((size_t)data[11] << 8 | data[12]);
		bool clear = !data[3] && !data[4];
		bool forged =
			clear && (data[0] == RECORD_ALERT || data[0] == RECORD_DATA || connected);
		/* A peer that missed our last flight sends its own again, in the clear: that is let
		 * in while the handshake's memory is there to answer it. */
		if (connected && clear && data[0] == RECORD_HANDSHAKE && data[RECORD_HEADER] != 1)
			forged = false;
		if (!forged) {
			memcpy(out + kept, data, record);
			kept += record;
		}
		data += record;
		len -= record;
	}
	return kept;
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
	if (++dtls->restarts > RESTARTS_MAX) {
		dtls->state = DTLS_FAILED;
		return;
	}
	SSL_free(dtls->ssl);
	open_ssl(dtls);
}

static void pump_handshake(Dtls *dtls)
{
	ERR_clear_error();
	int done = SSL_do_handshake(dtls->ssl);
	if (done == 1) {
		finish(dtls);
		return;
	}
	int error = SSL_get_error(dtls->ssl, done);
	ERR_clear_error();
	if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
		drop_queue(dtls);
		begin_anew(dtls);
	}
}

static void pump_connected(Dtls *dtls)
{
	uint8_t data[DATAGRAM_MAX];
	while (dtls->ssl) {
		ERR_clear_error();
		int got = SSL_read(dtls->ssl, data, sizeof data);
		if (got > 0)
			continue; /* nothing of ours travels inside */
		if (SSL_get_error(dtls->ssl, got) == SSL_ERROR_ZERO_RETURN ||
			(SSL_get_shutdown(dtls->ssl) & SSL_RECEIVED_SHUTDOWN))
			dtls->state = DTLS_CLOSED;
		ERR_clear_error();
		if (!dtls->first || dtls->state == DTLS_CLOSED)
			return;
	}
}

DtlsState dtls_receive(Dtls *dtls, const uint8_t *data, size_t len)
{
	if (!dtls->ssl || dtls->state == DTLS_FAILED || dtls->state == DTLS_CLOSED ||
		!dtls_check(data, len) || dtls->queued + len > DTLS_QUEUE_MAX)
		return dtls->state;

	Queued *queued = g_malloc(sizeof *queued + len);
	queued->next = NULL;
	queued->len = without_forgeries(queued->data, data, len, dtls->state == DTLS_CONNECTED);
	if (!queued->len) {
		g_free(queued);
		return dtls->state;
	}
	*dtls->last = queued;
	dtls->last = &queued->next;
	dtls->queued += queued->len;
	if (dtls->state == DTLS_HANDSHAKE)
		pump_handshake(dtls);
	if (dtls->state == DTLS_CONNECTED)
		pump_connected(dtls);
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
			begin_anew(dtls);
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
	drop_queue(dtls);
	OPENSSL_cleanse(&dtls->keys, sizeof dtls->keys);
	dtls->has_keys = false;
}
