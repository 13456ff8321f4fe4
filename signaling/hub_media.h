/* hub_media.h - what the sfu tells, carried to seats and pages
 *
 * Part of the hub. Main thread. */
#pragma once
#include "hub.h"

Media *hub_media_open(Hub *hub, const char *sfu_path);
/* hub.c: hellos that waited for the sfu's list go on. */
void hub_synced(Hub *hub);
