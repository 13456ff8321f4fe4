#include "common/config.h"
#include <glib/gstdio.h>
#include <string.h>

static char *folder;

/* A file of this content in a folder of the test; free with g_free. */
static char *file_of(const char *name, const char *content, gssize len)
{
	char *path = g_build_filename(folder, name, NULL);
	g_autoptr(GError) error = NULL;
	g_file_set_contents(path, content, len, &error);
	g_assert_no_error(error);
	return path;
}

static Config *config_of(const char *content)
{
	g_autofree char *path = file_of("diemcau.conf", content, -1);
	g_autoptr(GError) error = NULL;
	Config *config = config_read(path, &error);
	g_assert_no_error(error);
	return config;
}

static void test_file(void)
{
	g_autoptr(Config) config = config_of("[http]\nport=443\ncert = /etc/cert.pem \nkey=\n");
	g_assert_cmpstr(config_string(config, "http", "port", "8443"), ==, "443");
	g_assert_cmpstr(config_string(config, "http", "cert", NULL), ==, "/etc/cert.pem");
	g_assert_null(config_string(config, "http", "key", NULL));
	g_assert_cmpstr(config_string(config, "media", "port", "8444"), ==, "8444");
}

static void test_environment(void)
{
	g_setenv("DIEMCAU_HTTP_PORT", "9443", TRUE);
	g_setenv("DIEMCAU_HTTP_CERT", "", TRUE);
	g_autoptr(Config) config = config_of("[http]\nport=443\ncert=/etc/cert.pem\n");
	g_assert_cmpstr(config_string(config, "http", "port", NULL), ==, "9443");
	g_assert_cmpstr(config_string(config, "http", "cert", "none"), ==, "none");

	g_autoptr(Config) bare = config_read(NULL, NULL);
	g_assert_cmpstr(config_string(bare, "http", "port", NULL), ==, "9443");
	g_unsetenv("DIEMCAU_HTTP_PORT");
	g_unsetenv("DIEMCAU_HTTP_CERT");
	/* Read once: what was handed out stays. */
	g_assert_cmpstr(config_string(bare, "http", "port", NULL), ==, "9443");
}

static void test_missing_file(void)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(config_read("/nowhere/diemcau.conf", &error));
	g_assert_nonnull(error);
	g_assert_nonnull(strstr(error->message, "/nowhere/diemcau.conf"));
}

static void test_integer(void)
{
	g_autoptr(Config) config =
		config_of("[a]\ngood=8444\nword=many\nbig=65536\ntail=80 x\nhuge=99999999999999\n");
	g_autoptr(GError) error = NULL;
	int value = 0;
	g_assert_true(config_integer(config, "a", "good", 1, 65535, 1, &value, &error));
	g_assert_cmpint(value, ==, 8444);
	g_assert_true(config_integer(config, "a", "absent", 1, 65535, 77, &value, &error));
	g_assert_cmpint(value, ==, 77);
	static const char *const bad[] = { "word", "big", "tail", "huge" };
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_false(config_integer(config, "a", bad[i], 1, 65535, 1, &value, &error));
		g_assert_nonnull(error);
		g_assert_nonnull(strstr(error->message, bad[i]));
		g_clear_error(&error);
	}
}

static void test_list(void)
{
	g_autoptr(Config) config = config_of("[media]\nannounce= 10.0.0.1, ;fe80::1;;a \n");
	g_auto(GStrv) items = config_list(config, "media", "announce");
	g_autofree char *joined = g_strjoinv("|", items);
	g_assert_cmpstr(joined, ==, "10.0.0.1|fe80::1|a");
	g_auto(GStrv) none = config_list(config, "media", "absent");
	g_assert_cmpuint(g_strv_length(none), ==, 0);
}

static void test_secret(void)
{
	g_autofree char *path = file_of("secret", "  mật khẩu\n", -1);
	g_autofree char *empty = file_of("empty", "\n", -1);
	g_autofree char *full = g_strnfill(4097, 'x');
	g_autofree char *large = file_of("large", full, 4097);
	g_autofree char *fitting = file_of("fitting", full, 4096);
	g_autofree char *text = g_strdup_printf("[db]\ngood_file=%s\nempty_file=%s\nlarge_file=%s\n"
						"fitting_file=%s\nabsent_file=/nowhere/x\n",
		path, empty, large, fitting);
	g_autoptr(Config) config = config_of(text);
	g_autoptr(GError) error = NULL;
	g_autofree char *secret = config_secret(config, "db", "good", &error);
	g_assert_cmpstr(secret, ==, "mật khẩu");
	g_autofree char *whole = config_secret(config, "db", "fitting", &error);
	g_assert_cmpuint(strlen(whole), ==, 4096);
	g_assert_null(config_secret(config, "db", "unnamed", &error));
	g_assert_no_error(error);

	static const char *const bad[] = { "empty", "large", "absent" };
	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_null(config_secret(config, "db", bad[i], &error));
		g_assert_nonnull(error);
		g_clear_error(&error);
	}
	g_setenv("DIEMCAU_DB_UNNAMED_FILE", path, TRUE);
	g_autoptr(Config) bare = config_read(NULL, NULL);
	g_autofree char *by_name = config_secret(bare, "db", "unnamed", &error);
	g_assert_cmpstr(by_name, ==, "mật khẩu");
	g_unsetenv("DIEMCAU_DB_UNNAMED_FILE");
}

static void test_flag(void)
{
	g_autoptr(Config) config = config_of("[a]\nb=yes\nc=No\nd=1\ne=false\nf=on\ng=\n");
	static const struct {
		const char *key;
		bool fallback, value;
	} cases[] = { { "b", false, true }, { "c", true, false }, { "d", false, true },
		{ "e", true, false }, { "g", true, true }, { "h", false, false } };
	g_autoptr(GError) error = NULL;
	bool value;
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_assert_true(
			config_flag(config, "a", cases[i].key, cases[i].fallback, &value, &error));
		g_assert_cmpint(value, ==, cases[i].value);
	}
	g_assert_false(config_flag(config, "a", "f", false, &value, &error));
	g_assert_nonnull(strstr(error->message, "[a] f (or DIEMCAU_A_F) is 'on'"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	folder = g_dir_make_tmp("diemcau-config-XXXXXX", NULL);
	g_test_add_func("/config/reads-yes-and-no", test_flag);
	g_test_add_func("/config/reads-a-key-file", test_file);
	g_test_add_func("/config/lets-the-environment-override", test_environment);
	g_test_add_func("/config/names-the-file-it-cannot-read", test_missing_file);
	g_test_add_func("/config/refuses-what-is-no-number-in-bounds", test_integer);
	g_test_add_func("/config/parts-lists", test_list);
	g_test_add_func("/config/reads-secrets-from-small-files-only", test_secret);
	int status = g_test_run();
	static const char *const files[] = { "diemcau.conf", "secret", "empty", "large",
		"fitting" };
	for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = g_build_filename(folder, files[i], NULL);
		g_unlink(path);
	}
	g_rmdir(folder);
	g_free(folder);
	return status;
}
