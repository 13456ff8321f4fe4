/* method.h - the table of what a page may ask: each row names the roles that may
 *
 * Default deny: a role that is not in the row is refused, a method that is not in the table does
 * not exist. Static data; main thread. */
#pragma once
#include "params.h"
#include "refusal.h"
#include "roles.h"

struct Session;

typedef struct Method {
	const char *name;
	unsigned roles;
	ParamsReader *read;
	void (*run)(struct Session *session, json_t *id, const Params *params);
} Method;

/* All rows; *count says how many. */
const Method *method_table(unsigned *count);
/* NULL for an unknown one. */
const Method *method_find(const char *name);
/* NULL when somebody of this role may call it now. A device that waits may call nothing. */
const Refusal *method_judge(const Method *method, Role role, bool is_waiting);
