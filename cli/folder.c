#include "folder.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 16            /* of folders that are given away; ours are three deep */
#define ROOM_LEAST (512 * 1024) /* bytes that must be writable; a new store takes half of that */

bool person_find(Person *person, const char *name, GError **error)
{
	*person = (Person){ .uid = geteuid(), .gid = getegid() };
	if (geteuid() != 0)
		return true;
	const struct passwd *entry = getpwnam(name);
	if (!entry) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
			"there is no user '%s' to run as: add one with 'adduser --system --group "
			"%s' or name another with --user",
			name, name);
		return false;
	}
	*person = (Person){ entry->pw_uid, entry->pw_gid, g_strdup(entry->pw_name) };
	return true;
}

void person_clear(Person *person)
{
	g_free(person->name);
	person->name = NULL;
}

static int fail(GError **error, const char *what, const char *path, int code)
{
	const char *why = code == ENOSPC || code == EDQUOT  ? "the disk is full"
			  : code == EACCES || code == EPERM ? "no right to"
			  : code == EROFS                   ? "it is on a read-only disk"
							    : g_strerror(code);
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code),
		"cannot %s the data folder %s: %s", what, path, why);
	return -1;
}

/* Gives what lies in folder (taken over) to person. What the daemons' user may have put there is
 * not trusted: links are not followed, and a file with a second name is left alone. */
static void give(int folder, const Person *person, unsigned depth)
{
	DIR *listing = fdopendir(folder);
	if (!listing) {
		close(folder);
		return;
	}
	for (struct dirent *entry; (entry = readdir(listing));) {
		const char *name = entry->d_name;
		struct stat there;
		if (g_str_equal(name, ".") || g_str_equal(name, "..") ||
			fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) < 0 ||
			S_ISLNK(there.st_mode) || (S_ISREG(there.st_mode) && there.st_nlink > 1))
			continue;
		if (there.st_uid != person->uid || there.st_gid != person->gid)
			(void)!fchownat(
				folder, name, person->uid, person->gid, AT_SYMLINK_NOFOLLOW);
		int inner = S_ISDIR(there.st_mode) && depth < DEPTH_MAX
				    ? openat(folder, name,
					      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
				    : -1;
		if (inner >= 0)
			give(inner, person, depth + 1);
	}
	closedir(listing);
}

/* Not statvfs(): quotas and reserved blocks show only when something is written. */
static bool has_room(void)
{
	static const char name[] = "run/.room";
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	g_autofree char *zeros = g_malloc0(ROOM_LEAST);
	size_t done = 0;
	ssize_t n = 0;
	while (done < ROOM_LEAST && (n = write(fd, zeros + done, ROOM_LEAST - done)) > 0)
		done += (size_t)n;
	bool written = done == ROOM_LEAST && fsync(fd) == 0;
	int saved = errno;
	close(fd);
	unlink(name);
	errno = saved;
	return written;
}

static int lock(const char *path, GError **error)
{
	int fd = open("lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(error, "write to", path, errno);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY,
			"the data folder %s is in use by another 'diemcau up'", path);
		return -1;
	}
	return fd;
}

/* Root gives all of it away, so a slip like `--data /home` must not pass. */
static bool is_ours(const char *path, GError **error)
{
	static const char *const marks[] = { "lock", "store.db", "secret.key" };
	for (unsigned i = 0; i < G_N_ELEMENTS(marks); i++) {
		if (faccessat(AT_FDCWD, marks[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	g_autoptr(GDir) listing = g_dir_open(".", 0, error);
	if (!listing)
		return false;
	if (!g_dir_read_name(listing))
		return true;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_EMPTY,
		"the folder %s holds other files and is no data folder: name an empty one with "
		"--data",
		path);
	return false;
}

int folder_enter(const char *path, const Person *person, GError **error)
{
	if (g_mkdir_with_parents(path, 0750) < 0)
		return fail(error, "make", path, errno);
	if (chdir(path) < 0)
		return fail(error, "enter", path, errno);
	if (person->name && !is_ours(path, error))
		return -1;
	int fd = lock(path, error);
	if (fd < 0)
		return -1;
	if (mkdir("run", 0750) < 0 && errno != EEXIST) {
		fail(error, "write to", path, errno);
		close(fd);
		return -1;
	}
	if (!has_room()) {
		fail(error, "write to", path, errno);
		close(fd);
		return -1;
	}
	int folder = person->name ? open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (folder >= 0) {
		(void)!fchown(folder, person->uid, person->gid);
		give(folder, person, 0);
	}
	return fd;
}
