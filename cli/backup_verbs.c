#include "archive.h"
#include "folder.h"
#include "talk.h"
#include "verbs.h"
#include "when.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLL_US 100000
#define COPY_NAME "backup.new" /* signaling's copy of the store, in the data folder */
#define STAGING "restore.new"

static bool fail(GError **error, const char *what, const char *path, int code)
{
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code), "cannot %s %s: %s", what, path,
		g_strerror(code));
	return false;
}

/* Until the copy is there; tells how far it is to whoever sits before a terminal. */
static bool await_copy(Talk *talk, GError **error)
{
	bool shows = isatty(STDERR_FILENO), has_shown = false;
	g_autoptr(json_t) state = talk_ask(talk, "backup.state", NULL, error);
	while (state && strcmp(verb_text(state, "state"), "working") == 0) {
		if (shows)
			fprintf(stderr, "\rcopying the store: %3d %%",
				(int)verb_number(state, "percent"));
		has_shown = shows;
		g_usleep(POLL_US);
		json_decref(state);
		state = talk_ask(talk, "backup.state", NULL, error);
	}
	if (has_shown)
		fputc('\n', stderr);
	if (!state)
		return false;
	if (strcmp(verb_text(state, "state"), "done") == 0)
		return true;
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "the store cannot be copied: %s",
		verb_text(state, "message"));
	return false;
}

static bool add_files(Archive *archive, int folder, GError **error)
{
	for (const char *const *name = archive_names; *name; name++) {
		bool is_store = strcmp(*name, "store.db") == 0;
		/* With a certificate of the operator's own there is none of ours. */
		if (g_str_has_prefix(*name, "tls/") && faccessat(folder, *name, F_OK, 0) < 0)
			continue;
		if (!archive_add(archive, folder, is_store ? COPY_NAME : *name, *name, error))
			return false;
	}
	return true;
}

/* The copy is asked for first: whoever comes while another backup is made touches nothing of it. */
static bool make(Talk *talk, const Words *words, int folder, int64_t now_ms, GError **error)
{
	const char *path = words->arguments[0];
	if (!words->is_forced && !archive_is_free(path, error))
		return false;
	g_autoptr(json_t) started = talk_ask(talk, "backup.start", NULL, error);
	if (!started)
		return false;
	g_autoptr(Archive) archive = archive_new(path, error);
	bool made = archive && await_copy(talk, error) && add_files(archive, folder, error) &&
		    archive_finish(archive, now_ms, error);
	g_autoptr(json_t) ended = talk_ask(talk, "backup.end", NULL, NULL);
	return made;
}

bool backup_make(const Words *words, GError **error)
{
	const char *path = words->arguments[0];
	g_autoptr(Talk) talk = talk_open(words, error);
	if (!talk)
		return false;
	int folder = open(words->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return fail(error, "open", words->data, errno);
	int64_t now_ms = g_get_real_time() / 1000;
	bool made = make(talk, words, folder, now_ms, error);
	close(folder);
	if (!made)
		return false;
	struct stat file = { 0 };
	(void)stat(path, &file);
	g_autofree char *when = when_text(now_ms);
	if (words->is_json)
		printf("{\"made\": %" G_GINT64_FORMAT ", \"bytes\": %" G_GINT64_FORMAT "}\n",
			now_ms, (gint64)file.st_size);
	else
		printf("%s: the store as of %s (Vietnam), %.1f MB; it holds secrets\n", path, when,
			(double)file.st_size / 1e6);
	return true;
}

/* --- restoring --- */

/* Held until we end: no server starts meanwhile. */
static bool lock(const Words *words, int folder, GError **error)
{
	int fd = openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(error, "write to", words->data, errno);
	/* Under systemd nobody holds the lock, but signaling listens. */
	g_autoptr(Talk) talk = talk_open(words, NULL);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && !talk)
		return true;
	close(fd);
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_BUSY,
		"a server is running on %s: stop it first, or restore into another folder",
		words->data);
	return false;
}

static bool is_empty(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fdopendir(copy);
	bool is_empty = true;
	static const char *const ours[] = { ".", "..", "lock", "lost+found", "run", STAGING, NULL };
	for (struct dirent *entry; listing && (entry = readdir(listing));)
		is_empty = is_empty && g_strv_contains(ours, entry->d_name);
	if (listing)
		closedir(listing);
	return is_empty;
}

static void drop_staging(int folder)
{
	static const char *const files[] = { "secret.key", "store.db", "tls/cert.pem",
		"tls/key.pem" };
	int staging = openat(folder, STAGING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (staging < 0)
		return;
	for (unsigned i = 0; i < G_N_ELEMENTS(files); i++)
		unlinkat(staging, files[i], 0);
	unlinkat(staging, "tls", AT_REMOVEDIR);
	close(staging);
	unlinkat(folder, STAGING, AT_REMOVEDIR);
}

/* What is there goes into a folder of its own: nothing is ever lost by restoring. */
static bool put_aside(int folder, char **aside, GError **error)
{
	static const char *const names[] = { "store.db", "store.db-wal", "store.db-shm",
		"secret.key", "tls" };
	g_autofree char *when = when_name(g_get_real_time() / 1000);
	*aside = g_strconcat("before-restore-", when, NULL);
	if (mkdirat(folder, *aside, 0700) < 0)
		return fail(error, "make", *aside, errno);
	int old = openat(folder, *aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool moved = old >= 0;
	for (unsigned i = 0; moved && i < G_N_ELEMENTS(names); i++)
		moved = renameat(folder, names[i], old, names[i]) == 0 || errno == ENOENT;
	if (!moved)
		fail(error, "put aside what is in the folder into", *aside, errno);
	if (old >= 0)
		close(old);
	return moved;
}

static bool move_in(int folder, int staging, GError **error)
{
	/* The store last: with it, it is a data folder. */
	static const char *const names[] = { "tls", "secret.key", "store.db" };
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		if (renameat(staging, names[i], folder, names[i]) < 0 && errno != ENOENT)
			return fail(error, "move into the data folder", names[i], errno);
	}
	return fsync(folder) == 0 || fail(error, "write to", "the data folder", errno);
}

/* Under systemd nobody gives the files away at the start, so we do. */
static void give(int folder, const char *user)
{
	const struct passwd *entry = geteuid() == 0 ? getpwnam(user ? user : "diemcau") : NULL;
	static const char *const names[] = { "tls/cert.pem", "tls/key.pem", "tls", "secret.key",
		"store.db", "lock", "." };
	for (unsigned i = 0; entry && i < G_N_ELEMENTS(names); i++)
		(void)!fchownat(
			folder, names[i], entry->pw_uid, entry->pw_gid, AT_SYMLINK_NOFOLLOW);
}

static bool restore(const Words *words, int folder, char **aside, int64_t *made_ms, GError **error)
{
	if (!lock(words, folder, error))
		return false;
	bool was_empty = is_empty(folder);
	if (!was_empty && !words->is_forced) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_EMPTY,
			"the folder %s is not empty: name another one with --data, or add --force, "
			"which puts aside what is there",
			words->data);
		return false;
	}
	drop_staging(folder);
	if (mkdirat(folder, STAGING, 0700) < 0)
		return fail(error, "write to", words->data, errno);
	int staging = openat(folder, STAGING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (staging < 0)
		return fail(error, "write to", words->data, errno);
	bool done = archive_unpack(words->arguments[0], staging, made_ms, error) &&
		    (was_empty || put_aside(folder, aside, error)) &&
		    move_in(folder, staging, error);
	close(staging);
	drop_staging(folder);
	if (done)
		give(folder, words->user);
	return done;
}

bool backup_restore(const Words *words, GError **error)
{
	if (g_mkdir_with_parents(words->data, 0750) < 0)
		return fail(error, "make", words->data, errno);
	int folder = open(words->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return fail(error, "open", words->data, errno);
	g_autofree char *aside = NULL;
	int64_t made_ms = 0;
	bool done = restore(words, folder, &aside, &made_ms, error);
	close(folder);
	if (!done)
		return false;
	g_autofree char *when = when_text(made_ms);
	printf("%s holds the store as of %s (Vietnam): start the server on it\n", words->data,
		when);
	if (aside)
		printf("what was there is now in %s/%s\n", words->data, aside);
	return true;
}
