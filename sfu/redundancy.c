#include "redundancy.h"

unsigned redundancy_choose(Redundancy *redundancy, double loss, int64_t now_us)
{
	static const double enter[] = { REDUNDANCY_ONE, REDUNDANCY_TWO };
	int64_t *needed_us = redundancy->needed_us;

	for (unsigned step = 0; step < 2; step++) {
		if (loss >= enter[step] / 2)
			needed_us[step] = now_us;
		if (loss >= enter[step] && redundancy->distance <= step)
			redundancy->distance = step + 1;
	}
	while (redundancy->distance &&
		now_us - needed_us[redundancy->distance - 1] >= REDUNDANCY_CALM_US)
		redundancy->distance--;
	return redundancy->distance;
}
