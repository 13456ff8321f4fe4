/* rpc.h - one JSON-RPC 2.0 message, read from outside or written for it
 *
 * The one grammar of the house: browser to signaling, signaling to sfu. Reading is strict and
 * bounded (size, depth, no duplicate keys, no NUL); nothing here knows a transport.
 * Values on the stack of the reader; free of threads. */
#pragma once
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define RPC_DEPTH_MAX 16     /* deepest message of ours is 5 */
#define RPC_METHOD_MAX 64

/* Error codes of ours beside those of JSON-RPC 2.0 §5.1; `data.reason` is the word to act on. */
enum {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_UNKNOWN_METHOD = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
	RPC_REFUSED = -32001,     /* the role or the state does not allow it */
	RPC_NOT_FOUND = -32002,
	RPC_TOO_MANY = -32003,    /* a limit; data.retry_ms says when to come back */
	RPC_UNAVAILABLE = -32004, /* the daemon that would do it is away */
};

typedef enum RpcKind { RPC_REQUEST, RPC_NOTIFICATION, RPC_RESULT, RPC_ERROR } RpcKind;

/* Borrowed pointers into `root`; rpc_message_clear() releases all. */
typedef struct RpcMessage {
	RpcKind kind;
	json_t *root;
	json_t *id;          /* integer or string; NULL for notifications */
	const char *method;  /* requests and notifications */
	json_t *params;      /* always an object (an empty one where it was left out) */
	json_t *result;      /* RPC_RESULT */
	json_t *error;       /* RPC_ERROR: object with code and message */
} RpcMessage;

/* Reads one message; false with *error_code and a reason for the log. limit: most bytes taken. */
bool rpc_read(RpcMessage *message, const char *text, size_t len, size_t limit, int *error_code,
	const char **reason);
/* The same care for JSON that is no call: an object (new reference), NULL when it is none. */
json_t *rpc_read_object(const char *text, size_t len);
void rpc_message_clear(RpcMessage *message);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RpcMessage, rpc_message_clear)

/* Writers: newly allocated text (free with g_free). `params`, `result`, `data` are stolen; NULL
 * becomes {} (params, result) or is left out (data). `id` is borrowed; NULL writes null. */
char *rpc_write_request(json_int_t id, const char *method, json_t *params);
char *rpc_write_notification(const char *method, json_t *params);
char *rpc_write_result(json_t *id, json_t *result);
char *rpc_write_error(json_t *id, int code, const char *message, const char *reason, json_t *data);

/* Parameters, checked: each false (and *what says which and why, static text) when the member is
 * missing or of the wrong type or out of its bounds. Strings must be valid UTF-8 without control
 * characters other than \n \r \t, at most max bytes. `optional` variants leave *value alone when
 * the member is missing or null. */
bool rpc_string(json_t *params, const char *name, size_t max, const char **value, const char **what);
bool rpc_optional_string(json_t *params, const char *name, size_t max, const char **value,
	const char **what);
bool rpc_integer(json_t *params, const char *name, json_int_t low, json_int_t high,
	json_int_t *value, const char **what);
bool rpc_boolean(json_t *params, const char *name, bool *value, const char **what);
bool rpc_optional_boolean(json_t *params, const char *name, bool *value, const char **what);
