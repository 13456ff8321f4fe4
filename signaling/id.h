/* id.h - public ids: 128 random bits, 22 letters of base64url
 *
 * Forums, sites, seats, stages and peers are all named so; nothing can be guessed or counted from
 * outside. Plain functions, any thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define ID_BYTES 16
#define ID_LEN 22
#define ID_SIZE (ID_LEN + 1)

void id_make(char id[ID_SIZE]);
/* The 22 letters for 16 given bytes. */
void id_encode(const uint8_t bytes[ID_BYTES], char id[ID_SIZE]);
/* True for exactly 22 letters of the alphabet. NULL is none. */
bool id_is_valid(const char *id);
