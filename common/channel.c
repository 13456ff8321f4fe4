#include "channel.h"
#include "line.h"
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_FIRST_MS 50 /* a daemon is started again after 200 ms */
#define RETRY_LAST_MS 1000

struct Channel {
	unsigned refs; /* the owner's, and one while an event runs */
	char *path;
	const ChannelEvents *events;
	void *user;
	GMainContext *context;
	Line *line;     /* NULL while down */
	GSource *later; /* next try to connect, or the word that we are up */
	bool announced; /* `up` was called */
	bool freed;
	unsigned retry_ms;
	json_int_t last_id;
	GHashTable *calls; /* id -> Call: those without an answer */
};

typedef struct Call {
	Channel *channel;
	json_int_t id;
	ChannelReply reply;
	void *user;
	GSource *timer;
	bool oversized;
} Call;

static gboolean on_retry(gpointer user);

static void drop_source(GSource **source)
{
	if (*source) {
		g_source_destroy(*source);
		g_source_unref(*source);
		*source = NULL;
	}
}

static GSource *after(GMainContext *context, unsigned delay_ms, GSourceFunc run, void *user)
{
	GSource *source = g_timeout_source_new(delay_ms);
	g_source_set_callback(source, run, user, NULL);
	g_source_attach(source, context);
	return source;
}

static void channel_unref(Channel *channel)
{
	if (--channel->refs)
		return;
	g_hash_table_unref(channel->calls);
	g_main_context_unref(channel->context);
	g_free(channel->path);
	g_free(channel);
}

/* Ends a call, which has left the table. */
static void call_end(Call *call, json_t *result, json_t *error)
{
	drop_source(&call->timer);
	if (call->reply)
		call->reply(result, error, call->user);
	g_free(call);
}

static void call_fail(Call *call)
{
	json_t *error =
		call->oversized
			? json_pack("{s:i,s:s,s:{s:s}}", "code", RPC_INVALID_PARAMS, "message",
				  "request is too large", "data", "reason", "too-large")
			: json_pack("{s:i,s:s,s:{s:s}}", "code", RPC_UNAVAILABLE, "message",
				  "no answer", "data", "reason", "unavailable");
	call_end(call, NULL, error);
	json_decref(error);
}

static Call *take_call(Channel *channel, json_int_t id)
{
	Call *call = g_hash_table_lookup(channel->calls, &id);
	if (call)
		g_hash_table_remove(channel->calls, &id);
	return call;
}

static gboolean on_timeout(gpointer user)
{
	Call *call = user;
	g_hash_table_remove(call->channel->calls, &call->id);
	call_fail(call);
	return G_SOURCE_REMOVE;
}

/* Ends every call open at this moment; those its replies make have their own timers. */
static void fail_calls(Channel *channel)
{
	g_autoptr(GList) calls = g_hash_table_get_values(channel->calls);
	g_hash_table_remove_all(channel->calls);
	for (GList *c = calls; c; c = c->next)
		call_fail(c->data);
}

static void retry_later(Channel *channel)
{
	drop_source(&channel->later);
	channel->later = after(channel->context, channel->retry_ms, on_retry, channel);
	channel->retry_ms = MIN(channel->retry_ms * 2, RETRY_LAST_MS);
}

static void on_line_lost(void *user)
{
	Channel *channel = user;
	channel->refs++;
	line_free(g_steal_pointer(&channel->line));
	bool announced = channel->announced;
	channel->announced = false;
	retry_later(channel);
	fail_calls(channel);
	if (announced && !channel->freed && channel->events && channel->events->down)
		channel->events->down(channel->user);
	channel_unref(channel);
}

static void take_answer(Channel *channel, RpcMessage *message)
{
	if (!json_is_integer(message->id)) {
		g_warning("channel %s: an answer without our id", channel->path);
		return;
	}
	Call *call = take_call(channel, json_integer_value(message->id));
	if (call)
		call_end(call, message->result, message->error);
	else
		g_debug("channel %s: an answer after its time", channel->path);
}

static void on_line_message(const char *text, size_t len, void *user)
{
	Channel *channel = user;
	int code;
	const char *reason;
	g_auto(RpcMessage) message = { 0 };
	if (!rpc_read(&message, text, len, CHANNEL_MESSAGE_MAX, &code, &reason)) {
		g_warning("channel %s: %s", channel->path, reason);
		return;
	}
	channel->refs++;
	if (message.kind == RPC_RESULT || message.kind == RPC_ERROR)
		take_answer(channel, &message);
	else if (message.kind == RPC_REQUEST)
		g_warning("channel %s: the serving side asked %s", channel->path, message.method);
	else if (channel->events && channel->events->notification)
		channel->events->notification(message.method, message.params, channel->user);
	channel_unref(channel);
}

static void on_line_oversized(void *user)
{
	Channel *channel = user;
	g_warning("channel %s: a message larger than %d bytes", channel->path, CHANNEL_MESSAGE_MAX);
}

static const LineEvents line_events = { on_line_message, on_line_oversized, on_line_lost };

static gboolean on_up(gpointer user)
{
	Channel *channel = user;
	drop_source(&channel->later);
	channel->announced = true;
	channel->retry_ms = RETRY_FIRST_MS;
	if (channel->events && channel->events->up)
		channel->events->up(channel->user);
	return G_SOURCE_REMOVE;
}

static bool address_of(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return g_strlcpy(address->sun_path, path, sizeof(address->sun_path)) <
	       sizeof(address->sun_path);
}

static int dial(const char *path)
{
	struct sockaddr_un address;
	if (!address_of(path, &address))
		return -1;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static gboolean on_retry(gpointer user)
{
	Channel *channel = user;
	int fd = dial(channel->path);
	if (fd < 0) {
		retry_later(channel);
		return G_SOURCE_REMOVE;
	}
	channel->line = line_new(fd, &line_events, channel);
	drop_source(&channel->later);
	channel->later = after(channel->context, 0, on_up, channel);
	return G_SOURCE_REMOVE;
}

Channel *channel_new(const char *path, const ChannelEvents *events, void *user)
{
	Channel *channel = g_new0(Channel, 1);
	channel->refs = 1;
	channel->path = g_strdup(path);
	channel->events = events;
	channel->user = user;
	channel->context = g_main_context_ref_thread_default();
	channel->calls = g_hash_table_new(g_int64_hash, g_int64_equal);
	channel->retry_ms = RETRY_FIRST_MS;
	on_retry(channel);
	return channel;
}

void channel_free(Channel *channel)
{
	if (!channel || channel->freed)
		return;
	channel->freed = true;
	drop_source(&channel->later);
	line_free(g_steal_pointer(&channel->line));
	fail_calls(channel);
	channel_unref(channel);
}

bool channel_is_up(const Channel *channel)
{
	return channel->line != NULL;
}

void channel_call(
	Channel *channel, const char *method, json_t *params, ChannelReply reply, void *user)
{
	if (channel->freed) { /* from a reply that channel_free() gives: nobody is left to answer */
		json_decref(params);
		return;
	}
	Call *call = g_new0(Call, 1);
	*call = (Call){
		.channel = channel, .id = ++channel->last_id, .reply = reply, .user = user
	};
	unsigned delay_ms = 0; /* the loop gives the answer that we know already */
	if (!channel->line)
		json_decref(params);
	else if (line_send(channel->line, rpc_write_request(call->id, method, params)))
		delay_ms = CHANNEL_TIMEOUT_MS;
	else
		call->oversized = true;
	call->timer = after(channel->context, delay_ms, on_timeout, call);
	g_hash_table_insert(channel->calls, &call->id, call);
}
