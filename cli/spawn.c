#include "spawn.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD 3

/* What went wrong in the child, told to the parent through a pipe that a good exec closes. */
typedef struct Trouble {
	char step[24];
	int code;
} Trouble;

static void G_GNUC_NORETURN give_up(int pipe, const char *step)
{
	Trouble trouble = { .code = errno };
	g_strlcpy(trouble.step, step, sizeof(trouble.step));
	(void)!write(pipe, &trouble, sizeof(trouble));
	_exit(EXIT_FAILURE);
}

/* A copy of fd above all that sockets will be handed as. */
static int move_up(int fd, const Spawn *spawn, int pipe)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + (int)spawn->handed_count);
	if (copy < 0)
		give_up(pipe, "copy a socket");
	return copy;
}

static void hand_over(const Spawn *spawn, int pipe)
{
	g_autofree int *copies = g_new(int, spawn->handed_count + 1);
	for (unsigned i = 0; i < spawn->handed_count; i++)
		copies[i] = move_up(spawn->handed[i].fd, spawn, pipe);
	for (unsigned i = 0; i < spawn->handed_count; i++) {
		if (dup2(copies[i], FIRST_FD + (int)i) < 0)
			give_up(pipe, "hand over a socket");
	}
}

static void set_environment(const Spawn *spawn)
{
	g_autoptr(GString) names = g_string_new(NULL);
	for (unsigned i = 0; i < spawn->handed_count; i++)
		g_string_append_printf(names, "%s%s", i ? ":" : "", spawn->handed[i].name);
	g_autofree char *count = g_strdup_printf("%u", spawn->handed_count);
	g_autofree char *pid = g_strdup_printf("%d", (int)getpid());
	g_autofree char *watchdog = g_strdup_printf("%u", spawn->watchdog_us);
	g_setenv("LISTEN_FDS", count, TRUE);
	g_setenv("LISTEN_FDNAMES", names->str, TRUE);
	g_setenv("LISTEN_PID", pid, TRUE);
	g_setenv("NOTIFY_SOCKET", spawn->notify_address, TRUE);
	g_setenv("WATCHDOG_USEC", watchdog, TRUE);
	g_setenv("WATCHDOG_PID", pid, TRUE);
}

static void set_signals(void)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static void drop(const Person *person, int pipe)
{
	if (person->name && (initgroups(person->name, person->gid) < 0 ||
				    setresgid(person->gid, person->gid, person->gid) < 0 ||
				    setresuid(person->uid, person->uid, person->uid) < 0))
		give_up(pipe, "change the user");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up(pipe, "give up rights");
}

static void G_GNUC_NORETURN become(const Spawn *spawn, pid_t parent, int pipe)
{
	setsid(); /* Ctrl-C in the terminal reaches the supervisor alone */
	set_signals();
	umask(0027);
	pipe = move_up(pipe, spawn, pipe);
	int opened = open(spawn->program, O_PATH | O_CLOEXEC);
	if (opened < 0)
		give_up(pipe, "open the program");
	int program = move_up(opened, spawn, pipe);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
		dup2(STDERR_FILENO, STDOUT_FILENO) < 0) /* stdout is for `ready` alone */
		give_up(pipe, "open /dev/null");

	hand_over(spawn, pipe);
	set_environment(spawn);
	drop(spawn->person, pipe);
	/* After the change of user, which clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(EXIT_FAILURE);
	g_autofree char *name = g_path_get_basename(spawn->program);
	char *argv[] = { name, NULL };
	fexecve(program, argv, environ);
	give_up(pipe, "run the program");
}

pid_t spawn_start(const Spawn *spawn, GError **error)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "no pipe: %s",
			g_strerror(errno));
		return 0;
	}
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		become(spawn, parent, fds[1]);
	int saved = errno;
	close(fds[1]);
	Trouble trouble = { .step = "fork", .code = saved };
	ssize_t told = 0;
	if (pid > 0) {
		do
			told = read(fds[0], &trouble, sizeof(trouble));
		while (told < 0 && errno == EINTR);
	}
	close(fds[0]);
	if (pid > 0 && told != (ssize_t)sizeof(trouble))
		return pid;
	if (pid > 0)
		waitpid(pid, NULL, 0);
	g_set_error(error, G_IO_ERROR, g_io_error_from_errno(trouble.code),
		"cannot start %s as %s: %.24s: %s", spawn->program,
		spawn->person->name ? spawn->person->name : "ourselves", trouble.step,
		g_strerror(trouble.code));
	return 0;
}
