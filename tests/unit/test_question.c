/* Questions: every step between states, against a table of its own, and what a key may be. */
#include "signaling/question.h"
#include <glib.h>
#include <string.h>

/* docs/API.md §2.4, written down a second time on purpose. */
static const char *const steps[] = { "new approved", "approved new", "approved on-air",
	"approved answered", "on-air approved", "on-air answered", "answered approved" };

static void takes_each_legal_step_and_no_other(void)
{
	for (unsigned now = 0; now < QUESTION_STATES; now++) {
		for (unsigned next = 0; next < QUESTION_STATES; next++) {
			g_autofree char *step = g_strdup_printf(
				"%s %s", question_state_name(now), question_state_name(next));
			bool listed = false;
			for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++)
				listed = listed || strcmp(steps[i], step) == 0;
			if (question_may_become(now, next) != listed)
				g_error("%s: %s", step, listed ? "refused" : "taken");
		}
	}
	g_assert_false(question_may_become(QUESTION_STATES, QUESTION_NEW));
	g_assert_false(question_may_become(QUESTION_NEW, QUESTION_STATES));
}

static void names_states_both_ways(void)
{
	QuestionState state;
	for (unsigned i = 0; i < QUESTION_STATES; i++) {
		g_assert_true(question_state_from_name(question_state_name(i), &state));
		g_assert_cmpint(state, ==, i);
	}
	g_assert_false(question_state_from_name("On-air", &state));
	g_assert_false(question_state_from_name("", &state));
	g_assert_false(question_state_from_name(NULL, &state));
}

static void takes_keys_of_letters_and_digits(void)
{
	g_autofree char *longest = g_strnfill(QUESTION_KEY_MAX, 'k');
	g_autofree char *longer = g_strnfill(QUESTION_KEY_MAX + 1, 'k');
	g_assert_true(question_key_is_valid("kD3v8mQ0-T5wY1_B6nC9eA"));
	g_assert_true(question_key_is_valid(longest));
	g_assert_false(question_key_is_valid(longer));
	g_assert_false(question_key_is_valid("seven77"));
	g_assert_false(question_key_is_valid("spaces are none"));
	g_assert_false(question_key_is_valid("dấu-tiếng-việt"));
	g_assert_false(question_key_is_valid(NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func(
		"/question/takes-each-legal-step-and-no-other", takes_each_legal_step_and_no_other);
	g_test_add_func("/question/names-states-both-ways", names_states_both_ways);
	g_test_add_func(
		"/question/takes-keys-of-letters-and-digits", takes_keys_of_letters_and_digits);
	return g_test_run();
}
