/* commands.h - the table of the operator's commands: finds one, reads its words, runs it */
#pragma once
#include <stdbool.h>

#define EXIT_USAGE 2 /* the command line makes no sense */

/* Whether some command begins with this word. */
bool commands_know(const char *word);
/* argv[0] is that word. The exit status: 0 done, 1 it failed, 2 the command line makes no sense. */
int commands_run(int argc, char **argv);
/* One line each. */
void commands_print(void);
