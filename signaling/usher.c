#include "usher.h"
#include "first_bytes.h"
#include "house.h"
#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 32 /* then the loop serves others */

typedef struct Waiting {
	Usher *usher;
	int fd;
	House house;
	int64_t since_us;
	int len; /* bytes it has said so far */
	unsigned source;
	GList place; /* in the usher's queue */
} Waiting;

struct Usher {
	int listen_fd;
	UsherEvents events;
	void *user;
	int64_t (*clock)(void);
	unsigned accept_source; /* 0: nobody is accepted for now */
	GQueue waiting;         /* of Waiting, the oldest first */
	UsherCounts counts;
};

/* No event of the socket before there are so many bytes, or its end. */
static void wake_at(int fd, int len)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &len, sizeof(len));
}

/* How many bytes are there, of those that decide; -1: there will be none. */
static int peek(int fd, FirstBytes *verdict)
{
	uint8_t data[FIRST_BYTES_ENOUGH];
	ssize_t len = recv(fd, data, sizeof(data), MSG_PEEK | MSG_DONTWAIT);
	if (len == 0 || (len < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
		return -1;
	len = MAX(len, 0);
	*verdict = first_bytes_judge(data, (size_t)len);
	return (int)len;
}

static void show_in(Usher *usher, int fd, FirstBytes verdict)
{
	if (verdict == FIRST_BYTES_ICE)
		usher->events.media(fd, usher->user);
	else
		usher->events.https(fd, usher->user);
}

/* It waits no longer; its descriptor is the caller's. */
static int leave(Waiting *waiting)
{
	int fd = waiting->fd;
	if (waiting->source)
		g_source_remove(waiting->source);
	g_queue_unlink(&waiting->usher->waiting, &waiting->place);
	g_free(waiting);
	wake_at(fd, 1);
	return fd;
}

static void send_away(Waiting *waiting)
{
	waiting->usher->counts.silent_total++;
	close(leave(waiting));
}

static gboolean on_bytes(int fd, GIOCondition condition, void *data)
{
	Waiting *waiting = data;
	Usher *usher = waiting->usher;
	FirstBytes verdict;
	int len = peek(fd, &verdict);
	if (len >= 0 && verdict != FIRST_BYTES_SHORT) {
		waiting->source = 0;
		show_in(usher, leave(waiting), verdict);
		return G_SOURCE_REMOVE;
	}
	if (len <= waiting->len) { /* woken without one more byte: the other end has closed */
		waiting->source = 0;
		send_away(waiting);
		return G_SOURCE_REMOVE;
	}
	waiting->len = len;
	wake_at(fd, len + 1);
	return G_SOURCE_CONTINUE;
}

/* The oldest of a house where that is full, the oldest of all where everything is. */
static void make_room(Usher *usher, const House *house)
{
	Waiting *oldest = NULL;
	unsigned count = 0;
	for (GList *at = usher->waiting.tail; at; at = at->prev) {
		Waiting *waiting = at->data;
		if (!house_equal(&waiting->house, house))
			continue;
		oldest = waiting;
		count++;
	}
#ifndef GUARD_OFF_USHER_LIMITS
	if (count >= USHER_WAITING_PER_HOUSE)
		send_away(oldest);
	else if (usher->waiting.length >= USHER_WAITING_MAX)
		send_away(usher->waiting.head->data);
#endif
}

static void arrive(Usher *usher, int fd, const struct sockaddr_storage *from)
{
	FirstBytes verdict;
	int len = peek(fd, &verdict);
	if (len < 0) {
		close(fd);
		return;
	}
	if (verdict != FIRST_BYTES_SHORT) {
		show_in(usher, fd, verdict);
		return;
	}
	House house = house_of(from);
	make_room(usher, &house);
	Waiting *waiting = g_new0(Waiting, 1);
	*waiting = (Waiting){ .usher = usher, .fd = fd, .house = house, .len = len };
	waiting->since_us = usher->clock();
	waiting->place.data = waiting;
	g_queue_push_tail_link(&usher->waiting, &waiting->place);
	wake_at(fd, len + 1);
	waiting->source = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_bytes, waiting);
}

static gboolean on_readable(int listen_fd, GIOCondition condition, void *data)
{
	Usher *usher = data;
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		if (usher->events.is_full(usher->user)) {
			usher->accept_source = 0; /* usher_tick() starts it again */
			return G_SOURCE_REMOVE;
		}
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(
			listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			g_warning("usher: no descriptor left");
			usher->accept_source = 0;
			return G_SOURCE_REMOVE;
		}
		if (fd < 0)
			return G_SOURCE_CONTINUE;
		int on = 1;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		arrive(usher, fd, &from);
	}
	return G_SOURCE_CONTINUE;
}

static void accept_again(Usher *usher)
{
	if (!usher->accept_source && usher->listen_fd >= 0)
		usher->accept_source = g_unix_fd_add(usher->listen_fd, G_IO_IN, on_readable, usher);
}

Usher *usher_new(int listen_fd, const UsherEvents *events, void *user, int64_t (*clock_us)(void))
{
	Usher *usher = g_new0(Usher, 1);
	usher->listen_fd = listen_fd;
	usher->events = *events;
	usher->user = user;
	usher->clock = clock_us;
	g_queue_init(&usher->waiting);
	g_unix_set_fd_nonblocking(listen_fd, TRUE, NULL);
	accept_again(usher);
	return usher;
}

void usher_close(Usher *usher)
{
	if (usher->listen_fd < 0)
		return;
	if (usher->accept_source)
		g_source_remove(usher->accept_source);
	usher->accept_source = 0;
	close(usher->listen_fd);
	usher->listen_fd = -1;
	while (usher->waiting.length)
		send_away(usher->waiting.head->data);
}

void usher_free(Usher *usher)
{
	if (!usher)
		return;
	usher_close(usher);
	g_free(usher);
}

void usher_tick(Usher *usher)
{
	int64_t now_us = usher->clock();
	while (usher->waiting.length) {
		Waiting *oldest = usher->waiting.head->data;
		if (now_us - oldest->since_us <= USHER_WAIT_US)
			break;
		send_away(oldest);
	}
	accept_again(usher);
}

void usher_counts(const Usher *usher, UsherCounts *counts)
{
	*counts = usher->counts;
	counts->waiting = usher->waiting.length;
}
