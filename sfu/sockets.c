#include "sockets.h"
#include "common/daemon.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024 /* a storm of 442 joins over TCP waits here, not in retries */

static int bind_any(int family, int type, int port)
{
	const int on = 1, off = 0;
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);

	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int bound;
	if (family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
		bound = bind(fd, (struct sockaddr *)&v6, sizeof v6);
	} else {
		bound = bind(fd, (struct sockaddr *)&v4, sizeof v4);
	}
	if (!bound && (type == SOCK_DGRAM || !listen(fd, BACKLOG)))
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int open_one(int type, int port, GError **error)
{
	int fd = bind_any(AF_INET6, type, port);
	if (fd < 0 && errno != EADDRINUSE)
		fd = bind_any(AF_INET, type, port); /* a machine without IPv6 */
	if (fd < 0)
		g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno),
			"media port %d (%s) cannot be opened: %s", port,
			type == SOCK_DGRAM ? "UDP" : "TCP", g_strerror(errno));
	return fd;
}

bool sockets_open(RosterSockets sockets[MESH_WORKERS_MAX], unsigned *workers,
	const SocketsWish *wish, GError **error)
{
	unsigned handed = 0;
	for (int fd; handed < MESH_WORKERS_MAX && (fd = daemon_socket("media-udp", handed)) >= 0;)
		sockets[handed++].udp = fd;
	if (handed && handed != *workers)
		g_warning("sfu: %u workers, as many as UDP sockets were handed over; %u are asked "
			  "for",
			handed, *workers);
	if (handed)
		*workers = handed;
	for (unsigned i = 0; i < *workers; i++) {
		sockets[i].multihomed = wish->multihomed;
		sockets[i].tcp = sockets[i].door = -1;
		if (i >= handed)
			sockets[i].udp = open_one(SOCK_DGRAM, wish->port, error);
		if (sockets[i].udp < 0)
			return false;
	}
	sockets[0].tcp = daemon_socket("media-tcp", 0);
	if (sockets[0].tcp < 0 && !wish->no_tcp)
		sockets[0].tcp = open_one(SOCK_STREAM, wish->port, error);
	return sockets[0].tcp >= 0 || wish->no_tcp;
}
