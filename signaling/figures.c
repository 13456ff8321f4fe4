#include "figures.h"
#include "common/metrics.h"
#include "probe.h"
#include <string.h>

#define NAME_MAX_LEN 100

typedef struct Asked {
	Http *http;
	Exchange *exchange;
} Asked;

static bool is_name(const char *name)
{
	return *name && strlen(name) < NAME_MAX_LEN &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static void add_sfu(GString *out, json_t *stats)
{
	const char *name;
	json_t *value;
	json_object_foreach(stats, name, value)
	{
		if (!is_name(name) || !json_is_number(value))
			continue;
		g_autofree char *full = g_strconcat("diemcau_sfu_", name, NULL);
		metrics_add(out, full, g_str_has_suffix(name, "_total") ? "counter" : "gauge",
			"As the sfu counts it.", json_number_value(value));
	}
}

static void add_own(GString *out, Http *http)
{
	ServerCounts counts;
	server_counts(http->server, &counts);
	uint64_t commits, changes;
	store_counts(http->hub->store, &commits, &changes);
	GPtrArray *forums = registry_forums(http->hub->registry);
	const DeskCounts *desk = &http->hub->desk;
	unsigned on_air = 0, hands = 0, seated = 0, questions = 0;
	for (unsigned i = 0; i < forums->len; i++) {
		const Forum *forum = forums->pdata[i];
		on_air += forum->on_air->len;
		hands += forum->queue->len;
		for (unsigned s = 0; s < QUESTION_STATES; s++)
			questions += forum->questions[s];
	}
	GHashTableIter at;
	Session *session;
	g_hash_table_iter_init(&at, http->hub->sessions);
	while (g_hash_table_iter_next(&at, NULL, (void **)&session))
		seated += session->seat && !session->is_waiting;
	const struct {
		const char *name, *type, *help;
		double value;
	} rows[] = {
		{ "connections", "gauge", "TCP connections open.", counts.connections },
		{ "connections_parked", "gauge", "Accepted and waiting to be let in.",
			counts.parked },
		{ "websockets", "gauge", "WebSockets open.", counts.sockets },
		{ "seats_taken", "gauge", "Seats with a device on them.", seated },
		{ "seats_on_air", "gauge", "Seats on stage.", on_air },
		{ "hands_up", "gauge", "Seats in a queue.", hands },
		{ "forums", "gauge", "Forums in the store.", forums->len },
		{ "http_peers", "gauge", "WHIP and WHEP connections.",
			g_hash_table_size(registry_peers(http->hub->registry)) },
		{ "requests_total", "counter", "HTTP requests.", (double)counts.requests },
		{ "upgrades_refused_total", "counter",
			"WebSockets refused by their origin or path.",
			(double)counts.refused_upgrades },
		{ "slow_closed_total", "counter", "WebSockets closed because they read too slowly.",
			(double)counts.slow_closed },
		{ "silent_closed_total", "counter", "WebSockets closed because they fell silent.",
			(double)counts.silent_closed },
		{ "lines_waiting", "gauge",
			"Connections of the one port that wait for their first bytes or the sfu.",
			counts.lines_waiting },
		{ "lines_handed_total", "counter", "Media lines of the one port given to the sfu.",
			(double)counts.lines_handed },
		{ "lines_lost_total", "counter", "Media lines closed because the sfu was away.",
			(double)counts.lines_lost },
		{ "lines_silent_total", "counter",
			"Connections of the one port sent away before they said what they are.",
			(double)counts.lines_silent },
		{ "questions", "gauge", "Questions in the store.", questions },
		{ "questions_waiting", "gauge", "Requests of the question desk not yet on disk.",
			desk->waiting },
		{ "questions_total", "counter", "Questions acknowledged.", (double)desk->asked },
		{ "questions_repeated_total", "counter",
			"Questions sent again that were there already.", (double)desk->repeated },
		{ "questions_refused_total", "counter", "Questions over a limit or unreadable.",
			(double)desk->refused },
		{ "questions_failed_total", "counter", "Questions the disk did not take.",
			(double)desk->failed },
		{ "probe_bytes_total", "counter", "Bytes that sites used to measure their lines.",
			(double)probe_bytes(http->probe) },
		{ "store_commits_total", "counter", "Transactions written (one fsync each).",
			(double)commits },
		{ "store_changes_total", "counter", "Rows written in them.", (double)changes },
		{ "store_up", "gauge", "1 while the store can be written.",
			store_is_well(http->hub->store) },
		{ "recorder_up", "gauge", "1 while the recorder can record.",
			http->hub->recording && recording_is_well(http->hub->recording) },
		{ "sfu_up", "gauge", "1 while the sfu answers.",
			media_is_synced(http->hub->media) },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *full = g_strconcat("diemcau_signaling_", rows[i].name, NULL);
		metrics_add(out, full, rows[i].type, rows[i].help, rows[i].value);
	}
}

/* Of the sites that receive; `unknown` until the sfu has told. */
static void add_rungs(GString *out, Hub *hub)
{
	MetricSample samples[RUNG_COUNT + 1] = { { "0", 0 }, { "1", 0 }, { "2", 0 }, { "3", 0 },
		{ "4", 0 }, { "5", 0 }, { "6", 0 }, { "unknown", 0 } };
	GHashTableIter at;
	Session *session;
	g_hash_table_iter_init(&at, hub->sessions);
	while (g_hash_table_iter_next(&at, NULL, (void **)&session)) {
		const Seat *seat = session->seat;
		if (!seat || session->is_waiting || seat->origin != SEAT_OF_SITE ||
			!seat->receive.is_connected)
			continue;
		const Rung *rung = &seat->receive.rung;
		samples[rung->why ? rung->rung : RUNG_COUNT].number++;
	}
	metrics_add_by(out, "diemcau_sites_by_rung", "gauge", "Sites by their rung of the ladder.",
		"rung", samples, G_N_ELEMENTS(samples));
}

static void on_stats(json_t *stats, void *user)
{
	Asked *asked = user;
	g_autoptr(GString) out = g_string_new(NULL);
	if (!asked->http->hub->is_ending) {
		add_own(out, asked->http);
		add_rungs(out, asked->http->hub);
	}
	add_sfu(out, stats);
	exchange_answer_text(asked->exchange, 200, "text/plain; version=0.0.4", out->str);
	g_free(asked);
}

void figures_answer(Http *http, Exchange *exchange)
{
	Asked *asked = g_new0(Asked, 1);
	asked->http = http;
	asked->exchange = exchange;
	media_stats(http->hub->media, on_stats, asked);
}
