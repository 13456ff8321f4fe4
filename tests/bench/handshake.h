/* handshake.h - the DTLS client of a peer, up to the keys of SRTP; the wall round OpenSSL's DTLS
 *
 * One certificate serves all peers of the process. A Handshake sees datagrams and nothing else of
 * the network. */
#pragma once
#include "sfu/srtp_profile.h"
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDSHAKE_QUEUE_MAX 32 /* datagrams not yet taken by OpenSSL */

typedef struct HandshakeContext HandshakeContext;
typedef struct Handshake Handshake;

/* only: the one profile to offer, or SRTP_PROFILE_NONE for both. */
HandshakeContext *handshake_context_new(SrtpProfile only, GError **error);
void handshake_context_free(HandshakeContext *context);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HandshakeContext, handshake_context_free)
/* "AB:CD:…", borrowed. */
const char *handshake_fingerprint(const HandshakeContext *context);

typedef enum HandshakeState { HANDSHAKE_RUNS, HANDSHAKE_DONE, HANDSHAKE_FAILED } HandshakeState;
typedef void (*HandshakeSend)(const uint8_t *data, size_t len, void *user);

/* Sends the first hello from handshake_start(). expected: sha-256 of the server's certificate. */
Handshake *handshake_new(
	HandshakeContext *context, const uint8_t expected[32], HandshakeSend send, void *user);
void handshake_free(Handshake *handshake);
HandshakeState handshake_start(Handshake *handshake);
HandshakeState handshake_receive(Handshake *handshake, const uint8_t *data, size_t len);
/* Sends the last flight again if it is due. */
HandshakeState handshake_tick(Handshake *handshake);
/* The keys, once it is done. */
const SrtpKeys *handshake_keys(const Handshake *handshake);
/* Says close_notify. */
void handshake_close(Handshake *handshake);
