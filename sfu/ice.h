/* ice.h - answers connectivity checks as an ICE-lite agent (RFC 8445 §2.5); the wall round libnice
 *
 * A codec and a verdict, no socket and no state of a peer: the caller looks up the ufrag and keeps
 * the paths. One Ice a worker, touched by it alone. A malformed or false check is never answered
 * (no byte goes to a stranger). */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ICE_UFRAG_LEN 8  /* ours: first character names the worker, RFC 8445 §5.3 asks for ≥ 4 */
#define ICE_PWD_LEN 24   /* ours: ≥ 22 */
#define ICE_REPLY_MAX 128

typedef struct IceCredentials {
	char ufrag[ICE_UFRAG_LEN + 1];
	char pwd[ICE_PWD_LEN + 1];
} IceCredentials;

/* Random credentials for a peer of this worker (0 to 31). */
void ice_credentials_make(IceCredentials *credentials, unsigned worker);
/* The worker that a ufrag of ours names; -1 if it cannot be ours. */
int ice_worker_of(const char *ufrag);

typedef enum IceVerdict {
	ICE_NOT_STUN,   /* not a STUN message: look on */
	ICE_DROP,       /* STUN that we do not answer: malformed, false, unknown, indication */
	ICE_CONFLICT,   /* authentic, but the peer claims to be controlled: send reply (487), no more */
	ICE_CHECK,      /* authentic binding request: reply is to be sent, the path is valid */
} IceVerdict;

typedef struct IceCheck {
	char ufrag[ICE_UFRAG_LEN + 1];  /* ours, from USERNAME */
	bool nominated;                 /* USE-CANDIDATE */
	uint32_t priority;
	uint8_t transaction[12];
	uint8_t reply[ICE_REPLY_MAX];
	uint16_t reply_len;
} IceCheck;

/* The password of this ufrag of ours (borrowed for the call) and, in *remote_ufrag (may stay NULL),
 * the peer's own ufrag, which must then be the second half of USERNAME. NULL: no such peer. */
typedef const char *(*IceLookup)(const char *ufrag, const char **remote_ufrag, void *user);

typedef struct Ice Ice;
Ice *ice_new(void);
void ice_free(Ice *ice);

/* True if the first bytes look like STUN (RFC 7983: 0..3, magic cookie, length). */
bool ice_is_stun(const uint8_t *data, size_t len);
/* The worker that a check asks for, as its USERNAME says: not judged yet. -1: no check, or no
 * ufrag of ours. */
int ice_worker_asked(const uint8_t *data, size_t len);
/* Judges one datagram from `from` (v4-mapped addresses are taken as IPv4). Checks FINGERPRINT,
 * MESSAGE-INTEGRITY, the whole USERNAME and that nothing trails the message. */
IceVerdict ice_read(Ice *ice, const uint8_t *data, size_t len, const struct sockaddr *from,
	IceLookup lookup, void *user, IceCheck *check);
