#include "common/rpc.h"
#include "talk.h"
#include "verbs.h"
#include "when.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_LEN (16 * 1024) /* of an index; the recorder's longest has some 2 KB */

/* A folder below another one, not by a link: the daemons' user may put anything there. */
static int open_folder(int above, const char *name)
{
	return openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static const char *last_newline(const char *text, size_t len)
{
	while (len && text[len - 1] != '\n')
		len--;
	return len ? text + len - 1 : NULL;
}

/* The first line of an index, and the last whole one; NULL where there is none. */
static void read_index(int fd, json_t **first, json_t **last)
{
	char head[LINE_MAX_LEN], tail[LINE_MAX_LEN];
	struct stat there = { 0 };
	(void)fstat(fd, &there);
	ssize_t len = pread(fd, head, LINE_MAX_LEN, 0);
	const char *end = len > 0 ? memchr(head, '\n', (size_t)len) : NULL;
	*first = end ? rpc_read_object(head, (size_t)(end - head)) : NULL;
	off_t from = MAX(there.st_size - LINE_MAX_LEN, 0);
	len = pread(fd, tail, LINE_MAX_LEN, from);
	end = len > 0 ? last_newline(tail, (size_t)len) : NULL;
	const char *before = end ? last_newline(tail, (size_t)(end - tail)) : NULL;
	const char *begin = before ? before + 1 : tail;
	*last = end && (before || !from) ? rpc_read_object(begin, (size_t)(end - begin)) : NULL;
}

static json_int_t size_of(int folder)
{
	json_int_t bytes = 0;
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = copy < 0 ? NULL : fdopendir(copy);
	struct stat there;
	for (struct dirent *entry; listing && (entry = readdir(listing));) {
		if (fstatat(folder, entry->d_name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(there.st_mode))
			bytes += there.st_size;
	}
	if (listing)
		closedir(listing);
	return bytes;
}

/* One take, as its folder tells it; NULL when it is none. */
static json_t *read_take(int stage, const char *name, const char *title)
{
	int folder = open_folder(stage, name);
	int index = folder < 0 ? -1
			       : openat(folder, "index.jsonl",
					 O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	g_autoptr(json_t) first = NULL;
	g_autoptr(json_t) last = NULL;
	if (index >= 0)
		read_index(index, &first, &last);
	json_t *take = NULL;
	if (strcmp(verb_text(first, "kind"), "take") == 0)
		take = json_pack("{s:s, s:s, s:I, s:I, s:I, s:b}", "forum", title, "take", name,
			"started", verb_number(first, "t_us") / 1000, "last",
			verb_number(last ? last : first, "t_us") / 1000, "bytes", size_of(folder),
			"ended", strcmp(verb_text(last, "kind"), "end") == 0);
	if (index >= 0)
		close(index);
	if (folder >= 0)
		close(folder);
	return take;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a folder (closed here), sorted: takes are named by the time of their beginning. */
static GPtrArray *names_in(int folder)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	DIR *listing = folder < 0 ? NULL : fdopendir(folder);
	for (struct dirent *entry; listing && (entry = readdir(listing));) {
		if (entry->d_name[0] != '.')
			g_ptr_array_add(names, g_strdup(entry->d_name));
	}
	if (listing)
		closedir(listing);
	g_ptr_array_sort(names, compare_names);
	return names;
}

static json_t *read_takes(int recordings, json_t *forums)
{
	json_t *takes = json_array(), *forum;
	size_t i;
	json_array_foreach(forums, i, forum)
	{
		int stage = open_folder(recordings, verb_text(forum, "stage"));
		if (stage < 0)
			continue; /* never on air */
		g_autoptr(GPtrArray) names = names_in(open_folder(stage, "."));
		for (unsigned n = 0; n < names->len; n++) {
			json_t *take = read_take(stage, names->pdata[n], verb_text(forum, "title"));
			if (take)
				json_array_append_new(takes, take);
		}
		close(stage);
	}
	return takes;
}

static void print_take(const json_t *take)
{
	g_autofree char *started = when_text(verb_number(take, "started"));
	int seconds = (int)((verb_number(take, "last") - verb_number(take, "started")) / 1000);
	printf("%s  %d:%02d:%02d  %8.1f MB  %-9s  %s  %s\n", started, seconds / 3600,
		seconds / 60 % 60, seconds % 60, (double)verb_number(take, "bytes") / 1e6,
		json_is_true(json_object_get(take, "ended")) ? "ended" : "recording",
		verb_text(take, "take"), verb_text(take, "forum"));
}

bool recording_list(const Words *words, GError **error)
{
	g_autoptr(Talk) talk = talk_open(words, error);
	g_autoptr(json_t) forums =
		talk ? talk_list(talk, "forum.list", json_object(), "forums", error) : NULL;
	if (!forums)
		return false;
	int data = open(words->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int recordings = data < 0 ? -1 : open_folder(data, "recordings");
	int code = errno;
	if (data >= 0)
		close(data);
	if (recordings < 0 && code != ENOENT) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code),
			"cannot read the recordings in %s: %s", words->data, g_strerror(code));
		return false;
	}
	g_autoptr(json_t) takes = recordings < 0 ? json_array() : read_takes(recordings, forums);
	if (recordings >= 0)
		close(recordings);
	size_t i;
	json_t *take;
	if (words->is_json)
		verb_print_json(takes);
	else
		json_array_foreach(takes, i, take) print_take(take);
	return true;
}
