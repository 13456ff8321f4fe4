/* dispatch.h - news from the workers, copied there and told on the control thread
 *
 * A worker calls the events of a Roster on its own thread; each is copied into a Postbox that the
 * control thread's loop watches. Made and freed by the control thread, which is told there alone.
 */
#pragma once
#include "roster.h"

typedef struct Dispatch Dispatch;

/* Strings are borrowed. */
typedef struct DispatchEvents {
	void (*peer)(const char *id, uint64_t serial, TransportState state, const char *transport,
		const char *reason, void *user);
	void (*track)(const char *id, uint64_t serial, Source source, bool flowing, void *user);
	/* owners: "" for nobody */
	void (*slots)(const char *stage, const char *const owners[SLOT_COUNT], void *user);
	void (*rung)(const char *id, uint64_t serial, const RationNews *news, void *user);
} DispatchEvents;

/* NULL when no descriptor is left. */
Dispatch *dispatch_new(const DispatchEvents *events, void *user);
/* Tells what is left; the workers have ended. */
void dispatch_free(Dispatch *dispatch);

/* For roster_new(), with the Dispatch as its user. */
extern const RosterEvents dispatch_roster_events;
