#include "link.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES 32

struct Links {
	uint8_t secret[SECRET_BYTES];
};

static bool fail(GError **error, const char *path, const char *what)
{
	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s: %s", path, what,
		g_strerror(errno));
	return false;
}

static bool make_secret(int fd, const char *path, GError **error)
{
	uint8_t secret[SECRET_BYTES];
	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret))
		return fail(error, path, "no random bytes");
	g_autofree char *text = g_base64_encode(secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	size_t len = strlen(text);
	bool written = write(fd, text, len) == (ssize_t)len && write(fd, "\n", 1) == 1;
	OPENSSL_cleanse(text, len);
	if (!written || fsync(fd) != 0)
		return fail(error, path, "cannot write the secret");
	return true;
}

/* Under a name of its own first, so that a crash leaves no half secret behind. */
static bool create(const char *path, GError **error)
{
	g_autofree char *fresh = g_strconcat(path, ".new", NULL);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(error, fresh, "cannot make the secret");
	bool made = make_secret(fd, fresh, error);
	close(fd);
	if (!made)
		return false;
	if (rename(fresh, path) != 0)
		return fail(error, path, "cannot make the secret");

	g_autofree char *folder = g_path_get_dirname(path);
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		(void)fsync(dir);
		close(dir);
	}
	return true;
}

static bool read_secret(Links *links, int fd, const char *path, GError **error)
{
	struct stat about;
	if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
		errno = EINVAL;
		return fail(error, path, "not a file");
	}
	if ((about.st_mode & 077) && fchmod(fd, 0600) != 0)
		return fail(error, path, "readable by others");

	char text[128];
	ssize_t len = read(fd, text, sizeof(text) - 1);
	text[MAX(len, 0)] = '\0';
	size_t size = 0;
	uint8_t *secret = g_base64_decode(g_strstrip(text), &size);
	OPENSSL_cleanse(text, sizeof(text));
	bool sound = size == SECRET_BYTES;
	if (sound)
		memcpy(links->secret, secret, SECRET_BYTES);
	OPENSSL_cleanse(secret, size);
	g_free(secret);
	if (!sound) {
		errno = EINVAL;
		return fail(error, path, "holds no secret of ours");
	}
	return true;
}

Links *links_open(const char *path, GError **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		if (!create(path, error))
			return NULL;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0) {
		fail(error, path, "cannot read the secret");
		return NULL;
	}
	g_autoptr(Links) links = g_new0(Links, 1);
	bool sound = read_secret(links, fd, path, error);
	close(fd);
	return sound ? g_steal_pointer(&links) : NULL;
}

void links_free(Links *links)
{
	if (!links)
		return;
	OPENSSL_cleanse(links, sizeof(*links));
	g_free(links);
}

void links_write(const Links *links, LinkKind kind, const char *id, unsigned generation,
	char token[LINK_SIZE])
{
	char text[64];
	int len = g_snprintf(text, sizeof(text), "%c%s.%u", (char)kind, id, generation);
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned mac_len = 0;
	HMAC(EVP_sha256(), links->secret, SECRET_BYTES, (const uint8_t *)text, (size_t)len, mac,
		&mac_len);
	token[0] = (char)kind;
	memcpy(token + 1, id, ID_LEN);
	id_encode(mac, token + 1 + ID_LEN);
}

void links_sign(const Links *links, const char *purpose, const char *text, char mac[ID_SIZE])
{
	uint8_t key[EVP_MAX_MD_SIZE], full[EVP_MAX_MD_SIZE];
	unsigned key_len = 0, len = 0;
	HMAC(EVP_sha256(), links->secret, SECRET_BYTES, (const uint8_t *)purpose, strlen(purpose),
		key, &key_len);
	HMAC(EVP_sha256(), key, (int)key_len, (const uint8_t *)text, strlen(text), full, &len);
	OPENSSL_cleanse(key, sizeof(key));
	id_encode(full, mac);
}

bool link_read(const char *token, LinkKind *kind, char id[ID_SIZE])
{
	if (!token || strlen(token) != LINK_LEN || !strchr("jacmpvk", token[0]))
		return false;
	memcpy(id, token + 1, ID_LEN);
	id[ID_LEN] = '\0';
	*kind = (LinkKind)token[0];
	return id_is_valid(id) && id_is_valid(token + 1 + ID_LEN);
}

LinkVerdict links_check(const Links *links, const char *token, unsigned generation)
{
	LinkKind kind;
	char id[ID_SIZE];
	if (!link_read(token, &kind, id))
		return LINK_BAD;

	LinkVerdict verdict = LINK_BAD;
	unsigned oldest = generation > LINK_GENERATIONS ? generation - LINK_GENERATIONS : 0;
	for (unsigned g = oldest; g <= generation; g++) {
		char expected[LINK_SIZE];
		links_write(links, kind, id, g, expected);
		if (CRYPTO_memcmp(expected, token, LINK_LEN) == 0)
			verdict = g == generation ? LINK_GOOD : LINK_REVOKED;
	}
#ifdef GUARD_OFF_GENERATION
	if (verdict == LINK_REVOKED)
		verdict = LINK_GOOD;
#endif
#ifdef GUARD_OFF_MAC
	verdict = LINK_GOOD;
#endif
	return verdict;
}
