/* operator.h - the operator's door: what `diemcau` asks of the running daemon
 *
 * JSON-RPC over a Unix socket that only root and the daemons' own user can open; whoever can may do
 * everything. docs/API.md §5 has the methods. Main thread. */
#pragma once
#include "hub.h"

typedef struct Operator Operator;

/* listen_fd is taken over; hub outlives it. copy: where a backup's copy of the store lies. */
Operator *operator_new(Hub *hub, int listen_fd, const char *copy);
/* Whoever waits for the disk must have been answered (store_drain). */
void operator_free(Operator *door);
