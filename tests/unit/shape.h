/* shape.h - whether JSON looks like its example in tests/protocol */
#pragma once
#include <jansson.h>
#include <stdbool.h>

/* The same members, and of the same types; what they say differs. */
static inline bool has_shape(json_t *mine, json_t *example)
{
	if (json_is_null(mine) || json_is_null(example))
		return true;
	if (json_is_boolean(mine) != json_is_boolean(example))
		return false;
	if (!json_is_boolean(mine) && json_typeof(mine) != json_typeof(example))
		return false;
	if (json_is_array(mine) && json_array_size(mine) && json_array_size(example))
		return has_shape(json_array_get(mine, 0), json_array_get(example, 0));
	if (!json_is_object(mine))
		return true;
	if (json_object_size(mine) != json_object_size(example))
		return false;
	const char *key;
	json_t *value;
	json_object_foreach(mine, key, value)
	{
		json_t *other = json_object_get(example, key);
		if (!other || !has_shape(value, other))
			return false;
	}
	return true;
}
