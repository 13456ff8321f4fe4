#include "commands.h"
#include "common/log.h"
#include "verbs.h"
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Command {
	const char *group, *verb; /* verb NULL: the group's word is the whole command */
	const char *arguments;
	unsigned count; /* of arguments */
	unsigned options;
	Verb *run;
	const char *help;
} Command;

static const Command commands[] = {
	{ "status", NULL, "", 0, 0, status_show,
		"Says what runs, who is there and what room is left." },
	{ "forum", "make", "TITLE", 1, 0, forum_make, "Makes a forum and prints its links." },
	{ "forum", "list", "", 0, WORDS_CSV, forum_list, "Lists all forums." },
	{ "forum", "links", "FORUM", 1, WORDS_CSV, forum_links,
		"Prints the links of chair and staff and the addresses for encoders, players and "
		"scripts." },
	{ "site", "import", "FORUM FILE.csv", 2, WORDS_DRY, site_import,
		"Brings a list of sites into a forum: all of it or nothing. A site that is there "
		"already keeps its links." },
	{ "site", "list", "FORUM", 1, WORDS_CSV, site_list, "Lists the sites of a forum." },
	{ "site", "links", "FORUM", 1, WORDS_CSV | WORDS_HTML, site_links,
		"Prints the join and ask link of every site." },
	{ "site", "revoke", "FORUM SITE join|ask", 3, 0, site_revoke,
		"Makes one link of a site dead and prints the new one." },
	{ "question", "list", "FORUM", 1, WORDS_CSV | WORDS_STATE, question_list,
		"Lists the questions of a forum in the order they came." },
	{ "recording", "list", "", 0, 0, recording_list,
		"Lists what was recorded: when, how long, how large." },
	{ "backup", NULL, "FILE.tar", 1, WORDS_FORCE, backup_make,
		"Writes store, secret and certificate into one file while the server runs." },
	{ "restore", NULL, "FILE.tar", 1, WORDS_FORCE | WORDS_USER, backup_restore,
		"Makes a data folder from a backup, for a server that does not run." },
};

static char *usage_of(const Command *command)
{
	return g_strjoin("", command->group, command->verb ? " " : "",
		command->verb ? command->verb : "", *command->arguments ? " " : "",
		command->arguments, NULL);
}

bool commands_know(const char *word)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (strcmp(commands[i].group, word) == 0)
			return true;
	}
	return false;
}

static void print(FILE *out, const char *group)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (group && strcmp(commands[i].group, group) != 0)
			continue;
		g_autofree char *usage = usage_of(&commands[i]);
		fprintf(out, "  %-32s %s\n", usage, commands[i].help);
	}
}

void commands_print(void)
{
	print(stdout, NULL);
}

static int say_usage(const char *sentence)
{
	fprintf(stderr, "diemcau: %s\n", sentence);
	return EXIT_USAGE;
}

static int run(const Command *command, int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *usage = usage_of(command);
	Words words;
	int status = EXIT_SUCCESS;
	if (!words_read(&words, usage, command->help, command->options, argc, argv, &error)) {
		status = say_usage(error->message);
	} else if (words.count != command->count) {
		g_autofree char *sentence = g_strdup_printf("usage: diemcau %s", usage);
		status = say_usage(sentence);
	} else if (!command->run(&words, &error)) {
		fflush(stdout);
		fprintf(stderr, "diemcau: %s\n", error->message);
		status = EXIT_FAILURE;
	} else if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "diemcau: cannot print: %s\n", g_strerror(errno));
		status = EXIT_FAILURE;
	}
	words_clear(&words);
	return status;
}

int commands_run(int argc, char **argv)
{
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C");
	g_set_prgname("diemcau");
	log_init("diemcau");
	const char *verb = argc > 1 ? argv[1] : "--help";
	for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
		const Command *command = &commands[i];
		if (strcmp(command->group, argv[0]) != 0)
			continue;
		if (!command->verb)
			return run(command, argc, argv);
		if (strcmp(command->verb, verb) == 0)
			return run(command, argc - 1, argv + 1);
	}
	bool is_help = strcmp(verb, "--help") == 0 || strcmp(verb, "help") == 0;
	FILE *out = is_help && argc > 1 ? stdout : stderr;
	if (!is_help)
		fprintf(out, "diemcau: there is no command '%s %s'\n", argv[0], verb);
	fprintf(out, "Usage:\n");
	print(out, argv[0]);
	return is_help && argc > 1 ? EXIT_SUCCESS : EXIT_USAGE;
}
