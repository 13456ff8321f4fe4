/* pick.h - which layer of a picture somebody gets
 *
 * Pure logic over tracks and a clock. */
#pragma once
#include "track.h"

/* The highest layer of the picture that is alive and not above `wanted`, else the lowest that is
 * alive; NULL while none is. A picture of one layer is always that one. */
Track *pick_layer(Track *lowest, unsigned wanted, int64_t now_us);
