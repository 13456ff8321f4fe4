/* words.h - what stands behind one of the operator's commands: options and arguments
 *
 * All commands share their options; each says which of them it takes. Read once; an id that begins
 * with `-` is an argument, not an option. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Options beside --data, --config and --json, which all take. */
enum {
	WORDS_CSV = 1,
	WORDS_HTML = 2,
	WORDS_DRY = 4,
	WORDS_STATE = 8,
	WORDS_FORCE = 16,
	WORDS_USER = 32
};

typedef struct Words {
	char *data; /* absolute */
	char *run;  /* folder of the sockets, absolute */
	bool is_json, is_csv, is_html, is_dry, is_forced;
	char *state, *user; /* NULL: not given */
	char **arguments;
	unsigned count;
} Words;

/* argv[0] is the verb; usage stands in the help, as `forum make TITLE`. Prints and exits on --help.
 * False with error when it makes no sense. */
bool words_read(Words *words, const char *usage, const char *help, unsigned options, int argc,
	char **argv, GError **error);
void words_clear(Words *words);
