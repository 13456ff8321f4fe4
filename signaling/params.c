#include "params.h"
#include "common/rpc.h"
#include "id.h"
#include "link.h"
#include "rung.h"
#include <string.h>

#define DEVICE_MIN 8 /* a page makes 22 random letters; one digit would not be a device's own */

void params_clear(Params *params)
{
	json_decref(params->sources);
	params->sources = NULL;
}

bool params_nothing(json_t *json, Params *params, const char **what)
{
	return true;
}

bool params_hello(json_t *json, Params *params, const char **what)
{
	if (!rpc_string(json, "token", LINK_LEN, &params->token, what) ||
		!rpc_string(json, "device", PARAMS_DEVICE_MAX, &params->device, what))
		return false;
	if (strlen(params->device) < DEVICE_MIN) {
		*what = "device is too short";
		return false;
	}
	json_t *resume = json_object_get(json, "resume");
	if (!resume || json_is_null(resume))
		return true;
	if (!json_is_object(resume)) {
		*what = "resume is no object";
		return false;
	}
	return rpc_optional_string(resume, "receive", ID_LEN, &params->receive, what) &&
	       rpc_optional_string(resume, "publish", ID_LEN, &params->publish, what);
}

bool params_offer(json_t *json, Params *params, const char **what)
{
	if (!rpc_string(json, "sdp", PARAMS_SDP_MAX, &params->sdp, what))
		return false;
	*what = "sdp is none";
	return g_str_has_prefix(params->sdp, "v=0");
}

bool params_restart(json_t *json, Params *params, const char **what)
{
	return rpc_string(json, "fragment", PARAMS_SDP_MAX, &params->fragment, what);
}

static bool read_source(json_t *item, json_t *into, const char **what)
{
	const char *mid = NULL, *source = NULL;
	*what = "source is no object";
	if (!json_is_object(item) || !rpc_string(item, "mid", PARAMS_MID_MAX, &mid, what) ||
		!rpc_string(item, "source", PARAMS_MID_MAX, &source, what))
		return false;
	*what = "source is neither mic, camera nor screen";
	if (strcmp(source, "mic") != 0 && strcmp(source, "camera") != 0 &&
		strcmp(source, "screen") != 0)
		return false;
	size_t i;
	json_t *before;
	*what = "mid or source comes twice";
	json_array_foreach(into, i, before)
	{
		if (strcmp(json_string_value(json_object_get(before, "mid")), mid) == 0 ||
			strcmp(json_string_value(json_object_get(before, "source")), source) == 0)
			return false;
	}
	return json_array_append_new(into, json_pack("{s:s, s:s}", "mid", mid, "source", source)) ==
	       0;
}

bool params_publish(json_t *json, Params *params, const char **what)
{
	if (!params_offer(json, params, what))
		return false;
	json_t *sources = json_object_get(json, "sources");
	*what = "sources is no list of 1 to 3";
	if (!json_is_array(sources) || !json_array_size(sources) ||
		json_array_size(sources) > PARAMS_SOURCES_MAX)
		return false;
	params->sources = json_array();
	size_t i;
	json_t *item;
	json_array_foreach(sources, i, item)
	{
		if (!read_source(item, params->sources, what))
			return false;
	}
	return true;
}

bool params_set(json_t *json, Params *params, const char **what)
{
	return rpc_boolean(json, "mic", &params->mic, what) &&
	       rpc_boolean(json, "camera", &params->camera, what) &&
	       rpc_boolean(json, "screen", &params->screen, what);
}

bool params_own_or_seat(json_t *json, Params *params, const char **what)
{
	if (!rpc_optional_string(json, "seat", ID_LEN, &params->seat, what))
		return false;
	*what = "seat is no id";
	return !params->seat || id_is_valid(params->seat);
}

bool params_seat(json_t *json, Params *params, const char **what)
{
	if (!rpc_string(json, "seat", ID_LEN, &params->seat, what))
		return false;
	*what = "seat is no id";
	return id_is_valid(params->seat);
}

bool params_recording(json_t *json, Params *params, const char **what)
{
	return rpc_string(json, "id", PARAMS_RECORDING_MAX, &params->recording, what);
}

bool params_limit(json_t *json, Params *params, const char **what)
{
	return rpc_integer(json, "rung", 0, RUNG_TOP, &params->rung, what);
}

bool params_seat_or_null(json_t *json, Params *params, const char **what)
{
	if (json_is_null(json_object_get(json, "seat")))
		return true;
	return params_seat(json, params, what);
}

bool params_mute(json_t *json, Params *params, const char **what)
{
	return params_seat(json, params, what) && rpc_boolean(json, "muted", &params->muted, what);
}

/* What is wrong with a text is for the desk to say, in words for the person who wrote it. */
static bool read_written(json_t *json, const char *name, const char **text, const char **what)
{
	json_t *value = json_object_get(json, name);
	*text = json_string_value(value);
	*what = "text is none";
	return json_is_string(value);
}

bool params_ask(json_t *json, Params *params, const char **what)
{
	if (!rpc_string(json, "key", QUESTION_KEY_MAX, &params->key, what) ||
		!read_written(json, "text", &params->text, what))
		return false;
	*what = "key is none";
	if (!question_key_is_valid(params->key))
		return false;
	json_t *name = json_object_get(json, "name");
	return !name || json_is_null(name) || read_written(json, "name", &params->name, what);
}

static bool read_after(json_t *json, Params *params, const char **what)
{
	json_t *after = json_object_get(json, "after");
	return !after || json_is_null(after) ||
	       rpc_integer(json, "after", 1, G_MAXINT32, &params->after, what);
}

bool params_mine(json_t *json, Params *params, const char **what)
{
	return read_after(json, params, what);
}

static bool read_state(json_t *json, Params *params, const char **what)
{
	const char *state = NULL;
	if (!rpc_string(json, "state", PARAMS_MID_MAX, &state, what))
		return false;
	*what = "state is none";
	params->has_state = question_state_from_name(state, &params->state);
	return params->has_state;
}

bool params_list(json_t *json, Params *params, const char **what)
{
	json_t *state = json_object_get(json, "state");
	if (state && !json_is_null(state) && !read_state(json, params, what))
		return false;
	return read_after(json, params, what) &&
	       rpc_integer(json, "limit", 1, PARAMS_LIMIT_MAX, &params->limit, what);
}

bool params_state(json_t *json, Params *params, const char **what)
{
	if (!rpc_string(json, "id", ID_LEN, &params->question, what))
		return false;
	*what = "id is none";
	return id_is_valid(params->question) && read_state(json, params, what);
}

bool params_preflight(json_t *json, Params *params, const char **what)
{
	return preflight_read(json, &params->preflight, what);
}
