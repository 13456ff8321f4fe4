#include "dispatch.h"
#include "postbox.h"
#include <glib-unix.h>

struct Dispatch {
	DispatchEvents events;
	void *user;
	Postbox *box;
	unsigned watch;
};

typedef struct PeerNews {
	Dispatch *dispatch;
	char id[PARAMS_ID_MAX + 1];
	uint64_t serial;
	TransportState state;
	char transport[8];
	char reason[32];
} PeerNews;

static void tell_peer(void *user)
{
	g_autofree PeerNews *news = user;
	Dispatch *dispatch = news->dispatch;
	dispatch->events.peer(
		news->id, news->serial, news->state, news->transport, news->reason, dispatch->user);
}

static void on_peer(const Params *params, uint64_t serial, TransportState state,
	const char *transport, const char *reason, void *user)
{
	Dispatch *dispatch = user;
	PeerNews *news = g_new0(PeerNews, 1);
	*news = (PeerNews){ .dispatch = dispatch, .serial = serial, .state = state };
	g_strlcpy(news->id, params->id, sizeof news->id);
	g_strlcpy(news->transport, transport, sizeof news->transport);
	g_strlcpy(news->reason, reason, sizeof news->reason);
	postbox_post(dispatch->box, tell_peer, news);
}

typedef struct TrackNews {
	Dispatch *dispatch;
	char id[PARAMS_ID_MAX + 1];
	uint64_t serial;
	Source source;
	bool flowing;
} TrackNews;

static void tell_track(void *user)
{
	g_autofree TrackNews *news = user;
	Dispatch *dispatch = news->dispatch;
	dispatch->events.track(news->id, news->serial, news->source, news->flowing, dispatch->user);
}

static void on_track(const Params *params, uint64_t serial, Source source, bool flowing, void *user)
{
	Dispatch *dispatch = user;
	TrackNews *news = g_new0(TrackNews, 1);
	*news = (TrackNews){
		.dispatch = dispatch, .serial = serial, .source = source, .flowing = flowing
	};
	g_strlcpy(news->id, params->id, sizeof news->id);
	postbox_post(dispatch->box, tell_track, news);
}

typedef struct SlotNews {
	Dispatch *dispatch;
	char stage[PARAMS_ID_MAX + 1];
	char owners[SLOT_COUNT][PARAMS_ID_MAX + 1];
} SlotNews;

static void tell_slots(void *user)
{
	g_autofree SlotNews *news = user;
	Dispatch *dispatch = news->dispatch;
	const char *owners[SLOT_COUNT];
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		owners[i] = news->owners[i];
	dispatch->events.slots(news->stage, owners, dispatch->user);
}

static void on_slots(const char *stage, const char *const owners[SLOT_COUNT], void *user)
{
	Dispatch *dispatch = user;
	SlotNews *news = g_new0(SlotNews, 1);
	news->dispatch = dispatch;
	g_strlcpy(news->stage, stage, sizeof news->stage);
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		g_strlcpy(news->owners[i], owners[i], sizeof news->owners[i]);
	postbox_post(dispatch->box, tell_slots, news);
}

typedef struct RungNews {
	Dispatch *dispatch;
	char id[PARAMS_ID_MAX + 1];
	uint64_t serial;
	RationNews news;
} RungNews;

static void tell_rung(void *user)
{
	g_autofree RungNews *news = user;
	Dispatch *dispatch = news->dispatch;
	dispatch->events.rung(news->id, news->serial, &news->news, dispatch->user);
}

static void on_rung(const Params *params, uint64_t serial, const RationNews *told, void *user)
{
	Dispatch *dispatch = user;
	RungNews *news = g_new0(RungNews, 1);
	*news = (RungNews){ .dispatch = dispatch, .serial = serial, .news = *told };
	g_strlcpy(news->id, params->id, sizeof news->id);
	postbox_post(dispatch->box, tell_rung, news);
}

const RosterEvents dispatch_roster_events = { on_peer, on_track, on_slots, on_rung };

static gboolean on_readable(int fd, GIOCondition condition, void *user)
{
	Dispatch *dispatch = user;
	postbox_run(dispatch->box);
	return G_SOURCE_CONTINUE;
}

Dispatch *dispatch_new(const DispatchEvents *events, void *user)
{
	Postbox *box = postbox_new();
	if (!box)
		return NULL;
	Dispatch *dispatch = g_new0(Dispatch, 1);
	dispatch->events = *events;
	dispatch->user = user;
	dispatch->box = box;
	dispatch->watch = g_unix_fd_add(postbox_fd(box), G_IO_IN, on_readable, dispatch);
	return dispatch;
}

void dispatch_free(Dispatch *dispatch)
{
	if (!dispatch)
		return;
	g_source_remove(dispatch->watch);
	postbox_run(dispatch->box);
	postbox_free(dispatch->box);
	g_free(dispatch);
}
