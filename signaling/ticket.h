/* ticket.h - addresses of recordings that open for a few minutes
 *
 * A ticket is the HMAC (128 bits of it) of a recording's id and the second it ends, under a key of
 * its own from the secret of the links: who has seen one can make no other, for no other recording
 * and no later time. Checked on each request; nothing is stored. Main thread. */
#pragma once
#include "link.h"

#define TICKET_S 600
#define TICKET_ID_MAX 100 /* STAGE.TAKE */
#define TICKET_SIZE ID_SIZE

void ticket_write(const Links *links, const char *id, int64_t until_s, char ticket[TICKET_SIZE]);
/* Takes the same time wherever it differs. */
bool ticket_is_good(
	const Links *links, const char *id, int64_t until_s, const char *ticket, int64_t now_s);
