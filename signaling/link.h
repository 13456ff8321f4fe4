/* link.h - tokens of the permanent links: made from an id, checked against a generation
 *
 * A token is KIND ID MAC: one letter, 22 letters of id, 22 letters of HMAC-SHA256 (128 bits of it)
 * over kind, id and generation under the secret in secret.key. Nothing about a token is stored, so
 * a stolen store opens no door. Revoking is raising the generation. Main thread. */
#pragma once
#include "id.h"
#include <glib.h>

#define LINK_LEN (1 + 2 * ID_LEN)
#define LINK_SIZE (LINK_LEN + 1)

typedef enum LinkKind {
	LINK_JOIN = 'j',
	LINK_ASK = 'a',
	LINK_CHAIR = 'c',
	LINK_MODERATOR = 'm',
	LINK_WHIP = 'p',
	LINK_WHEP = 'v',
	LINK_API = 'k',
} LinkKind;

typedef enum LinkVerdict { LINK_BAD, LINK_REVOKED, LINK_GOOD } LinkVerdict;

typedef struct Links Links;

/* Reads the secret at path; makes it (0600) when there is none yet. */
Links *links_open(const char *path, GError **error);
void links_free(Links *links);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Links, links_free)

void links_write(const Links *links, LinkKind kind, const char *id, unsigned generation,
	char token[LINK_SIZE]);
/* The shape alone: which kind and whose. False when it is no token at all. */
bool link_read(const char *token, LinkKind *kind, char id[ID_SIZE]);
/* Whether this token was made for this generation (good), for one of the last
 * LINK_GENERATIONS before it (revoked), or not by us. Takes the same time wherever it differs. */
LinkVerdict links_check(const Links *links, const char *token, unsigned generation);

/* 22 letters of HMAC over text, under a key that is made of the secret for this purpose alone. */
void links_sign(const Links *links, const char *purpose, const char *text, char mac[ID_SIZE]);

#define LINK_GENERATIONS 32 /* a link revoked more often than that is answered `bad-token` */
