/* sockets.h - the media sockets: handed over by the supervisor, or opened here
 *
 * Main thread, once at start. */
#pragma once
#include "roster.h"

/* False with error, a sentence for the operator (port in use, missing right). */
bool sockets_open(RosterSockets *sockets, int port, bool multihomed, GError **error);
