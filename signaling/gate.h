/* gate.h - who may come in: accepts connections and counts them
 *
 * A connection counts for its address (house.h) until it has shown a valid token. An address
 * with too many of those waits outside: the accepted socket is parked, nothing is read from it,
 * and it is let in when another one of that address has gone or has shown a token. So a hundred
 * sites behind one address all get in, one attacker's thousand sockets hold up only himself.
 * Main thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define GATE_PARKED_PER_ADDRESS 512          /* every site of a province behind one address */
#define GATE_PARKED 2048                     /* a descriptor each */
#define GATE_PARKED_US (10 * G_USEC_PER_SEC) /* a browser gives up at about then */

typedef struct Gate Gate;
typedef struct Visitor Visitor; /* one connection that was let in */

typedef struct GateLimits {
	unsigned strangers_per_address;
	unsigned visitors; /* in all; beyond it nothing is accepted until one leaves */
} GateLimits;

/* Lets a connection in; fd is taken over. The visitor leaves by gate_leave(). */
typedef void (*GateAdmit)(int fd, Visitor *visitor, void *user);

/* Accepts on listen_fd, taken over; -1: they all come by gate_take(). */
Gate *gate_new(int listen_fd, const GateLimits *limits, GateAdmit admit, void *user);
/* Stops accepting and drops the parked; visitors may still leave afterwards. */
void gate_close(Gate *gate);
void gate_free(Gate *gate);

/* A connection that was accepted elsewhere, taken over. */
void gate_take(Gate *gate, int fd);
/* There are as many visitors as may be: take no more. */
bool gate_is_full(const Gate *gate);

/* It has shown a valid token. */
void gate_vouch(Visitor *visitor);
void gate_leave(Visitor *visitor);
unsigned gate_visitors(const Gate *gate);
unsigned gate_parked(const Gate *gate);

/* A listening TCP socket: on all addresses of both families, or on loopback alone. -1 with error.
 */
int gate_listen(int port, bool loopback, GError **error);
