/* config.h - what the operator set: a GLib key file, overridden by the environment
 *
 * Group and key `[media] port` is overridden by DIEMCAU_MEDIA_PORT. Read once at start by the main
 * thread; after that read-only. */
#pragma once
#include <glib.h>
#include <stdbool.h>

#define CONFIG_WORKERS_MAX 16

typedef struct Config Config;

/* path may be NULL: environment and defaults alone. */
Config *config_read(const char *path, GError **error);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)

/* The value, stripped, borrowed until config_free; fallback where it is not set. Set to nothing
 * (`cert=`) is not set; a variable set to nothing hides what the file says. */
const char *config_string(Config *config, const char *group, const char *key,
	const char *fallback);
/* False with error when it is set but is no whole number from low to high. */
bool config_integer(Config *config, const char *group, const char *key, int low, int high,
	int fallback, int *value, GError **error);
/* yes, true or 1; no, false or 0. False with error when it is set to anything else. */
bool config_flag(Config *config, const char *group, const char *key, bool fallback, bool *value,
	GError **error);
/* [http] one-port: ICE-TCP comes by the HTTPS port, and no other TCP port is for sites. */
bool config_one_port(Config *config, bool *one_port, GError **error);
/* [media] workers: the threads that carry media, a UDP socket each. By default one less than there
 * are processors: one is for the other daemons. */
bool config_workers(Config *config, int *workers, GError **error);
/* Items parted by comma or semicolon, trimmed, empty ones left out; free with g_strfreev. */
char **config_list(Config *config, const char *group, const char *key);
/* The content of the file named by KEY_file (or DIEMCAU_GROUP_KEY_FILE), at most 4 KiB, stripped;
 * NULL without error when no file is named. Free with g_free. */
char *config_secret(Config *config, const char *group, const char *key, GError **error);
