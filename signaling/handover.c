#include "handover.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_MS 50 /* a daemon is started again after 200 ms */

typedef struct Waiting {
	int fd;
	int64_t since_us;
} Waiting;

struct Handover {
	struct sockaddr_un address;
	int64_t (*clock)(void);
	int door;       /* -1: not dialled */
	GQueue waiting; /* of Waiting, the oldest first */
	unsigned timer; /* runs while any waits */
	HandoverCounts counts;
};

static void hang_up(Handover *handover)
{
	if (handover->door >= 0)
		close(handover->door);
	handover->door = -1;
}

static bool dial(Handover *handover)
{
	if (handover->door >= 0)
		return true;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&handover->address, sizeof(handover->address)) < 0) {
		close(fd);
		return false;
	}
	handover->door = fd;
	return true;
}

/* False with errno. */
static bool send_one(Handover *handover, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
	return sendmsg(handover->door, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

/* A line that is dead is dialled anew, once: the sfu was started again. */
static bool try_one(Handover *handover, int fd)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!dial(handover))
			return false;
		if (send_one(handover, fd))
			return true;
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ||
			errno == ETOOMANYREFS)
			return false; /* it has more than it reads */
		hang_up(handover);
	}
	return false;
}

static gboolean on_timer(void *data)
{
	Handover *handover = data;
	handover_tick(handover);
	if (handover->waiting.length)
		return G_SOURCE_CONTINUE;
	handover->timer = 0;
	return G_SOURCE_REMOVE;
}

static void pop(Handover *handover, bool handed)
{
	Waiting *waiting = g_queue_pop_head(&handover->waiting);
	*(handed ? &handover->counts.handed_total : &handover->counts.lost_total) += 1;
	close(waiting->fd); /* the sfu has its own by now */
	g_free(waiting);
}

Handover *handover_new(const char *path, int64_t (*clock_us)(void))
{
	Handover *handover = g_new0(Handover, 1);
	handover->address.sun_family = AF_UNIX;
	g_strlcpy(handover->address.sun_path, path, sizeof(handover->address.sun_path));
	handover->clock = clock_us;
	handover->door = -1;
	g_queue_init(&handover->waiting);
	return handover;
}

void handover_free(Handover *handover)
{
	if (!handover)
		return;
	while (handover->waiting.length)
		pop(handover, false);
	if (handover->timer)
		g_source_remove(handover->timer);
	hang_up(handover);
	g_free(handover);
}

void handover_give(Handover *handover, int fd)
{
	if (handover->waiting.length >= HANDOVER_WAITING_MAX) {
		handover->counts.lost_total++;
		close(fd);
		return;
	}
	Waiting *waiting = g_new0(Waiting, 1);
	*waiting = (Waiting){ .fd = fd, .since_us = handover->clock() };
	g_queue_push_tail(&handover->waiting, waiting);
	if (handover->waiting.length == 1) /* else those before it have to go first */
		handover_tick(handover);
	if (handover->waiting.length && !handover->timer)
		handover->timer = g_timeout_add(RETRY_MS, on_timer, handover);
}

void handover_tick(Handover *handover)
{
	Waiting *first;
	while ((first = g_queue_peek_head(&handover->waiting)) && try_one(handover, first->fd))
		pop(handover, true);
	int64_t now_us = handover->clock();
	while ((first = g_queue_peek_head(&handover->waiting)) &&
		now_us - first->since_us > HANDOVER_WAIT_US)
		pop(handover, false);
}

void handover_counts(const Handover *handover, HandoverCounts *counts)
{
	*counts = handover->counts;
	counts->waiting = handover->waiting.length;
}
