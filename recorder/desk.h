/* desk.h - where signaling asks the recorder: JSON-RPC over a Unix socket, docs/API.md §6
 *
 * Main thread. */
#pragma once
#include "common/channel.h"
#include "finisher.h"
#include "studio.h"
#include "tap_line.h"

typedef struct Desk Desk;

/* listen_fd: taken over; what desk_set() gives: borrowed, set before the first request is served.
 */
Desk *desk_new(int listen_fd);
void desk_free(Desk *desk);
void desk_set(Desk *desk, const char *root, const Studio *studio, const TapLine *line,
	const Finisher *finisher);
/* News for all who are connected. */
void desk_tell_take(Desk *desk, const char *stage, const char *take, const char *state);
void desk_tell_well(Desk *desk, bool well, const char *reason);
