#include "options.h"
#include "common/config.h"
#include <gio/gio.h>

#define DEMO_SITES 5

static bool fail(GError **error, const char *sentence)
{
	g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, sentence);
	return false;
}

static bool parse(Options *o, int argc, char **argv, GError **error)
{
	/* -1 is "not given": the environment and the file are asked then. */
	o->http_port = o->media_port = o->admin_port = o->demo_sites = -1;
	gboolean demo = FALSE, version = FALSE, one_port = FALSE;
	g_autofree char *data = NULL, *web = NULL, *cert = NULL, *key = NULL, *config = NULL;
	const GOptionEntry entries[] = {
		{ "data", 0, 0, G_OPTION_ARG_FILENAME, &data,
			"Folder of everything that is kept (default: data)", "DIR" },
		{ "http-port", 0, 0, G_OPTION_ARG_INT, &o->http_port,
			"HTTPS and WebSocket (default: 8443)", "N" },
		{ "media-port", 0, 0, G_OPTION_ARG_INT, &o->media_port,
			"Sound and picture, UDP and TCP (default: 8444)", "N" },
		{ "one-port", 0, 0, G_OPTION_ARG_NONE, &one_port,
			"Sound and picture over TCP by the HTTPS port, too: no other TCP port",
			NULL },
		{ "admin-port", 0, 0, G_OPTION_ARG_INT, &o->admin_port,
			"Metrics, on 127.0.0.1 only (default: 9464)", "N" },
		{ "announce", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o->announce,
			"Address the sites reach us at; repeatable (default: the machine's own)",
			"ADDRESS" },
		{ "web", 0, 0, G_OPTION_ARG_FILENAME, &web, "Folder of the built web pages",
			"DIR" },
		{ "cert", 0, 0, G_OPTION_ARG_FILENAME, &cert,
			"Certificate chain, PEM (default: a self-signed one, kept)", "FILE" },
		{ "key", 0, 0, G_OPTION_ARG_FILENAME, &key, "Its private key, PEM", "FILE" },
		{ "config", 0, 0, G_OPTION_ARG_FILENAME, &config, "Configuration file", "FILE" },
		{ "user", 0, 0, G_OPTION_ARG_STRING, &o->user,
			"User the daemons run as when started as root (default: diemcau)", "NAME" },
		{ "demo", 0, 0, G_OPTION_ARG_NONE, &demo,
			"Make a forum to try, and print its links", NULL },
		{ "demo-sites", 0, 0, G_OPTION_ARG_INT, &o->demo_sites,
			"Sites of that forum (default: 5)", "N" },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
		{ NULL },
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_option_context_set_summary(context, "Starts the daemons and keeps them running.");
	g_option_context_add_main_entries(context, entries, NULL);
	g_auto(GStrv) rest = g_new0(char *, (gsize)argc + 1);
	for (int i = 0; i < argc; i++)
		rest[i] = g_strdup(argv[i]);
	g_set_prgname("diemcau up"); /* in the text of --help */
	bool parsed = g_option_context_parse_strv(context, &rest, error);
	g_set_prgname("diemcau");

	o->demo = demo;
	o->one_port = one_port;
	o->version = version;
	o->data = g_canonicalize_filename(data ? data : "data", NULL);
	o->web = web ? g_canonicalize_filename(web, NULL) : NULL;
	o->cert = cert ? g_canonicalize_filename(cert, NULL) : NULL;
	o->key = key ? g_canonicalize_filename(key, NULL) : NULL;
	o->config = config ? g_canonicalize_filename(config, NULL) : NULL;
	if (parsed && rest[0] && rest[1]) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
			"unknown argument '%s'", rest[1]);
		return false;
	}
	return parsed;
}

/* The port given on the command line, or else in the configuration. */
static bool read_port(Config *config, const char *group, int fallback, int *port, GError **error)
{
	if (*port == -1)
		return config_integer(config, group, "port", 1, 65535, fallback, port, error);
	if (*port >= 1 && *port <= 65535)
		return true;
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
		"--%s-port is %d, but must be from 1 to 65535", group, *port);
	return false;
}

static void read_path(Config *config, const char *group, const char *key, char **path)
{
	const char *set = config_string(config, group, key, NULL);
	if (!*path && set)
		*path = g_canonicalize_filename(set, NULL);
}

static bool addresses_are_sound(char **addresses, GError **error)
{
	for (char **a = addresses; *a; a++) {
		g_autoptr(GInetAddress) address = g_inet_address_new_from_string(*a);
		if (!address || g_inet_address_get_is_any(address) ||
			g_inet_address_get_is_multicast(address)) {
			g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
				"--announce takes an IP address that sites can reach, not '%s'",
				*a);
			return false;
		}
	}
	return true;
}

static bool check_ports(Options *o, Config *config, GError **error)
{
	bool one_port;
	if (!read_port(config, "http", 8443, &o->http_port, error) ||
		!read_port(config, "media", 8444, &o->media_port, error) ||
		!read_port(config, "admin", 9464, &o->admin_port, error) ||
		!config_one_port(config, &one_port, error))
		return false;
	o->one_port = o->one_port || one_port;
	/* 443/tcp and 443/udp get along. */
	if ((o->http_port == o->media_port && !o->one_port) || o->http_port == o->admin_port ||
		o->media_port == o->admin_port)
		return fail(error, "the three ports must differ from each other");
	return true;
}

static bool check(Options *o, Config *config, GError **error)
{
	if (!check_ports(o, config, error) || !config_workers(config, &o->workers, error))
		return false;
	if (!o->announce)
		o->announce = config_list(config, "media", "announce");
	if (!addresses_are_sound(o->announce, error))
		return false;

	read_path(config, "http", "cert", &o->cert);
	read_path(config, "http", "key", &o->key);
	read_path(config, "paths", "web", &o->web);
	if (!o->cert != !o->key)
		return fail(error, "--cert and --key belong together");
	if (o->demo_sites == -1 && !config_integer(config, "demo", "sites", 0, DEMO_SITES_MAX,
					   o->demo ? DEMO_SITES : 0, &o->demo_sites, error))
		return false;
	o->demo = o->demo || o->demo_sites != 0;
	if (o->demo && (o->demo_sites < 1 || o->demo_sites > DEMO_SITES_MAX))
		return fail(error, "--demo-sites must be from 1 to 1000");
	if (!o->user)
		o->user = g_strdup("diemcau");
	return true;
}

bool options_read(Options *options, int argc, char **argv, GError **error)
{
	*options = (Options){ 0 };
	if (!parse(options, argc, argv, error))
		return false;
	if (options->version)
		return true;
	g_autoptr(Config) config = config_read(options->config, error);
	return config && check(options, config, error);
}

void options_clear(Options *options)
{
	g_free(options->data);
	g_free(options->web);
	g_free(options->cert);
	g_free(options->key);
	g_free(options->config);
	g_free(options->user);
	g_strfreev(options->announce);
	*options = (Options){ 0 };
}

static void export_text(const char *group, const char *key, const char *value, bool overwrite)
{
	g_autofree char *name = g_strdup_printf("DIEMCAU_%s_%s", group, key);
	g_strdelimit(name, "-.", '_');
	g_autofree char *variable = g_ascii_strup(name, -1);
	g_setenv(variable, value ? value : "", overwrite);
}

static void export_number(const char *group, const char *key, int value)
{
	g_autofree char *text = g_strdup_printf("%d", value);
	export_text(group, key, text, true);
}

/* All of the file that the environment does not override. */
static bool export_file(const char *path, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error))
		return false;
	g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
	for (char **group = groups; *group; group++) {
		g_auto(GStrv) keys = g_key_file_get_keys(file, *group, NULL, NULL);
		for (char **key = keys; keys && *key; key++) {
			g_autofree char *value = g_key_file_get_value(file, *group, *key, NULL);
			export_text(*group, *key, value, false);
		}
	}
	return true;
}

bool options_export(const Options *o, GError **error)
{
	if (o->config && !export_file(o->config, error))
		return false;
	g_autofree char *announce = g_strjoinv(",", o->announce);
	export_text("media", "announce", announce, true);
	export_number("media", "port", o->media_port);
	export_number("media", "workers", o->workers);
	export_number("http", "port", o->http_port);
	export_text("http", "one-port", o->one_port ? "yes" : "no", true);
	export_text("http", "cert", o->cert, true);
	export_text("http", "key", o->key, true);
	export_number("admin", "port", o->admin_port);
	export_text("paths", "data", ".", true);
	export_text("paths", "run", "run", true);
	export_text("paths", "web", o->web, true);
	export_number("demo", "sites", o->demo ? o->demo_sites : 0);
	return true;
}
