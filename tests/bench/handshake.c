#include "handshake.h"
#include <gio/gio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#define MTU 1200
#define CERTIFICATE_DAYS 30

struct HandshakeContext {
	SSL_CTX *ctx;
	BIO_METHOD *datagrams;
	char fingerprint[32 * 3];
};

typedef struct Datagram {
	size_t len;
	uint8_t data[];
} Datagram;

struct Handshake {
	SSL *ssl;
	HandshakeState state;
	HandshakeSend send;
	void *user;
	GQueue queue; /* Datagram */
	uint8_t expected[32];
	SrtpKeys keys;
};

/* -- a BIO that keeps the edges of datagrams: a memory BIO runs them together -- */

static int bio_write(BIO *bio, const char *data, int len)
{
	Handshake *handshake = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (len > 0)
		handshake->send((const uint8_t *)data, (size_t)len, handshake->user);
	return len;
}

static int bio_read(BIO *bio, char *data, int size)
{
	Handshake *handshake = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	g_autofree Datagram *head = g_queue_pop_head(&handshake->queue);
	if (!head) {
		BIO_set_retry_read(bio);
		return -1;
	}
	int len = (int)MIN(head->len, (size_t)size);
	memcpy(data, head->data, (size_t)len);
	return len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return MTU;
	case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
		return 28;
	default: /* a 1 to BIO_CTRL_DGRAM_* or to kTLS crashes OpenSSL later */
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

/* -- what all share -- */

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), g_random_int_range(1, G_MAXINT32));
	X509_set_version(certificate, 2);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), (long)CERTIFICATE_DAYS * 86400);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
		(const unsigned char *)"diemcau-load", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_sign(certificate, key, EVP_sha256());
	return certificate;
}

static int accept_any(int fine, X509_STORE_CTX *store)
{
	return 1; /* the fingerprint decides, at the end */
}

static bool configure(SSL_CTX *ctx, EVP_PKEY *key, X509 *certificate, SrtpProfile only)
{
	const char *profiles = only == SRTP_PROFILE_AEAD_AES_128_GCM ? "SRTP_AEAD_AES_128_GCM"
			       : only == SRTP_PROFILE_AES128_CM_SHA1_80
				       ? "SRTP_AES128_CM_SHA1_80"
				       : "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_any);
	SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) &&
	       SSL_CTX_set1_groups_list(ctx, "X25519:P-256") &&
	       SSL_CTX_use_certificate(ctx, certificate) && SSL_CTX_use_PrivateKey(ctx, key) &&
	       !SSL_CTX_set_tlsext_use_srtp(ctx, profiles);
}

static void set_fingerprint(HandshakeContext *context, X509 *certificate)
{
	unsigned char digest[32];
	unsigned len = 0;
	X509_digest(certificate, EVP_sha256(), digest, &len);
	for (unsigned i = 0; i < len; i++)
		g_snprintf(
			context->fingerprint + 3 * i, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
}

HandshakeContext *handshake_context_new(SrtpProfile only, GError **error)
{
	HandshakeContext *context = g_new0(HandshakeContext, 1);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = make_certificate(key);
	context->ctx = SSL_CTX_new(DTLS_client_method());
	context->datagrams = datagram_method();
	bool fine = configure(context->ctx, key, certificate, only);
	set_fingerprint(context, certificate);
	X509_free(certificate);
	EVP_PKEY_free(key);
	if (fine)
		return context;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "DTLS cannot start: %s",
		ERR_reason_error_string(ERR_peek_last_error()));
	handshake_context_free(context);
	return NULL;
}

void handshake_context_free(HandshakeContext *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ctx);
	BIO_meth_free(context->datagrams);
	g_free(context);
}

const char *handshake_fingerprint(const HandshakeContext *context)
{
	return context->fingerprint;
}

/* -- one peer -- */

static unsigned int retransmit_us(SSL *ssl, unsigned int timer_us)
{
	/* libwebrtc begins at 50 ms; our ticks are 100 ms apart */
	return timer_us ? MIN(2 * timer_us, 1000000u) : 100000u;
}

Handshake *handshake_new(
	HandshakeContext *context, const uint8_t expected[32], HandshakeSend send, void *user)
{
	Handshake *handshake = g_new0(Handshake, 1);
	handshake->send = send;
	handshake->user = user;
	memcpy(handshake->expected, expected, sizeof handshake->expected);
	g_queue_init(&handshake->queue);
	BIO *bio = BIO_new(context->datagrams);
	BIO_set_data(bio, handshake);
	handshake->ssl = SSL_new(context->ctx);
	SSL_set_bio(handshake->ssl, bio, bio);
	SSL_set_mtu(handshake->ssl, MTU);
	SSL_set_connect_state(handshake->ssl);
	DTLS_set_timer_cb(handshake->ssl, retransmit_us);
	return handshake;
}

void handshake_free(Handshake *handshake)
{
	if (!handshake)
		return;
	SSL_free(handshake->ssl);
	g_queue_clear_full(&handshake->queue, g_free);
	g_free(handshake);
}

static bool is_expected(const Handshake *handshake)
{
	unsigned char digest[32];
	unsigned len = 0;
	X509 *certificate = SSL_get1_peer_certificate(handshake->ssl);
	bool fine = certificate && X509_digest(certificate, EVP_sha256(), digest, &len) &&
		    len == sizeof digest && !memcmp(digest, handshake->expected, len);
	X509_free(certificate);
	return fine;
}

/* RFC 5764 §4.2: client key, server key, client salt, server salt. */
static bool export_keys(Handshake *handshake)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	const SRTP_PROTECTION_PROFILE *agreed = SSL_get_selected_srtp_profile(handshake->ssl);
	SrtpKeys *keys = &handshake->keys;
	uint8_t material[2 * (SRTP_KEY_LEN + SRTP_SALT_MAX)];
	if (!agreed)
		return false;
	keys->profile = agreed->id == SRTP_AEAD_AES_128_GCM ? SRTP_PROFILE_AEAD_AES_128_GCM
							    : SRTP_PROFILE_AES128_CM_SHA1_80;
	unsigned salt = srtp_profile_salt_len(keys->profile);
	if (SSL_export_keying_material(handshake->ssl, material, 2 * (SRTP_KEY_LEN + salt), label,
		    sizeof label - 1, NULL, 0, 0) != 1)
		return false;
	memcpy(keys->client_key, material, SRTP_KEY_LEN);
	memcpy(keys->server_key, material + SRTP_KEY_LEN, SRTP_KEY_LEN);
	memcpy(keys->client_salt, material + 2 * SRTP_KEY_LEN, salt);
	memcpy(keys->server_salt, material + 2 * SRTP_KEY_LEN + salt, salt);
	return true;
}

static HandshakeState pump(Handshake *handshake)
{
	ERR_clear_error();
	int done = SSL_do_handshake(handshake->ssl);
	int error = SSL_get_error(handshake->ssl, done);
	ERR_clear_error();
	if (done == 1)
		handshake->state = is_expected(handshake) && export_keys(handshake)
					   ? HANDSHAKE_DONE
					   : HANDSHAKE_FAILED;
	else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
		handshake->state = HANDSHAKE_FAILED;
	return handshake->state;
}

HandshakeState handshake_start(Handshake *handshake)
{
	return pump(handshake);
}

HandshakeState handshake_receive(Handshake *handshake, const uint8_t *data, size_t len)
{
	if (handshake->state == HANDSHAKE_FAILED || handshake->queue.length >= HANDSHAKE_QUEUE_MAX)
		return handshake->state;
	Datagram *datagram = g_malloc(sizeof *datagram + len);
	datagram->len = len;
	memcpy(datagram->data, data, len);
	g_queue_push_tail(&handshake->queue, datagram);
	if (handshake->state == HANDSHAKE_RUNS)
		return pump(handshake);

	/* A server that missed our last flight asks again: OpenSSL answers from inside the read. */
	uint8_t unwanted[MTU];
	ERR_clear_error();
	while (SSL_read(handshake->ssl, unwanted, sizeof unwanted) > 0)
		continue;
	ERR_clear_error();
	return handshake->state;
}

HandshakeState handshake_tick(Handshake *handshake)
{
	if (handshake->state == HANDSHAKE_RUNS && DTLSv1_handle_timeout(handshake->ssl) < 0)
		handshake->state = HANDSHAKE_FAILED;
	ERR_clear_error();
	return handshake->state;
}

const SrtpKeys *handshake_keys(const Handshake *handshake)
{
	return handshake->state == HANDSHAKE_DONE ? &handshake->keys : NULL;
}

void handshake_close(Handshake *handshake)
{
	if (handshake->state == HANDSHAKE_DONE)
		SSL_shutdown(handshake->ssl);
	ERR_clear_error();
}
