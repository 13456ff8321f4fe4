#include "notices.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NOTICE_MAX 4096 /* bytes of text; longer ones are dropped */

struct Notices {
	int fd;
	GSource *source;
	char address[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	pid_t sender;
	NoticeTake take;
	void *user;
};

static void take_control(struct msghdr *header, Notice *notice, pid_t *sender)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred who;
			memcpy(&who, CMSG_DATA(c), sizeof(who));
			*sender = who.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			notice->fd_count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(notice->fds, CMSG_DATA(c), notice->fd_count * sizeof(int));
		}
	}
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer user)
{
	Notices *notices = user;
	char text[NOTICE_MAX + 1];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred)) +
			   CMSG_SPACE(NOTICE_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = { text, NOTICE_MAX };
	struct msghdr header = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (len < 0)
		return G_SOURCE_CONTINUE;
	text[len] = '\0';
	Notice notice = { .text = text };
	pid_t sender = 0;
	take_control(&header, &notice, &sender);
	if (!notices->sender || sender != notices->sender ||
		(header.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		for (unsigned i = 0; i < notice.fd_count; i++)
			close(notice.fds[i]);
		return G_SOURCE_CONTINUE;
	}
	notices->take(&notice, notices->user);
	return G_SOURCE_CONTINUE;
}

/* Binding without a name lets the kernel find a free abstract one. */
static bool bind_anywhere(Notices *notices)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(address);
	const int on = 1;
	if (notices->fd < 0 ||
		bind(notices->fd, (struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ||
		setsockopt(notices->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
		getsockname(notices->fd, (struct sockaddr *)&address, &len) < 0)
		return false;
	size_t name_len = len - offsetof(struct sockaddr_un, sun_path);
	memcpy(notices->address, address.sun_path, name_len);
	notices->address[0] = '@';
	notices->address[name_len] = '\0';
	return true;
}

Notices *notices_new(NoticeTake take, void *user, GError **error)
{
	Notices *notices = g_new0(Notices, 1);
	notices->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	notices->take = take;
	notices->user = user;
	if (!bind_anywhere(notices)) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"cannot open a socket for notices: %s", g_strerror(errno));
		notices_free(notices);
		return NULL;
	}
	notices->source = g_unix_fd_source_new(notices->fd, G_IO_IN);
	/* Before the timers: what lies there when we were held up ourselves counts as in time. */
	g_source_set_priority(notices->source, G_PRIORITY_HIGH);
	g_source_set_callback(notices->source, G_SOURCE_FUNC(on_readable), notices, NULL);
	g_source_attach(notices->source, NULL);
	return notices;
}

void notices_free(Notices *notices)
{
	if (!notices)
		return;
	if (notices->source) {
		g_source_destroy(notices->source);
		g_source_unref(notices->source);
	}
	if (notices->fd >= 0)
		close(notices->fd);
	g_free(notices);
}

const char *notices_address(const Notices *notices)
{
	return notices->address;
}

void notices_set_sender(Notices *notices, pid_t pid)
{
	notices->sender = pid;
}
