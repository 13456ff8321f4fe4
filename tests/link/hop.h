/* hop.h - the weak line with its sockets: ports here, a server there, a lane each way between them
 *
 * All ports share the two lanes, as all of a house shares its line. Runs on the default GLib context,
 * on one thread. */
#pragma once
#include "road.h"
#include "step.h"

typedef struct Hop Hop;

Hop *hop_new(uint32_t seed);
void hop_free(Hop *hop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Hop, hop_free)

/* Listens at one address for what goes to the other, both with a port; UDP, and TCP if told. Port 0 to
 * listen at is any that is free. At most ROAD_PORTS_MAX. */
bool hop_add(Hop *hop, const Address *listen, const Address *to, bool tcp, GError **error);
/* Where the port of this number listens. */
void hop_address(const Hop *hop, unsigned port, Address *address);

/* Makes the step happen now. STATS and END are not its business. */
bool hop_apply(Hop *hop, const Step *step, GError **error);

/* One line of JSON, the caller's: LaneStats of each way and what waits there; clients, connections,
 * rebindings; refused, blocked, reset; and late_us, the latest that something came out after it was
 * due: who measures in milliseconds throws a run away where that is several. */
char *hop_stats(Hop *hop);
