/* main.c - diemcau-sfu: carries packets from the stage to the sites, on one UDP and one TCP port */
#include "common/config.h"
#include "common/daemon.h"
#include "control.h"
#include "seal.h"
#include "sockets.h"
#include <string.h>

static bool on_term(void *user)
{
	return true; /* peers get their goodbye in node_free() */
}

/* The socket handed to us under this name, or one that we open in the run folder. */
static int open_door(Config *config, const char *name, const char *file)
{
	g_autoptr(GError) error = NULL;
	int fd = daemon_socket(name, 0);
	if (fd >= 0)
		return fd;
	const char *run = config_string(config, "paths", "run", "run");
	g_autofree char *path = g_build_filename(run, file, NULL);
	g_mkdir_with_parents(run, 0750);
	fd = channel_listen(path, &error);
	if (fd < 0)
		daemon_fail("%s", error->message);
	return fd;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	daemon_init("diemcau-sfu");
	const char *path = argc == 3 && !strcmp(argv[1], "--config") ? argv[2] : NULL;
	if (argc > 1 && !path)
		daemon_fail("only --config FILE is taken");

	g_autoptr(Config) config = config_read(path, &error);
	int port, http_port;
	int wanted, egress_mbps;
	bool one_port;
	if (!config || !config_integer(config, "media", "port", 1, 65535, 8444, &port, &error) ||
		!config_integer(config, "http", "port", 0, 65535, 8443, &http_port, &error) ||
		!config_integer(config, "media", "egress-mbps", 0, 100000, 0, &egress_mbps, &error) ||
		!config_one_port(config, &one_port, &error) ||
		!config_workers(config, &wanted, &error))
		daemon_fail("%s", error->message);
	g_auto(GStrv) announce = config_list(config, "media", "announce");
	if (!announce[0])
		daemon_fail("no address to announce: set announce in [media]");

	srtp_library_init();
	if (!seal_choose(config_string(config, "media", "seal", "auto"), &error))
		daemon_fail("%s", error->message);
	unsigned workers = (unsigned)wanted;
	RosterSockets sockets[MESH_WORKERS_MAX];
	const SocketsWish wish = {
		.port = port, .multihomed = g_strv_length(announce) > 1, .no_tcp = one_port
	};
	if (!sockets_open(sockets, &workers, &wish, &error))
		daemon_fail("%s", error->message);
	if (one_port)
		sockets[0].door = open_door(config, "door", "door.sock");
	const NodeSettings settings = { .sockets = sockets,
		.workers = workers,
		.announce = announce,
		.media_port = port,
		.tcp_port = one_port ? http_port : port,
		.egress_bps = egress_mbps * INT64_C(1000000),
		.tap_fd = open_door(config, "tap", "tap.sock") };

	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	Control *control = control_new(open_door(config, "control", "sfu.sock"));
	Node *node = node_new(&settings, control_notify, control, &error);
	if (!node)
		daemon_fail("%s", error->message);
	control_set_node(control, node);
	g_info("sfu: media on port %d, by TCP on %d, %u worker%s, sealed by %s", port,
		settings.tcp_port, workers, workers == 1 ? "" : "s", seal_chosen());
	daemon_run(loop, on_term, NULL, NULL);
	node_free(node);
	control_free(control);
	return 0;
}
