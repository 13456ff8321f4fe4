#include "control.h"
#include <string.h>

#define RETRY_MS 5000

struct Control {
	ChannelServer *server;
	Node *node;
};

/* A method answers with its result, or NULL after channel_refuse(). */
typedef json_t *(*Method)(Control *control, ChannelCall *call, json_t *params);

static json_t *refuse_params(ChannelCall *call, const char *what)
{
	channel_refuse(call, RPC_INVALID_PARAMS, "bad-params", what);
	return NULL;
}

static bool read_id(json_t *params, const char *name, const char **value, const char **what)
{
	if (!rpc_string(params, name, PARAMS_ID_MAX, value, what))
		return false;
	*what = "an id is empty";
	return (*value)[0] != 0;
}

static json_t *on_hello(Control *control, ChannelCall *call, json_t *params)
{
	return json_pack("{s:s,s:s}", "boot", node_boot(control->node), "version", DIEMCAU_VERSION);
}

static bool read_owner(json_t *value, char owner[PARAMS_ID_MAX + 1])
{
	if (!json_is_string(value) || !json_string_length(value) ||
		json_string_length(value) > PARAMS_ID_MAX)
		return false;
	g_strlcpy(owner, json_string_value(value), PARAMS_ID_MAX + 1);
	return true;
}

static bool read_optional_owner(json_t *params, const char *name, char owner[PARAMS_ID_MAX + 1])
{
	json_t *value = json_object_get(params, name);
	return !value || json_is_null(value) || read_owner(value, owner);
}

static bool read_on_air(json_t *params, StageWish *wish)
{
	json_t *on_air = json_object_get(params, "on_air"),
	       *muted = json_object_get(params, "muted");
	json_t *value, *other;
	size_t i, j;
	if (!json_is_array(on_air) || json_array_size(on_air) > STAGE_ON_AIR_MAX ||
		(muted && (!json_is_array(muted) || json_array_size(muted) > STAGE_ON_AIR_MAX)))
		return false;
	json_array_foreach(on_air, i, value)
	{
		if (!read_owner(value, wish->on_air[i]))
			return false;
		json_array_foreach(muted, j, other) if (json_equal(value, other)) wish->muted[i] =
			true;
	}
	wish->on_air_count = (unsigned)json_array_size(on_air);
	return true;
}

static json_t *on_stage_put(Control *control, ChannelCall *call, json_t *params)
{
	const char *id, *what = "on_air, muted, main or slides";
	json_int_t rev;
	g_autofree StageWish *wish = g_new0(StageWish, 1);
	if (!read_id(params, "stage", &id, &what) ||
		!rpc_integer(params, "rev", 0, INT64_MAX, &rev, &what) ||
		!read_on_air(params, wish) || !read_optional_owner(params, "main", wish->main) ||
		!read_optional_owner(params, "slides", wish->slides))
		return refuse_params(call, what);
	rev = node_put_stage(control->node, id, rev, wish);
	if (rev < 0) {
		channel_refuse(call, RPC_TOO_MANY, "full", "too many stages");
		return NULL;
	}
	return json_pack("{s:I}", "rev", rev);
}

static json_t *on_stage_delete(Control *control, ChannelCall *call, json_t *params)
{
	const char *id, *what;
	if (!read_id(params, "stage", &id, &what))
		return refuse_params(call, what);
	node_delete_stage(control->node, id);
	return json_object();
}

static bool read_sources(json_t *params, NegotiateSource *sources, unsigned max, unsigned *count)
{
	json_t *list = json_object_get(params, "sources"), *value;
	size_t i;
	*count = 0;
	if (!list)
		return true;
	if (!json_is_array(list) || json_array_size(list) > max)
		return false;
	json_array_foreach(list, i, value)
	{
		const char *mid, *word, *what;
		if (!json_is_object(value) || !rpc_string(value, "mid", RTP_ID_MAX, &mid, &what) ||
			!rpc_string(value, "source", 16, &word, &what) ||
			source_of(word) == SOURCE_COUNT)
			return false;
		sources[i] = (NegotiateSource){ .mid = mid, .source = source_of(word) };
		*count = (unsigned)i + 1;
	}
	return true;
}

static json_t *refuse_peer(ChannelCall *call, NodeRefusal refusal, const GError *error)
{
	switch (refusal) {
	case NODE_NO_STAGE:
		channel_refuse(call, RPC_NOT_FOUND, "no-stage", "there is no such stage");
		return NULL;
	case NODE_NO_PEER:
		channel_refuse(call, RPC_NOT_FOUND, "no-peer", "there is no such peer");
		return NULL;
	case NODE_BUSY:
		channel_refuse(call, RPC_TOO_MANY, "busy", "too many are coming in at once");
		return NULL;
	case NODE_FULL:
		channel_refuse(
			call, RPC_TOO_MANY, "full", "the sfu has all the peers it can serve");
		return NULL;
	default:
		channel_refuse(
			call, RPC_REFUSED, "bad-offer", error ? error->message : "bad offer");
		return NULL;
	}
}

static json_t *on_peer_put(Control *control, ChannelCall *call, json_t *params)
{
	const char *role, *what = "role or sources";
	NegotiateSource sources[PARAMS_MEDIA_MAX];
	NodePeer ask = { .sources = sources };
	NodeRefusal refusal = NODE_FINE;
	g_autoptr(GError) error = NULL;

	if (!read_id(params, "peer", &ask.id, &what) ||
		!read_id(params, "stage", &ask.stage, &what) ||
		!read_id(params, "owner", &ask.owner, &what) ||
		!rpc_integer(params, "rev", 0, INT64_MAX, &ask.rev, &what) ||
		!rpc_string(params, "role", 16, &role, &what) ||
		!rpc_string(params, "offer", SDP_SIZE_MAX, &ask.offer, &what) ||
		!read_sources(params, sources, G_N_ELEMENTS(sources), &ask.source_count))
		return refuse_params(call, what);
	if (strcmp(role, "viewer") && strcmp(role, "publisher"))
		return refuse_params(call, "role");
	ask.role = strcmp(role, "viewer") ? ROLE_PUBLISHER : ROLE_VIEWER;
	json_t *result = node_put_peer(control->node, &ask, &refusal, &error);
	return result ? result : refuse_peer(call, refusal, error);
}

static json_t *on_peer_restart(Control *control, ChannelCall *call, json_t *params)
{
	const char *id, *fragment, *what;
	json_int_t rev;
	NodeRefusal refusal = NODE_FINE;
	g_autoptr(GError) error = NULL;
	if (!read_id(params, "peer", &id, &what) ||
		!rpc_integer(params, "rev", 0, INT64_MAX, &rev, &what) ||
		!rpc_string(params, "fragment", SDP_SIZE_MAX, &fragment, &what))
		return refuse_params(call, what);
	json_t *result = node_restart_peer(control->node, id, rev, fragment, &refusal, &error);
	return result ? result : refuse_peer(call, refusal, error);
}

static json_t *on_peer_limit(Control *control, ChannelCall *call, json_t *params)
{
	const char *id, *what;
	json_int_t rung;
	if (!read_id(params, "peer", &id, &what) ||
		!rpc_integer(params, "rung", 0, RATION_TOP, &rung, &what))
		return refuse_params(call, what);
	return node_limit_peer(control->node, id, (unsigned)rung)
		       ? json_object()
		       : refuse_peer(call, NODE_NO_PEER, NULL);
}

static json_t *on_peer_delete(Control *control, ChannelCall *call, json_t *params)
{
	const char *id, *what;
	if (!read_id(params, "peer", &id, &what))
		return refuse_params(call, what);
	node_delete_peer(control->node, id);
	return json_object();
}

static json_t *on_dump(Control *control, ChannelCall *call, json_t *params)
{
	const char *after = NULL, *what;
	if (!rpc_optional_string(params, "after", PARAMS_ID_MAX, &after, &what))
		return refuse_params(call, what);
	return node_dump(control->node, after);
}

static json_t *on_stats(Control *control, ChannelCall *call, json_t *params)
{
	return node_stats(control->node);
}

static const struct {
	const char *name;
	Method run;
} methods[] = {
	{ "hello", on_hello },
	{ "stage.put", on_stage_put },
	{ "stage.delete", on_stage_delete },
	{ "peer.put", on_peer_put },
	{ "peer.restart", on_peer_restart },
	{ "peer.limit", on_peer_limit },
	{ "peer.delete", on_peer_delete },
	{ "dump", on_dump },
	{ "stats", on_stats },
};

static void serve(ChannelCall *call, const char *method, json_t *params, void *user)
{
	Control *control = user;
	for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) {
		if (strcmp(methods[i].name, method))
			continue;
		json_t *result = methods[i].run(control, call, params);
		if (result)
			channel_answer(call, result);
		return;
	}
	channel_refuse(call, RPC_UNKNOWN_METHOD, "unknown-method", "the sfu has no such method");
}

Control *control_new(int listen_fd)
{
	Control *control = g_new0(Control, 1);
	control->server = channel_server_new(listen_fd, serve, control);
	return control;
}

void control_free(Control *control)
{
	if (!control)
		return;
	channel_server_free(control->server);
	g_free(control);
}

void control_set_node(Control *control, Node *node)
{
	control->node = node;
}

void control_notify(const char *method, json_t *params, void *user)
{
	Control *control = user;
	channel_server_notify(control->server, method, params);
}
