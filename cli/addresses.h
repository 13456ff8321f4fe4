/* addresses.h - where the sites can reach this machine
 *
 * Asks the kernel only; sends nothing. */
#pragma once
#include <glib.h>

#define ADDRESSES_MAX 8 /* each is a candidate in every answer and a name in the certificate */

/* Global addresses, IPv4 first, that of the default route before all; 127.0.0.1 when there is none.
 * Free with g_strfreev. */
char **addresses_of_machine(void);

/* As it stands in a URL: IPv6 in brackets. Free with g_free. */
char *addresses_for_url(const char *address);
