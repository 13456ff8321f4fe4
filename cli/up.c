#include "up.h"
#include "addresses.h"
#include "child.h"
#include "common/daemon.h"
#include "folder.h"
#include "options.h"
#include "sockets.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS 5000           /* what a daemon has to drain after SIGTERM */
#define DEMO_MAX (1024 * 1024) /* bytes of run/demo.json; 1000 sites are 80 KB */
#define FILES_WANTED 65536     /* descriptors, where the system allows: two a site and the store */

/* The daemons. One more is one more row. */
static const struct {
	const char *name;
	const char *program;
	const char *folder;     /* where it lies in a build tree, seen from ours */
	const char *sockets[6]; /* ends with a NULL */
} rows[] = {
	{ "sfu", "diemcau-sfu", "../sfu", { "media-udp", "media-tcp", "control", "tap", "door" } },
	{ "recorder", "diemcau-recorder", "../recorder", { "recorder", "finish" } },
	{ "signaling", "diemcau-signaling", "../signaling",
		{ "http", "admin", "operator", "web" } },
};

#define CHILDREN G_N_ELEMENTS(rows)

typedef struct Up {
	Options options;
	Person person;
	int lock_fd;
	GArray *sockets;
	Child *children[CHILDREN];
	unsigned ready;
	GMainLoop *loop;
	sigset_t signals;
	bool stopping;
	int status;
} Up;

static bool all_ended(const Up *up)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (up->children[i] && child_runs(up->children[i]))
			return false;
	}
	return true;
}

static void kill_all(Up *up)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (up->children[i])
			child_kill(up->children[i]);
	}
}

static gboolean on_stop_timeout(gpointer user)
{
	g_warning("up: some daemons did not end in time, killed");
	kill_all(user);
	return G_SOURCE_REMOVE;
}

static void stop(Up *up, int status)
{
	if (up->stopping) { /* asked twice: no more patience */
		kill_all(up);
		return;
	}
	up->stopping = true;
	up->status = status;
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (up->children[i])
			child_stop(up->children[i]);
	}
	g_timeout_add(STOP_MS, on_stop_timeout, up);
	if (all_ended(up))
		g_main_loop_quit(up->loop);
}

static void fail(Up *up, const char *sentence)
{
	if (sentence)
		fprintf(stderr, "diemcau: %s\n", sentence);
	if (!up->stopping)
		stop(up, EXIT_FAILURE);
}

/* The line of JSON that signaling has left for us; NULL when there is none. */
static char *read_demo(void)
{
	int fd = open("run/demo.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	g_autofree char *text = g_malloc(DEMO_MAX);
	size_t len = 0;
	ssize_t n;
	while (len < DEMO_MAX - 1 && (n = read(fd, text + len, DEMO_MAX - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return *text ? g_steal_pointer(&text) : NULL;
}

static void announce(Up *up)
{
	g_autofree char *demo = up->options.demo ? read_demo() : NULL;
	if (up->options.demo && !demo) {
		fail(up, "the demo forum was not made: run/demo.json is missing");
		return;
	}
	g_autofree char *host = addresses_for_url(up->options.announce[0]);
	printf("ready https://%s:%d/\n", host, up->options.http_port);
	if (demo)
		printf("%s\n", demo);
	fflush(stdout);
}

static void on_ready(void *user)
{
	Up *up = user;
	if (++up->ready == CHILDREN && !up->stopping)
		announce(up);
}

static void on_failed(const char *sentence, void *user)
{
	fail(user, sentence);
}

static const ChildEvents child_events = { on_ready, on_failed };

static Child *child_of(Up *up, pid_t pid)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (up->children[i] && child_is(up->children[i], pid))
			return up->children[i];
	}
	return NULL;
}

/* Each dead child, with what is left of its session. */
static void reap(Up *up)
{
	siginfo_t info = { 0 };
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
		pid_t pid = info.si_pid;
		Child *child = child_of(up, pid);
		if (child)
			kill(-pid, SIGKILL); /* before its number is free for others */
		waitpid(pid, NULL, 0);
		if (child)
			child_ended(child, info.si_code, info.si_status);
		info = (siginfo_t){ 0 };
	}
	if (up->stopping && all_ended(up))
		g_main_loop_quit(up->loop);
}

static gboolean on_signal(gint fd, GIOCondition condition, gpointer user)
{
	Up *up = user;
	struct signalfd_siginfo info;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			reap(up);
		} else if (info.ssi_signo == SIGHUP) {
			for (unsigned i = 0; i < CHILDREN; i++)
				child_reload(up->children[i]);
		} else {
			stop(up, EXIT_SUCCESS);
		}
	}
	return G_SOURCE_CONTINUE;
}

/* By descriptor, not by handler: GLib's own would start a thread, and we fork. */
static bool watch_signals(Up *up, GError **error)
{
	sigemptyset(&up->signals);
	sigaddset(&up->signals, SIGINT);
	sigaddset(&up->signals, SIGTERM);
	sigaddset(&up->signals, SIGHUP);
	sigaddset(&up->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &up->signals, NULL);
	int fd = signalfd(-1, &up->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"cannot watch signals: %s", g_strerror(errno));
		return false;
	}
	g_unix_fd_add(fd, G_IO_IN, on_signal, up);
	return true;
}

/* Beside our own program, or where the build has put it. */
static char *find_program(const char *program, const char *folder)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *own = g_path_get_dirname(self ? self : ".");
	char *beside = g_build_filename(own, program, NULL);
	if (g_file_test(beside, G_FILE_TEST_EXISTS))
		return beside;
	g_autofree char *built = g_build_filename(own, folder, program, NULL);
	if (g_file_test(built, G_FILE_TEST_EXISTS)) {
		g_free(beside);
		return g_canonicalize_filename(built, NULL);
	}
	return beside;
}

/* Where the pages are when nobody said: installed, or in the source tree that was built. */
static char *find_web(void)
{
	static const char *const places[] = { "../share/diemcau/web", "../../../web/dist" };
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *own = g_path_get_dirname(self ? self : ".");
	for (unsigned i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *place = g_build_filename(own, places[i], NULL);
		if (g_file_test(place, G_FILE_TEST_IS_DIR))
			return g_canonicalize_filename(place, NULL);
	}
	return NULL;
}

static void raise_files(void)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= FILES_WANTED)
		return;
	files.rlim_cur = FILES_WANTED;
	if (files.rlim_max < FILES_WANTED && geteuid() == 0)
		files.rlim_max = FILES_WANTED;
	files.rlim_cur = MIN(files.rlim_cur, files.rlim_max);
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

static bool prepare(Up *up, GError **error)
{
	Options *o = &up->options;
	if (!*o->announce) {
		g_strfreev(o->announce);
		o->announce = addresses_of_machine();
	}
	if (!o->web)
		o->web = find_web();
	if (!person_find(&up->person, o->user, error))
		return false;
	up->lock_fd = folder_enter(o->data, &up->person, error);
	if (up->lock_fd < 0)
		return false;
	up->sockets = sockets_open(o, &up->person, error);
	if (!up->sockets)
		return false;
	/* The recorder's user may not be allowed to walk to the program: a clone in /root. */
	g_autofree char *finish = find_program("diemcau-finish", "../recorder");
	sockets_add_program(up->sockets, "finish", finish);
	unlink("run/demo.json"); /* of an earlier start */
	return options_export(o, error);
}

static bool start_children(Up *up, GError **error)
{
	for (unsigned i = 0; i < CHILDREN; i++) {
		g_autofree char *program = find_program(rows[i].program, rows[i].folder);
		up->children[i] = child_new(rows[i].name, program, rows[i].sockets, up->sockets,
			&up->person, &child_events, up, error);
		if (!up->children[i])
			return false;
	}
	for (unsigned i = 0; i < CHILDREN; i++) {
		if (!child_start(up->children[i], error))
			return false;
	}
	return true;
}

static void run(Up *up)
{
	g_autoptr(GError) error = NULL;
	raise_files();
	up->loop = g_main_loop_new(NULL, FALSE);
	if (!prepare(up, &error) || !watch_signals(up, &error) || !start_children(up, &error))
		fail(up, error->message);
	if (!up->stopping || !all_ended(up))
		g_main_loop_run(up->loop);
}

static void up_clear(Up *up)
{
	for (unsigned i = 0; i < CHILDREN; i++)
		child_free(up->children[i]);
	if (up->sockets)
		g_array_unref(up->sockets);
	if (up->loop)
		g_main_loop_unref(up->loop);
	person_clear(&up->person);
	options_clear(&up->options);
	if (up->lock_fd >= 0)
		close(up->lock_fd);
}

int up_run(int argc, char **argv)
{
	daemon_init("diemcau");
	Up up = { .lock_fd = -1 };
	g_autoptr(GError) error = NULL;
	if (!options_read(&up.options, argc, argv, &error)) {
		fprintf(stderr, "diemcau: %s\n", error->message);
		up.status = EXIT_FAILURE;
	} else if (up.options.version) {
		printf("diemcau %s\n", DIEMCAU_VERSION);
	} else {
		run(&up);
	}
	up_clear(&up);
	return up.status;
}
