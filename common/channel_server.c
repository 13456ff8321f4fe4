#include "channel.h"
#include "line.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CALLERS_MAX 16 /* signaling, an operator's tool, and their successors after a restart */
#define CALLS_OPEN_MAX 4096 /* requests of one caller that wait for their answer */
#define ACCEPT_PAUSE_MS 200 /* after running out of descriptors */
#define LISTEN_BACKLOG 16

typedef struct Caller {
	unsigned refs; /* the server's, and one for each open call */
	ChannelServer *server;
	Line *line; /* NULL once gone */
	unsigned open_calls;
} Caller;

struct ChannelServer {
	int fd;
	ChannelServe serve;
	void *user;
	GMainContext *context;
	GSource *source; /* the listening socket, or the pause after EMFILE */
	GPtrArray *callers;
};

struct ChannelCall {
	Caller *caller;
	json_t *id;
};

static void caller_unref(Caller *caller)
{
	if (!--caller->refs)
		g_free(caller);
}

static void caller_close(gpointer data)
{
	Caller *caller = data;
	line_free(g_steal_pointer(&caller->line));
	caller_unref(caller);
}

static void send_error(
	Caller *caller, json_t *id, int code, const char *reason, const char *message)
{
	line_send(caller->line, rpc_write_error(id, code, message, reason, NULL));
}

static void take_request(Caller *caller, RpcMessage *message)
{
	if (caller->open_calls >= CALLS_OPEN_MAX) {
		send_error(caller, message->id, RPC_TOO_MANY, "too-many", "too many open requests");
		return;
	}
	ChannelCall *call = g_new0(ChannelCall, 1);
	call->caller = caller;
	call->id = json_incref(message->id);
	caller->refs++;
	caller->open_calls++;
	caller->server->serve(call, message->method, message->params, caller->server->user);
}

static void on_message(const char *text, size_t len, void *user)
{
	Caller *caller = user;
	int code;
	const char *reason;
	g_auto(RpcMessage) message = { 0 };
	if (!rpc_read(&message, text, len, CHANNEL_MESSAGE_MAX, &code, &reason)) {
		g_warning("channel server: %s", reason);
		send_error(caller, NULL, code,
			code == RPC_INVALID_PARAMS ? "bad-params" : "bad-message", reason);
	} else if (message.kind == RPC_REQUEST) {
		take_request(caller, &message);
	} else {
		g_warning("channel server: a caller sent what is no request");
	}
}

static void on_oversized(void *user)
{
	g_warning("channel server: a message larger than %d bytes", CHANNEL_MESSAGE_MAX);
	send_error(user, NULL, RPC_INVALID_REQUEST, "too-large", "message is too large");
}

static void on_lost(void *user)
{
	Caller *caller = user;
	g_ptr_array_remove_fast(caller->server->callers, caller);
}

static const LineEvents line_events = { on_message, on_oversized, on_lost };

static void watch_listener(ChannelServer *server);

static gboolean on_pause_over(gpointer user)
{
	watch_listener(user);
	return G_SOURCE_REMOVE;
}

static void set_source(ChannelServer *server, GSource *source, GSourceFunc run)
{
	if (server->source) {
		g_source_destroy(server->source);
		g_source_unref(server->source);
	}
	server->source = source;
	if (source) {
		g_source_set_callback(source, run, server, NULL);
		g_source_attach(source, server->context);
	}
}

static gboolean on_connection(gint listen_fd, GIOCondition condition, gpointer user)
{
	ChannelServer *server = user;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return G_SOURCE_CONTINUE;
		g_warning("channel server: cannot accept: %s", g_strerror(errno));
		set_source(server, g_timeout_source_new(ACCEPT_PAUSE_MS), on_pause_over);
		return G_SOURCE_REMOVE;
	}
	if (server->callers->len >= CALLERS_MAX) {
		g_warning("channel server: more than %d callers", CALLERS_MAX);
		close(fd);
		return G_SOURCE_CONTINUE;
	}
	Caller *caller = g_new0(Caller, 1);
	caller->refs = 1;
	caller->server = server;
	caller->line = line_new(fd, &line_events, caller);
	g_ptr_array_add(server->callers, caller);
	return G_SOURCE_CONTINUE;
}

static void watch_listener(ChannelServer *server)
{
	set_source(server, g_unix_fd_source_new(server->fd, G_IO_IN), G_SOURCE_FUNC(on_connection));
}

ChannelServer *channel_server_new(int listen_fd, ChannelServe serve, void *user)
{
	ChannelServer *server = g_new0(ChannelServer, 1);
	server->fd = listen_fd;
	server->serve = serve;
	server->user = user;
	server->context = g_main_context_ref_thread_default();
	server->callers = g_ptr_array_new_with_free_func(caller_close);
	g_unix_set_fd_nonblocking(listen_fd, TRUE, NULL);
	watch_listener(server);
	return server;
}

void channel_server_free(ChannelServer *server)
{
	if (!server)
		return;
	set_source(server, NULL, NULL);
	g_ptr_array_unref(server->callers);
	close(server->fd);
	g_main_context_unref(server->context);
	g_free(server);
}

void channel_server_notify(ChannelServer *server, const char *method, json_t *params)
{
	g_autofree char *text = rpc_write_notification(method, params);
	for (unsigned i = 0; i < server->callers->len; i++) {
		Caller *caller = server->callers->pdata[i];
		if (!line_send(caller->line, g_strdup(text))) {
			g_warning("channel server: %s is larger than %d bytes", method,
				CHANNEL_MESSAGE_MAX);
			return;
		}
	}
}

static void call_free(ChannelCall *call)
{
	call->caller->open_calls--;
	caller_unref(call->caller);
	json_decref(call->id);
	g_free(call);
}

void channel_answer(ChannelCall *call, json_t *result)
{
	Caller *caller = call->caller;
	if (!caller->line)
		json_decref(result);
	else if (!line_send(caller->line, rpc_write_result(call->id, result)))
		send_error(caller, call->id, RPC_INTERNAL_ERROR, "too-large",
			"the answer is too large");
	call_free(call);
}

void channel_refuse(ChannelCall *call, int code, const char *reason, const char *message)
{
	if (call->caller->line)
		send_error(call->caller, call->id, code, reason, message);
	call_free(call);
}

int channel_listen(const char *path, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >=
		sizeof(address.sun_path)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
			"the socket path %s is longer than %zu bytes", path,
			sizeof(address.sun_path) - 1);
		return -1;
	}
	struct stat there;
	if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode))
		unlink(path);

	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* From the first moment 0660: the mask, since fchmod() does not reach a socket's name. */
	mode_t mask = umask(0117);
	bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	int saved = errno;
	umask(mask);
	errno = saved;
	if (!bound || listen(fd, LISTEN_BACKLOG) < 0) {
		saved = errno;
		if (fd >= 0)
			close(fd);
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(saved),
			"cannot listen at %s: %s", path, g_strerror(saved));
		return -1;
	}
	return fd;
}
