/* The supervisor as a whole: the real `diemcau up` over fake daemons (fake_daemon.c). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_US (40 * G_USEC_PER_SEC)

static char *built; /* folder of this program */

typedef struct Up {
	char *folder; /* holds the programs, the pages and data/ */
	int http, media, admin;
	pid_t pid;
	int out, err;
	GString *out_text, *err_text;
	char *user; /* --user */
} Up;

static void copy(const char *from, const char *folder, const char *name)
{
	g_autofree char *to = g_build_filename(folder, name, NULL);
	g_autoptr(GFile) source = g_file_new_for_path(from);
	g_autoptr(GFile) target = g_file_new_for_path(to);
	g_autoptr(GError) error = NULL;
	g_file_copy(source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(chmod(to, 0755), ==, 0);
}

/* A TCP port that was free a moment ago; *fd keeps it, unless NULL. */
static int free_port(int *fd)
{
	int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(any);
	g_assert_cmpint(bind(probe, (struct sockaddr *)&any, len), ==, 0);
	g_assert_cmpint(getsockname(probe, (struct sockaddr *)&any, &len), ==, 0);
	if (fd)
		*fd = probe;
	else
		close(probe);
	return ntohs(any.sin6_port);
}

static void up_set(Up *up, gconstpointer data)
{
	up->folder = g_dir_make_tmp("diemcau-up-XXXXXX", NULL);
	g_autofree char *program = g_build_filename(built, "../../cli/diemcau", NULL);
	g_autofree char *fake = g_build_filename(built, "fake_daemon", NULL);
	copy(program, up->folder, "diemcau");
	copy(fake, up->folder, "diemcau-sfu");
	copy(fake, up->folder, "diemcau-recorder");
	copy(fake, up->folder, "diemcau-signaling");
	g_autofree char *web = g_build_filename(up->folder, "web", NULL);
	g_autofree char *page = g_build_filename(web, "index.html", NULL);
	g_assert_cmpint(g_mkdir(web, 0755), ==, 0);
	g_assert_true(g_file_set_contents(page, "<!doctype html>", -1, NULL));
	up->http = free_port(NULL);
	up->media = free_port(NULL);
	up->admin = free_port(NULL);
	up->user = g_strdup(geteuid() == 0 ? "root" : "");
	up->out_text = g_string_new(NULL);
	up->err_text = g_string_new(NULL);
}

/* Starts it with further words, NULL at the end; environment may be NULL. */
static void start(Up *up, const char *environment, ...)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(words, g_build_filename(up->folder, "diemcau", NULL));
	g_ptr_array_add(words, g_strdup("up"));
	g_ptr_array_add(words, g_strdup_printf("--data=%s/data", up->folder));
	g_ptr_array_add(words, g_strdup_printf("--web=%s/web", up->folder));
	g_ptr_array_add(words, g_strdup_printf("--http-port=%d", up->http));
	g_ptr_array_add(words, g_strdup_printf("--media-port=%d", up->media));
	g_ptr_array_add(words, g_strdup_printf("--admin-port=%d", up->admin));
	g_ptr_array_add(words, g_strdup("--announce=127.0.0.1"));
	if (*up->user)
		g_ptr_array_add(words, g_strdup_printf("--user=%s", up->user));
	va_list more;
	va_start(more, environment);
	for (const char *word; (word = va_arg(more, const char *));)
		g_ptr_array_add(words, g_strdup(word));
	va_end(more);
	g_ptr_array_add(words, NULL);

	int out[2], err[2];
	g_assert_true(g_unix_open_pipe(out, FD_CLOEXEC, NULL));
	g_assert_true(g_unix_open_pipe(err, FD_CLOEXEC, NULL));
	up->pid = fork();
	g_assert_cmpint(up->pid, >=, 0);
	if (up->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM); /* a failed test leaves nothing behind either */
		setpgid(0, 0);                    /* a terminal's foreground group */
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		if (environment)
			putenv((char *)environment);
		execv(words->pdata[0], (char **)words->pdata);
		_exit(127);
	}
	close(out[1]);
	close(err[1]);
	up->out = out[0];
	up->err = err[0];
	g_ptr_array_unref(words);
}

/* Reads both streams until text is in one of them, or until both have ended (text NULL). */
static void read_until(Up *up, const GString *in, const char *text)
{
	gint64 deadline = g_get_monotonic_time() + PATIENCE_US;
	struct pollfd polls[] = { { up->out, POLLIN, 0 }, { up->err, POLLIN, 0 } };
	while (!text || !strstr(in->str, text)) {
		if (polls[0].fd < 0 && polls[1].fd < 0) {
			if (text)
				g_error("'%s' never came; there was: %s%s", text, up->out_text->str,
					up->err_text->str);
			return;
		}
		int left_ms = (int)((deadline - g_get_monotonic_time()) / 1000);
		if (left_ms <= 0 || poll(polls, 2, left_ms) <= 0)
			g_error("waited too long for '%s'; there is: %s%s", text ? text : "the end",
				up->out_text->str, up->err_text->str);
		for (int i = 0; i < 2; i++) {
			char buffer[4096];
			if (!polls[i].revents)
				continue;
			ssize_t len = read(polls[i].fd, buffer, sizeof(buffer));
			if (len > 0)
				g_string_append_len(i ? up->err_text : up->out_text, buffer, len);
			else
				polls[i].fd = -1;
		}
	}
}

static void await_ready(Up *up)
{
	read_until(up, up->out_text, "ready ");
	read_until(up, up->out_text, "\n");
}

/* Its exit status, or minus the signal; after it there must be no process left of all it started,
 * grandchildren too: they would have come to us. */
static int finish(Up *up)
{
	read_until(up, up->out_text, NULL);
	int status = 0;
	pid_t pid;
	bool seen = false;
	gint64 deadline = g_get_monotonic_time() + 2 * G_USEC_PER_SEC;
	while (!seen && (pid = waitpid(-1, &status, 0)) > 0)
		seen = pid == up->pid;
	g_assert_true(seen);
	int rest;
	while ((pid = waitpid(-1, &rest, WNOHANG)) >= 0) {
		if (g_get_monotonic_time() > deadline)
			g_error("a process was left behind");
		if (pid == 0)
			g_usleep(1000);
	}
	up->pid = 0;
	close(up->out);
	close(up->err);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int stop(Up *up, int signal_number)
{
	kill(up->pid, signal_number);
	return finish(up);
}

static void remove_tree(const char *path)
{
	g_autoptr(GDir) listing = g_dir_open(path, 0, NULL);
	for (const char *name; listing && (name = g_dir_read_name(listing));) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		if (g_file_test(inner, G_FILE_TEST_IS_DIR))
			remove_tree(inner);
		else
			g_unlink(inner);
	}
	g_rmdir(path);
}

static void up_clear(Up *up, gconstpointer data)
{
	if (up->pid)
		stop(up, SIGTERM);
	remove_tree(up->folder);
	g_free(up->folder);
	g_free(up->user);
	g_string_free(up->out_text, TRUE);
	g_string_free(up->err_text, TRUE);
}

/* What the fake daemon at this TCP port says; free with g_free. Never refused, may wait. */
static char *report(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval patience = { 30, 0 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	GString *text = g_string_new("\n");
	char buffer[1024];
	ssize_t len;
	while ((len = read(fd, buffer, sizeof(buffer))) > 0)
		g_string_append_len(text, buffer, len);
	g_assert_cmpint(len, ==, 0);
	close(fd);
	return g_string_free(text, FALSE);
}

static void assert_line(const char *report_text, const char *line)
{
	g_autofree char *whole = g_strdup_printf("\n%s\n", line);
	if (!strstr(report_text, whole))
		g_error("no line '%s' in: %s", line, report_text);
}

static int number_in(const char *report_text, const char *key)
{
	g_autofree char *begin = g_strdup_printf("\n%s=", key);
	const char *at = strstr(report_text, begin);
	g_assert_nonnull(at);
	return atoi(at + strlen(begin));
}

/* --- a good start --- */

static void test_ready(Up *up, gconstpointer data)
{
	start(up, NULL, NULL);
	await_ready(up);
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
	g_autofree char *line = g_strdup_printf("ready https://127.0.0.1:%d/\n", up->http);
	g_assert_cmpstr(up->out_text->str, ==, line);
	/* And once more in the same folder. */
	g_string_truncate(up->out_text, 0);
	start(up, NULL, NULL);
	await_ready(up);
	g_assert_cmpint(stop(up, SIGTERM), ==, 0);
}

static void test_demo(Up *up, gconstpointer data)
{
	start(up, NULL, "--demo", "--demo-sites=7", "--announce=::1", NULL);
	await_ready(up);
	read_until(up, up->out_text, "}\n");
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
	g_autofree char *lines =
		g_strdup_printf("ready https://127.0.0.1:%d/\n{\"sites\":7}\n", up->http);
	g_assert_cmpstr(up->out_text->str, ==, lines);
	/* The line of an earlier start is not taken for this one's. */
	g_string_truncate(up->out_text, 0);
	start(up, "FAKE_SIGNALING=nodemo", "--demo", NULL);
	g_assert_cmpint(finish(up), ==, 1);
	g_assert_cmpstr(up->out_text->str, ==, "");
	g_assert_nonnull(strstr(up->err_text->str, "run/demo.json is missing"));
}

static void test_handed(Up *up, gconstpointer data)
{
	g_autofree char *config = g_build_filename(up->folder, "test.conf", NULL);
	g_file_set_contents(config, "[extra]\nkey=from the file\n[http]\nport=1\n", -1, NULL);
	start(up, NULL, "--config", config, NULL);
	await_ready(up);
	g_autofree char *signaling = report(up->http);
	g_autofree char *sfu = report(up->media);
	g_autofree char *folder = g_strdup_printf("folder=%s/data", up->folder);
	g_autofree char *port = g_strdup_printf("port=%d", up->http);
	assert_line(signaling, "socket=http\nsocket=admin\nsocket=operator\nsocket=web\n"
			       "stdin=0\npage=yes");
	assert_line(signaling, folder);
	assert_line(signaling, "extra=from the file");
	assert_line(signaling, port); /* the option before the file */
	assert_line(signaling, "announce=127.0.0.1");
	assert_line(sfu, "socket=media-udp\nsocket=media-tcp\nsocket=control\nsocket=tap\n"
			 "stdin=0\npage=no");
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
}

static void test_drop(Up *up, gconstpointer data)
{
	if (geteuid() != 0) {
		g_test_skip("needs root");
		return;
	}
	/* The folder of programs and data is closed to them: only we can go through it. */
	g_assert_cmpint(chmod(up->folder, 0700), ==, 0);
	g_free(up->user);
	up->user = g_strdup("nobody");
	start(up, NULL, NULL);
	await_ready(up);
	g_autofree char *signaling = report(up->http);
	g_autofree char *sfu = report(up->media);
	assert_line(signaling, "uid=65534");
	assert_line(signaling, "page=yes");
	assert_line(sfu, "uid=65534");
	g_autofree char *control = g_build_filename(up->folder, "data/run/sfu.sock", NULL);
	struct stat there;
	g_assert_cmpint(stat(control, &there), ==, 0);
	g_assert_cmpint(there.st_uid, ==, 65534);
	/* The operator's door: root and they alone. */
	g_autofree char *door = g_build_filename(up->folder, "data/run/signaling.sock", NULL);
	g_assert_cmpint(stat(door, &there), ==, 0);
	g_assert_cmpint(there.st_uid, ==, 65534);
	g_assert_cmpint(there.st_mode & 0777, ==, 0600);
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
}

static void test_foreign_folder(Up *up, gconstpointer data)
{
	if (geteuid() != 0) {
		g_test_skip("needs root");
		return;
	}
	g_autofree char *folder = g_build_filename(up->folder, "data", NULL);
	g_autofree char *file = g_build_filename(folder, "thesis.txt", NULL);
	g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
	g_assert_true(g_file_set_contents(file, "mine", -1, NULL));
	g_free(up->user);
	up->user = g_strdup("nobody");
	start(up, NULL, NULL);
	g_assert_cmpint(finish(up), ==, 1);
	g_assert_nonnull(strstr(up->err_text->str, "is no data folder"));
	struct stat there;
	g_assert_cmpint(stat(file, &there), ==, 0);
	g_assert_cmpint(there.st_uid, ==, 0);
}

/* --- faults --- */

static void test_restart(Up *up, gconstpointer data)
{
	start(up, NULL, NULL);
	await_ready(up);
	g_autofree char *sfu = report(up->media);
	for (int life = 1; life <= 2; life++) {
		g_autofree char *before = report(up->http);
		int pid = number_in(before, "pid");
		gint64 killed_us = g_get_monotonic_time();
		kill(pid, SIGKILL);
		while (kill(pid, 0) == 0)
			g_usleep(500); /* until it is dead and reaped; a moment */
		g_autofree char *after = report(up->http); /* not refused, though nobody is there */
		gint64 gap_us = g_get_monotonic_time() - killed_us;
		g_test_message("back after %d ms", (int)(gap_us / 1000));
		g_assert_cmpint(number_in(after, "pid"), !=, pid);
		g_assert_cmpint(gap_us, >=, 190000 * life);    /* 0.2 s, then longer */
		g_assert_nonnull(strstr(after, "\nkept=by ")); /* the store */
		g_assert_null(strstr(after, "kept=twice"));
	}
	g_autofree char *same = report(up->media);
	g_assert_cmpint(number_in(same, "pid"), ==, number_in(sfu, "pid"));
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
	g_autofree char *line = g_strdup_printf("ready https://127.0.0.1:%d/\n", up->http);
	g_assert_cmpstr(up->out_text->str, ==, line); /* said once */
}

static void test_hang(Up *up, gconstpointer data)
{
	start(up, NULL, NULL);
	await_ready(up);
	g_autofree char *before = report(up->media);
	int pid = number_in(before, "pid");
	gint64 stopped_us = g_get_monotonic_time();
	kill(pid, SIGSTOP);
	g_autofree char *after = report(up->media);
	gint64 gap_us = g_get_monotonic_time() - stopped_us;
	g_test_message("back after %d ms", (int)(gap_us / 1000));
	g_assert_cmpint(number_in(after, "pid"), !=, pid);
	g_assert_cmpint(gap_us, >=, 2 * G_USEC_PER_SEC);
	read_until(up, up->err_text, "child sfu: silent for 5 s, killed");
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
}

static void test_back_off(Up *up, gconstpointer data)
{
	start(up, "FAKE_SFU=short", NULL);
	await_ready(up);
	read_until(up, up->err_text, "sfu ended with status 3, starts again in 200 ms");
	read_until(up, up->err_text, "sfu ended with status 3, starts again in 400 ms");
	read_until(up, up->err_text, "sfu ended with status 3, starts again in 800 ms");
	g_assert_cmpint(stop(up, SIGINT), ==, 0); /* also while none runs */
}

static void test_no_start(Up *up, gconstpointer data)
{
	static const struct {
		const char *environment, *sentence;
	} cases[] = {
		{ "FAKE_SFU=refuse", "diemcau-sfu: cannot read the key\n" },
		{ "FAKE_SIGNALING=refuse", "diemcau-signaling: cannot read the key\n" },
		{ "FAKE_SIGNALING=status",
			"diemcau: signaling ended with status 7 before it was ready\n" },
		{ "FAKE_SFU=crash",
			"diemcau: sfu was ended by signal 9 (Killed) before it was ready\n" },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_string_truncate(up->err_text, 0);
		start(up, cases[i].environment, NULL);
		g_assert_cmpint(finish(up), ==, 1);
		g_assert_cmpstr(up->out_text->str, ==, "");
		/* Two others may have said theirs, one before and one after it. */
		g_assert_nonnull(strstr(up->err_text->str, cases[i].sentence));
		g_assert_null(strstr(up->err_text->str, "warning"));
	}
}

static void test_no_program(Up *up, gconstpointer data)
{
	g_autofree char *program = g_build_filename(up->folder, "diemcau-signaling", NULL);
	g_unlink(program);
	start(up, NULL, NULL);
	g_assert_cmpint(finish(up), ==, 1);
	g_assert_nonnull(strstr(up->err_text->str, "diemcau-signaling"));
	g_assert_nonnull(strstr(up->err_text->str, "No such file"));
}

/* Ends with status 1, nothing on stdout, and one line on stderr that has text in it. */
static void assert_one_sentence(Up *up, const char *text)
{
	g_assert_cmpint(finish(up), ==, 1);
	g_assert_cmpstr(up->out_text->str, ==, "");
	const char *end = strchr(up->err_text->str, '\n');
	g_assert_true(g_str_has_prefix(up->err_text->str, "diemcau: "));
	g_assert_true(end && !end[1]);
	if (!strstr(up->err_text->str, text))
		g_error("no '%s' in: %s", text, up->err_text->str);
	g_string_truncate(up->err_text, 0);
}

static void test_bad_options(Up *up, gconstpointer data)
{
	static const struct {
		const char *option, *text;
	} cases[] = {
		{ "--no-such-thing", "--no-such-thing" },
		{ "--http-port=many", "many" },
		{ "--http-port=70000", "from 1 to 65535" },
		{ "--http-port=0", "from 1 to 65535" },
		{ "--announce=hall.example", "not 'hall.example'" },
		{ "--announce=0.0.0.0", "not '0.0.0.0'" },
		{ "--demo-sites=0", "from 1 to 1000" },
		{ "--demo-sites=1001", "from 1 to 1000" },
		{ "--cert=/x", "belong together" },
		{ "--config=/nowhere/x.conf", "/nowhere/x.conf" },
		{ "--web=/nowhere/web", "/nowhere/web" },
		{ "stray", "unknown argument 'stray'" },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		const char *more = g_str_has_prefix(cases[i].option, "--demo-s") ? "--demo" : NULL;
		start(up, NULL, cases[i].option, more, NULL);
		assert_one_sentence(up, cases[i].text);
	}
	start(up, "DIEMCAU_DEMO_SITES=many", NULL);
	assert_one_sentence(up, "DIEMCAU_DEMO_SITES");
}

static void test_port_in_use(Up *up, gconstpointer data)
{
	int *ports[] = { &up->http, &up->media, &up->admin };
	static const char *const options[] = { "--http-port", "--media-port", "--admin-port" };
	for (unsigned i = 0; i < G_N_ELEMENTS(ports); i++) {
		int fd, kept = *ports[i];
		*ports[i] = free_port(&fd);
		g_assert_cmpint(listen(fd, 1), ==, 0);
		start(up, NULL, NULL);
		g_autofree char *text = g_strdup_printf(
			"TCP port %d is in use by another program: choose another with %s",
			*ports[i], options[i]);
		assert_one_sentence(up, text);
		close(fd);
		*ports[i] = kept;
	}
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 any = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)up->media) };
	g_assert_cmpint(bind(fd, (struct sockaddr *)&any, sizeof(any)), ==, 0);
	start(up, NULL, NULL);
	assert_one_sentence(up, "UDP port");
	close(fd);
}

/* One TCP port: the media port is for UDP alone, and may have the same number. */
static void test_one_port(Up *up, gconstpointer data)
{
	int reserved;
	up->media = free_port(&reserved); /* nobody minds who has its TCP */
	g_assert_cmpint(listen(reserved, 1), ==, 0);
	start(up, NULL, "--one-port", NULL);
	await_ready(up);
	g_autofree char *signaling = report(up->http);
	assert_line(signaling, "one-port=yes");
	g_autofree char *door = g_build_filename(up->folder, "data/run/door.sock", NULL);
	struct stat there;
	g_assert_cmpint(stat(door, &there), ==, 0);
	g_assert_cmpint(there.st_mode & 0777, ==, 0660);
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
	close(reserved);

	up->media = up->http;
	g_string_truncate(up->out_text, 0);
	start(up, "DIEMCAU_HTTP_ONE_PORT=yes", NULL);
	await_ready(up);
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
	g_string_truncate(up->out_text, 0);
	g_string_truncate(up->err_text, 0);
	start(up, NULL, NULL);
	assert_one_sentence(up, "the three ports must differ");
	start(up, "DIEMCAU_HTTP_ONE_PORT=perhaps", NULL);
	assert_one_sentence(up, "must be yes or no");
}

/* Two supervisors on one UDP port would share its datagrams. */
static void test_udp_in_use(Up *up, gconstpointer data)
{
	start(up, "DIEMCAU_MEDIA_WORKERS=3", "--one-port", NULL);
	await_ready(up);
	Up second;
	up_set(&second, NULL);
	second.media = up->media;
	start(&second, NULL, "--one-port", NULL);
	g_autofree char *text =
		g_strdup_printf("UDP port %d is in use by another program", up->media);
	read_until(&second, second.err_text, text);
	int status;
	g_assert_cmpint(waitpid(second.pid, &status, 0), ==, second.pid);
	g_assert_cmpint(WEXITSTATUS(status), ==, 1);
	close(second.out);
	close(second.err);
	second.pid = 0;
	up_clear(&second, NULL);
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
}

static void test_folder_in_use(Up *up, gconstpointer data)
{
	start(up, NULL, NULL);
	await_ready(up);
	Up second = *up;
	second.http = free_port(NULL);
	second.media = free_port(NULL);
	second.admin = free_port(NULL);
	second.out_text = g_string_new(NULL);
	second.err_text = g_string_new(NULL);
	start(&second, NULL, NULL);
	read_until(&second, second.err_text, "is in use by another 'diemcau up'");
	int status;
	g_assert_cmpint(waitpid(second.pid, &status, 0), ==, second.pid);
	g_assert_cmpint(WEXITSTATUS(status), ==, 1);
	g_autofree char *alive = report(up->http); /* the first was not harmed */
	assert_line(alive, "kept=none");
	close(second.out);
	close(second.err);
	g_string_free(second.out_text, TRUE);
	g_string_free(second.err_text, TRUE);
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
}

static void test_bad_folder(Up *up, gconstpointer data)
{
	g_autofree char *data_path = g_build_filename(up->folder, "data", NULL);
	g_assert_true(g_file_set_contents(data_path, "a file", -1, NULL));
	start(up, NULL, NULL);
	assert_one_sentence(up, data_path);
	g_unlink(data_path);
}

/* A folder on a disk of 64 KiB, in a mount namespace that only the test sees. */
static void test_disk_full(Up *up, gconstpointer data)
{
	g_autofree char *folder = g_build_filename(up->folder, "data", NULL);
	g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
			mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
			mount("none", folder, "tmpfs", 0, "size=64k"))
			_exit(77);
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		start(up, NULL, NULL);
		assert_one_sentence(up, "the disk is full");
		_exit(0);
	}
	int status;
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_rmdir(folder);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		g_test_skip("may not mount");
	else
		g_assert_cmpint(status, ==, 0);
}

/* --- the end --- */

static void test_interrupt(Up *up, gconstpointer data)
{
	start(up, "FAKE_SFU=brood", NULL);
	await_ready(up);
	g_autofree char *sfu = report(up->media);
	g_assert_cmpint(number_in(sfu, "brood"), >, 1);
	g_assert_cmpint(number_in(sfu, "group"), ==, number_in(sfu, "pid")); /* out of its reach */
	kill(-up->pid, SIGINT); /* Ctrl-C: to the whole foreground group */
	g_assert_cmpint(finish(up), ==, 0);
	g_assert_null(strstr(up->err_text->str, "starts again"));
}

static void test_stubborn(Up *up, gconstpointer data)
{
	start(up, "FAKE_SFU=stubborn", NULL);
	await_ready(up);
	gint64 asked_us = g_get_monotonic_time();
	g_assert_cmpint(stop(up, SIGTERM), ==, 0);
	g_assert_cmpint(g_get_monotonic_time() - asked_us, >=, 4900000);
	g_assert_nonnull(strstr(up->err_text->str, "did not end in time"));
}

static void test_killed(Up *up, gconstpointer data)
{
	start(up, NULL, NULL);
	await_ready(up);
	g_assert_cmpint(stop(up, SIGKILL), ==, -SIGKILL);
	/* The folder and the ports are free again. */
	g_string_truncate(up->out_text, 0);
	start(up, NULL, NULL);
	await_ready(up);
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
}

static void test_reload(Up *up, gconstpointer data)
{
	start(up, NULL, NULL);
	await_ready(up);
	kill(up->pid, SIGHUP);
	int reloads = 0;
	gint64 deadline = g_get_monotonic_time() + PATIENCE_US;
	while (reloads < 1 && g_get_monotonic_time() < deadline) {
		g_autofree char *sfu = report(up->media);
		reloads = number_in(sfu, "reloads");
	}
	g_assert_cmpint(reloads, ==, 1);
	g_assert_cmpint(stop(up, SIGINT), ==, 0);
}

#define ADD(name, run) g_test_add("/up/" name, Up, NULL, up_set, run, up_clear)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* what is left behind anywhere comes to us */
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	built = g_path_get_dirname(self);
	ADD("says-ready-when-all-are", test_ready);
	ADD("prints-the-demo-after-ready", test_demo);
	ADD("hands-sockets-and-settings-over", test_handed);
	ADD("drops-to-a-user-that-cannot-reach-the-programs", test_drop);
	ADD("gives-no-foreign-folder-away", test_foreign_folder);
	ADD("restarts-what-dies-and-refuses-no-connection", test_restart);
	ADD("restarts-what-hangs", test_hang);
	ADD("waits-longer-for-what-dies-again-and-again", test_back_off);
	ADD("ends-when-a-daemon-cannot-start", test_no_start);
	ADD("names-the-program-it-cannot-start", test_no_program);
	ADD("refuses-bad-options-in-one-sentence", test_bad_options);
	ADD("names-the-port-in-use", test_port_in_use);
	ADD("opens-one-tcp-port-when-asked", test_one_port);
	ADD("shares-its-udp-port-with-nobody", test_udp_in_use);
	ADD("holds-its-data-folder-alone", test_folder_in_use);
	ADD("names-the-folder-it-cannot-use", test_bad_folder);
	ADD("says-that-the-disk-is-full", test_disk_full);
	ADD("leaves-nothing-behind-after-ctrl-c", test_interrupt);
	ADD("kills-what-does-not-end", test_stubborn);
	ADD("leaves-nothing-behind-when-killed", test_killed);
	ADD("passes-reload-on", test_reload);
	int status = g_test_run();
	g_free(built);
	return status;
}
