/* guard.h - SRTP of a client: opens what the server sealed; the wall round libsrtp2
 *
 * libsrtp2 is the oracle here: the server seals with code of its own, and what this opens is right.
 * A session costs about 30 KB, so whoever does not open packets does not make the inbound one. */
#pragma once
#include "sfu/srtp_profile.h"
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_TRAILER_MAX 32 /* room that sealing needs behind the message */

typedef struct Guard Guard;

/* opens: also what comes in. NULL: libsrtp2 takes no session. */
Guard *guard_new(const SrtpKeys *keys, bool opens);
void guard_free(Guard *guard);

/* In place; *len becomes the new length. False: not authentic or replayed. */
bool guard_open_rtp(Guard *guard, uint8_t *data, size_t *len);
bool guard_open_rtcp(Guard *guard, uint8_t *data, size_t *len);
bool guard_seal_rtp(Guard *guard, uint8_t *data, size_t *len);
bool guard_seal_rtcp(Guard *guard, uint8_t *data, size_t *len);
