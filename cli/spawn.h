/* spawn.h - starts one program: its sockets, its environment, its user, its death with ours
 *
 * Between fork and exec; the supervisor has one thread, so that is no minefield. */
#pragma once
#include "folder.h"
#include "sockets.h"

typedef struct Spawn {
	const char *program; /* absolute path; opened before the rights are dropped */
	const Person *person;
	const Handed *handed; /* become descriptors 3, 4, … */
	unsigned handed_count;
	const char *notify_address;
	unsigned watchdog_us;
} Spawn;

/* The process, leader of a session of its own; 0 with error when it did not get as far as its
 * program. */
pid_t spawn_start(const Spawn *spawn, GError **error);
