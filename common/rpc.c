#include "rpc.h"
#include <string.h>

#define ID_TEXT_MAX 64 /* an id is echoed in each answer; ours are small integers */

/* Jansson's parser recurses, so depth is judged before it runs. Counts brackets outside strings. */
static bool is_too_deep(const char *text, size_t len)
{
	unsigned depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > RPC_DEPTH_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth) {
			depth--;
		}
	}
	return false;
}

static bool method_is_sound(const json_t *method)
{
	size_t len = json_string_length(method);
	if (!len || len > RPC_METHOD_MAX)
		return false;
	for (const char *c = json_string_value(method); *c; c++) {
		if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
			return false;
	}
	return true;
}

static bool id_is_sound(const json_t *id)
{
	return json_is_integer(id) || (json_is_string(id) && json_string_length(id) <= ID_TEXT_MAX);
}

static const char *read_call(RpcMessage *message, json_t *method, int *code)
{
	json_t *root = message->root;
	if (!json_is_string(method) || !method_is_sound(method))
		return "method is no name";
	if (message->id && !id_is_sound(message->id))
		return "id is neither integer nor short string";
	json_t *params = json_object_get(root, "params");
	if (!params) {
		params = json_object();
		json_object_set_new(root, "params", params);
	} else if (!json_is_object(params)) {
		*code = RPC_INVALID_PARAMS;
		return "params is no object";
	}
	message->kind = message->id ? RPC_REQUEST : RPC_NOTIFICATION;
	message->method = json_string_value(method);
	message->params = params;
	return NULL;
}

static const char *read_answer(RpcMessage *message, json_t *result, json_t *error)
{
	if (error && json_is_null(message->id))
		message->id = NULL; /* §5: the caller's id could not be read */
	else if (!message->id || !id_is_sound(message->id))
		return "answer without an id";
	if (result) {
		message->kind = RPC_RESULT;
		message->result = result;
		return NULL;
	}
	if (!json_is_integer(json_object_get(error, "code")) ||
		!json_is_string(json_object_get(error, "message")))
		return "error without code or message";
	message->kind = RPC_ERROR;
	message->error = error;
	return NULL;
}

/* What is wrong with the message in root, or NULL with its members filled in. */
static const char *read_root(RpcMessage *message, int *code)
{
	json_t *root = message->root;
	*code = RPC_INVALID_REQUEST;
	if (json_is_array(root))
		return "batches are not taken";
	if (!json_is_object(root))
		return "message is no object";
	json_t *version = json_object_get(root, "jsonrpc");
	if (!json_is_string(version) || strcmp(json_string_value(version), "2.0") != 0)
		return "jsonrpc is not 2.0";

	json_t *method = json_object_get(root, "method");
	json_t *result = json_object_get(root, "result");
	json_t *error = json_object_get(root, "error");
	message->id = json_object_get(root, "id");
	if (!!method + !!result + !!error != 1)
		return "not exactly one of method, result and error";
	return method ? read_call(message, method, code) : read_answer(message, result, error);
}

bool rpc_read(RpcMessage *message, const char *text, size_t len, size_t limit, int *error_code,
	const char **reason)
{
	memset(message, 0, sizeof(*message));
	*error_code = RPC_INVALID_REQUEST;
	if (len > limit) {
		*reason = "message is too large";
		return false;
	}
	if (is_too_deep(text, len)) {
		*reason = "message is too deep";
		return false;
	}
	/* NUL, in the text or escaped, and lone surrogates are errors to Jansson already. */
	message->root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (!message->root) {
		*error_code = RPC_PARSE_ERROR;
		*reason = "message is no JSON";
		return false;
	}
	*reason = read_root(message, error_code);
	if (*reason) {
		rpc_message_clear(message);
		return false;
	}
	*error_code = 0;
	return true;
}

json_t *rpc_read_object(const char *text, size_t len)
{
	if (is_too_deep(text, len))
		return NULL;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

void rpc_message_clear(RpcMessage *message)
{
	json_decref(message->root);
	memset(message, 0, sizeof(*message));
}

static json_t *object_or_empty(json_t *object)
{
	return object ? object : json_object();
}

/* Text of root, which is released. json_dumps allocates with malloc, as GLib does since 2.46. */
static char *write_root(json_t *root)
{
	char *text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	g_assert(text);
	return text;
}

static json_t *envelope(void)
{
	json_t *root = json_object();
	json_object_set_new(root, "jsonrpc", json_string("2.0"));
	return root;
}

char *rpc_write_request(json_int_t id, const char *method, json_t *params)
{
	json_t *root = envelope();
	json_object_set_new(root, "id", json_integer(id));
	json_object_set_new(root, "method", json_string(method));
	json_object_set_new(root, "params", object_or_empty(params));
	return write_root(root);
}

char *rpc_write_notification(const char *method, json_t *params)
{
	json_t *root = envelope();
	json_object_set_new(root, "method", json_string(method));
	json_object_set_new(root, "params", object_or_empty(params));
	return write_root(root);
}

static void put_id(json_t *root, json_t *id)
{
	if (id)
		json_object_set(root, "id", id);
	else
		json_object_set_new(root, "id", json_null());
}

char *rpc_write_result(json_t *id, json_t *result)
{
	json_t *root = envelope();
	put_id(root, id);
	json_object_set_new(root, "result", object_or_empty(result));
	return write_root(root);
}

char *rpc_write_error(json_t *id, int code, const char *message, const char *reason, json_t *data)
{
	json_t *error = json_object();
	json_object_set_new(error, "code", json_integer(code));
	json_object_set_new(error, "message", json_string(message ? message : ""));
	if (reason) {
		data = object_or_empty(data);
		json_object_set_new(data, "reason", json_string(reason));
	}
	if (data)
		json_object_set_new(error, "data", data);

	json_t *root = envelope();
	put_id(root, id);
	json_object_set_new(root, "error", error);
	return write_root(root);
}

/* "NAME is WHY". Names stand in our code, so there are few such texts: interned for good. */
static bool refuse(const char *name, const char *why, const char **what)
{
	g_autofree char *text = g_strdup_printf("%s %s", name, why);
	*what = g_intern_string(text);
	return false;
}

static bool text_is_sound(const char *text, size_t len)
{
	if (!g_utf8_validate_len(text, len, NULL))
		return false;
	for (const char *c = text; c < text + len; c = g_utf8_next_char(c)) {
		if (g_unichar_iscntrl(g_utf8_get_char(c)) && !strchr("\n\r\t", *c))
			return false;
	}
	return true;
}

static json_t *member(json_t *params, const char *name)
{
	json_t *value = json_object_get(params, name);
	return json_is_null(value) ? NULL : value;
}

bool rpc_optional_string(
	json_t *params, const char *name, size_t max, const char **value, const char **what)
{
	json_t *string = member(params, name);
	if (!string)
		return true;
	if (!json_is_string(string))
		return refuse(name, "is no string", what);
	size_t len = json_string_length(string);
	if (len > max)
		return refuse(name, "is too long", what);
	if (!text_is_sound(json_string_value(string), len))
		return refuse(name, "holds control characters", what);
	*value = json_string_value(string);
	return true;
}

bool rpc_string(json_t *params, const char *name, size_t max, const char **value, const char **what)
{
	if (!member(params, name))
		return refuse(name, "is missing", what);
	return rpc_optional_string(params, name, max, value, what);
}

bool rpc_integer(json_t *params, const char *name, json_int_t low, json_int_t high,
	json_int_t *value, const char **what)
{
	json_t *number = member(params, name);
	if (!number)
		return refuse(name, "is missing", what);
	if (!json_is_integer(number))
		return refuse(name, "is no whole number", what);
	if (json_integer_value(number) < low || json_integer_value(number) > high)
		return refuse(name, "is out of its bounds", what);
	*value = json_integer_value(number);
	return true;
}

bool rpc_optional_boolean(json_t *params, const char *name, bool *value, const char **what)
{
	json_t *boolean = member(params, name);
	if (!boolean)
		return true;
	if (!json_is_boolean(boolean))
		return refuse(name, "is neither true nor false", what);
	*value = json_is_true(boolean);
	return true;
}

bool rpc_boolean(json_t *params, const char *name, bool *value, const char **what)
{
	if (!member(params, name))
		return refuse(name, "is missing", what);
	return rpc_optional_boolean(params, name, value, what);
}
