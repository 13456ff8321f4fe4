/* house.h - which connections come from one house: an IPv4 address, or an IPv6 /64
 *
 * Limits against strangers count by house. A plain value. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

typedef struct House {
	uint8_t bytes[8]; /* an IPv4 address and zeros, or an IPv6 /64 */
	bool is_v6;
} House;

House house_of(const struct sockaddr_storage *from);
/* For tables of GLib. */
unsigned house_hash(const void *house);
gboolean house_equal(const void *a, const void *b);
