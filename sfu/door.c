#include "door.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAKES_PER_TURN 32  /* then packets go on */
#define DESCRIPTORS_SEEN 4 /* of one message: more than one is refused, and each one closed */

typedef struct Caller {
	Door *door;
	int fd; /* -1: this place is free */
	WorkerWatch *watch;
} Caller;

struct Door {
	Worker *worker;
	Stats *stats;
	int fd;
	WorkerWatch *watch;
	DoorTake take;
	void *user;
	Caller callers[DOOR_CALLERS_MAX];
	bool paused; /* no descriptor was left: accept again at the next tick */
};

static void caller_close(Caller *caller)
{
	worker_unwatch(caller->watch);
	close(caller->fd);
	caller->fd = -1;
}

static int option_of(int fd, int name)
{
	int value = -1;
	socklen_t len = sizeof value;
	return getsockopt(fd, SOL_SOCKET, name, &value, &len) ? -1 : value;
}

static bool is_tcp_line(int fd)
{
	int domain = option_of(fd, SO_DOMAIN);
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	return (domain == AF_INET || domain == AF_INET6) &&
	       option_of(fd, SO_PROTOCOL) == IPPROTO_TCP && option_of(fd, SO_ACCEPTCONN) == 0 &&
	       (!getpeername(fd, (struct sockaddr *)&peer, &len) || errno == ENOTCONN);
}

/* All descriptors beside a message; how many. */
static unsigned descriptors_of(struct msghdr *message, int fds[DESCRIPTORS_SEEN])
{
	unsigned count = 0;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
		part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		unsigned here = (unsigned)((part->cmsg_len - CMSG_LEN(0)) / sizeof *fds);
		for (unsigned i = 0; i < here && count < DESCRIPTORS_SEEN; i++)
			memcpy(&fds[count++], CMSG_DATA(part) + i * sizeof *fds, sizeof *fds);
	}
	return count;
}

/* False: the caller must go. *more: perhaps there is another message. */
static bool take_one(Caller *caller, bool *more)
{
	Door *door = caller->door;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(DESCRIPTORS_SEEN * sizeof(int))];
	} control;
	char data[2];
	struct iovec part = { data, sizeof data };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes };
	int fds[DESCRIPTORS_SEEN];

	ssize_t len = recvmsg(caller->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*more = len >= 0 || errno == EINTR;
	if (len < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
	unsigned count = descriptors_of(&message, fds);
	bool sound = len == 1 && count == 1 && !(message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) &&
		     is_tcp_line(fds[0]);
	if (sound) {
		STATS_ADD(door->stats, lines_taken_total, 1);
		(void)fcntl(fds[0], F_SETFL, fcntl(fds[0], F_GETFL) | O_NONBLOCK);
		door->take(fds[0], door->user);
		return true;
	}
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
	if (len || count) /* else it has closed */
		STATS_ADD(door->stats, lines_refused_total, 1);
	return false;
}

static void on_caller(uint32_t events, void *user)
{
	Caller *caller = user;
	bool more = true;
	for (unsigned i = 0; i < TAKES_PER_TURN && more; i++) {
		if (!take_one(caller, &more)) {
			caller_close(caller);
			return;
		}
	}
}

/* Root could as well trace us; anybody else is none of ours. */
static bool is_of_ours(int fd)
{
	struct ucred who;
	socklen_t len = sizeof who;
#ifdef GUARD_OFF_DOOR_USER
	return true;
#endif
	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) &&
	       (who.uid == geteuid() || who.uid == 0);
}

static Caller *free_place(Door *door)
{
	for (unsigned i = 0; i < DOOR_CALLERS_MAX; i++)
		if (door->callers[i].fd < 0)
			return &door->callers[i];
	return NULL;
}

static void on_dialled(uint32_t events, void *user)
{
	Door *door = user;
	int fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE) {
			door->paused = true;
			worker_watch_change(door->watch, 0);
		}
		return;
	}
	Caller *caller = free_place(door);
	if (!caller || !is_of_ours(fd)) {
		STATS_ADD(door->stats, lines_refused_total, 1);
		close(fd);
		return;
	}
	caller->fd = fd;
	caller->watch = worker_watch(door->worker, fd, EPOLLIN, on_caller, caller);
}

Door *door_new(Worker *worker, int listen_fd, Stats *stats, DoorTake take, void *user)
{
	Door *door = g_new0(Door, 1);
	door->worker = worker;
	door->stats = stats;
	door->fd = listen_fd;
	door->take = take;
	door->user = user;
	for (unsigned i = 0; i < DOOR_CALLERS_MAX; i++)
		door->callers[i] = (Caller){ .door = door, .fd = -1 };
	door->watch = worker_watch(worker, listen_fd, EPOLLIN, on_dialled, door);
	return door;
}

void door_free(Door *door)
{
	if (!door)
		return;
	for (unsigned i = 0; i < DOOR_CALLERS_MAX; i++)
		if (door->callers[i].fd >= 0)
			caller_close(&door->callers[i]);
	worker_unwatch(door->watch);
	close(door->fd);
	g_free(door);
}

void door_tick(Door *door)
{
	if (!door->paused)
		return;
	door->paused = false;
	worker_watch_change(door->watch, EPOLLIN);
}
