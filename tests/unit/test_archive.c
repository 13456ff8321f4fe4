/* A backup: what goes in comes out, and what is damaged or foreign does not. */
#include "cli/archive.h"
#include "cli/tar.h"
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_MS 1767225600000

typedef struct Bed {
	char *folder, *tar;
	int from, to;
} Bed;

static int open_folder(const Bed *bed, const char *name)
{
	g_autofree char *path = g_build_filename(bed->folder, name, NULL);
	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static void put(int folder, const char *name, const char *text, size_t len)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	g_assert_cmpint(write(fd, text, len), ==, len);
	close(fd);
}

static void bed_set(Bed *bed, gconstpointer data)
{
	bed->folder = g_dir_make_tmp("diemcau-archive-XXXXXX", NULL);
	bed->tar = g_build_filename(bed->folder, "b.tar", NULL);
	bed->from = open_folder(bed, "from");
	bed->to = open_folder(bed, "to");
	put(bed->from, "secret.key", "secret\n", 7);
	g_autofree char *store = g_malloc(1000000);
	memset(store, 's', 1000000);
	put(bed->from, "copy", store, 1000000);
}

static void bed_clear(Bed *bed, gconstpointer data)
{
	static const char *const files[] = { "from/secret.key", "from/copy", "to/secret.key",
		"to/store.db", "b.tar", "b.tar.new" };
	static const char *const folders[] = { "to/tls", "from", "to", "" };
	for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = g_build_filename(bed->folder, files[i], NULL);
		g_unlink(path);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(bed->folder, folders[i], NULL);
		int removed = g_rmdir(path);
		g_assert_true(
			removed == 0 || i == 0); /* where nothing was unpacked there is none */
	}
	close(bed->from);
	close(bed->to);
	g_free(bed->folder);
	g_free(bed->tar);
}

static void make(Bed *bed)
{
	g_autoptr(GError) error = NULL;
	g_assert_true(archive_is_free(bed->tar, &error));
	g_autoptr(Archive) archive = archive_new(bed->tar, &error);
	g_assert_no_error(error);
	archive_add(archive, bed->from, "secret.key", "secret.key", &error);
	g_assert_no_error(error);
	archive_add(archive, bed->from, "copy", "store.db", &error);
	g_assert_no_error(error);
	g_assert_false(g_file_test(bed->tar, G_FILE_TEST_EXISTS)); /* only once it is whole */
	archive_finish(archive, NOW_MS, &error);
	g_assert_no_error(error);
}

/* NULL when it unpacks; else the sentence. */
static char *unpack(Bed *bed)
{
	GError *error = NULL;
	int64_t made_ms = 0;
	if (archive_unpack(bed->tar, bed->to, &made_ms, &error)) {
		g_assert_cmpint(made_ms, ==, NOW_MS);
		return NULL;
	}
	char *sentence = g_strdup(error->message);
	g_error_free(error);
	return sentence;
}

static void gives_back_what_it_took(Bed *bed, gconstpointer data)
{
	make(bed);
	struct stat there;
	g_assert_cmpint(stat(bed->tar, &there), ==, 0);
	g_assert_cmpint(there.st_mode & 0777, ==, 0600);
	g_assert_null(unpack(bed));
	g_assert_cmpint(fstatat(bed->to, "store.db", &there, 0), ==, 0);
	g_assert_cmpint(there.st_size, ==, 1000000);
	g_assert_cmpint(there.st_mode & 0777, ==, 0600);
}

static void is_a_tar_to_tar(Bed *bed, gconstpointer data)
{
	make(bed);
	g_autofree char *out = NULL;
	char *words[] = { (char *)"tar", (char *)"tf", bed->tar, NULL };
	g_assert_true(g_spawn_sync(
		NULL, words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL, NULL, NULL));
	g_assert_cmpstr(out, ==, "secret.key\nstore.db\nbackup.json\n");
}

static void keeps_the_one_before(Bed *bed, gconstpointer data)
{
	make(bed);
	g_autoptr(GError) error = NULL;
	g_assert_false(archive_is_free(bed->tar, &error));
	g_assert_nonnull(strstr(error->message, "is there already"));
	g_autoptr(Archive) given_up = archive_new(bed->tar, NULL);
	g_assert_nonnull(given_up);
	g_clear_pointer(&given_up, archive_free);
	g_assert_null(unpack(bed));
}

static void change(const Bed *bed, off_t at, char byte)
{
	int fd = open(bed->tar, O_WRONLY | O_CLOEXEC);
	g_assert_cmpint(pwrite(fd, &byte, 1, at), ==, 1);
	close(fd);
}

static void assert_refuses(Bed *bed, const char *why)
{
	g_autofree char *sentence = unpack(bed);
	g_assert_nonnull(sentence);
	if (!strstr(sentence, why))
		g_error("'%s' does not say '%s'", sentence, why);
}

static void refuses_a_damaged_store(Bed *bed, gconstpointer data)
{
	make(bed);
	change(bed, 3 * TAR_BLOCK + 5000, 'x');
	assert_refuses(bed, "store.db is damaged");
}

static void refuses_a_cut_one(Bed *bed, gconstpointer data)
{
	make(bed);
	g_assert_cmpint(truncate(bed->tar, 700000), ==, 0);
	assert_refuses(bed, "ends too early");
}

static void refuses_a_damaged_header(Bed *bed, gconstpointer data)
{
	make(bed);
	change(bed, 0, 'x');
	assert_refuses(bed, "damaged or was made by another program");
}

static void write_header(const Bed *bed, const char *name)
{
	TarFile file = { .size = 0, .changed_s = 1 };
	g_strlcpy(file.name, name, sizeof(file.name));
	uint8_t block[TAR_BLOCK];
	g_assert_true(tar_write(&file, block));
	g_assert_true(g_file_set_contents(bed->tar, (char *)block, sizeof(block), NULL));
}

static void refuses_what_does_not_belong_there(Bed *bed, gconstpointer data)
{
	write_header(bed, data);
	assert_refuses(bed, "do not belong");
}

static void reads_the_header_it_wrote(void)
{
	TarFile file = { .name = "tls/cert.pem", .size = TAR_SIZE_MAX, .changed_s = 1767225600 },
		back;
	uint8_t block[TAR_BLOCK];
	g_assert_true(tar_write(&file, block));
	g_assert_true(tar_read(&back, block));
	g_assert_cmpstr(back.name, ==, file.name);
	g_assert_cmpuint(back.size, ==, file.size);
	g_assert_cmpint(back.changed_s, ==, file.changed_s);
	file.size++;
	g_assert_false(tar_write(&file, block));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	static const struct {
		const char *path;
		void (*run)(Bed *bed, gconstpointer data);
		const char *data;
	} tests[] = {
		{ "/archive/gives-back-what-it-took", gives_back_what_it_took, NULL },
		{ "/archive/is-a-tar-to-tar", is_a_tar_to_tar, NULL },
		{ "/archive/keeps-the-one-before", keeps_the_one_before, NULL },
		{ "/archive/refuses-a-damaged-store", refuses_a_damaged_store, NULL },
		{ "/archive/refuses-a-cut-one", refuses_a_cut_one, NULL },
		{ "/archive/refuses-a-damaged-header", refuses_a_damaged_header, NULL },
		{ "/archive/refuses-a-way-out-of-the-folder", refuses_what_does_not_belong_there,
			"../secret.key" },
		{ "/archive/refuses-another-file", refuses_what_does_not_belong_there, "passwd" },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Bed, tests[i].data, bed_set, tests[i].run, bed_clear);
	g_test_add_func("/archive/reads-the-header-it-wrote", reads_the_header_it_wrote);
	return g_test_run();
}
