#include "files.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 3
#define GZIP_MIN 512 /* less does not shrink by a packet */

typedef struct File {
	const char *type;
	char *tag;
	GBytes *plain, *packed; /* packed is NULL where it does not pay */
	bool is_hashed;         /* its name changes with its content */
} File;

struct Files {
	GHashTable *by_path; /* "/assets/x.js" -> File */
	size_t bytes;
};

static const struct {
	const char *ending, *type;
	bool shrinks;
} types[] = {
	{ ".html", "text/html; charset=utf-8", true },
	{ ".js", "text/javascript; charset=utf-8", true },
	{ ".mjs", "text/javascript; charset=utf-8", true },
	{ ".css", "text/css; charset=utf-8", true },
	{ ".json", "application/json", true },
	{ ".webmanifest", "application/manifest+json", true },
	{ ".svg", "image/svg+xml", true },
	{ ".txt", "text/plain; charset=utf-8", true },
	{ ".png", "image/png", false },
	{ ".jpg", "image/jpeg", false },
	{ ".webp", "image/webp", false },
	{ ".ico", "image/x-icon", false },
	{ ".woff2", "font/woff2", false },
	{ ".mp3", "audio/mpeg", false },
	{ ".wasm", "application/wasm", true },
};

static void free_file(void *data)
{
	File *file = data;
	g_free(file->tag);
	g_bytes_unref(file->plain);
	g_clear_pointer(&file->packed, g_bytes_unref);
	g_free(file);
}

static GBytes *pack(GBytes *plain)
{
	if (g_bytes_get_size(plain) < GZIP_MIN)
		return NULL;
	g_autoptr(GZlibCompressor) gzip = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9);
	g_autoptr(GOutputStream) memory = g_memory_output_stream_new_resizable();
	g_autoptr(GOutputStream) stream = g_converter_output_stream_new(memory, G_CONVERTER(gzip));
	gsize size;
	const void *data = g_bytes_get_data(plain, &size);
	if (!g_output_stream_write_all(stream, data, size, NULL, NULL, NULL) ||
		!g_output_stream_close(stream, NULL, NULL))
		return NULL;
	return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(memory));
}

static void keep(Files *files, char *path, GBytes *plain)
{
	File *file = g_new0(File, 1);
	bool shrinks = false;
	file->type = "application/octet-stream";
	for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
		if (g_str_has_suffix(path, types[i].ending)) {
			file->type = types[i].type;
			shrinks = types[i].shrinks;
		}
	}
	g_autofree char *sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, plain);
	file->tag = g_strdup_printf("\"%.22s\"", sum);
	file->plain = plain;
	file->packed = shrinks ? pack(plain) : NULL;
	file->is_hashed = g_str_has_prefix(path, "/assets/");
	files->bytes += g_bytes_get_size(plain);
	g_hash_table_replace(files->by_path, path, file);
}

static GBytes *read_all(int fd, size_t size)
{
	char *data = g_malloc(size + 1);
	size_t have = 0;
	ssize_t part;
	while (have < size && (part = read(fd, data + have, size - have)) > 0)
		have += (size_t)part;
	return g_bytes_new_take(data, have);
}

static bool load(Files *files, int dir_fd, const char *prefix, unsigned depth, GError **error);

static bool load_entry(Files *files, int dir_fd, const char *prefix, const char *name,
	unsigned depth, GError **error)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat about;
	if (fd < 0 || fstat(fd, &about) != 0) {
		g_warning("files: %s%s cannot be read: %s", prefix, name, g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return true;
	}
	bool ok = true;
	if (S_ISDIR(about.st_mode) && depth < DEPTH_MAX) {
		g_autofree char *below = g_strconcat(prefix, name, "/", NULL);
		ok = load(files, fd, below, depth + 1, error);
	} else if (S_ISREG(about.st_mode)) {
		ok = g_hash_table_size(files->by_path) < FILES_MAX &&
		     files->bytes + (size_t)about.st_size <= FILES_BYTES_MAX;
		if (ok)
			keep(files, g_strconcat(prefix, name, NULL),
				read_all(fd, (size_t)about.st_size));
		else
			g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
				"the web folder holds more than %d files or %d MiB", FILES_MAX,
				FILES_BYTES_MAX >> 20);
	}
	close(fd);
	return ok;
}

static bool load(Files *files, int dir_fd, const char *prefix, unsigned depth, GError **error)
{
	/* A descriptor of its own: the position in the folder must not be shared. */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			"the web folder cannot be read: %s", g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	bool ok = true;
	struct dirent *entry;
	while (ok && (entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			ok = load_entry(files, fd, prefix, entry->d_name, depth, error);
	}
	closedir(dir);
	return ok;
}

Files *files_load(int dir_fd, GError **error)
{
	Files *files = g_new0(Files, 1);
	files->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_file);
	if (dir_fd >= 0 && !load(files, dir_fd, "/", 0, error)) {
		files_free(files);
		return NULL;
	}
	return files;
}

void files_free(Files *files)
{
	if (!files)
		return;
	g_hash_table_unref(files->by_path);
	g_free(files);
}

static const File *find(Files *files, const char *path)
{
	if (strcmp(path, "/") == 0)
		return g_hash_table_lookup(files->by_path, "/index.html");
	const File *file = g_hash_table_lookup(files->by_path, path);
	if (file || strchr(path + 1, '/') || strchr(path, '.'))
		return file;
	g_autofree char *page = g_strconcat(path, ".html", NULL);
	return g_hash_table_lookup(files->by_path, page);
}

static bool takes_gzip(const char *accept)
{
	const char *at = strstr(accept, "gzip");
	return at && !g_str_has_prefix(at, "gzip;q=0,") && strcmp(at, "gzip;q=0") != 0;
}

void files_answer(Files *files, Exchange *exchange, const Request *request)
{
	const char *text = "text/plain; charset=utf-8";
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
		exchange_header(exchange, "allow", "GET, HEAD");
		exchange_answer_text(exchange, 405, text, "Không làm được việc này ở đây.\n");
		return;
	}
	const File *file = find(files, request->path);
	if (!file) {
		exchange_answer_text(exchange, 404, text, "Không có trang này.\n");
		return;
	}
	exchange_header(exchange, "etag", file->tag);
	exchange_header(exchange, "cache-control",
		file->is_hashed ? "public, max-age=31536000, immutable" : "no-cache");
	if (file->packed)
		exchange_header(exchange, "vary", "accept-encoding");
	if (strstr(request->if_none_match, file->tag)) {
		exchange_answer(exchange, 304, NULL, NULL);
		return;
	}
	bool packed = file->packed && takes_gzip(request->accept_encoding);
	if (packed)
		exchange_header(exchange, "content-encoding", "gzip");
	exchange_answer(exchange, 200, file->type, packed ? file->packed : file->plain);
}
