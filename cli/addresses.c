#include "addresses.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void add_once(GPtrArray *list, const char *address)
{
	if (list->len < ADDRESSES_MAX &&
		!g_ptr_array_find_with_equal_func(list, address, g_str_equal, NULL))
		g_ptr_array_add(list, g_strdup(address));
}

/* The source address of what would go out by the default route: connecting UDP sends nothing. */
static void add_default_route(GPtrArray *list)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	struct sockaddr_in far = { .sin_family = AF_INET, .sin_port = htons(9) };
	inet_pton(AF_INET, "192.0.2.1", &far.sin_addr); /* TEST-NET-1: nobody's */
	struct sockaddr_in own = { 0 };
	socklen_t len = sizeof(own);
	char text[INET_ADDRSTRLEN];
	if (connect(fd, (struct sockaddr *)&far, sizeof(far)) == 0 &&
		getsockname(fd, (struct sockaddr *)&own, &len) == 0 &&
		ntohl(own.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET &&
		inet_ntop(AF_INET, &own.sin_addr, text, sizeof(text)))
		add_once(list, text);
	close(fd);
}

static void add_family(GPtrArray *list, const struct ifaddrs *all, int family)
{
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (!a->ifa_addr || a->ifa_addr->sa_family != family || !(a->ifa_flags & IFF_UP) ||
			(a->ifa_flags & IFF_LOOPBACK))
			continue;
		char text[INET6_ADDRSTRLEN];
		const void *bytes;
		if (family == AF_INET) {
			bytes = &((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr;
			const uint8_t *b = bytes;
			if (b[0] == 169 && b[1] == 254) /* link-local */
				continue;
		} else {
			bytes = &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)
					 ->sin6_addr;
			if (IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)bytes))
				continue;
		}
		if (inet_ntop(family, bytes, text, sizeof(text)))
			add_once(list, text);
	}
}

char **addresses_of_machine(void)
{
	GPtrArray *list = g_ptr_array_new();
	add_default_route(list);
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) == 0) {
		add_family(list, all, AF_INET);
		add_family(list, all, AF_INET6);
		freeifaddrs(all);
	}
	if (!list->len)
		g_ptr_array_add(list, g_strdup("127.0.0.1"));
	g_ptr_array_add(list, NULL);
	return (char **)g_ptr_array_free(list, FALSE);
}

char *addresses_for_url(const char *address)
{
	return strchr(address, ':') ? g_strdup_printf("[%s]", address) : g_strdup(address);
}
