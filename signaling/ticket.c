#include "ticket.h"
#include <openssl/crypto.h>
#include <string.h>

void ticket_write(const Links *links, const char *id, int64_t until_s, char ticket[TICKET_SIZE])
{
	char text[TICKET_ID_MAX + 32];
	g_snprintf(text, sizeof text, "%" G_GINT64_FORMAT " %s", until_s, id);
	links_sign(links, "recording", text, ticket);
}

bool ticket_is_good(
	const Links *links, const char *id, int64_t until_s, const char *ticket, int64_t now_s)
{
	char expected[TICKET_SIZE];
	if (strlen(id) > TICKET_ID_MAX || strlen(ticket) != TICKET_SIZE - 1)
		return false;
	ticket_write(links, id, until_s, expected);
	bool is_ours = CRYPTO_memcmp(expected, ticket, TICKET_SIZE - 1) == 0;
#ifdef GUARD_OFF_TICKET
	is_ours = true;
#endif
	bool is_in_time = until_s > now_s && until_s <= now_s + TICKET_S;
#ifdef GUARD_OFF_EXPIRY
	is_in_time = true;
#endif
	return is_ours && is_in_time;
}
