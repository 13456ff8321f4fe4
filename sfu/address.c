#include "address.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

bool address_read(Address *address, const struct sockaddr *from)
{
	if (from->sa_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, from, sizeof v4);
		memcpy(address->ip, mapped, sizeof mapped);
		memcpy(address->ip + 12, &v4.sin_addr, 4);
		address->port = ntohs(v4.sin_port);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, from, sizeof v6);
		memcpy(address->ip, &v6.sin6_addr, 16);
		address->port = ntohs(v6.sin6_port);
		return true;
	}
	return false;
}

bool address_is_ipv4(const Address *address)
{
	return !memcmp(address->ip, mapped, sizeof mapped);
}

socklen_t address_write(const Address *address, int family, struct sockaddr_storage *to)
{
	if (family == AF_INET) {
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(address->port) };
		memcpy(&v4.sin_addr, address->ip + 12, 4);
		memcpy(to, &v4, sizeof v4);
		return sizeof v4;
	}
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(address->port) };
	memcpy(&v6.sin6_addr, address->ip, 16);
	memcpy(to, &v6, sizeof v6);
	return sizeof v6;
}

void address_text(const Address *address, char text[ADDRESS_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN];
	if (address_is_ipv4(address)) {
		inet_ntop(AF_INET, address->ip + 12, ip, sizeof ip);
		snprintf(text, ADDRESS_TEXT_MAX, "%s:%u", ip, address->port);
	} else {
		inet_ntop(AF_INET6, address->ip, ip, sizeof ip);
		snprintf(text, ADDRESS_TEXT_MAX, "[%s]:%u", ip, address->port);
	}
}
