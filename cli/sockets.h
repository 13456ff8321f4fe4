/* sockets.h - the doors of the house: every listening socket, opened once by the supervisor
 *
 * They outlive the daemons, which get copies by name, so that no connection is refused while one is
 * started anew. */
#pragma once
#include "folder.h"
#include "options.h"
#include <glib.h>
#include <stdbool.h>

typedef struct Handed {
	char *name; /* as in LISTEN_FDNAMES */
	int fd;     /* close-on-exec */
} Handed;

void handed_clear(Handed *handed);

/* All sockets that options name, as a GArray of Handed; the current folder is the data folder, and
 * the daemons' own sockets are given to person. NULL with error: a sentence that names the port. */
GArray *sockets_open(const Options *options, const Person *person, GError **error);
/* Hands over a program, to be run as /proc/self/fd/N; no effect where there is none. */
void sockets_add_program(GArray *sockets, const char *name, const char *path);
