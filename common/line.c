#include "line.h"
#include "channel.h"
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_A_TURN 32 /* messages read before other sources of the loop have their turn */

typedef struct Waiting {
	char *text;
	size_t len;
} Waiting;

struct Line {
	unsigned refs; /* the owner's, and one while an event runs */
	int fd;        /* -1 once lost or freed */
	const LineEvents *events;
	void *user;
	GMainContext *context;
	GSource *readable;
	GSource *writable; /* while something waits */
	GSource *losing;   /* while `lost` is to be called */
	GQueue waiting;    /* of Waiting */
	size_t waiting_bytes;
	char *buffer; /* CHANNEL_MESSAGE_MAX and a NUL */
};

static void drop_source(GSource **source)
{
	if (*source) {
		g_source_destroy(*source);
		g_source_unref(*source);
		*source = NULL;
	}
}

static void waiting_free(Waiting *waiting)
{
	g_free(waiting->text);
	g_free(waiting);
}

static void line_shut(Line *line)
{
	drop_source(&line->readable);
	drop_source(&line->writable);
	drop_source(&line->losing);
	if (line->fd >= 0)
		close(line->fd);
	line->fd = -1;
	for (Waiting *w; (w = g_queue_pop_head(&line->waiting));)
		waiting_free(w);
	line->waiting_bytes = 0;
}

static void line_unref(Line *line)
{
	if (--line->refs)
		return;
	g_main_context_unref(line->context);
	g_free(line->buffer);
	g_free(line);
}

static gboolean on_losing(gpointer user)
{
	Line *line = user;
	drop_source(&line->losing);
	line->events->lost(line->user);
	return G_SOURCE_REMOVE;
}

/* Closes now and says so from the loop. */
static void lose(Line *line)
{
	if (line->losing)
		return;
	line_shut(line);
	line->losing = g_idle_source_new();
	g_source_set_priority(line->losing, G_PRIORITY_DEFAULT);
	g_source_set_callback(line->losing, on_losing, line, NULL);
	g_source_attach(line->losing, line->context);
}

/* One message. False when there is no more for now or the line is lost. */
static bool receive(Line *line)
{
	struct iovec iov = { line->buffer, CHANNEL_MESSAGE_MAX };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t len = recvmsg(line->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (len < 0 && errno == EINTR)
		return true;
	if (len < 0 && errno == EAGAIN)
		return false;
	if (len <= 0) {
		lose(line);
		return false;
	}
	if (header.msg_flags & MSG_TRUNC) {
		line->events->oversized(line->user);
	} else {
		line->buffer[len] = '\0';
		line->events->message(line->buffer, (size_t)len, line->user);
	}
	return line->fd >= 0;
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer user)
{
	Line *line = user;
	line->refs++;
	for (unsigned i = 0; i < READS_A_TURN && receive(line); i++)
		;
	bool open = line->fd >= 0;
	line_unref(line);
	return open ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* Whether the socket took it; false with lost set when the line is gone. */
static bool transmit(Line *line, const char *text, size_t len, bool *lost)
{
	ssize_t n;
	do
		n = send(line->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	*lost = n < 0 && errno != EAGAIN;
	return n >= 0;
}

static gboolean on_writable(gint fd, GIOCondition condition, gpointer user)
{
	Line *line = user;
	for (Waiting *w; (w = g_queue_peek_head(&line->waiting));) {
		bool lost;
		if (!transmit(line, w->text, w->len, &lost)) {
			if (!lost)
				return G_SOURCE_CONTINUE;
			lose(line);
			return G_SOURCE_REMOVE;
		}
		line->waiting_bytes -= w->len;
		waiting_free(g_queue_pop_head(&line->waiting));
	}
	drop_source(&line->writable);
	return G_SOURCE_REMOVE;
}

static GSource *watch(Line *line, GIOCondition condition, GUnixFDSourceFunc run)
{
	GSource *source = g_unix_fd_source_new(line->fd, condition);
	g_source_set_callback(source, G_SOURCE_FUNC(run), line, NULL);
	g_source_attach(source, line->context);
	return source;
}

Line *line_new(int fd, const LineEvents *events, void *user)
{
	Line *line = g_new0(Line, 1);
	line->refs = 1;
	line->fd = fd;
	line->events = events;
	line->user = user;
	line->context = g_main_context_ref_thread_default();
	line->buffer = g_malloc(CHANNEL_MESSAGE_MAX + 1);
	g_queue_init(&line->waiting);
	line->readable = watch(line, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable);
	return line;
}

void line_free(Line *line)
{
	if (!line)
		return;
	line_shut(line);
	line_unref(line);
}

bool line_send(Line *line, char *text)
{
	g_autofree char *owned = text;
	size_t len = strlen(text);
	if (len > CHANNEL_MESSAGE_MAX)
		return false;
	if (line->fd < 0)
		return true; /* its end is on the way */

	bool lost = false;
	if (!line->writable && transmit(line, text, len, &lost))
		return true;
	if (lost || line->waiting_bytes + len > CHANNEL_QUEUE_MAX) {
		lose(line);
		return true;
	}
	Waiting *w = g_new(Waiting, 1);
	*w = (Waiting){ g_steal_pointer(&owned), len };
	g_queue_push_tail(&line->waiting, w);
	line->waiting_bytes += len;
	if (!line->writable)
		line->writable = watch(line, G_IO_OUT | G_IO_HUP | G_IO_ERR, on_writable);
	return true;
}
