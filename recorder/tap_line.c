#include "tap_line.h"
#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PAGES_A_TURN 16
#define PAGE_ROOM (64 * 1024) /* more than TAP_PAGE_MAX: what is longer is no page */

struct TapLine {
	char *path;
	TapLineEvents events;
	void *user;
	int fd; /* -1: not connected */
	bool wanted;
	unsigned source; /* 0 while nothing is read */
	uint8_t page[PAGE_ROOM];
	TapRecord record;
};

TapLine *tap_line_new(const char *path, const TapLineEvents *events, void *user)
{
	TapLine *line = g_new0(TapLine, 1);
	line->path = g_strdup(path);
	line->events = *events;
	line->user = user;
	line->fd = -1;
	return line;
}

static void stop_reading(TapLine *line)
{
	if (line->source)
		g_source_remove(line->source);
	line->source = 0;
}

static void shut(TapLine *line)
{
	stop_reading(line);
	if (line->fd >= 0)
		close(line->fd);
	line->fd = -1;
}

void tap_line_free(TapLine *line)
{
	if (!line)
		return;
	shut(line);
	g_free(line->path);
	g_free(line);
}

void tap_line_dial(TapLine *line)
{
	line->wanted = true;
}

void tap_line_hang_up(TapLine *line)
{
	line->wanted = false;
	shut(line);
}

bool tap_line_is_up(const TapLine *line)
{
	return line->fd >= 0;
}

static void lose(TapLine *line)
{
	shut(line);
	line->events.lost(line->user);
}

/* False when the line is gone, from either side. */
static bool take_page(TapLine *line, size_t len)
{
	Reader in = reader_of(line->page, len);
	while (line->fd >= 0 && tap_read(&in, &line->record))
		line->events.record(&line->record, line->user);
	if (line->fd >= 0 && !in.ok) {
		g_warning("tap: what came is no page of ours");
		lose(line);
	}
	return line->fd >= 0;
}

static gboolean on_readable(int fd, GIOCondition condition, void *user)
{
	TapLine *line = user;
	for (unsigned i = 0; i < PAGES_A_TURN; i++) {
		if (!line->events.has_room(line->user)) {
			line->source = 0;
			return G_SOURCE_REMOVE;
		}
		ssize_t len = recv(fd, line->page, sizeof line->page, MSG_DONTWAIT);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (len <= 0) {
			lose(line);
			return G_SOURCE_REMOVE;
		}
		if (!take_page(line, (size_t)len))
			return G_SOURCE_REMOVE;
	}
	return G_SOURCE_CONTINUE;
}

static bool send_ask(TapLine *line)
{
	uint8_t data[256];
	Writer out = writer_of(data, sizeof data);
	TapRecord *ask = g_new0(TapRecord, 1);
	ask->type = TAP_ASK;
	ask->hello.version = TAP_VERSION;
	line->events.ask(ask, line->user);
	tap_write(&out, ask);
	g_free(ask);
	return send(line->fd, data, writer_len(&out), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

static void connect_now(TapLine *line)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (g_strlcpy(address.sun_path, line->path, sizeof address.sun_path) >=
		sizeof address.sun_path)
		return;
	line->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (line->fd < 0)
		return;
	if (connect(line->fd, (struct sockaddr *)&address, sizeof address) < 0 || !send_ask(line))
		shut(line);
}

void tap_line_tick(TapLine *line)
{
	if (line->wanted && line->fd < 0)
		connect_now(line);
	if (line->fd >= 0 && !line->source && line->events.has_room(line->user))
		line->source = g_unix_fd_add(line->fd, G_IO_IN, on_readable, line);
}
