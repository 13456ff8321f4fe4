/* roles.h - who somebody is in a forum, and sets of those
 *
 * A role is one bit, so that a method's row can name all who may call it. Whoever is not named may
 * not: zero bits is the default. */
#pragma once

typedef enum Role {
	ROLE_NONE = 0,
	ROLE_ADMIN = 1 << 0,
	ROLE_CHAIR = 1 << 1,
	ROLE_DIRECTOR = 1 << 2,
	ROLE_MODERATOR = 1 << 3,
	ROLE_SPEAKER = 1 << 4,
	ROLE_SITE = 1 << 5,
	ROLE_HELPER = 1 << 6,
	ROLE_REVIEWER = 1 << 7,
	ROLE_VIEWER = 1 << 8,
	ROLE_STRANGER = 1 << 9, /* a connection that has not said hello */
} Role;

#define ROLE_COUNT 9 /* those a seat can have */
#define ROLES_SEATED ((1u << ROLE_COUNT) - 1)
#define ROLES_DIRECT (ROLE_CHAIR | ROLE_DIRECTOR) /* who runs the stage */
#define ROLES_HUB (ROLES_DIRECT | ROLE_MODERATOR) /* who sees all sites */
#define ROLES_STAFF (ROLES_HUB | ROLE_ADMIN)      /* who sees and moves all questions */
#define ROLES_REVIEW (ROLES_STAFF | ROLE_REVIEWER) /* who sees recordings */
#define ROLES_ASK (ROLE_SITE | ROLE_HELPER)       /* who asks them */
#define ROLES_QUEUE (ROLE_SITE | ROLE_SPEAKER)    /* who asks for the floor */
#define ROLES_ANYONE (ROLES_SEATED | ROLE_STRANGER)

/* `chair`; static text. */
const char *role_name(Role role);
/* ROLE_NONE for a word that names no role of a seat. */
Role role_from_name(const char *name);
