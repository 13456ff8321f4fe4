#include "common/daemon.h"
#include "common/metrics.h"
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct Child {
	pid_t pid;
	int log; /* reads its stderr */
} Child;

/* Forks; run in the child with stderr on a pipe. What it returns is the exit status. */
static Child start(int (*run)(void *data), void *data)
{
	int fds[2];
	g_assert_true(g_unix_open_pipe(fds, FD_CLOEXEC, NULL));
	Child child = { .pid = fork(), .log = fds[0] };
	g_assert_cmpint(child.pid, >=, 0);
	if (child.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Away with what g_test_init() does to the log: fatal warnings, a handler. */
		g_log_set_always_fatal(G_LOG_FATAL_MASK);
		g_log_set_default_handler(g_log_default_handler, NULL);
		dup2(fds[1], STDERR_FILENO);
		_exit(run(data));
	}
	close(fds[1]);
	return child;
}

/* Waits for the end; its exit status, or minus the signal. */
static int finish(Child *child, char **log)
{
	GString *text = g_string_new(NULL);
	char buffer[1024];
	ssize_t len;
	while ((len = read(child->log, buffer, sizeof(buffer))) > 0)
		g_string_append_len(text, buffer, len);
	close(child->log);
	int status;
	g_assert_cmpint(waitpid(child->pid, &status, 0), ==, child->pid);
	if (log)
		*log = g_string_free(text, FALSE);
	else
		g_string_free(text, TRUE);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* --- sockets handed over --- */

static int find_sockets(void *data)
{
	/* 3 http, 4 media-udp, 5 media-udp; each at its own offset, to tell them apart. */
	for (int i = 0; i < 3; i++) {
		int fd = memfd_create("handed", 0);
		if (lseek(fd, 100 + i, SEEK_SET) < 0 || dup2(fd, 3 + i) < 0)
			return 1;
		if (fd != 3 + i && fd > 5)
			close(fd);
	}
	g_autofree char *pid = g_strdup_printf("%d", (int)getpid() + *(int *)data);
	g_setenv("LISTEN_PID", pid, TRUE);
	g_setenv("LISTEN_FDS", "3", TRUE);
	g_setenv("LISTEN_FDNAMES", "http:media-udp:media-udp", TRUE);
	daemon_init("diemcau-test");
	if (g_getenv("LISTEN_FDS") || g_getenv("LISTEN_PID") || g_getenv("LISTEN_FDNAMES"))
		return 2;
	if (*(int *)data)
		return daemon_socket("http", 0) == -1 ? 0 : 3;
	if (daemon_socket("http", 0) != 3 || daemon_socket("media-udp", 0) != 4 ||
		daemon_socket("media-udp", 1) != 5)
		return 4;
	if (daemon_socket("media-udp", 2) != -1 || daemon_socket("http", 1) != -1 ||
		daemon_socket("admin", 0) != -1 || daemon_socket("", 0) != -1)
		return 5;
	if (lseek(5, 0, SEEK_CUR) != 102)
		return 6;
	return fcntl(4, F_GETFD) & FD_CLOEXEC ? 0 : 7;
}

static void test_sockets(void)
{
	int other = 0;
	Child child = start(find_sockets, &other);
	g_assert_cmpint(finish(&child, NULL), ==, 0);
	other = 1; /* meant for another process */
	child = start(find_sockets, &other);
	g_assert_cmpint(finish(&child, NULL), ==, 0);
}

static int find_lies(void *data)
{
	g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
	g_setenv("LISTEN_PID", pid, TRUE);
	g_setenv("LISTEN_FDS", "200", TRUE);
	g_setenv("LISTEN_FDNAMES", "a:b:nothing-there", TRUE);
	close(5);
	daemon_init("diemcau-test");
	return daemon_socket("nothing-there", 0) == -1 && daemon_socket("c", 0) == -1 ? 0 : 1;
}

static void test_lies(void)
{
	Child child = start(find_lies, NULL);
	g_assert_cmpint(finish(&child, NULL), ==, 0);
}

/* --- notifications --- */

typedef struct Supervisor {
	int fd;
	char name[64];
} Supervisor;

static void supervisor_open(Supervisor *supervisor)
{
	static unsigned number;
	g_snprintf(supervisor->name, sizeof(supervisor->name), "@diemcau-test-%d-%u", (int)getpid(),
		++number);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(supervisor->name);
	memcpy(address.sun_path + 1, supervisor->name + 1, len - 1);
	supervisor->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(supervisor->fd, (struct sockaddr *)&address,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		==, 0);
}

/* The next notification; *stored is the descriptor that came with it or -1. */
static const char *next_word(Supervisor *supervisor, int *stored)
{
	static char text[512];
	struct pollfd wait = { supervisor->fd, POLLIN, 0 };
	g_assert_cmpint(poll(&wait, 1, 20000), ==, 1);
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr header = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(supervisor->fd, &header, 0);
	g_assert_cmpint(len, >=, 0);
	text[len] = '\0';
	struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
	if (stored)
		*stored = -1;
	if (stored && rights)
		memcpy(stored, CMSG_DATA(rights), sizeof(int));
	return text;
}

static bool refuse_to_stop(void *user)
{
	daemon_status("draining\nnow");
	return false;
}

static void reload(void *user)
{
	daemon_status("reloaded");
}

static int live(void *data)
{
	Supervisor *supervisor = data;
	g_setenv("NOTIFY_SOCKET", supervisor->name, TRUE);
	g_setenv("WATCHDOG_USEC", "40000", TRUE);
	daemon_init("diemcau-test");
	if (g_getenv("NOTIFY_SOCKET") || g_getenv("WATCHDOG_USEC"))
		return 2;
	int fds[2];
	if (pipe(fds) < 0 || write(fds[1], "kept", 4) != 4 || !daemon_store("resume", fds[0]))
		return 3;
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	daemon_run(loop, refuse_to_stop, reload, NULL);
	return 42;
}

/* Next word that is not the watchdog's. */
static const char *next_event(Supervisor *supervisor)
{
	const char *word;
	while (strcmp(word = next_word(supervisor, NULL), "WATCHDOG=1") == 0)
		;
	return word;
}

static void test_life(void)
{
	Supervisor supervisor;
	supervisor_open(&supervisor);
	Child child = start(live, &supervisor);
	int stored;
	g_assert_cmpstr(next_word(&supervisor, &stored), ==, "FDSTORE=1\nFDNAME=resume");
	char text[5] = "";
	g_assert_cmpint(read(stored, text, 4), ==, 4);
	g_assert_cmpstr(text, ==, "kept");
	close(stored);
	g_assert_cmpstr(next_word(&supervisor, NULL), ==, "READY=1");
	for (int i = 0; i < 3; i++)
		g_assert_cmpstr(next_word(&supervisor, NULL), ==, "WATCHDOG=1");

	kill(child.pid, SIGHUP);
	g_assert_cmpstr(next_event(&supervisor), ==, "STATUS=reloaded");
	kill(child.pid, SIGTERM); /* it wants to drain ... */
	g_assert_cmpstr(next_event(&supervisor), ==, "STOPPING=1");
	g_assert_cmpstr(next_event(&supervisor), ==, "STATUS=draining now");
	g_assert_cmpstr(next_word(&supervisor, NULL), ==, "WATCHDOG=1");
	kill(child.pid, SIGTERM); /* ... and is not given the time */
	g_assert_cmpint(finish(&child, NULL), ==, 42);
	close(supervisor.fd);
}

static gboolean hang(gpointer user)
{
	pause();
	return G_SOURCE_REMOVE;
}

static int live_and_hang(void *data)
{
	Supervisor *supervisor = data;
	g_setenv("NOTIFY_SOCKET", supervisor->name, TRUE);
	g_setenv("WATCHDOG_USEC", "20000", TRUE);
	daemon_init("diemcau-test");
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_timeout_add(50, hang, NULL);
	daemon_run(loop, NULL, NULL, NULL);
	return 0;
}

static void test_hang(void)
{
	Supervisor supervisor;
	supervisor_open(&supervisor);
	Child child = start(live_and_hang, &supervisor);
	g_assert_cmpstr(next_word(&supervisor, NULL), ==, "READY=1");
	g_assert_cmpstr(next_word(&supervisor, NULL), ==, "WATCHDOG=1");
	/* Silence for ten of its intervals comes, because the word is the loop's. */
	struct pollfd wait = { supervisor.fd, POLLIN, 0 };
	gint64 deadline = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
	while (poll(&wait, 1, 200) == 1) {
		g_assert_cmpint(g_get_monotonic_time(), <, deadline);
		next_word(&supervisor, NULL);
	}
	kill(child.pid, SIGKILL);
	g_assert_cmpint(finish(&child, NULL), ==, -SIGKILL);
	close(supervisor.fd);
}

static gboolean stop_later(gpointer user)
{
	daemon_stop();
	return G_SOURCE_REMOVE;
}

static int live_alone(void *data)
{
	daemon_init("diemcau-test");
	struct rlimit core;
	getrlimit(RLIMIT_CORE, &core);
	if (core.rlim_cur || core.rlim_max)
		return 2;
	raise(SIGPIPE);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	if (data)
		g_timeout_add(1, stop_later, NULL);
	else
		g_timeout_add(1, (GSourceFunc)(void *)raise, GINT_TO_POINTER(SIGINT));
	daemon_run(loop, NULL, NULL, NULL);
	return 43;
}

static void test_alone(void)
{
	static char stop[] = "stop";
	Child child = start(live_alone, stop);
	g_assert_cmpint(finish(&child, NULL), ==, 43);
	child = start(live_alone, NULL); /* by SIGINT */
	g_assert_cmpint(finish(&child, NULL), ==, 43);
}

/* --- log --- */

static int speak(void *data)
{
	if (data)
		g_setenv("DIEMCAU_LOG_FORMAT", "json", TRUE);
	daemon_init("diemcau-test");
	g_warning("peer 4f2: lost\nthe \"line\"");
	g_info("seat x: Xã Nghi Lộc \xff came");
	g_debug("nobody wants this");
	g_autofree char *flood = g_strnfill(100000, '\x01');
	g_message("%s", flood);
	return 0;
}

static void test_plain_log(void)
{
	Child child = start(speak, NULL);
	g_autofree char *log = NULL;
	g_assert_cmpint(finish(&child, &log), ==, 0);
	g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 4);
	g_assert_cmpstr(lines[0], ==, "warning: peer 4f2: lost the \"line\"");
	g_assert_cmpstr(lines[1], ==, "info: seat x: Xã Nghi Lộc \xef\xbf\xbd came");
	g_assert_cmpuint(strlen(lines[2]), <, 4096);
	g_assert_cmpstr(lines[3], ==, "");
}

static void test_json_log(void)
{
	static char json[] = "json";
	Child child = start(speak, json);
	g_autofree char *log = NULL;
	g_assert_cmpint(finish(&child, &log), ==, 0);
	g_auto(GStrv) lines = g_strsplit(log, "\n", -1);
	g_assert_cmpuint(g_strv_length(lines), ==, 4);
	static const char *const levels[] = { "warning", "info", "info" };
	for (int i = 0; i < 3; i++) {
		json_t *line = json_loads(lines[i], 0, NULL);
		g_assert_nonnull(line);
		g_assert_cmpstr(json_string_value(json_object_get(line, "level")), ==, levels[i]);
		g_assert_cmpstr(
			json_string_value(json_object_get(line, "daemon")), ==, "diemcau-test");
		g_assert_true(g_regex_match_simple("^20..-..-..T..:..:..\\....Z$",
			json_string_value(json_object_get(line, "time")), 0, 0));
		if (i == 0)
			g_assert_cmpstr(json_string_value(json_object_get(line, "message")), ==,
				"peer 4f2: lost\nthe \"line\"");
		json_decref(line);
	}
}

static int speak_at(void *data)
{
	g_setenv("DIEMCAU_LOG_LEVEL", data, TRUE);
	daemon_init("diemcau-test");
	g_warning("w");
	g_info("i");
	g_debug("d");
	return 0;
}

static void test_log_level(void)
{
	static const struct {
		char level[8];
		const char *log;
	} cases[] = {
		{ "warning", "warning: w\n" },
		{ "info", "warning: w\ninfo: i\n" },
		{ "debug", "warning: w\ninfo: i\ndebug: d\n" },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		Child child = start(speak_at, (void *)cases[i].level);
		g_autofree char *log = NULL;
		g_assert_cmpint(finish(&child, &log), ==, 0);
		g_assert_cmpstr(log, ==, cases[i].log);
	}
}

static int fail(void *data)
{
	daemon_init("diemcau-sfu");
	daemon_fail("port %d is in use", 8444);
}

static void test_fail(void)
{
	Child child = start(fail, NULL);
	g_autofree char *log = NULL;
	g_assert_cmpint(finish(&child, &log), ==, 1);
	g_assert_cmpstr(log, ==, "diemcau-sfu: port 8444 is in use\n");
}

static void test_metrics(void)
{
	g_autoptr(GString) out = g_string_new(NULL);
	metrics_add(out, "diemcau_sfu_peers", "gauge", "Peers\nnow \\ here", 442);
	metrics_add(out, "diemcau_load", "gauge", "Load", 0.25);
	metrics_add_by(out, "diemcau_by", "gauge", "By", "of",
		(MetricSample[]){ { "a", 1 }, { "b", 2.5 } }, 2);
	metrics_add(out, "diemcau_big_total", "counter", "Big", 4503599627370497.0);
	g_assert_cmpstr(out->str, ==,
		"# HELP diemcau_sfu_peers Peers\\nnow \\\\ here\n"
		"# TYPE diemcau_sfu_peers gauge\ndiemcau_sfu_peers 442\n"
		"# HELP diemcau_load Load\n# TYPE diemcau_load gauge\ndiemcau_load 0.25\n"
		"# HELP diemcau_by By\n# TYPE diemcau_by gauge\n"
		"diemcau_by{of=\"a\"} 1\ndiemcau_by{of=\"b\"} 2.5\n"
		"# HELP diemcau_big_total Big\n# TYPE diemcau_big_total counter\n"
		"diemcau_big_total 4503599627370497\n");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/daemon/finds-the-sockets-it-was-handed-by-name", test_sockets);
	g_test_add_func("/daemon/finds-no-socket-that-is-not-there", test_lies);
	g_test_add_func("/daemon/says-ready-and-stopping-and-that-its-loop-turns", test_life);
	g_test_add_func("/daemon/falls-silent-when-its-loop-hangs", test_hang);
	g_test_add_func("/daemon/runs-without-a-supervisor", test_alone);
	g_test_add_func("/daemon/logs-a-line-a-message", test_plain_log);
	g_test_add_func("/daemon/logs-json-on-request", test_json_log);
	g_test_add_func("/daemon/logs-from-the-level-asked-for", test_log_level);
	g_test_add_func("/daemon/ends-a-start-that-cannot-be-with-a-sentence", test_fail);
	g_test_add_func("/metrics/writes-prometheus-text", test_metrics);
	return g_test_run();
}
