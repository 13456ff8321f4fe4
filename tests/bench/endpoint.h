/* endpoint.h - one peer's socket, its ICE with its restarts, its DTLS and its SRTP
 *
 * A full ICE agent's side, as small as an ICE-lite server allows: one candidate, a
 * check that nominates at once, then one each 2.5 s for consent. Packets come up as they came,
 * still sealed. Never freed from inside one of its own events. */
#pragma once
#include "ground.h"
#include "guard.h"
#include "handshake.h"
#include "offer.h"

#define ENDPOINT_PACKET_MAX 1500
#define ENDPOINT_RESTART_US 5000000

typedef struct EndpointEvents {
	void (*connected)(void *user);
	/* The bytes may be changed in place. arrived_us: when the kernel had it where the endpoint
	 * opens packets, else when it was read. */
	void (*rtp)(uint8_t *data, size_t len, int64_t arrived_us, void *user);
	void (*rtcp)(uint8_t *data, size_t len, void *user);
	void (*turn)(void *user); /* all that was there has been told; may be NULL */
	/* The first check of a restart is answered, and all is sent by the new socket. */
	void (*restarted)(void *user);
} EndpointEvents;

typedef struct Endpoint Endpoint;

/* What all endpoints of the process share. */
typedef struct EndpointPlace {
	Ground *ground;
	HandshakeContext *dtls;
	bool anywhere; /* also addresses that are not this machine's */
} EndpointPlace;

/* opens: packets that come are opened, and stamped by the kernel. */
Endpoint *endpoint_new(const EndpointPlace *place, const Offer *offer, const Answer *answer,
	bool opens, const EndpointEvents *events, void *user, GError **error);
/* Says close_notify first. */
void endpoint_free(Endpoint *endpoint);

/* "candidate:…" of our socket, for a server that wants to know. Free with g_free. */
char *endpoint_candidate(const Endpoint *endpoint);

/* An ICE restart on a changed network: checks from a new socket, under the new credentials of offer
 * and answer, of which nothing else is looked at. The old socket serves until the first check is
 * answered, and is checked no more; after ENDPOINT_RESTART_US without an answer there is trouble.
 * DTLS and SRTP stay. Only when connected, and one at a time. False with error: no socket. */
bool endpoint_restart(Endpoint *endpoint, const Offer *offer, const Answer *answer, GError **error);

/* Each 100 ms: checks, and what DTLS sends again. */
void endpoint_tick(Endpoint *endpoint, int64_t now_us);
bool endpoint_is_connected(const Endpoint *endpoint);
/* Why it will not come to anything any more; NULL while it may. */
const char *endpoint_trouble(const Endpoint *endpoint);
/* For what came up sealed. */
Guard *endpoint_guard(Endpoint *endpoint);
/* Seals and sends at once; data has GUARD_TRAILER_MAX bytes of room behind len. */
void endpoint_send_rtcp(Endpoint *endpoint, uint8_t *data, size_t len);
/* Sends count sealed packets with one call. */
void endpoint_send(Endpoint *endpoint, const struct iovec *packets, unsigned count);
