#include "cert.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

static bool is_address(const char *text)
{
	struct in6_addr bytes;
	return inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1;
}

static bool names(X509 *cert, const char *address)
{
	return is_address(address) ? X509_check_ip_asc(cert, address, 0) == 1
				   : X509_check_host(cert, address, 0, 0, NULL) == 1;
}

static bool fits(X509 *cert, EVP_PKEY *key, char **addresses)
{
	time_t then = time(NULL) + CERT_RENEW_DAYS * 24 * 3600;
	if (!cert || !key || X509_check_private_key(cert, key) != 1 ||
		X509_cmp_time(X509_get0_notAfter(cert), &then) <= 0 || !names(cert, "localhost"))
		return false;
	for (; *addresses; addresses++) {
		if (!names(cert, *addresses))
			return false;
	}
	return true;
}

static bool files_fit(const char *cert_path, const char *key_path, char **addresses)
{
	BIO *cert_file = BIO_new_file(cert_path, "r");
	BIO *key_file = BIO_new_file(key_path, "r");
	X509 *cert = cert_file ? PEM_read_bio_X509(cert_file, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = key_file ? PEM_read_bio_PrivateKey(key_file, NULL, NULL, NULL) : NULL;
	bool fit = fits(cert, key, addresses);
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(cert_file);
	BIO_free(key_file);
	ERR_clear_error();
	return fit;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool added = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static char *subject_names(char **addresses)
{
	GString *text = g_string_new("DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1");
	for (; *addresses; addresses++)
		g_string_append_printf(
			text, ",%s:%s", is_address(*addresses) ? "IP" : "DNS", *addresses);
	return g_string_free(text, FALSE);
}

static bool fill(X509 *cert, EVP_PKEY *key, char **addresses)
{
	uint8_t serial[16];
	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return false;
	serial[0] &= 0x7f;
	BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	X509_NAME *name = X509_get_subject_name(cert);
	g_autofree char *alternatives = subject_names(addresses);
	return ok && X509_set_version(cert, X509_VERSION_3) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -24 * 3600) && /* clocks differ */
	       X509_gmtime_adj(X509_getm_notAfter(cert), (long)CERT_DAYS * 24 * 3600) &&
	       X509_NAME_add_entry_by_txt(
		       name, "CN", MBSTRING_UTF8, (const uint8_t *)"Điểm Cầu", -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
	       add_extension(cert, NID_subject_alt_name, alternatives) &&
	       add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth") &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

/* Under another name first, so that a crash leaves the old file or the new one. */
static bool write_file(const char *path, int mode, X509 *cert, EVP_PKEY *key, GError **error)
{
	g_autofree char *fresh = g_strconcat(path, ".new", NULL);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool ok = file != NULL;
	if (ok)
		ok = key ? PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1
			 : PEM_write_X509(file, cert) == 1;
	if (file) {
		ok = fflush(file) == 0 && fsync(fd) == 0 && ok;
		fclose(file);
	}
	if (ok && rename(fresh, path) == 0)
		return true;
	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", path,
		g_strerror(errno));
	return false;
}

bool cert_ensure(const char *cert_path, const char *key_path, char **addresses, GError **error)
{
	if (files_fit(cert_path, key_path, addresses))
		return true;
	g_autofree char *folder = g_path_get_dirname(cert_path);
	(void)g_mkdir_with_parents(folder, 0700);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	bool made = key && cert && fill(cert, key, addresses);
	if (!made)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
			"%s: cannot make a certificate", cert_path);
	else
		made = write_file(key_path, 0600, NULL, key, error) &&
		       write_file(cert_path, 0644, cert, NULL, error);
	X509_free(cert);
	EVP_PKEY_free(key);
	if (made)
		g_message("certificate: made a new one for %d days", CERT_DAYS);
	return made;
}
