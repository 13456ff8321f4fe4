#include "target.h"
#include <arpa/inet.h>
#include <gio/gio.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

socklen_t target_read(struct sockaddr_storage *target, const char *address, unsigned port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	memset(target, 0, sizeof *target);
	if (!port || port > UINT16_MAX)
		return 0;
	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		memcpy(target, &v4, sizeof v4);
		return sizeof v4;
	}
	if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
		memcpy(target, &v6, sizeof v6);
		return sizeof v6;
	}
	return 0;
}

static bool same_ip(const struct sockaddr_storage *a, const struct sockaddr *b)
{
	if (!b || a->ss_family != b->sa_family)
		return false;
	if (b->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
		       ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	if (b->sa_family == AF_INET6)
		return !memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
			&((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr));
	return false;
}

static bool is_loopback(const struct sockaddr_storage *target)
{
	if (target->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)target;
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	}
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)target;
	return target->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

bool target_is_local(const struct sockaddr_storage *target)
{
	if (is_loopback(target))
		return true;
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) < 0)
		return false;
	bool ours = false;
	for (const struct ifaddrs *at = all; at && !ours; at = at->ifa_next)
		ours = same_ip(target, at->ifa_addr);
	freeifaddrs(all);
	return ours;
}

bool target_url_is_local(const char *url)
{
	g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
	const char *host = uri ? g_uri_get_host(uri) : NULL;
	struct sockaddr_storage target;
	if (!host)
		return false;
	if (!g_ascii_strcasecmp(host, "localhost"))
		return true;
	return target_read(&target, host, 1) && target_is_local(&target);
}
