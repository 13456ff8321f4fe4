/* mix.h - several voices on one time line
 *
 * What is added lies at its place until its moment is taken out; where nothing was added is
 * silence. Pure arithmetic. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define MIX_ROOM 262144 /* samples between what is taken next and the last that may be added: 5 s  \
			 */

typedef struct Mix {
	int64_t next; /* number of the sample that is taken next */
	int32_t sums[MIX_ROOM];
} Mix;

/* Samples whose moment is over, or too far ahead, are left out. */
void mix_add(Mix *mix, int64_t at, const int16_t *samples, size_t count);
void mix_take(Mix *mix, int16_t *samples, size_t count);
