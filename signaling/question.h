/* question.h - what a question is: the states it goes through, and which may follow which
 *
 * Words and one table; pure functions, any thread. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define QUESTION_KEY_MIN 8 /* a page makes 22 random letters */
#define QUESTION_KEY_MAX 64
#define QUESTION_TEXT_MAX 2000 /* characters */
#define QUESTION_NAME_MAX 80

typedef enum QuestionState {
	QUESTION_NEW,
	QUESTION_APPROVED,
	QUESTION_ON_AIR,
	QUESTION_ANSWERED,
	QUESTION_STATES
} QuestionState;

/* `on-air`; static text. */
const char *question_state_name(QuestionState state);
/* False for a word that is none. */
bool question_state_from_name(const char *name, QuestionState *state);
/* Nothing comes on air that nobody approved; each step can be taken back. */
bool question_may_become(QuestionState now, QuestionState next);

/* 8 to 64 letters, digits, `-` and `_`. NULL is none. */
bool question_key_is_valid(const char *key);

/* One question as it is stored; strings are borrowed from whoever shows it. */
typedef struct QuestionRow {
	const char *id, *forum, *seat, *key;
	const char *name; /* who asks, as he wrote it; may be empty */
	const char *text;
	int64_t number;  /* 1.. in the forum, in the order they came */
	bool is_by_link; /* from the ask link, not from the site's page */
	QuestionState state;
	int64_t created_ms, changed_ms;
} QuestionRow;
