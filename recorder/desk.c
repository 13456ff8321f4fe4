#include "desk.h"
#include <string.h>

struct Desk {
	ChannelServer *server;
	const Studio *studio;
	const TapLine *line;
};

static json_t *on_hello(Desk *desk)
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

static json_t *on_status(Desk *desk)
{
	json_t *takes = json_array();
	studio_each(desk->studio, add_take, takes);
	return json_pack("{s:b,s:s,s:b,s:I,s:I,s:I,s:o}", "well", studio_is_well(desk->studio),
		"reason", studio_reason(desk->studio), "linked", tap_line_is_up(desk->line),
		"synced", (json_int_t)studio_synced(desk->studio), "newest_us",
		(json_int_t)studio_newest_us(desk->studio), "gaps",
		(json_int_t)studio_gaps(desk->studio), "takes", takes);
}

static const struct {
	const char *name;
	json_t *(*run)(Desk *desk);
} methods[] = {
	{ "hello", on_hello },
	{ "status", on_status },
};

static void serve(ChannelCall *call, const char *method, json_t *params, void *user)
{
	Desk *desk = user;
	for (unsigned i = 0; i < G_N_ELEMENTS(methods); i++) {
		if (!strcmp(methods[i].name, method)) {
			channel_answer(call, methods[i].run(desk));
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

void desk_set(Desk *desk, const Studio *studio, const TapLine *line)
{
	desk->studio = studio;
	desk->line = line;
}

void desk_tell_take(Desk *desk, const TakeState *take, const char *state)
{
	channel_server_notify(desk->server, "take.state",
		json_pack("{s:s,s:s,s:s,s:I}", "stage", take->stage, "take", take->name, "state",
			state, "started_us", (json_int_t)take->started_us));
}

void desk_tell_well(Desk *desk, bool well, const char *reason)
{
	channel_server_notify(desk->server, "recorder.state",
		json_pack("{s:b,s:s}", "well", well, "reason", reason));
}
