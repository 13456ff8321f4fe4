/* Every method with every role, against a table of its own: what is not named here is refused. */
#include "signaling/method.h"
#include <glib.h>
#include <string.h>

static const char *const roles[] = { "admin", "chair", "director", "moderator", "speaker", "site",
	"helper", "reviewer", "viewer" };

#define ALL "admin chair director moderator speaker site helper reviewer viewer"

/* docs/API.md §2.1, written down a second time on purpose. */
static const struct {
	const char *method, *roles;
	bool stranger;
} allowed[] = {
	{ "hello", ALL, true },
	{ "receive.offer", ALL, false },
	{ "receive.restart", ALL, false },
	{ "receive.close", ALL, false },
	{ "publish.offer", ALL, false },
	{ "publish.restart", ALL, false },
	{ "publish.close", ALL, false },
	{ "publish.set", ALL, false },
	{ "line.limit", ALL, false },
	{ "hand.raise", "site speaker", false },
	{ "hand.lower", "site speaker chair director moderator", false },
	{ "stage.join", "chair director speaker", false },
	{ "stage.leave", ALL, false },
	{ "stage.call", "chair director", false },
	{ "stage.dismiss", "chair director", false },
	{ "stage.main", "chair director", false },
	{ "stage.mute", "chair director", false },
	{ "seat.admit", "chair director moderator", false },
	{ "seat.refuse", "chair director moderator", false },
	{ "question.ask", "site helper", false },
	{ "question.mine", "site helper", false },
	{ "question.list", "admin chair director moderator", false },
	{ "question.set", "admin chair director moderator", false },
	{ "preflight.report", "site", false },
	{ "preflight.list", "chair director moderator", false },
	{ "recording.list", "admin chair director moderator reviewer", false },
	{ "recording.open", "admin chair director moderator reviewer", false },
};

static bool contains(const char *list, const char *word)
{
	g_auto(GStrv) words = g_strsplit(list, " ", -1);
	return g_strv_contains((const char *const *)words, word);
}

static void lets_each_role_do_its_own_and_no_more(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(allowed); i++) {
		const Method *method = method_find(allowed[i].method);
		g_assert_nonnull(method);
		for (unsigned r = 0; r < G_N_ELEMENTS(roles); r++) {
			Role role = role_from_name(roles[r]);
			g_assert_cmpint(role, !=, ROLE_NONE);
			bool may = !method_judge(method, role, false);
			if (may != contains(allowed[i].roles, roles[r]))
				g_error("%s by %s: %s", allowed[i].method, roles[r],
					may ? "allowed" : "refused");
		}
		g_assert_true(!method_judge(method, ROLE_STRANGER, false) == allowed[i].stranger);
		g_assert_nonnull(method_judge(method, ROLE_NONE, false));
	}
}

static void knows_every_method_of_the_table(void)
{
	unsigned count;
	const Method *methods = method_table(&count);
	g_assert_cmpuint(count, ==, G_N_ELEMENTS(allowed));
	for (unsigned i = 0; i < count; i++) {
		bool listed = false;
		for (unsigned a = 0; a < G_N_ELEMENTS(allowed); a++)
			listed = listed || strcmp(allowed[a].method, methods[i].name) == 0;
		if (!listed)
			g_error("%s is in no table of who may", methods[i].name);
		g_assert_nonnull(methods[i].read);
		g_assert_nonnull(methods[i].run);
	}
	g_assert_null(method_find("forum.delete"));
	g_assert_null(method_find(""));
}

static void lets_a_waiting_device_do_nothing(void)
{
	unsigned count;
	const Method *methods = method_table(&count);
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(methods[i].name, "hello") == 0)
			continue;
		for (unsigned r = 0; r < ROLE_COUNT; r++)
			g_assert_nonnull(method_judge(&methods[i], (Role)(1u << r), true));
	}
}

static void names_roles_both_ways(void)
{
	for (unsigned r = 0; r < G_N_ELEMENTS(roles); r++)
		g_assert_cmpstr(role_name(role_from_name(roles[r])), ==, roles[r]);
	g_assert_cmpint(role_from_name("stranger"), ==, ROLE_NONE);
	g_assert_cmpint(role_from_name(""), ==, ROLE_NONE);
	g_assert_cmpint(role_from_name(NULL), ==, ROLE_NONE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/roles/lets-each-role-do-its-own-and-no-more",
		lets_each_role_do_its_own_and_no_more);
	g_test_add_func("/roles/knows-every-method-of-the-table", knows_every_method_of_the_table);
	g_test_add_func(
		"/roles/lets-a-waiting-device-do-nothing", lets_a_waiting_device_do_nothing);
	g_test_add_func("/roles/names-roles-both-ways", names_roles_both_ways);
	return g_test_run();
}
