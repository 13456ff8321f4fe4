/* channel.h - JSON-RPC between two daemons of ours over a Unix SOCK_SEQPACKET socket
 *
 * One message a datagram, at most CHANNEL_MESSAGE_MAX. The serving side (sfu, recorder) listens
 * and may have several callers; the calling side (signaling) connects, and connects again by
 * itself with a back-off when the peer dies. Lives on the GLib main context it was made on and is
 * touched by that thread alone. Never blocks: what a full socket does not take is queued up to
 * CHANNEL_QUEUE_MAX bytes, then the connection is dropped as dead. */
#pragma once
#include "rpc.h"
#include <glib.h>
#include <stdint.h>

#define CHANNEL_MESSAGE_MAX (160 * 1024) /* a 64 KiB SDP, escaped, fits; the kernel takes 212,960 */
#define CHANNEL_QUEUE_MAX (8 * 1024 * 1024)
#define CHANNEL_TIMEOUT_MS 3000          /* a call unanswered by then ends with RPC_UNAVAILABLE */

typedef struct Channel Channel;             /* the calling side */
typedef struct ChannelServer ChannelServer; /* the serving side */
typedef struct ChannelCall ChannelCall;     /* one request being served */

/* The answer to a call: exactly one of result and error is set, both borrowed. */
typedef void (*ChannelReply)(json_t *result, json_t *error, void *user);

typedef struct ChannelEvents {
	void (*up)(void *user);                                           /* connected (again) */
	void (*down)(void *user);                                         /* all open calls have ended */
	void (*notification)(const char *method, json_t *params, void *user);
} ChannelEvents;

/* Connects to path, now and whenever the line is lost. Events (borrowed, may be NULL) come from the
 * loop, `up` too. */
Channel *channel_new(const char *path, const ChannelEvents *events, void *user);
/* Calls still open end here with RPC_UNAVAILABLE. */
void channel_free(Channel *channel);
bool channel_is_up(const Channel *channel);
/* Sends a request; params are stolen. reply is called exactly once, never from inside this call;
 * NULL for none. When the line is down the reply is RPC_UNAVAILABLE. */
void channel_call(Channel *channel, const char *method, json_t *params, ChannelReply reply,
	void *user);

/* A request came; method and params are borrowed for the call. Answer it with channel_answer() or channel_refuse(), now or later, once. */
typedef void (*ChannelServe)(ChannelCall *call, const char *method, json_t *params, void *user);

/* Serves on a listening SOCK_SEQPACKET socket, taken over. */
ChannelServer *channel_server_new(int listen_fd, ChannelServe serve, void *user);
void channel_server_free(ChannelServer *server);
/* Sends a notification to every caller; params are stolen. */
void channel_server_notify(ChannelServer *server, const char *method, json_t *params);
void channel_answer(ChannelCall *call, json_t *result);                 /* result stolen; call freed */
void channel_refuse(ChannelCall *call, int code, const char *reason, const char *message);

/* Binds and listens at path (unlinking what is there), mode 0660. -1 with error. */
int channel_listen(const char *path, GError **error);
