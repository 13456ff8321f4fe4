/* Tokens: made from kind, id and generation, and from nothing else. */
#include "signaling/link.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static char *secret_path(const char *name)
{
	return g_build_filename(folder, name, NULL);
}

static Links *open_links(const char *name)
{
	g_autofree char *path = secret_path(name);
	g_autoptr(GError) error = NULL;
	Links *links = links_open(path, &error);
	g_assert_no_error(error);
	return links;
}

static void opens_its_own_token(void)
{
	g_autoptr(Links) links = open_links("a");
	char id[ID_SIZE], read_id[ID_SIZE], token[LINK_SIZE];
	LinkKind kind;
	id_make(id);
	links_write(links, LINK_JOIN, id, 3, token);
	g_assert_cmpuint(strlen(token), ==, LINK_LEN);
	g_assert_true(link_read(token, &kind, read_id));
	g_assert_cmpint(kind, ==, LINK_JOIN);
	g_assert_cmpstr(read_id, ==, id);
	g_assert_cmpint(links_check(links, token, 3), ==, LINK_GOOD);
}

static void is_dead_once_the_generation_rises(void)
{
	g_autoptr(Links) links = open_links("a");
	char id[ID_SIZE], token[LINK_SIZE];
	id_make(id);
	links_write(links, LINK_JOIN, id, 3, token);
	g_assert_cmpint(links_check(links, token, 4), ==, LINK_REVOKED);
	g_assert_cmpint(links_check(links, token, 3 + LINK_GENERATIONS), ==, LINK_REVOKED);
	g_assert_cmpint(links_check(links, token, 2), ==, LINK_BAD);
}

static void refuses_every_changed_letter(void)
{
	g_autoptr(Links) links = open_links("a");
	char id[ID_SIZE], token[LINK_SIZE];
	id_make(id);
	links_write(links, LINK_CHAIR, id, 0, token);
	for (unsigned i = 0; i < LINK_LEN; i++) {
		char changed[LINK_SIZE];
		memcpy(changed, token, sizeof(changed));
		changed[i] = token[i] == 'c' ? 'm' : 'c';
		g_assert_cmpint(links_check(links, changed, 0), ==, LINK_BAD);
	}
}

static void refuses_what_is_no_token(void)
{
	static const char *const junk[] = { "", "j", "hello",
		"zAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"jAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"j../../../../../../../../../../../../etc/pass" };
	g_autoptr(Links) links = open_links("a");
	char id[ID_SIZE];
	LinkKind kind;
	for (unsigned i = 0; i < G_N_ELEMENTS(junk); i++) {
		g_assert_false(link_read(junk[i], &kind, id));
		g_assert_cmpint(links_check(links, junk[i], 0), ==, LINK_BAD);
	}
	g_assert_false(link_read(NULL, &kind, id));
}

static void keeps_its_secret_and_hides_it(void)
{
	char id[ID_SIZE], token[LINK_SIZE];
	id_make(id);
	Links *links = open_links("kept");
	links_write(links, LINK_JOIN, id, 0, token);
	links_free(links);

	g_autofree char *path = secret_path("kept");
	struct stat about;
	g_assert_cmpint(stat(path, &about), ==, 0);
	g_assert_cmpint(about.st_mode & 0777, ==, 0600);

	g_autoptr(Links) again = open_links("kept");
	g_assert_cmpint(links_check(again, token, 0), ==, LINK_GOOD);
	g_autoptr(Links) other = open_links("other");
	g_assert_cmpint(links_check(other, token, 0), ==, LINK_BAD);
}

static void says_when_the_secret_is_broken(void)
{
	g_autofree char *path = secret_path("broken");
	g_assert_true(g_file_set_contents(path, "short", -1, NULL));
	g_autoptr(GError) error = NULL;
	g_assert_null(links_open(path, &error));
	g_assert_nonnull(error);
}

static void makes_ids_that_differ(void)
{
	char a[ID_SIZE], b[ID_SIZE];
	id_make(a);
	id_make(b);
	g_assert_true(id_is_valid(a));
	g_assert_cmpstr(a, !=, b);
	g_assert_false(id_is_valid(NULL));
	g_assert_false(id_is_valid("short"));
	g_assert_false(id_is_valid("AAAAAAAAAAAAAAAAAAAAA/"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	folder = g_dir_make_tmp("diemcau-link-XXXXXX", NULL);
	g_test_add_func("/link/opens-its-own-token", opens_its_own_token);
	g_test_add_func(
		"/link/is-dead-once-the-generation-rises", is_dead_once_the_generation_rises);
	g_test_add_func("/link/refuses-every-changed-letter", refuses_every_changed_letter);
	g_test_add_func("/link/refuses-what-is-no-token", refuses_what_is_no_token);
	g_test_add_func("/link/keeps-its-secret-and-hides-it", keeps_its_secret_and_hides_it);
	g_test_add_func("/link/says-when-the-secret-is-broken", says_when_the_secret_is_broken);
	g_test_add_func("/link/makes-ids-that-differ", makes_ids_that_differ);
	int failed = g_test_run();
	static const char *const names[] = { "a", "kept", "other", "broken" };
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = secret_path(names[i]);
		g_unlink(path);
	}
	g_rmdir(folder);
	g_free(folder);
	return failed;
}
