/* floor_seal.h - what sealing alone costs: nanoseconds a packet for each library, profile and
 * length */
#pragma once
#include <jansson.h>

#define FLOOR_KEYS 442

/* Prints a table to stderr; the same figures as an array. */
json_t *floor_seal(void);
