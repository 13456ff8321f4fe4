#include "recovery.h"
#include "pcap.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384 /* a stage of 64 on air is 6 KB */

bool recovery_is_name(const char *word)
{
	if (!*word) /* a leading dash is one id in 64 */
		return false;
	for (const char *c = word; *c; c++)
		if (!g_ascii_isalnum(*c) && *c != '-' && *c != '_')
			return false;
	return true;
}

/* Shortens a file to what is good of it, lastingly. */
static void cut(const char *path, uint64_t good)
{
	struct stat there;
	if (g_stat(path, &there) < 0 || (uint64_t)there.st_size <= good)
		return;
	g_message("recovery: %s: %" G_GUINT64_FORMAT " torn bytes cut off", path,
		(uint64_t)there.st_size - good);
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || ftruncate(fd, (off_t)good) < 0 || fsync(fd) < 0)
		g_warning("recovery: %s cannot be cut", path);
	if (fd >= 0)
		close(fd);
}

/* Takes in the lines up to the first that is torn, or up to `most` bytes. Returns how many bytes
 * they are; *synced: those up to the last line that notes a sync. */
static uint64_t read_lines(FILE *file, uint64_t most, TakeState *state, uint64_t *synced)
{
	char line[LINE_MAX_BYTES];
	uint64_t good = 0;
	while (good < most && fgets(line, sizeof line, file)) {
		size_t len = strlen(line);
		if (!len || line[len - 1] != '\n')
			break;
		json_t *read = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
		bool fine = json_is_object(read) && take_state_learn(state, read);
		json_decref(read);
		if (!fine)
			break;
		good += len;
		if (!*synced || g_str_has_prefix(line, "{\"kind\":\"sync\""))
			*synced = good;
	}
	return good;
}

/* What is torn is cut off. NULL when not even the first line is whole. */
static TakeState *read_index(const char *path, RecoveryTrust trust)
{
	g_autoptr(TakeState) state = take_state_new();
	FILE *file = fopen(path, "re");
	uint64_t synced = 0;
	if (!file)
		return NULL;
	uint64_t good = read_lines(file, UINT64_MAX, state, &synced);
	if (trust == RECOVERY_SYNCED && !state->ended && good > synced) {
		rewind(file);
		take_state_free(state);
		state = take_state_new();
		good = read_lines(file, synced, state, &synced);
	}
	fclose(file);
	if (good)
		cut(path, good);
	return good && *state->stage ? g_steal_pointer(&state) : NULL;
}

typedef struct Walk {
	TakeState *state;
	uint64_t number;
} Walk;

/* Numbers rise from packet to packet by less than 2^16: the sixteen bits say which it is. */
static void on_packet(const PcapSeen *seen, void *user)
{
	Walk *walk = user;
	walk->number += (uint16_t)(seen->ident - (uint16_t)walk->number);
	walk->state->last_packet = MAX(walk->state->last_packet, walk->number);
	walk->state->last_us = MAX(walk->state->last_us, seen->time_ns / 1000);
	walk->state->packets++;
}

static char *part_path(const char *folder, unsigned part)
{
	return g_strdup_printf("%s/%04u.pcap", folder, part);
}

/* The last part, behind what is known to be synced. Earlier ones were synced when they ended. */
static void read_part_tail(TakeState *state, RecoveryTrust trust)
{
	g_autofree char *path = part_path(state->folder, state->part);
	FILE *file = fopen(path, "re");
	uint64_t from = state->part_synced;
	if (!file)
		return;
	if (fseek(file, (long)from, SEEK_SET) == 0) {
		Walk walk = { state, state->part_number };
		uint64_t good =
			trust == RECOVERY_SYNCED ? from : pcap_scan(file, from, on_packet, &walk);
		if (good)
			cut(path, good);
		else
			g_unlink(path); /* not even its header is whole */
		state->bytes += good - MIN(good, from);
		state->part_synced = good;
	}
	fclose(file);
}

TakeState *recovery_read(const char *folder, RecoveryTrust trust)
{
	g_autofree char *index = g_build_filename(folder, "index.jsonl", NULL);
	g_autoptr(TakeState) state = read_index(index, trust);
	if (!state)
		return NULL;
	state->folder = g_strdup(folder);
	state->last_packet = MAX(state->last_packet, state->safe);
	if (state->part && !state->ended)
		read_part_tail(state, trust);
	return g_steal_pointer(&state);
}

bool recovery_has_ended(const char *index)
{
	char tail[512];
	bool ended = false;
	FILE *file = fopen(index, "re");
	if (!file)
		return false;
	if (fseek(file, -(long)(sizeof tail - 1), SEEK_END) < 0)
		rewind(file);
	size_t len = fread(tail, 1, sizeof tail - 1, file);
	fclose(file);
	tail[len] = 0;
	if (len && tail[len - 1] == '\n') {
		tail[len - 1] = 0;
		const char *line = strrchr(tail, '\n');
		ended = g_str_has_prefix(line ? line + 1 : tail, "{\"kind\":\"end\"");
	}
	return ended;
}

static void find_in_stage(GPtrArray *found, const char *path, int64_t since_us, RecoveryTrust trust)
{
	g_autoptr(GDir) takes = g_dir_open(path, 0, NULL);
	for (const char *name; takes && (name = g_dir_read_name(takes));) {
		g_autofree char *folder = g_build_filename(path, name, NULL);
		g_autofree char *index = g_build_filename(folder, "index.jsonl", NULL);
		struct stat there;
		if (!recovery_is_name(name) || g_stat(index, &there) < 0)
			continue;
		if ((int64_t)there.st_mtime * G_USEC_PER_SEC < since_us && recovery_has_ended(index))
			continue;
		TakeState *state = recovery_read(folder, trust);
		if (state)
			g_ptr_array_add(found, state);
		else
			g_warning("recovery: %s has no readable beginning", index);
	}
}

GPtrArray *recovery_find(const char *root, int64_t since_us, RecoveryTrust trust)
{
	GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)take_state_free);
	g_autoptr(GDir) stages = g_dir_open(root, 0, NULL);
	for (const char *name; stages && (name = g_dir_read_name(stages));) {
		g_autofree char *path = g_build_filename(root, name, NULL);
		if (recovery_is_name(name))
			find_in_stage(found, path, since_us, trust);
	}
	return found;
}
