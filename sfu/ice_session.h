/* ice_session.h - whose checks a peer takes: the credentials that hold, and those of a restart
 *
 * An ICE restart (RFC 8445 §9) gives both sides new ones. The old ones hold until the first valid
 * check with the new ones, so that nothing is interrupted; DTLS and SRTP are not touched. Embedded
 * in a Peer; pure. */
#pragma once
#include "ice.h"

#define ICE_REMOTE_UFRAG_MAX 256 /* RFC 8839 §5.4 */

/* Ours, and what the peer's checks name behind it. Ours is empty where there is none. */
typedef struct IceGeneration {
	IceCredentials local;
	char remote_ufrag[ICE_REMOTE_UFRAG_MAX + 1];
} IceGeneration;

typedef struct IceSession {
	IceGeneration current, next;
} IceSession;

void ice_session_init(IceSession *session, const IceGeneration *first);
/* next holds beside the current one. The ufrag of ours that no longer does (a restart that was
 * never used) is copied to gone; "" for none. */
void ice_session_restart(
	IceSession *session, const IceGeneration *next, char gone[ICE_UFRAG_LEN + 1]);
/* The one with this ufrag of ours, borrowed; NULL if it holds no more. */
const IceGeneration *ice_session_find(const IceSession *session, const char *ufrag);
/* A valid check came with this ufrag. True if it was the first of a restart: gone is the one whose
 * time is over. */
bool ice_session_checked(IceSession *session, const char *ufrag, char gone[ICE_UFRAG_LEN + 1]);
