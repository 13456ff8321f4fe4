/* line.h - one connected SOCK_SEQPACKET socket: whole messages in, whole messages out
 *
 * What both ends of a Channel stand on; knows no JSON. Lives on the thread-default GLib context it
 * was made on. Never blocks: what a full socket does not take waits in a queue of at most
 * CHANNEL_QUEUE_MAX bytes; one more byte, an error or the peer's end, and the line is lost. */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef struct Line Line;

typedef struct LineEvents {
	/* text is borrowed and ends with a NUL that len does not count. */
	void (*message)(const char *text, size_t len, void *user);
	/* Came larger than CHANNEL_MESSAGE_MAX: it is gone, the line goes on. */
	void (*oversized)(void *user);
	/* Once, from the loop, never from inside line_send(). Nothing else comes after it. */
	void (*lost)(void *user);
} LineEvents;

/* Takes fd over. */
Line *line_new(int fd, const LineEvents *events, void *user);
/* Closes it; no event comes any more. May be called from inside an event. */
void line_free(Line *line);
/* Takes text over. False, and not sent, when it is larger than CHANNEL_MESSAGE_MAX. */
bool line_send(Line *line, char *text);
