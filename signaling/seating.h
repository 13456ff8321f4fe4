/* seating.h - who sits where: devices take seats, wait for them, lose them and come back
 *
 * The first device takes the seat; the same device coming again replaces its older connection;
 * another one waits for the hub's choice. Main thread. */
#pragma once
#include "hub.h"

/* The device sits down or waits: *result is a `hello` result either way (new reference).
 * receive and publish name the peers it still has, or are NULL. */
const Refusal *seating_enter(Session *session, Seat *seat, const char *device, const char *receive,
	const char *publish, json_t **result);
/* Its connection is gone. is_silent: without a word, so it may well come back. */
void seating_leave(Session *session, bool is_silent);
/* The hub's choice about the device that waits. */
const Refusal *seating_admit(Hub *hub, Seat *seat);
const Refusal *seating_refuse(Hub *hub, Seat *seat);
/* Its link is revoked: everybody off, off stage, media closed. Settles; commit afterwards. */
void seating_expel(Hub *hub, Seat *seat, const char *reason);

/* At start: seats that had a device before are kept for it a moment. */
void seating_restore(Hub *hub, int64_t now_us);
/* Each second: lost seats go to whoever waits, their media ends after a minute. */
void seating_tick(Hub *hub, int64_t now_us);
