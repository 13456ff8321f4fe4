#include "pick.h"

Track *pick_layer(Track *lowest, unsigned wanted, int64_t now_us)
{
	Track *best = NULL;
	if (!lowest->higher)
		return lowest;
	for (Track *layer = lowest; layer; layer = layer->higher)
		if (track_is_alive(layer, now_us) && (!best || layer->layer <= wanted))
			best = layer;
	return best;
}
