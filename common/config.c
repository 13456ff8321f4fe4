#include "config.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <unistd.h>

#define SECRET_MAX 4096 /* bytes; the longest secret of ours is a PEM key */

struct Config {
	GKeyFile *file;
	GHashTable *values; /* "group key" -> value, so that what we hand out stays */
};

Config *config_read(const char *path, GError **error)
{
	g_autoptr(Config) config = g_new0(Config, 1);
	config->file = g_key_file_new();
	config->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	if (path && !g_key_file_load_from_file(config->file, path, G_KEY_FILE_NONE, error)) {
		g_prefix_error(error, "cannot read the configuration %s: ", path);
		return NULL;
	}
	return g_steal_pointer(&config);
}

void config_free(Config *config)
{
	if (!config)
		return;
	g_key_file_unref(config->file);
	g_hash_table_unref(config->values);
	g_free(config);
}

static char *variable_name(const char *group, const char *key)
{
	g_autofree char *name = g_strdup_printf("DIEMCAU_%s_%s", group, key);
	g_strdelimit(name, "-.", '_');
	return g_ascii_strup(name, -1);
}

const char *config_string(Config *config, const char *group, const char *key, const char *fallback)
{
	g_autofree char *entry = g_strdup_printf("%s %s", group, key);
	const char *known = g_hash_table_lookup(config->values, entry);
	if (known)
		return *known ? known : fallback;

	g_autofree char *variable = variable_name(group, key);
	char *value = g_strdup(g_getenv(variable));
	if (!value)
		value = g_key_file_get_value(config->file, group, key, NULL);
	if (!value)
		value = g_strdup("");
	g_strstrip(value);
	g_hash_table_insert(config->values, g_steal_pointer(&entry), value);
	return *value ? value : fallback;
}

bool config_integer(Config *config, const char *group, const char *key, int low, int high,
	int fallback, int *value, GError **error)
{
	const char *text = config_string(config, group, key, NULL);
	if (!text) {
		*value = fallback;
		return true;
	}
	gint64 number;
	if (!g_ascii_string_to_signed(text, 10, low, high, &number, NULL)) {
		g_autofree char *variable = variable_name(group, key);
		g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
			"[%s] %s (or %s) is '%s', but must be a whole number from %d to %d", group,
			key, variable, text, low, high);
		return false;
	}
	*value = (int)number;
	return true;
}

bool config_flag(Config *config, const char *group, const char *key, bool fallback, bool *value,
	GError **error)
{
	static const char *const words[] = { "no", "yes", "false", "true", "0", "1" };
	const char *text = config_string(config, group, key, NULL);
	*value = fallback;
	if (!text)
		return true;
	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
		if (g_ascii_strcasecmp(text, words[i]) != 0)
			continue;
		*value = i % 2;
		return true;
	}
	g_autofree char *variable = variable_name(group, key);
	g_set_error(error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
		"[%s] %s (or %s) is '%s', but must be yes or no", group, key, variable, text);
	return false;
}

bool config_one_port(Config *config, bool *one_port, GError **error)
{
	return config_flag(config, "http", "one-port", false, one_port, error);
}

bool config_workers(Config *config, int *workers, GError **error)
{
	int fallback = CLAMP((int)g_get_num_processors() - 1, 1, CONFIG_WORKERS_MAX);
	return config_integer(
		config, "media", "workers", 1, CONFIG_WORKERS_MAX, fallback, workers, error);
}

char **config_list(Config *config, const char *group, const char *key)
{
	g_autoptr(GStrvBuilder) items = g_strv_builder_new();
	g_auto(GStrv) parts = g_strsplit_set(config_string(config, group, key, ""), ",;", -1);
	for (char **part = parts; *part; part++) {
		if (*g_strstrip(*part))
			g_strv_builder_add(items, *part);
	}
	return g_strv_builder_end(items);
}

/* All of a small file; -1 with errno. EFBIG when it holds more than size bytes. */
static ssize_t read_small(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -1;
	size_t len = 0;
	ssize_t n = 0;
	while (len < size && (n = read(fd, buffer + len, size - len)) > 0)
		len += (size_t)n;
	char more;
	bool failed = n < 0;
	if (!failed && len == size && read(fd, &more, 1) == 1) {
		failed = true;
		errno = EFBIG;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return failed ? -1 : (ssize_t)len;
}

char *config_secret(Config *config, const char *group, const char *key, GError **error)
{
	g_autofree char *file_key = g_strconcat(key, "_file", NULL);
	const char *path = config_string(config, group, file_key, NULL);
	if (!path)
		return NULL;

	char buffer[SECRET_MAX];
	ssize_t len = read_small(path, buffer, sizeof(buffer));
	if (len < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"cannot read the secret in %s: %s", path,
			errno == EFBIG ? "it is longer than 4 KiB" : g_strerror(errno));
		return NULL;
	}
	g_autofree char *secret = g_strstrip(g_strndup(buffer, (gsize)len));
	explicit_bzero(buffer, sizeof(buffer));
	if (!*secret) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the secret in %s is empty",
			path);
		return NULL;
	}
	return g_steal_pointer(&secret);
}
