#include "daemon.h"
#include "log.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3      /* sd_listen_fds(3): what is handed over begins here */
#define HANDED_MAX 2048 /* more than the sockets and the fd store of our supervisor */

typedef struct Daemon {
	bool known; /* the environment was read */
	unsigned handed;
	char **names; /* of the handed sockets; may be shorter */
	char *notify_path;
	int notify_fd;
	gint64 watchdog_us; /* 0 for none */

	GMainLoop *loop;
	bool (*on_term)(void *user);
	void (*on_reload)(void *user);
	void *user;
	bool stopping;
} Daemon;

static Daemon self = { .notify_fd = -1 };

/* A whole positive number of the environment, which is for us only and removed; 0 without. */
static gint64 take_number(const char *variable)
{
	guint64 number = 0;
	const char *text = g_getenv(variable);
	if (!text || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &number, NULL))
		number = 0;
	g_unsetenv(variable);
	return (gint64)number;
}

static void take_sockets(void)
{
	gint64 pid = take_number("LISTEN_PID");
	gint64 count = take_number("LISTEN_FDS");
	g_auto(GStrv) names = NULL;
	if (g_getenv("LISTEN_FDNAMES"))
		names = g_strsplit(g_getenv("LISTEN_FDNAMES"), ":", -1);
	g_unsetenv("LISTEN_FDNAMES");
	if (pid != getpid() || !names)
		return;
	self.handed = (unsigned)CLAMP(count, 0, HANDED_MAX);
	self.names = g_steal_pointer(&names);
	for (unsigned i = 0; i < self.handed; i++)
		fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC);
}

static void take_notify(void)
{
	gint64 pid = take_number("WATCHDOG_PID");
	gint64 watchdog_us = take_number("WATCHDOG_USEC");
	if (!pid || pid == getpid())
		self.watchdog_us = watchdog_us;
	self.notify_path = g_strdup(g_getenv("NOTIFY_SOCKET"));
	g_unsetenv("NOTIFY_SOCKET");
}

static void know_environment(void)
{
	if (self.known)
		return;
	self.known = true;
	take_sockets();
	take_notify();
}

void daemon_init(const char *name)
{
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* numbers we write are for machines */
	g_set_prgname(name);
	prctl(PR_SET_NAME, name); /* started by descriptor, a program is called by its number */
	log_init(name);
	signal(SIGPIPE, SIG_IGN);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	know_environment();
}

int daemon_socket(const char *name, unsigned index)
{
	know_environment();
	for (unsigned i = 0; i < self.handed && self.names[i]; i++) {
		if (strcmp(self.names[i], name) != 0)
			continue;
		int fd = FIRST_FD + (int)i;
		if (index-- == 0)
			return fcntl(fd, F_GETFD) < 0 ? -1 : fd;
	}
	return -1;
}

/* One datagram to the supervisor, with fd beside it unless -1. */
static bool notify(const char *text, int fd)
{
	know_environment();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = self.notify_path ? strlen(self.notify_path) : 0;
	if (!len || len >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, self.notify_path, len);
	if (*address.sun_path == '@')
		*address.sun_path = '\0'; /* an abstract name */
	if (self.notify_fd < 0)
		self.notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	struct iovec iov = { (char *)text, strlen(text) };
	struct msghdr header = { .msg_name = &address,
		.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len),
		.msg_iov = &iov,
		.msg_iovlen = 1 };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	if (fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	}
	return sendmsg(self.notify_fd, &header, MSG_NOSIGNAL) >= 0;
}

bool daemon_store(const char *name, int fd)
{
	g_autofree char *text = g_strdup_printf("FDSTORE=1\nFDNAME=%s", name);
	return notify(text, fd);
}

void daemon_status(const char *text)
{
	g_autofree char *line = g_strconcat("STATUS=", text, NULL);
	g_strdelimit(line, "\n", ' ');
	notify(line, -1);
}

static gboolean on_watchdog(gpointer user)
{
	notify("WATCHDOG=1", -1);
	return G_SOURCE_CONTINUE;
}

static gboolean on_stop_signal(gpointer user)
{
	if (self.stopping) { /* asked twice: no more patience */
		daemon_stop();
		return G_SOURCE_CONTINUE;
	}
	self.stopping = true;
	notify("STOPPING=1", -1);
	if (!self.on_term || self.on_term(self.user))
		daemon_stop();
	return G_SOURCE_CONTINUE;
}

static gboolean on_reload_signal(gpointer user)
{
	if (self.on_reload)
		self.on_reload(self.user);
	return G_SOURCE_CONTINUE;
}

/* Adds source to the loop's context and lets go of it. */
static void attach(GSource *source, GSourceFunc run)
{
	g_source_set_callback(source, run, NULL, NULL);
	g_source_attach(source, g_main_loop_get_context(self.loop));
	g_source_unref(source);
}

void daemon_run(
	GMainLoop *loop, bool (*on_term)(void *user), void (*on_reload)(void *user), void *user)
{
	know_environment();
	self.loop = loop;
	self.on_term = on_term;
	self.on_reload = on_reload;
	self.user = user;
	attach(g_unix_signal_source_new(SIGTERM), on_stop_signal);
	attach(g_unix_signal_source_new(SIGINT), on_stop_signal);
	attach(g_unix_signal_source_new(SIGHUP), on_reload_signal);
	if (self.watchdog_us) {
		guint half_ms = (guint)CLAMP(self.watchdog_us / 2000, 1, G_MAXINT);
		attach(g_timeout_source_new(half_ms), on_watchdog);
	}
	notify("READY=1", -1);
	g_main_loop_run(loop);
}

void daemon_stop(void)
{
	if (self.loop)
		g_main_loop_quit(self.loop);
}

void daemon_fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *sentence = g_strdup_vprintf(format, args);
	va_end(args);
	const char *name = g_get_prgname();
	fprintf(stderr, "%s: %s\n", name ? name : "diemcau", sentence);
	exit(EXIT_FAILURE);
}
