/* diemcau - the operator's command line */
#include "commands.h"
#include "up.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(void)
{
	printf("Usage: diemcau COMMAND [OPTION…]\n\nCommands:\n");
	printf("  %-32s %s\n", "up", "Starts the daemons and keeps them running.");
	commands_print();
	printf("\n'diemcau COMMAND --help' says more.\n");
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "--help";
	if (strcmp(word, "up") == 0)
		return up_run(argc - 1, argv + 1);
	if (commands_know(word))
		return commands_run(argc - 1, argv + 1);
	if (strcmp(word, "--version") == 0) {
		printf("diemcau %s\n", DIEMCAU_VERSION);
		return EXIT_SUCCESS;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "help") == 0) {
		print_help();
		return argc > 1 ? EXIT_SUCCESS : EXIT_USAGE;
	}
	fprintf(stderr, "diemcau: there is no command '%s'; 'diemcau --help' lists them\n", word);
	return EXIT_USAGE;
}
