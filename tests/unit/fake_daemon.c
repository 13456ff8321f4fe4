/* fake_daemon - stands in for a daemon of ours in the tests of the supervisor
 *
 * Named as the daemon it plays. Whoever connects to its TCP socket gets a report of what it was
 * handed, in lines KEY=VALUE. FAKE_SFU, FAKE_RECORDER and FAKE_SIGNALING say how it is to
 * misbehave. */
#include "common/config.h"
#include "common/daemon.h"
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *way = "";
static unsigned reloads;
static char kept[32] = "none";
static pid_t brood;

static void say_socket(GString *report, const char *name)
{
	for (unsigned i = 0; daemon_socket(name, i) >= 0; i++)
		g_string_append_printf(report, "socket=%s\n", name);
}

static char *write_report(void)
{
	GString *report = g_string_new(NULL);
	g_autofree char *folder = g_get_current_dir();
	g_string_append_printf(report,
		"pid=%d\nuid=%d\nfolder=%s\nreloads=%u\nkept=%s\nbrood=%d\ngroup=%d\n",
		(int)getpid(), (int)getuid(), folder, reloads, kept, (int)brood, (int)getpgrp());
	static const char *const names[] = { "http", "admin", "operator", "web", "media-udp",
		"media-tcp", "control", "tap", "door", "recorder" };
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
		say_socket(report, names[i]);
	char byte;
	g_string_append_printf(report, "stdin=%d\n", (int)read(STDIN_FILENO, &byte, 1));
	int web = daemon_socket("web", 0);
	int page = web < 0 ? -1 : openat(web, "index.html", O_RDONLY | O_CLOEXEC);
	g_string_append_printf(report, "page=%s\n", page < 0 ? "no" : "yes");
	g_autoptr(Config) config = config_read(NULL, NULL);
	g_string_append_printf(report, "announce=%s\nextra=%s\nport=%s\none-port=%s\n",
		config_string(config, "media", "announce", ""),
		config_string(config, "extra", "key", ""),
		config_string(config, "http", "port", ""),
		config_string(config, "http", "one-port", ""));
	if (page >= 0)
		close(page);
	return g_string_free(report, FALSE);
}

static gboolean on_connection(gint listening, GIOCondition condition, gpointer user)
{
	int fd = accept(listening, NULL, NULL);
	if (fd < 0)
		return G_SOURCE_CONTINUE;
	g_autofree char *report = write_report();
	(void)!write(fd, report, strlen(report));
	close(fd);
	return G_SOURCE_CONTINUE;
}

/* The first life stores a file, the later ones find it. */
static void use_store(void)
{
	int fd = daemon_socket("kept", 0);
	if (fd < 0) {
		fd = memfd_create("kept", MFD_CLOEXEC);
		(void)!dprintf(fd, "by %d", (int)getpid());
		daemon_store("kept", fd);
		return;
	}
	ssize_t len = pread(fd, kept, sizeof(kept) - 1, 0);
	kept[len > 0 ? len : 0] = '\0';
	if (daemon_socket("kept", 1) >= 0)
		g_strlcpy(kept, "twice", sizeof(kept));
}

static gboolean end_now(gpointer user)
{
	exit(3);
}

static bool on_term(void *user)
{
	return strcmp(way, "stubborn") != 0;
}

static void on_reload(void *user)
{
	reloads++;
}

static void write_demo(void)
{
	g_autoptr(Config) config = config_read(NULL, NULL);
	const char *sites = config_string(config, "demo", "sites", "0");
	g_autofree char *line = g_strdup_printf("{\"sites\":%s}\n", sites);
	if (strcmp(sites, "0") != 0)
		g_file_set_contents("run/demo.json", line, -1, NULL);
}

int main(int argc, char **argv)
{
	bool is_sfu = g_str_has_suffix(argv[0], "sfu");
	bool is_signaling = g_str_has_suffix(argv[0], "signaling");
	daemon_init(is_sfu         ? "diemcau-sfu"
		    : is_signaling ? "diemcau-signaling"
				   : "diemcau-recorder");
	const char *asked = g_getenv(is_sfu         ? "FAKE_SFU"
				     : is_signaling ? "FAKE_SIGNALING"
						    : "FAKE_RECORDER");
	way = asked ? asked : "";
	if (strcmp(way, "refuse") == 0)
		daemon_fail("cannot read the key");
	if (strcmp(way, "crash") == 0)
		kill(getpid(), SIGKILL);
	if (strcmp(way, "status") == 0)
		exit(7);
	if (strcmp(way, "brood") == 0 && (brood = fork()) == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	use_store();
	if (is_signaling && strcmp(way, "nodemo") != 0)
		write_demo();
	puts("not for the supervisor's stdout");
	fflush(stdout);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	int door = daemon_socket(is_sfu ? "media-tcp" : "http", 0);
	if (door >= 0)
		g_unix_fd_add(door, G_IO_IN, on_connection, NULL);
	if (strcmp(way, "short") == 0)
		g_timeout_add(20, end_now, NULL);
	daemon_run(loop, on_term, on_reload, NULL);
	return 0;
}
