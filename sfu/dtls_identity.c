#include "dtls_identity.h"
#include <glib.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#define CERTIFICATE_DAYS 365

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *certificate = X509_new();
	unsigned char serial[8];
	if (RAND_bytes(serial, sizeof serial) != 1)
		g_error("no random numbers");
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

static bool write_fingerprint(X509 *certificate, char fingerprint[DTLS_FINGERPRINT_SIZE])
{
	unsigned char digest[32];
	unsigned len = 0;
	if (!X509_digest(certificate, EVP_sha256(), digest, &len) || len != sizeof digest)
		return false;
	for (unsigned i = 0; i < len; i++)
		g_snprintf(fingerprint + 3 * i, 4, i + 1 < len ? "%02X:" : "%02X", digest[i]);
	return true;
}

bool dtls_identity_make(SSL_CTX *ctx, char fingerprint[DTLS_FINGERPRINT_SIZE])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = key ? make_certificate(key) : NULL;
	bool fine = certificate && SSL_CTX_use_certificate(ctx, certificate) &&
		    SSL_CTX_use_PrivateKey(ctx, key) && write_fingerprint(certificate, fingerprint);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return fine;
}
