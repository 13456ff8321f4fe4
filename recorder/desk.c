#include "desk.h"
#include "catalogue.h"
#include <string.h>

struct Desk {
	ChannelServer *server;
	const Studio *studio;
	const TapLine *line;
	const Finisher *finisher;
	const char *root;
};

static json_t *on_hello(Desk *desk, json_t *params)
{
	return json_pack("{s:s}", "version", DIEMCAU_VERSION);
}

static void add_take(const TakeState *take, unsigned flowing, void *user)
{
	json_array_append_new(
		user, json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:i,s:b}", "stage", take->stage, "take",
			      take->name, "started_us", (json_int_t)take->started_us, "last_us",
			      (json_int_t)take->last_us, "bytes", (json_int_t)take->bytes,
			      "packets", (json_int_t)take->packets, "part", (int)take->part,
			      "flowing", flowing > 0));
}

static json_t *on_status(Desk *desk, json_t *params)
{
	json_t *takes = json_array();
	studio_each(desk->studio, add_take, takes);
	return json_pack("{s:b,s:s,s:b,s:I,s:I,s:I,s:s,s:o}", "well", studio_is_well(desk->studio),
		"reason", studio_reason(desk->studio), "linked", tap_line_is_up(desk->line),
		"synced", (json_int_t)studio_synced(desk->studio), "newest_us",
		(json_int_t)studio_newest_us(desk->studio), "gaps",
		(json_int_t)studio_gaps(desk->studio), "finishing", finisher_at(desk->finisher),
		"takes", takes);
}

static json_t *on_takes(Desk *desk, json_t *params)
{
	const char *stage = json_string_value(json_object_get(params, "stage"));
	return json_pack("{s:o}", "takes", catalogue_list(desk->root, stage ? stage : ""));
}

static const struct {
	const char *name;
	json_t *(*run)(Desk *desk, json_t *params);
} methods[] = {
	{ "hello", on_hello },
	{ "status", on_status },
	{ "takes", on_takes },
};

static void serve(ChannelCall *call, const char *method, json_t *params, void *user)
{
	Desk *desk = user;
	for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) {
		if (!strcmp(methods[i].name, method)) {
			channel_answer(call, methods[i].run(desk, params));
			return;
		}
	}
	channel_refuse(
		call, RPC_UNKNOWN_METHOD, "unknown-method", "the recorder has no such method");
}

Desk *desk_new(int listen_fd)
{
	Desk *desk = g_new0(Desk, 1);
	desk->server = channel_server_new(listen_fd, serve, desk);
	return desk;
}

void desk_free(Desk *desk)
{
	if (!desk)
		return;
	channel_server_free(desk->server);
	g_free(desk);
}

void desk_set(Desk *desk, const char *root, const Studio *studio, const TapLine *line,
	const Finisher *finisher)
{
	desk->root = root;
	desk->finisher = finisher;
	desk->studio = studio;
	desk->line = line;
}

void desk_tell_take(Desk *desk, const char *stage, const char *take, const char *state)
{
	channel_server_notify(desk->server, "take.state",
		json_pack("{s:s,s:s,s:s}", "stage", stage, "take", take, "state", state));
}

void desk_tell_well(Desk *desk, bool well, const char *reason)
{
	channel_server_notify(desk->server, "recorder.state",
		json_pack("{s:b,s:s}", "well", well, "reason", reason));
}
