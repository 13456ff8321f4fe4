/* diemcau - the operator's command line */
#include "up.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "up", up_run, "start the daemons and keep them running" },
};

static void print_help(void)
{
	printf("Usage: diemcau COMMAND [OPTION…]\n\nCommands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].help);
	printf("\n'diemcau COMMAND --help' says more.\n");
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "--help";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (strcmp(word, "--version") == 0) {
		printf("diemcau %s\n", DIEMCAU_VERSION);
		return EXIT_SUCCESS;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "help") == 0) {
		print_help();
		return argc > 1 ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	fprintf(stderr, "diemcau: there is no command '%s'; 'diemcau --help' lists them\n", word);
	return EXIT_FAILURE;
}
