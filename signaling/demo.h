/* demo.h - a forum to try things out: made once, found again at each start
 *
 * Start only. */
#pragma once
#include "hub.h"

/* The demo forum with this many sites, committed; its links as one line of JSON in path (0600). */
bool demo_make(Hub *hub, unsigned sites, const char *path, GError **error);
