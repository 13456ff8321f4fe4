#include "talk.h"
#include "verbs.h"
#include "when.h"
#include <gio/gio.h>
#include <stdio.h>
#include <sys/statvfs.h>

#define GB 1e9

static const char *word_of(const json_t *row, const char *key)
{
	return json_is_true(json_object_get(row, key)) ? "up" : "AWAY OR UNWELL";
}

static void print(const Words *words, const json_t *status)
{
	g_autofree char *since = when_text(verb_number(status, "since"));
	printf("server     %s %s\n", json_string_value(json_object_get(status, "base")),
		json_string_value(json_object_get(status, "version")));
	printf("signaling  up since %s (Vietnam)\n", since);
	printf("sfu        %s\n", word_of(status, "sfu"));
	printf("recorder   %s\n", word_of(status, "recorder"));
	printf("store      %s\n", json_is_true(json_object_get(status, "store"))
					  ? "can be written"
					  : "CANNOT BE WRITTEN");
	printf("forums     %d\n", (int)verb_number(status, "forums"));
	printf("sites      %d, here now %d\n", (int)verb_number(status, "sites"),
		(int)verb_number(status, "online"));
	printf("on stage   %d, hands up %d\n", (int)verb_number(status, "on_air"),
		(int)verb_number(status, "hands"));
	printf("questions  %d\n", (int)verb_number(status, "questions"));
	printf("disk free  %.1f of %.1f GB, %s\n", (double)verb_number(status, "disk_free") / GB,
		(double)verb_number(status, "disk") / GB, words->data);
}

bool status_show(const Words *words, GError **error)
{
	g_autoptr(Talk) talk = talk_open(words, error);
	g_autoptr(json_t) status = talk ? talk_ask(talk, "status", NULL, error) : NULL;
	if (!status)
		return false;
	struct statvfs disk = { 0 };
	(void)statvfs(words->data, &disk);
	json_object_set_new(status, "disk_free",
		json_integer((json_int_t)disk.f_bavail * (json_int_t)disk.f_frsize));
	json_object_set_new(status, "disk",
		json_integer((json_int_t)disk.f_blocks * (json_int_t)disk.f_frsize));
	if (words->is_json)
		verb_print_json(status);
	else
		print(words, status);
	static const struct {
		const char *part, *sentence;
	} needed[] = {
		{ "sfu", "the sfu is away: there is no sound and no picture" },
		{ "store", "the store cannot be written: is the disk full?" },
		{ "recorder", "nothing is recorded: is the disk full?" },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(needed); i++) {
		if (json_is_true(json_object_get(status, needed[i].part)))
			continue;
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, needed[i].sentence);
		return false;
	}
	return true;
}
