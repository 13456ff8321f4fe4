/* lines.h - TCP connections over loopback and a Unix socket, for tests of whoever hands them on */
#pragma once
#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 20000

/* Listens on a free port of 127.0.0.1. */
static inline int lines_listen(int *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	g_assert_cmpint(listen(fd, 1024), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &len), ==, 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* Connects to it, as 127.0.house.1. */
static inline int lines_dial(int port, unsigned house)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000001u + (house << 8)) };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&own, sizeof own), ==, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&to, sizeof to), ==, 0);
	return fd;
}

/* Both ends of a line: the dialling one, and *accepted. */
static inline int lines_pair(int *accepted)
{
	int port, listening = lines_listen(&port);
	int fd = lines_dial(port, 0);
	*accepted = accept(listening, NULL, NULL);
	g_assert_cmpint(*accepted, >=, 0);
	close(listening);
	return fd;
}

static inline void lines_say(int fd, const void *data, size_t len)
{
	g_assert_cmpint(send(fd, data, len, MSG_NOSIGNAL), ==, len);
}

/* Whether the other end has closed; waits for it as long as patience goes. */
static inline bool lines_ends(int fd, int patience_ms)
{
	struct pollfd one = { .fd = fd, .events = POLLIN };
	char byte;
	return poll(&one, 1, patience_ms) > 0 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/* A socket of SOCK_SEQPACKET connected to path. */
static inline int lines_knock(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	return fd;
}

/* One message of len bytes with these descriptors beside it, which stay the caller's too. */
static inline void lines_pass(int door, size_t len, const int *fds, unsigned count)
{
	char data[8] = { 0 }, control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec part = { data, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	if (count) {
		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
	}
	g_assert_cmpint(sendmsg(door, &message, MSG_NOSIGNAL), ==, len);
}
