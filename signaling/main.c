/* diemcau-signaling: people and state - HTTPS, WebSocket, WHIP/WHEP, stage, store, web files. */
#include "cert.h"
#include "common/channel.h"
#include "common/config.h"
#include "common/daemon.h"
#include "demo.h"
#include "handover.h"
#include "http.h"
#include "operator.h"
#include "probe.h"
#include "usher.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEMO_SITES_MAX 1000
/* Store, sfu, log, files, lines of the one port that wait; the rest is for connections. */
#define DESCRIPTORS_SPARE (256 + USHER_WAITING_MAX + HANDOVER_WAITING_MAX)
#define CONNECTIONS_MAX 8192

typedef struct Daemon {
	Config *config;
	Store *store;
	Links *links;
	Registry *registry;
	Hub *hub;
	Recording *recording;
	Operator *door;
	Server *server;
	Http http;
	int web_fd;
	char *base, *cert, *key;
	char **addresses;
	bool own_cert;
} Daemon;

/* What other machines reach this one by: all addresses that are up, loopback if there is none. */
static char **own_addresses(void)
{
	g_autoptr(GPtrArray) found = g_ptr_array_new();
	struct ifaddrs *all = NULL;
	if (getifaddrs(&all) == 0) {
		for (struct ifaddrs *one = all; one; one = one->ifa_next) {
			char text[INET_ADDRSTRLEN];
			if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET ||
				(one->ifa_flags & IFF_LOOPBACK) || !(one->ifa_flags & IFF_UP))
				continue;
			inet_ntop(AF_INET, &((struct sockaddr_in *)one->ifa_addr)->sin_addr, text,
				sizeof(text));
			g_ptr_array_add(found, g_strdup(text));
		}
		freeifaddrs(all);
	}
	if (!found->len)
		g_ptr_array_add(found, g_strdup("127.0.0.1"));
	g_ptr_array_add(found, NULL);
	return (char **)g_ptr_array_steal(found, NULL);
}

static int integer(
	Daemon *daemon, const char *group, const char *key, int low, int high, int fallback)
{
	g_autoptr(GError) error = NULL;
	int value = fallback;
	if (!config_integer(daemon->config, group, key, low, high, fallback, &value, &error))
		daemon_fail("%s", error->message);
	return value;
}

static char *path_in(Daemon *daemon, const char *name)
{
	return g_build_filename(config_string(daemon->config, "paths", "data", "."), name, NULL);
}

static char *run_path(Daemon *daemon, const char *name)
{
	const char *run = config_string(daemon->config, "paths", "run", "run");
	g_autofree char *folder = g_path_is_absolute(run) ? g_strdup(run) : path_in(daemon, run);
	(void)g_mkdir_with_parents(folder, 0700);
	return g_build_filename(folder, name, NULL);
}

static void open_state(Daemon *daemon)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *store = path_in(daemon, "store.db");
	g_autofree char *secret = path_in(daemon, "secret.key");
	daemon->links = links_open(secret, &error);
	if (daemon->links)
		daemon->store = store_open(store, &error);
	if (daemon->store)
		daemon->registry = registry_open(daemon->store, daemon->links, &error);
	if (!daemon->registry)
		daemon_fail("%s", error->message);
}

static void find_addresses(Daemon *daemon)
{
	daemon->addresses = config_list(daemon->config, "media", "announce");
	if (!daemon->addresses || !*daemon->addresses) {
		g_strfreev(daemon->addresses);
		daemon->addresses = own_addresses();
	}
	bool is_v6 = strchr(daemon->addresses[0], ':') != NULL;
	daemon->base = g_strdup_printf(is_v6 ? "https://[%s]:%d" : "https://%s:%d",
		daemon->addresses[0], integer(daemon, "http", "port", 0, 65535, 8443));
}

static void find_certificate(Daemon *daemon)
{
	g_autoptr(GError) error = NULL;
	const char *cert = config_string(daemon->config, "http", "cert", NULL);
	const char *key = config_string(daemon->config, "http", "key", NULL);
	if (!cert != !key)
		daemon_fail("a certificate needs its key: give both cert and key, or neither");
	daemon->own_cert = !cert;
	daemon->cert = cert ? g_strdup(cert) : path_in(daemon, "tls/cert.pem");
	daemon->key = key ? g_strdup(key) : path_in(daemon, "tls/key.pem");
	if (daemon->own_cert && !cert_ensure(daemon->cert, daemon->key, daemon->addresses, &error))
		daemon_fail("%s", error->message);
}

static Files *load_files(Daemon *daemon, GError **error)
{
	if (daemon->web_fd < 0) {
		const char *web = config_string(daemon->config, "paths", "web", NULL);
		if (web)
			daemon->web_fd = open(web, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (web && daemon->web_fd < 0)
			g_warning("files: the web folder %s cannot be opened", web);
	}
	return files_load(daemon->web_fd, error);
}

static int handed_or_bound(Daemon *daemon, const char *name, int port, bool loopback)
{
	g_autoptr(GError) error = NULL;
	int fd = daemon_socket(name, 0);
	if (fd < 0)
		fd = gate_listen(port, loopback, &error);
	if (fd < 0)
		daemon_fail("%s", error->message);
	return fd;
}

/* As many descriptors as we may have; a page of 442 sites needs more than the usual 1024. */
static unsigned connections_max(void)
{
	struct rlimit limit = { 1024, 1024 };
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = MIN(limit.rlim_max, CONNECTIONS_MAX + DESCRIPTORS_SPARE + GATE_PARKED);
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	rlim_t spare = DESCRIPTORS_SPARE + GATE_PARKED;
	return limit.rlim_cur > 2 * spare ? (unsigned)(limit.rlim_cur - spare)
					  : (unsigned)(limit.rlim_cur / 2);
}

static void on_request(Exchange *exchange, const Request *request, void *user)
{
	http_request(exchange, request, &((Daemon *)user)->http);
}

static void *on_open(Socket *socket, void *user)
{
	return session_open(socket, ((Daemon *)user)->hub);
}

static void open_server(Daemon *daemon, GMainLoop *loop, unsigned connections)
{
	static const ServerEvents events = { on_request, on_open, session_receive, session_closed };
	g_autoptr(GError) error = NULL;
	bool one_port;
	if (!config_one_port(daemon->config, &one_port, &error))
		daemon_fail("%s", error->message);
	g_autofree char *door = run_path(daemon, "door.sock");
	ServerConfig config = {
		.door = one_port ? door : NULL, .cert = daemon->cert, .key = daemon->key
	};
	config.limits.visitors = connections;
	config.limits.strangers_per_address =
		(unsigned)integer(daemon, "http", "strangers", 1, 10000, 20);
	config.http_fd = handed_or_bound(
		daemon, "http", integer(daemon, "http", "port", 0, 65535, 8443), false);
	config.admin_fd = handed_or_bound(
		daemon, "admin", integer(daemon, "admin", "port", 0, 65535, 9464), true);
	daemon->server = server_new(loop, &config, &events, daemon, &error);
	if (!daemon->server)
		daemon_fail("%s", error->message);
}

static void open_door(Daemon *daemon)
{
	g_autoptr(GError) error = NULL;
	int fd = daemon_socket("operator", 0);
	if (fd < 0) {
		g_autofree char *path = run_path(daemon, "signaling.sock");
		fd = channel_listen(path, &error);
		if (fd < 0)
			daemon_fail("%s", error->message);
		(void)chmod(path, 0600);
	}
	g_autofree char *copy = path_in(daemon, "backup.new");
	daemon->door = operator_new(daemon->hub, fd, copy);
}

static bool on_term(void *user)
{
	Daemon *daemon = user;
	server_stop(daemon->server);
	return true;
}

static void on_reload(void *user)
{
	Daemon *daemon = user;
	g_autoptr(GError) error = NULL;
	if ((daemon->own_cert &&
		    !cert_ensure(daemon->cert, daemon->key, daemon->addresses, &error)) ||
		!server_reload(daemon->server, &error))
		g_warning("certificate: the old one stays in use: %s", error->message);
	else
		g_message("certificate: read again");
	g_clear_error(&error);
	Files *fresh = load_files(daemon, &error);
	if (!fresh) {
		g_warning("files: the old ones stay in use: %s", error->message);
		return;
	}
	files_free(daemon->http.files);
	daemon->http.files = fresh;
}

static void close_all(Daemon *daemon)
{
	daemon->hub->is_ending = true;
	server_free(daemon->server);
	probe_free(daemon->http.probe);
	store_drain(daemon->store); /* who waits for the disk is answered while there is a hub */
	operator_free(daemon->door);
	recording_free(daemon->recording);
	hub_free(daemon->hub);
	store_close(daemon->store);
	registry_free(daemon->registry);
	links_free(daemon->links);
	files_free(daemon->http.files);
	config_free(daemon->config);
	g_strfreev(daemon->addresses);
	g_free(daemon->base);
	g_free(daemon->cert);
	g_free(daemon->key);
}

static const char *config_argument(int argc, char **argv)
{
	if (argc == 1)
		return NULL;
	if (argc == 3 && strcmp(argv[1], "--config") == 0)
		return argv[2];
	daemon_fail("usage: diemcau-signaling [--config FILE]");
}

int main(int argc, char **argv)
{
	daemon_init("diemcau-signaling");
	g_autoptr(GError) error = NULL;
	Daemon daemon = { .web_fd = daemon_socket("web", 0) };
	daemon.config = config_read(config_argument(argc, argv), &error);
	if (!daemon.config)
		daemon_fail("%s", error->message);
	unsigned connections = connections_max();
	GMainLoop *loop = g_main_loop_new(NULL, FALSE);
	open_state(&daemon);
	find_addresses(&daemon);
	find_certificate(&daemon);
	daemon.http.files = load_files(&daemon, &error);
	if (!daemon.http.files)
		daemon_fail("%s", error->message);
	g_autofree char *sfu = run_path(&daemon, "sfu.sock");
	daemon.hub = hub_new(daemon.store, daemon.registry, sfu, daemon.base);
	daemon.http.hub = daemon.hub;
	daemon.http.probe = probe_new();
	g_autofree char *recorder = run_path(&daemon, "recorder.sock");
	daemon.recording = daemon.hub->recording = recording_new(recorder, daemon.registry);
	g_autofree char *recordings = path_in(&daemon, "recordings");
	daemon.hub->recordings = config_string(daemon.config, "recorder", "folder", recordings);
	int sites = integer(&daemon, "demo", "sites", 0, DEMO_SITES_MAX, 0);
	g_autofree char *demo = run_path(&daemon, "demo.json");
	if (sites && !demo_make(daemon.hub, (unsigned)sites, demo, &error))
		daemon_fail("%s", error->message);
	open_server(&daemon, loop, connections);
	open_door(&daemon);
	daemon.http.server = daemon.server;
	daemon_run(loop, on_term, on_reload, &daemon);
	close_all(&daemon);
	g_main_loop_unref(loop);
	return 0;
}
