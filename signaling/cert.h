/* cert.h - a certificate of our own where the operator gives none
 *
 * Self-signed, P-256, for localhost and every announced address; kept in the data folder so that
 * a restart brings no new warning in the browsers. Start only. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define CERT_DAYS 820 /* browsers refuse more than 825 even of one the user trusts */
#define CERT_RENEW_DAYS 30

/* Leaves the files as they are when they fit; makes them anew when one is missing or broken, when
 * an address is not in it, or when it ends within CERT_RENEW_DAYS. */
bool cert_ensure(const char *cert_path, const char *key_path, char **addresses, GError **error);
