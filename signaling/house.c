#include "house.h"
#include <netinet/in.h>
#include <string.h>

House house_of(const struct sockaddr_storage *from)
{
	House house = { 0 };
	if (from->ss_family == AF_INET6) {
		const struct in6_addr *in = &((const struct sockaddr_in6 *)from)->sin6_addr;
		house.is_v6 = !IN6_IS_ADDR_V4MAPPED(in);
		memcpy(house.bytes, in->s6_addr + (house.is_v6 ? 0 : 12), house.is_v6 ? 8 : 4);
	} else if (from->ss_family == AF_INET) {
		memcpy(house.bytes, &((const struct sockaddr_in *)from)->sin_addr, 4);
	}
	return house;
}

unsigned house_hash(const void *house)
{
	uint64_t bits;
	memcpy(&bits, ((const House *)house)->bytes, sizeof(bits));
	return (unsigned)(bits ^ bits >> 32) * 2654435761u;
}

gboolean house_equal(const void *a, const void *b)
{
	const House *x = a, *y = b;
	return x->is_v6 == y->is_v6 && memcmp(x->bytes, y->bytes, sizeof(x->bytes)) == 0;
}
