#include "words.h"
#include "common/config.h"
#include <string.h>

#define ID_LEN 22      /* ids are 22 letters of base64url, and one in 64 begins with - */
#define ID_MARK "\x01" /* put before such a one while GLib looks for options */

static bool is_dashed_id(const char *word)
{
	if (*word != '-' || strlen(word) != ID_LEN)
		return false;
	for (; *word; word++) {
		if (!g_ascii_isalnum(*word) && *word != '-' && *word != '_')
			return false;
	}
	return true;
}

static char **mark_ids(int argc, char **argv)
{
	char **marked = g_new0(char *, (gsize)argc + 1);
	for (int i = 0; i < argc; i++)
		marked[i] = g_strconcat(i && is_dashed_id(argv[i]) ? ID_MARK : "", argv[i], NULL);
	return marked;
}

/* What is left behind the verb, unmarked. */
static void take_arguments(Words *words, char **rest)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
	for (char **word = rest[0] ? rest + 1 : rest; *word; word++) {
		if (strcmp(*word, "--") == 0)
			continue;
		g_strv_builder_add(builder, *word + (g_str_has_prefix(*word, ID_MARK) ? 1 : 0));
		words->count++;
	}
	words->arguments = g_strv_builder_end(builder);
}

static bool find_folders(Words *words, const char *data, const char *config_path, GError **error)
{
	g_autoptr(Config) config = config_read(config_path, error);
	if (!config)
		return false;
	const char *folder = data ? data : config_string(config, "paths", "data", "data");
	words->data = g_canonicalize_filename(folder, NULL);
	words->run =
		g_canonicalize_filename(config_string(config, "paths", "run", "run"), words->data);
	return true;
}

static void add_options(GOptionContext *context, Words *words, unsigned options, gboolean flags[5])
{
	const struct {
		unsigned mask;
		GOptionEntry entry;
	} all[] = {
		{ WORDS_CSV, { "csv", 0, 0, G_OPTION_ARG_NONE, &flags[1],
				     "Print a table for a spreadsheet (CSV, UTF-8)", NULL } },
		{ WORDS_HTML, { "html", 0, 0, G_OPTION_ARG_NONE, &flags[2],
				      "Print pages for a printer, one for each site", NULL } },
		{ WORDS_DRY, { "dry-run", 0, 0, G_OPTION_ARG_NONE, &flags[3],
				     "Say what would change, and change nothing", NULL } },
		{ WORDS_FORCE, { "force", 0, 0, G_OPTION_ARG_NONE, &flags[4],
				       "Do it although something is there already", NULL } },
		{ WORDS_STATE, { "state", 0, 0, G_OPTION_ARG_STRING, &words->state,
				       "Only those: new, approved, on-air or answered", "STATE" } },
		{ WORDS_USER, { "user", 0, 0, G_OPTION_ARG_STRING, &words->user,
				      "Who owns the files when restored as root (default: diemcau)",
				      "NAME" } },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
		const GOptionEntry entries[] = { all[i].entry, { NULL } };
		if (options & all[i].mask)
			g_option_context_add_main_entries(context, entries, NULL);
	}
}

bool words_read(Words *words, const char *usage, const char *help, unsigned options, int argc,
	char **argv, GError **error)
{
	*words = (Words){ 0 };
	g_autofree char *data = NULL, *config = NULL;
	gboolean flags[5] = { FALSE };
	const GOptionEntry common[] = {
		{ "data", 0, 0, G_OPTION_ARG_FILENAME, &data,
			"Folder of everything that is kept (default: data)", "DIR" },
		{ "config", 0, 0, G_OPTION_ARG_FILENAME, &config,
			"Configuration file, as the server has it", "FILE" },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &flags[0], "Print JSON, for scripts", NULL },
		{ NULL },
	};
	g_autofree char *name = g_strconcat("diemcau ", usage, NULL);
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_option_context_set_summary(context, help);
	add_options(context, words, options, flags);
	g_option_context_add_main_entries(context, common, NULL);
	g_auto(GStrv) rest = mark_ids(argc, argv);
	g_set_prgname(name); /* in the text of --help */
	bool parsed = g_option_context_parse_strv(context, &rest, error);
	g_set_prgname("diemcau");
	words->is_json = flags[0];
	words->is_csv = flags[1];
	words->is_html = flags[2];
	words->is_dry = flags[3];
	words->is_forced = flags[4];
	take_arguments(words, rest);
	return parsed && find_folders(words, data, config, error);
}

void words_clear(Words *words)
{
	g_free(words->data);
	g_free(words->run);
	g_free(words->state);
	g_free(words->user);
	g_strfreev(words->arguments);
	*words = (Words){ 0 };
}
