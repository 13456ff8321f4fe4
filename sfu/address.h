/* address.h - an IP address and port, IPv4 and IPv6 in one form
 *
 * A plain value; IPv4 is kept v4-mapped (::ffff:a.b.c.d), so that equal means equal whichever
 * socket a datagram came through. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX 64

typedef struct Address {
	uint8_t ip[16];
	uint16_t port; /* host byte order */
} Address;

/* False for another family. */
bool address_read(Address *address, const struct sockaddr *from);
/* For a socket of this family (AF_INET or AF_INET6); its length. */
socklen_t address_write(const Address *address, int family, struct sockaddr_storage *to);
bool address_is_ipv4(const Address *address);
/* "192.0.2.1:5000" or "[2001:db8::1]:5000" */
void address_text(const Address *address, char text[ADDRESS_TEXT_MAX]);

static inline bool address_equal(const Address *a, const Address *b)
{
	return a->port == b->port && !memcmp(a->ip, b->ip, sizeof a->ip);
}

static inline uint32_t address_hash(const Address *address)
{
	uint64_t high, low;
	memcpy(&high, address->ip, 8);
	memcpy(&low, address->ip + 8, 8);
	uint64_t mixed = (high ^ low ^ (uint64_t)address->port << 17) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(mixed >> 32);
}
