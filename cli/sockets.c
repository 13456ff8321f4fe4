#include "sockets.h"
#include "common/channel.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 4096 /* all sites come back at once after a power cut; the kernel caps it */
/* A keyframe for 442 viewers is some 2,400 packets of 2.3 KiB of kernel memory each. */
#define MEDIA_BUFFER (8 * 1024 * 1024)

typedef struct Door {
	const char *name;
	const char *option; /* to choose another port with */
	int type;
	int port;
	bool loopback;
	int count; /* of one port, for a thread each */
} Door;

static void set_flag(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* Root may pass the system's limit, others get what it allows. */
static void set_buffers(int fd)
{
	set_flag(fd, SOL_SOCKET, SO_RCVBUF, MEDIA_BUFFER);
	set_flag(fd, SOL_SOCKET, SO_SNDBUF, MEDIA_BUFFER);
	set_flag(fd, SOL_SOCKET, SO_RCVBUFFORCE, MEDIA_BUFFER);
	set_flag(fd, SOL_SOCKET, SO_SNDBUFFORCE, MEDIA_BUFFER);
}

/* is_first: of its port, which it must find free: only then it is shared with the next ones. */
static int open_family(const Door *door, int family, bool is_first)
{
	int fd = socket(family, door->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (door->type == SOCK_DGRAM) {
		set_flag(fd, SOL_SOCKET, SO_REUSEPORT, !is_first);
		set_buffers(fd);
	} else {
		set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* connections in TIME_WAIT */
	}
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)door->port),
		.sin6_addr = IN6ADDR_ANY_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)door->port),
		.sin_addr.s_addr = htonl(door->loopback ? INADDR_LOOPBACK : INADDR_ANY) };
	int bound;
	if (family == AF_INET6) {
		set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
		bound = bind(fd, (struct sockaddr *)&six, sizeof(six));
	} else {
		bound = bind(fd, (struct sockaddr *)&four, sizeof(four));
	}
	if (bound == 0 && door->type == SOCK_DGRAM)
		set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (bound == 0 && (door->type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool fail(const Door *door, int code, GError **error)
{
	const char *transport = door->type == SOCK_DGRAM ? "UDP" : "TCP";
	if (code == EADDRINUSE)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE,
			"%s port %d is in use by another program: choose another with %s",
			transport, door->port, door->option);
	else if (code == EACCES)
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
			"no right to open %s port %d: start as root or choose one above 1023 "
			"with %s",
			transport, door->port, door->option);
	else
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(code),
			"cannot open %s port %d: %s", transport, door->port, g_strerror(code));
	return false;
}

static void add(GArray *sockets, const char *name, int fd)
{
	Handed handed = { g_strdup(name), fd };
	g_array_append_val(sockets, handed);
}

/* One socket for IPv4 and IPv6; for IPv4 alone where the machine knows no IPv6. */
static bool open_door(GArray *sockets, const Door *door, bool is_first, GError **error)
{
	int fd = -1;
	if (!door->loopback)
		fd = open_family(door, AF_INET6, is_first);
	if (fd < 0 && (door->loopback || errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = open_family(door, AF_INET, is_first);
	if (fd < 0)
		return fail(door, errno, error);
	add(sockets, door->name, fd);
	return true;
}

/* path is relative: a socket's path has at most 107 bytes. */
static bool open_local(GArray *sockets, const char *name, const char *path, mode_t mode,
	const Person *person, GError **error)
{
	int fd = channel_listen(path, error);
	if (fd < 0)
		return false;
	add(sockets, name, fd);
	/* The mode first: as long as it is ours, our group is nobody else's. */
	if (fchmodat(AT_FDCWD, path, mode, 0) < 0 ||
		(person->name && fchownat(AT_FDCWD, path, person->uid, person->gid,
					 AT_SYMLINK_NOFOLLOW) < 0)) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"cannot give the socket %s to %s: %s", path,
			person->name ? person->name : "ourselves", g_strerror(errno));
		return false;
	}
	return true;
}

/* The daemons' own, one to another; and the operator's, for root and the daemons' user alone. */
static bool open_locals(GArray *sockets, bool one_port, const Person *person, GError **error)
{
	if (one_port && !open_local(sockets, "door", "run/door.sock", 0660, person, error))
		return false;
	return open_local(sockets, "control", "run/sfu.sock", 0660, person, error) &&
	       open_local(sockets, "tap", "run/tap.sock", 0660, person, error) &&
	       open_local(sockets, "recorder", "run/recorder.sock", 0660, person, error) &&
	       open_local(sockets, "operator", "run/signaling.sock", 0600, person, error);
}

/* The pages are handed over as a folder, since the way to it may be closed to the daemons' user. */
static bool open_web(GArray *sockets, const char *path, GError **error)
{
	if (!path)
		return true;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"cannot open the folder of the web pages %s: %s", path, g_strerror(errno));
		return false;
	}
	add(sockets, "web", fd);
	return true;
}

void handed_clear(Handed *handed)
{
	g_free(handed->name);
	close(handed->fd);
}

static bool open_all(GArray *sockets, const Options *o, const Person *person, GError **error)
{
	const Door doors[] = {
		{ "http", "--http-port", SOCK_STREAM, o->http_port, false, 1 },
		{ "media-tcp", "--media-port", SOCK_STREAM, o->media_port, false, !o->one_port },
		{ "media-udp", "--media-port", SOCK_DGRAM, o->media_port, false, o->workers },
		{ "admin", "--admin-port", SOCK_STREAM, o->admin_port, true, 1 },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(doors); i++) {
		for (int n = 0; n < doors[i].count; n++)
			if (!open_door(sockets, &doors[i], n == 0, error))
				return false;
	}
	return open_locals(sockets, o->one_port, person, error) && open_web(sockets, o->web, error);
}

GArray *sockets_open(const Options *options, const Person *person, GError **error)
{
	g_autoptr(GArray) sockets = g_array_new(FALSE, FALSE, sizeof(Handed));
	g_array_set_clear_func(sockets, (GDestroyNotify)handed_clear);
	return open_all(sockets, options, person, error) ? g_steal_pointer(&sockets) : NULL;
}

void sockets_add_program(GArray *sockets, const char *name, const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		add(sockets, name, fd);
}
