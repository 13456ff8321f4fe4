#include "common/csv.h"
#include "talk.h"
#include "verbs.h"
#include "when.h"
#include <stdio.h>
#include <stdlib.h>

const char *verb_text(const json_t *row, const char *key)
{
	const char *text = json_string_value(json_object_get(row, key));
	return text ? text : "";
}

json_int_t verb_number(const json_t *row, const char *key)
{
	return json_integer_value(json_object_get(row, key));
}

void verb_print_json(const json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2));
	putchar('\n');
}

static void print_links(const Words *words, json_t *links)
{
	static const char *const kinds[] = { "chair", "staff", "whip", "whep", "api" };
	g_autoptr(GString) table = g_string_new(CSV_BOM);
	csv_write(table, "link", "url", "token", NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
		json_t *link = json_object_get(links, kinds[i]);
		bool is_page = json_is_string(link);
		const char *url = is_page ? json_string_value(link) : verb_text(link, "url");
		const char *token = is_page ? "" : verb_text(link, "token");
		csv_write(table, kinds[i], url, token, NULL);
		if (!words->is_csv)
			printf("%-6s %s%s%s\n", kinds[i], url, is_page ? "" : "  token ", token);
	}
	if (words->is_csv)
		fputs(table->str, stdout);
}

bool forum_make(const Words *words, GError **error)
{
	g_autoptr(Talk) talk = talk_open(words, error);
	g_autoptr(json_t) forum =
		talk ? talk_ask(talk, "forum.make",
			       json_pack("{s:s}", "title", words->arguments[0]), error)
		     : NULL;
	if (!forum)
		return false;
	if (words->is_json) {
		verb_print_json(forum);
		return true;
	}
	printf("forum  %s  %s\n", verb_text(forum, "id"), verb_text(forum, "title"));
	print_links(words, json_object_get(forum, "links"));
	return true;
}

bool forum_list(const Words *words, GError **error)
{
	g_autoptr(Talk) talk = talk_open(words, error);
	g_autoptr(json_t) forums =
		talk ? talk_list(talk, "forum.list", json_object(), "forums", error) : NULL;
	if (!forums)
		return false;
	if (words->is_json) {
		verb_print_json(forums);
		return true;
	}
	g_autoptr(GString) table = g_string_new(CSV_BOM);
	csv_write(table, "id", "title", "made (Vietnam)", "sites", "online", NULL);
	size_t i;
	json_t *row;
	json_array_foreach(forums, i, row)
	{
		g_autofree char *made = when_text(verb_number(row, "created"));
		g_autofree char *sites = g_strdup_printf("%d", (int)verb_number(row, "sites"));
		g_autofree char *online = g_strdup_printf("%d", (int)verb_number(row, "online"));
		csv_write(table, verb_text(row, "id"), verb_text(row, "title"), made, sites, online,
			NULL);
		if (!words->is_csv)
			printf("%s  %s  %4s sites, %4s here  %s\n", verb_text(row, "id"), made,
				sites, online, verb_text(row, "title"));
	}
	if (words->is_csv)
		fputs(table->str, stdout);
	else if (!i)
		fprintf(stderr, "There is no forum yet: diemcau forum make TITLE\n");
	return true;
}

bool forum_links(const Words *words, GError **error)
{
	g_autoptr(Talk) talk = talk_open(words, error);
	g_autoptr(json_t) links =
		talk ? talk_ask(talk, "forum.links",
			       json_pack("{s:s}", "forum", words->arguments[0]), error)
		     : NULL;
	if (!links)
		return false;
	if (words->is_json)
		verb_print_json(links);
	else
		print_links(words, links);
	return true;
}
