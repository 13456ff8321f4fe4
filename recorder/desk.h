/* desk.h - where signaling asks the recorder: JSON-RPC over a Unix socket, docs/API.md §6
 *
 * Main thread. */
#pragma once
#include "common/channel.h"
#include "studio.h"
#include "tap_line.h"

typedef struct Desk Desk;

/* listen_fd: taken over; studio and line: borrowed, set before the first request is served. */
Desk *desk_new(int listen_fd);
void desk_free(Desk *desk);
void desk_set(Desk *desk, const Studio *studio, const TapLine *line);
/* News for all who are connected. */
void desk_tell_take(Desk *desk, const TakeState *take, const char *state);
void desk_tell_well(Desk *desk, bool well, const char *reason);
