/* whip.h - encoders in (WHIP, RFC 9725) and players out (WHEP) by plain HTTP
 *
 * An encoder becomes a seat on stage in the order it came and ends with its PeerConnection; a
 * player is a viewer without a seat. Main thread. */
#pragma once
#include "hub.h"
#include "server.h"

#define WHEP_MAX 2000 /* players a forum: what one sfu serves of one picture on one machine */

/* /whip/FORUM, /whip/FORUM/PEER and the same under /whep. */
void whip_request(Hub *hub, Exchange *exchange, const Request *request);
