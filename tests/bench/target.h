/* target.h - whom the load may be aimed at
 *
 * A thousand viewers are an attack on whoever did not ask for them. Unless the operator says
 * --anywhere, only this machine's own addresses are accepted. */
#pragma once
#include <stdbool.h>
#include <sys/socket.h>

/* An IPv4 or IPv6 literal with a port; its length, 0 if it is none. */
socklen_t target_read(struct sockaddr_storage *target, const char *address, unsigned port);
/* Loopback, or an address of one of our interfaces. */
bool target_is_local(const struct sockaddr_storage *target);
/* The host of an http or https URL is such an address, or localhost. */
bool target_url_is_local(const char *url);
