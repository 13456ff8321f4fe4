#include "catalogue.h"
#include "recovery.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static int64_t number(json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

static json_t *read_json(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

void catalogue_read_tries(const char *folder, unsigned *tries, bool *has_failed, char **reason)
{
	json_t *json = read_json(folder, CATALOGUE_TRIES);
	*tries = (unsigned)number(json, "tries");
	*has_failed = json_is_true(json_object_get(json, "failed"));
	*reason = g_strdup(json_string_value(json_object_get(json, "reason")));
	json_decref(json);
}

bool catalogue_write_tries(const char *folder, unsigned tries, bool has_failed, const char *reason)
{
	g_autofree char *path = g_build_filename(folder, CATALOGUE_TRIES, NULL);
	json_t *json = json_pack(
		"{s:i,s:b,s:s}", "tries", (int)tries, "failed", has_failed, "reason", reason);
	char *text = json_dumps(json, JSON_COMPACT);
	bool ok = g_file_set_contents(path, text, -1, NULL);
	free(text);
	json_decref(json);
	return ok;
}

/* Names of a folder that may be stages or takes. */
static GPtrArray *names_in(const char *path)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
	for (const char *name; folder && (name = g_dir_read_name(folder));)
		if (recovery_is_name(name))
			g_ptr_array_add(names, g_strdup(name));
	return names;
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

/* 20261127T113501Z, whatever stands behind it. */
static int64_t time_of(const char *take)
{
	g_autofree char *stamp = g_strndup(take, 16);
	g_autoptr(GDateTime) time = g_date_time_new_from_iso8601(stamp, NULL);
	return time ? g_date_time_to_unix(time) * G_USEC_PER_SEC : 0;
}

static void describe(json_t *row, const char *folder, const char *index)
{
	g_autofree char *file = g_build_filename(folder, CATALOGUE_FILE, NULL);
	g_autofree char *reason = NULL;
	struct stat there;
	unsigned tries;
	bool has_failed;
	const char *state = "recording";
	if (g_stat(file, &there) == 0 && S_ISREG(there.st_mode)) {
		json_t *report = read_json(folder, CATALOGUE_REPORT);
		int64_t started_us =
			report ? number(report, "started_us") : number(row, "started_us");
		json_t *gaps = json_object_get(report, "gaps");
		state = "ready";
		json_object_set_new(row, "bytes", json_integer(there.st_size));
		json_object_set_new(row, "started_us", json_integer(started_us));
		json_object_set_new(row, "length_us", json_integer(number(report, "length_us")));
		json_object_set_new(
			row, "ended_us", json_integer(started_us + number(report, "length_us")));
		json_object_set_new(row, "gaps", json_integer((json_int_t)json_array_size(gaps)));
		json_decref(report);
	} else if (recovery_has_ended(index)) {
		catalogue_read_tries(folder, &tries, &has_failed, &reason);
		state = has_failed ? "failed" : "finishing";
		if (g_stat(index, &there) == 0)
			json_object_set_new(row, "ended_us",
				json_integer((json_int_t)there.st_mtime * G_USEC_PER_SEC));
	}
	json_object_set_new(row, "state", json_string(state));
	json_object_set_new(row, "reason", json_string(reason ? reason : ""));
}

json_t *catalogue_list(const char *root, const char *stage)
{
	json_t *rows = json_array();
	if (!recovery_is_name(stage))
		return rows;
	g_autofree char *path = g_build_filename(root, stage, NULL);
	g_autoptr(GPtrArray) takes = names_in(path);
	g_ptr_array_sort(takes, newest_first);
	for (unsigned i = 0; i < takes->len && json_array_size(rows) < CATALOGUE_MAX; i++) {
		const char *take = takes->pdata[i];
		g_autofree char *folder = g_build_filename(path, take, NULL);
		g_autofree char *index = g_build_filename(folder, "index.jsonl", NULL);
		if (!g_file_test(index, G_FILE_TEST_EXISTS))
			continue;
		g_autofree char *id = g_strconcat(stage, ".", take, NULL);
		json_t *row = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:i}", "id", id, "stage",
			stage, "take", take, "started_us", (json_int_t)time_of(take), "ended_us",
			(json_int_t)0, "length_us", (json_int_t)0, "bytes", (json_int_t)0, "gaps",
			0);
		describe(row, folder, index);
		json_array_append_new(rows, row);
	}
	return rows;
}

static bool is_work(const char *folder)
{
	g_autofree char *index = g_build_filename(folder, "index.jsonl", NULL);
	g_autofree char *file = g_build_filename(folder, CATALOGUE_FILE, NULL);
	g_autofree char *reason = NULL;
	unsigned tries;
	bool has_failed;
	if (g_file_test(file, G_FILE_TEST_EXISTS) || !recovery_has_ended(index))
		return false;
	catalogue_read_tries(folder, &tries, &has_failed, &reason);
	return !has_failed;
}

char *catalogue_find_work(const char *root)
{
	g_autoptr(GPtrArray) stages = names_in(root);
	g_autofree char *oldest = NULL;
	char *found = NULL;
	for (unsigned i = 0; i < stages->len; i++) {
		g_autofree char *path = g_build_filename(root, stages->pdata[i], NULL);
		g_autoptr(GPtrArray) takes = names_in(path);
		for (unsigned n = 0; n < takes->len; n++) {
			g_autofree char *folder = g_build_filename(path, takes->pdata[n], NULL);
			if ((oldest && strcmp(takes->pdata[n], oldest) >= 0) || !is_work(folder))
				continue;
			g_free(oldest);
			g_free(found);
			oldest = g_strdup(takes->pdata[n]);
			found = g_steal_pointer(&folder);
		}
	}
	return found;
}
