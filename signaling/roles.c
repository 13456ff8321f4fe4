#include "roles.h"
#include <glib.h>
#include <string.h>

static const char *const names[ROLE_COUNT] = { "admin", "chair", "director", "moderator", "speaker",
	"site", "helper", "reviewer", "viewer" };

const char *role_name(Role role)
{
	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		if (role == (Role)(1u << i))
			return names[i];
	}
	return "none";
}

Role role_from_name(const char *name)
{
	for (unsigned i = 0; name && i < ROLE_COUNT; i++) {
		if (strcmp(names[i], name) == 0)
			return (Role)(1u << i);
	}
	return ROLE_NONE;
}
