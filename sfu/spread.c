#include "spread.h"
#include "mesh.h"

/* A track, as the shares know it. */
typedef struct Outlet {
	Track *track;
	uint64_t id; /* the track's, when they were told */
	uint64_t report_ntp;
	int64_t clock_offset;
	uint32_t torn; /* workers, a bit each, for whom nothing goes before a keyframe */
} Outlet;

struct Spread {
	Gear *gear;
	char stage[PARAMS_ID_MAX + 1];
	SpreadTell tell;
	void *user;
	GPtrArray *outlets; /* Outlet, owned */
	Plan plan;
	uint64_t serials[MESH_WORKERS_MAX]; /* of the shares; 0: that worker has none */
	unsigned shares;
};

void spread_news_free(SpreadNews *news)
{
	if (!news)
		return;
	for (unsigned i = 0; i < news->past_count; i++)
		packet_unref(news->past[i]);
	g_free(news->past);
	g_free(news);
}

Spread *spread_new(Gear *gear, const char *stage, SpreadTell tell, void *user)
{
	Spread *spread = g_new0(Spread, 1);
	spread->gear = gear;
	g_strlcpy(spread->stage, stage, sizeof spread->stage);
	spread->tell = tell;
	spread->user = user;
	spread->outlets = g_ptr_array_new_with_free_func(g_free);
	return spread;
}

void spread_free(Spread *spread)
{
	if (!spread)
		return;
	g_ptr_array_unref(spread->outlets);
	g_free(spread);
}

static void tell(Spread *spread, unsigned worker, SpreadNews news)
{
	SpreadNews *copy = g_new(SpreadNews, 1);
	*copy = news;
	copy->serial = spread->serials[worker];
	g_strlcpy(copy->stage, spread->stage, sizeof copy->stage);
	spread->tell(worker, copy, spread->user);
}

static void tell_all(Spread *spread, SpreadNews news)
{
	for (unsigned worker = 0; spread->shares && worker < MESH_WORKERS_MAX; worker++)
		if (spread->serials[worker])
			tell(spread, worker, news);
}

/* What a newcomer there needs to start at once. */
static void add_past(const Track *track, SpreadNews *news, int64_t now_us)
{
	if (!track_has_gop(track, now_us))
		return;
	uint64_t highest = history_highest(track->history);
	news->past = g_new(Packet *, highest - track->gop_from + 1);
	for (uint64_t sequence = track->gop_from; sequence <= highest; sequence++) {
		Packet *packet = history_find(track->history, sequence);
		if (packet)
			news->past[news->past_count++] = packet_ref(packet);
	}
}

static void open_outlet(
	Spread *spread, unsigned worker, const Outlet *outlet, bool with_past, int64_t now_us)
{
	const Track *track = outlet->track;
	SpreadNews news = { .kind = SPREAD_OPEN,
		.track = outlet->id,
		.media = *track->media,
		.picture = track->picture,
		.layer = track->layer,
		.report_ntp = track->report_ntp,
		.report_rtp = track->report_rtp,
		.clock_offset = track->clock_offset };
	g_strlcpy(news.owner, track->owner, sizeof news.owner);
	if (with_past)
		add_past(track, &news, now_us);
	tell(spread, worker, news);
}

/* A track that is new: what it has had goes through the mesh. */
static void open_everywhere(Spread *spread, const Outlet *outlet)
{
	for (unsigned worker = 0; spread->shares && worker < MESH_WORKERS_MAX; worker++)
		if (spread->serials[worker])
			open_outlet(spread, worker, outlet, false, 0);
}

static SpreadNews plan_news(const Spread *spread)
{
	SpreadNews news = { .kind = SPREAD_PLAN };
	for (unsigned i = 0; i < PLAN_PLACES; i++)
		news.plan[i] = spread->plan.tracks[i] ? spread->plan.tracks[i]->outlet->id : 0;
	g_strlcpy(news.on_main, spread->plan.on_main, sizeof news.on_main);
	return news;
}

static void forget_worker(Spread *spread, unsigned worker)
{
	for (unsigned i = 0; i < spread->outlets->len; i++) {
		Outlet *outlet = spread->outlets->pdata[i];
		outlet->torn &= ~(1u << worker);
	}
	spread->shares -= spread->serials[worker] != 0;
	spread->serials[worker] = 0;
}

void spread_join(Spread *spread, unsigned worker, uint64_t serial, int64_t now_us)
{
	forget_worker(spread, worker);
	spread->serials[worker] = serial;
	spread->shares++;
	for (unsigned i = 0; i < spread->outlets->len; i++)
		open_outlet(spread, worker, spread->outlets->pdata[i], true, now_us);
	tell(spread, worker, plan_news(spread));
}

void spread_leave(Spread *spread, unsigned worker, uint64_t serial)
{
	if (spread->serials[worker] == serial)
		forget_worker(spread, worker);
}

void spread_add(Spread *spread, Track *track)
{
	Outlet *outlet = g_new0(Outlet, 1);
	outlet->track = track;
	outlet->id = track->id;
	track->outlet = outlet;
	g_ptr_array_add(spread->outlets, outlet);
	open_everywhere(spread, outlet);
}

static void close_outlet(Spread *spread, const Outlet *outlet)
{
	tell_all(spread, (SpreadNews){ .kind = SPREAD_CLOSE, .track = outlet->id });
}

void spread_remove(Spread *spread, Track *track)
{
	Outlet *outlet = track->outlet;
	if (!outlet)
		return;
	close_outlet(spread, outlet);
	for (unsigned i = 0; i < PLAN_PLACES; i++)
		if (spread->plan.tracks[i] == track)
			spread->plan.tracks[i] = NULL;
	track->outlet = NULL;
	g_ptr_array_remove_fast(spread->outlets, outlet);
}

Track *spread_track(const Spread *spread, uint64_t id)
{
	for (unsigned i = 0; i < spread->outlets->len; i++) {
		const Outlet *outlet = spread->outlets->pdata[i];
		if (outlet->id == id)
			return outlet->track;
	}
	return NULL;
}

void spread_plan(Spread *spread, const Plan *plan)
{
	spread->plan = *plan;
	tell_all(spread, plan_news(spread));
}

/* The publisher's stream began anew: for the shares it is another one, so that packets of the old
 * one that are still under way meet nothing. */
static void reopen(Spread *spread, Outlet *outlet)
{
	close_outlet(spread, outlet);
	outlet->id = outlet->track->id;
	outlet->torn = 0;
	open_everywhere(spread, outlet);
	tell_all(spread, plan_news(spread));
}

static void pass_on(Spread *spread, unsigned worker, Outlet *outlet, Packet *packet)
{
	Gear *gear = spread->gear;
	uint32_t bit = 1u << worker;
	if (packet->video && packet->keyframe)
		outlet->torn &= ~bit;
	if (!(packet->video && outlet->torn & bit) &&
		mesh_put(gear->mesh, worker_index(gear->worker), worker, MESH_MEDIA, outlet->id,
			packet)) {
		STATS_ADD(gear->stats, passed_on_total, 1);
		return;
	}
	STATS_ADD(gear->stats, ring_full_total, 1);
	if (!packet->video || outlet->torn & bit)
		return;
	outlet->torn |= bit;
	tell(spread, worker, (SpreadNews){ .kind = SPREAD_SHED, .track = outlet->id });
}

void spread_packet(Spread *spread, Track *track, Packet *packet)
{
	Outlet *outlet = track->outlet;
	if (outlet->id != track->id)
		reopen(spread, outlet);
	for (unsigned worker = 0; spread->shares && worker < MESH_WORKERS_MAX; worker++)
		if (spread->serials[worker])
			pass_on(spread, worker, outlet, packet);
}

void spread_tick(Spread *spread)
{
	for (unsigned i = 0; spread->shares && i < spread->outlets->len; i++) {
		Outlet *outlet = spread->outlets->pdata[i];
		const Track *track = outlet->track;
		if (outlet->id != track->id || (outlet->report_ntp == track->report_ntp &&
						       outlet->clock_offset == track->clock_offset))
			continue;
		outlet->report_ntp = track->report_ntp;
		outlet->clock_offset = track->clock_offset;
		tell_all(spread, (SpreadNews){ .kind = SPREAD_REPORT,
					 .track = outlet->id,
					 .report_ntp = track->report_ntp,
					 .report_rtp = track->report_rtp,
					 .clock_offset = track->clock_offset });
	}
}
