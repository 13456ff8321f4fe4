/* media_methods.h - entering, and one's own PeerConnections: hello, receive.…, publish.…, line.…
 *
 * Rows of the method table. Main thread. */
#pragma once
#include "params.h"

struct Session;
typedef void MethodRun(struct Session *session, json_t *id, const Params *params);
MethodRun on_hello, on_receive_offer, on_receive_restart, on_receive_close, on_publish_offer,
	on_publish_restart, on_publish_close, on_publish_set, on_line_limit;
