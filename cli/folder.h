/* folder.h - the data folder: made, owned by the daemons' user, held by one supervisor at a time */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Who the daemons run as. */
typedef struct Person {
	uid_t uid;
	gid_t gid;
	char *name; /* NULL: as ourselves */
} Person;

/* The user to drop to: name when we are root, else ourselves. False with error when there is none.
 */
bool person_find(Person *person, const char *name, GError **error);
void person_clear(Person *person);

/* Makes path and its run/, enters it, locks it, gives it to person and sees that something can be
 * written. The lock's descriptor, which holds until we end; -1 with error. */
int folder_enter(const char *path, const Person *person, GError **error);
