#include "ground.h"
#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

Ground *ground_new(GError **error)
{
	Ground *ground = g_new0(Ground, 1);
	ground->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ground->epoll_fd < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "epoll: %s",
			g_strerror(errno));
		g_free(ground);
		return NULL;
	}
	ground->memory = g_malloc((size_t)GROUND_BATCH * GROUND_MESSAGE);
	for (unsigned i = 0; i < GROUND_BATCH; i++)
		ground->parts[i] = (struct iovec){ .iov_base = ground->memory + i * GROUND_MESSAGE,
			.iov_len = GROUND_MESSAGE };
	return ground;
}

void ground_free(Ground *ground)
{
	if (!ground)
		return;
	close(ground->epoll_fd);
	g_free(ground->memory);
	g_free(ground);
}

bool ground_add(Ground *ground, int fd, Watch *watch)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = watch };
	return epoll_ctl(ground->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

void ground_remove(Ground *ground, int fd)
{
	epoll_ctl(ground->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void ground_wait(Ground *ground, int64_t timeout_us)
{
	struct epoll_event events[GROUND_EVENTS];
	timeout_us = MAX(timeout_us, 0);
	struct timespec timeout = { .tv_sec = timeout_us / 1000000,
		.tv_nsec = timeout_us % 1000000 * 1000 };
	int count = epoll_pwait2(ground->epoll_fd, events, GROUND_EVENTS, &timeout, NULL);
	for (int i = 0; i < count; i++) {
		Watch *watch = events[i].data.ptr;
		watch->ready(watch);
	}
}

unsigned ground_receive(Ground *ground, int fd)
{
	for (unsigned i = 0; i < GROUND_BATCH; i++)
		ground->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &ground->parts[i],
			.msg_iovlen = 1,
			.msg_control = ground->control[i],
			.msg_controllen = GROUND_CONTROL };
	int count = recvmmsg(fd, ground->messages, GROUND_BATCH, MSG_DONTWAIT, NULL);
	return count > 0 ? (unsigned)count : 0; /* a refusal of an earlier send counts as nothing */
}
