#include "common/csv.h"
#include "talk.h"
#include "verbs.h"
#include "when.h"
#include <stdio.h>

static void print_row(const json_t *row)
{
	g_autofree char *asked = when_text(verb_number(row, "created"));
	g_autofree char *text = g_strdelimit(g_strdup(verb_text(row, "text")), "\n", ' ');
	const char *name = verb_text(row, "name");
	printf("%5d  %s  %-8s  %s%s%s: %s\n", (int)verb_number(row, "number"), asked,
		verb_text(row, "state"), verb_text(row, "site"), *name ? ", " : "", name, text);
}

static void add_row(GString *table, const json_t *row)
{
	g_autofree char *number = g_strdup_printf("%d", (int)verb_number(row, "number"));
	g_autofree char *asked = when_text(verb_number(row, "created"));
	g_autofree char *changed = when_text(verb_number(row, "changed"));
	csv_write(table, number, asked, verb_text(row, "site"), verb_text(row, "district"),
		verb_text(row, "name"), verb_text(row, "source"), verb_text(row, "state"), changed,
		verb_text(row, "text"), NULL);
}

bool question_list(const Words *words, GError **error)
{
	json_t *params = json_pack("{s:s}", "forum", words->arguments[0]);
	if (words->state)
		json_object_set_new(params, "state", json_string(words->state));
	g_autoptr(Talk) talk = talk_open(words, error);
	if (!talk) {
		json_decref(params);
		return false;
	}
	g_autoptr(json_t) rows = talk_list(talk, "question.list", params, "questions", error);
	if (!rows)
		return false;
	g_autoptr(GString) table = g_string_new(CSV_BOM);
	csv_write(table, "số", "gửi lúc (giờ Việt Nam)", "điểm cầu", "huyện", "người hỏi", "nguồn",
		"trạng thái", "đổi lúc", "câu hỏi", NULL);
	g_autoptr(json_t) ordered = json_array();
	for (size_t i = json_array_size(rows); i; i--) { /* the newest come first */
		json_t *row = json_array_get(rows, i - 1);
		if (words->is_json)
			json_array_append(ordered, row);
		else if (words->is_csv)
			add_row(table, row);
		else
			print_row(row);
	}
	if (words->is_json)
		verb_print_json(ordered);
	else if (words->is_csv)
		fputs(table->str, stdout);
	return true;
}
