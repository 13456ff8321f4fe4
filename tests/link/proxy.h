/* proxy.h - the TCP half of one port: each connection goes over the road as segments of a stream
 *
 * A hop that ends TCP can neither lose a byte nor see an acknowledgement. So: a lost segment comes
 * LANE_STALL_US and two delays later, and what follows in its stream with it; the rate is felt as back
 * pressure, since nothing is read while half of the lane's queue is taken or 256 kB are under way; the
 * server is dialled when the opening has come over the road, though accept was at once. A reset passes
 * at once. Runs on the default GLib context. */
#pragma once
#include "road.h"

typedef struct ProxyStats {
	uint64_t refused; /* one connection too many, or TCP was off */
	uint64_t reset;
} ProxyStats;

typedef struct Proxy Proxy;

/* Listens there; port is what its parcels say. */
Proxy *proxy_new(
	Road *road, unsigned port, const Address *listen, const Address *to, GError **error);
void proxy_free(Proxy *proxy);

/* A part of a stream has come over the road. */
void proxy_take(Proxy *proxy, const Parcel *parcel, Way way);
/* The road may have room again. */
void proxy_look(Proxy *proxy);
/* Every connection is reset; new ones come from there unless NULL. */
void proxy_rebind(Proxy *proxy, const Address *from);
/* Off: every connection is reset, and each new one. */
void proxy_set_on(Proxy *proxy, bool on);

unsigned proxy_connections(const Proxy *proxy);
const ProxyStats *proxy_stats(const Proxy *proxy);
