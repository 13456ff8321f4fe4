/* nat.h - the UDP half of one port: each client has a socket of its own towards the server
 *
 * As a home router does it: the server sees a port for each client, and rebinding gives them all new
 * ones. Runs on the default GLib context. */
#pragma once
#include "road.h"

#define NAT_CLIENTS_MAX 64
#define NAT_IDLE_US 120000000 /* then a client that said nothing is forgotten */

typedef struct NatStats {
	uint64_t refused; /* datagrams of one client too many, or without a socket */
	uint64_t blocked; /* came while UDP was off */
} NatStats;

typedef struct Nat Nat;

/* Listens there; port is what its parcels say. */
Nat *nat_new(Road *road, unsigned port, const Address *listen, const Address *to, GError **error);
void nat_free(Nat *nat);

/* A datagram has come over the road. */
void nat_take(Nat *nat, const Parcel *parcel, Way way);
/* New sockets for all, bound to `from` unless NULL; what comes to the old ones is lost. What is on its
 * way up leaves from the new ones. False when `from` is not ours: then nothing has changed; or when a
 * client got none: what it says is refused. */
bool nat_rebind(Nat *nat, const Address *from, GError **error);
void nat_set_on(Nat *nat, bool on);
void nat_forget_idle(Nat *nat, int64_t now_us);

unsigned nat_clients(const Nat *nat);
const NatStats *nat_stats(const Nat *nat);
/* Where it listens. */
void nat_address(const Nat *nat, Address *address);
