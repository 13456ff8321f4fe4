#include "hall.h"
#include "clock.h"
#include "unrest.h"
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define STEP_US 5000
#define ROUND 20   /* steps in which every viewer has its turn: 100 ms */
#define REPORTS 10 /* rounds between two reports of a viewer */
#define SPEAKERS_US 15000000
#define QUIET_US 300000
#define DRAIN_US 700000
#define LEAVE_US 30000000

typedef enum Phase {
	PHASE_SPEAKERS,
	PHASE_JOIN,
	PHASE_SETTLE,
	PHASE_QUIET,
	PHASE_MEASURE,
	PHASE_DRAIN,
	PHASE_LEAVE,
	PHASE_OVER,
} Phase;

/* What is compared with later. */
typedef struct Mark {
	StreamCounts slots[VIEWER_SLOTS];
	bool watched; /* from the start to the end */
} Mark;

struct Hall {
	const Options *options;
	Ground *ground;
	Http *http;
	Janus *janus; /* or NULL */
	HandshakeContext *dtls;
	Film *film;
	EndpointPlace place;
	Audience audience;
	Publisher *publishers[OPTIONS_PUBLISHERS_MAX];
	Viewer **viewers;
	Mark *marks;

	Phase phase;
	int64_t phase_us, step_us; /* since when; next step */
	uint64_t steps;
	unsigned asked;
	Unrest unrest;
	int64_t join_from_us;
	int64_t measured_from_us;
	PublisherCounts sent[OPTIONS_PUBLISHERS_MAX]; /* when the measurement began */
	struct rusage own;
	uint64_t packets, opened, not_opened;
	Report report;
	char *trouble;
};

static void bring_speaker(Hall *hall, unsigned index)
{
	const Options *options = hall->options;
	const PublisherPlan plan = { .place = &hall->place,
		.http = hall->http,
		.restarts = &hall->unrest.restarts,
		.janus = hall->janus,
		.url = options->whip_url,
		.token = options->whip_token,
		.film = hall->film,
		.kbps = (unsigned)options->kbps,
		.index = index,
		.paced = options->paced };
	hall->publishers[index] = publisher_new(&plan);
}

static void on_bring_speaker(unsigned index, void *user)
{
	bring_speaker(user, index);
}

static void on_viewer_leaves(unsigned index, void *user)
{
	((Hall *)user)->marks[index].watched = false;
}

Hall *hall_new(const Options *options, GError **error)
{
	g_autoptr(Hall) hall = g_new0(Hall, 1);
	hall->options = options;
	hall->ground = ground_new(error);
	hall->dtls = hall->ground ? handshake_context_new(options->profile, error) : NULL;
	if (!hall->dtls || (options->media && !(hall->film = film_open(options->media, error))))
		return NULL;
	hall->http = http_new(hall->ground, (unsigned)(options->storm ? 256 : options->parallel),
		!options->insecure, options->storm);
	hall->janus = options->janus
			      ? janus_new(hall->http, options->janus, (unsigned)options->room)
			      : NULL;
	hall->place = (EndpointPlace){
		.ground = hall->ground, .dtls = hall->dtls, .anywhere = options->anywhere
	};
	hall->audience = (Audience){ .place = &hall->place,
		.http = hall->http,
		.janus = hall->janus,
		.url = options->whep_url,
		.token = options->whep_token,
		.restarts = &hall->unrest.restarts,
		.come_back = options->come_back,
		.join_timeout_us = (int64_t)options->join_timeout * 1000000 };
	hall->viewers = g_new0(Viewer *, options->viewers);
	hall->marks = g_new0(Mark, options->viewers);
	int honest = options->viewers - options->liars;
	for (int i = 0; i < options->viewers; i++)
		hall->viewers[i] = viewer_new(&hall->audience,
			options->sample && i % options->sample == 0 && i < honest, i >= honest);
	hall->unrest = (Unrest){ .options = options,
		.viewers = hall->viewers,
		.publishers = hall->publishers,
		.viewer_leaves = on_viewer_leaves,
		.bring_speaker = on_bring_speaker,
		.user = hall };
	hall->report = (Report){ .options = options, .audience = &hall->audience };
	return g_steal_pointer(&hall);
}

void hall_free(Hall *hall)
{
	if (!hall)
		return;
	for (int i = 0; hall->viewers && i < hall->options->viewers; i++)
		viewer_free(hall->viewers[i]);
	for (unsigned i = 0; i < OPTIONS_PUBLISHERS_MAX; i++)
		publisher_free(hall->publishers[i]);
	http_free(hall->http); /* nobody is called back any more */
	janus_free(hall->janus);
	g_free(hall->viewers);
	g_free(hall->marks);
	film_free(hall->film);
	handshake_context_free(hall->dtls);
	ground_free(hall->ground);
	g_free(hall->trouble);
	g_free(hall);
}

static void enter(Hall *hall, Phase phase, int64_t now_us)
{
	static const char *const words[] = { "speakers join", "viewers join", "it settles",
		"a moment's silence", "measuring", "what is on its way arrives", "everybody leaves",
		"over" };
	hall->phase = phase;
	hall->phase_us = now_us;
	fprintf(stderr, "load: %s\n", words[phase]);
}

static void on_metrics_before(const HttpAnswer *answer, void *user)
{
	if (answer->status == 200)
		server_read_metrics(&((Hall *)user)->report.start, answer->body);
}

static void on_metrics_after(const HttpAnswer *answer, void *user)
{
	if (answer->status == 200)
		server_read_metrics(&((Hall *)user)->report.end, answer->body);
}

/* -- counts -- */

static unsigned count_in(const Hall *hall, ViewerState state)
{
	unsigned count = 0;
	for (int i = 0; i < hall->options->viewers; i++)
		count += viewer_state(hall->viewers[i]) == state;
	return count;
}

static void mark_start(Hall *hall, int64_t now_us)
{
	Report *report = &hall->report;
	report->joined = count_in(hall, VIEWER_WATCHING);
	report->failed = (unsigned)hall->options->viewers - report->joined;
	for (int i = 0; i < hall->options->viewers; i++) {
		Mark *mark = &hall->marks[i];
		mark->watched = viewer_state(hall->viewers[i]) == VIEWER_WATCHING;
		for (unsigned s = 0; s < VIEWER_SLOTS; s++)
			mark->slots[s] = *viewer_counts(hall->viewers[i], s);
	}
	for (int i = 0; i < hall->options->publishers; i++)
		hall->sent[i] = *publisher_counts(hall->publishers[i]);
	getrusage(RUSAGE_SELF, &hall->own);
	hall->packets = hall->audience.packets;
	hall->opened = hall->audience.opened;
	hall->not_opened = hall->audience.not_opened;
	if (hall->options->server_pid)
		server_read_process(&report->start, hall->options->server_pid);
	server_read_drops(&report->start);
	hall->measured_from_us = now_us;
	hall->audience.measuring = true;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void add_counts(StreamCounts *sum, const StreamCounts *now, const StreamCounts *then)
{
	sum->received += now->received - then->received;
	sum->bytes += now->bytes - then->bytes;
	sum->missing += now->missing - then->missing;
	sum->repaired += now->repaired - then->repaired;
	sum->late += now->late - then->late;
	sum->duplicates += now->duplicates - then->duplicates;
}

/* Those who came and went have counts that began anew. */
static void sum_speakers(Hall *hall)
{
	Report *report = &hall->report;
	PublisherCounts *sum = &report->sent;
	for (int i = 0; i < hall->options->publishers && !hall->unrest.churned_publishers; i++) {
		const PublisherCounts *now = publisher_counts(hall->publishers[i]);
		const PublisherCounts *then = &hall->sent[i];
		uint64_t mic = now->mic_packets - then->mic_packets;
		uint64_t camera = now->camera_packets - then->camera_packets;
		sum->mic_packets += mic;
		sum->camera_packets += camera;
		sum->repeated += now->repeated - then->repeated;
		sum->keyframes += now->keyframes - then->keyframes;
		sum->plis += now->plis;
		sum->worst_plis_per_s = MAX(sum->worst_plis_per_s, now->worst_plis_per_s);
		/* Three are heard, the loudest, which are the first; the first is on main. */
		report->expected_each += (i < 3 ? mic : 0) + (i == 0 ? camera : 0);
	}
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void sum_viewers(Hall *hall)
{
	Report *report = &hall->report;
	g_autofree double *ratios = g_new0(double, hall->options->viewers + 1);
	for (int i = 0; i < hall->options->viewers; i++) {
		StreamCounts counts = { 0 };
		const Mark *mark = &hall->marks[i];
		if (!mark->watched || viewer_lies(hall->viewers[i]) ||
			viewer_state(hall->viewers[i]) != VIEWER_WATCHING)
			continue;
		for (unsigned s = 0; s < VIEWER_SLOTS; s++)
			add_counts(&counts, viewer_counts(hall->viewers[i], s), &mark->slots[s]);
		add_counts(&report->counts, &counts, &(StreamCounts){ 0 });
		if (report->expected_each)
			ratios[report->steady] =
				(double)counts.received / (double)report->expected_each;
		report->steady++;
	}
	report->expected = report->expected_each * report->steady;
	report->received = report->counts.received;
	if (!report->steady)
		return;
	qsort(ratios, report->steady, sizeof *ratios, by_size);
	report->ratio_min = ratios[0];
	report->ratio_p1 = ratios[report->steady / 100];
	report->ratio_median = ratios[report->steady / 2];
}

static void mark_end(Hall *hall)
{
	Report *report = &hall->report;
	struct rusage own;
	hall->audience.measuring = false;
	sum_speakers(hall);
	sum_viewers(hall);
	getrusage(RUSAGE_SELF, &own);
	report->own_user_s = seconds_of(own.ru_utime) - seconds_of(hall->own.ru_utime);
	report->own_sys_s = seconds_of(own.ru_stime) - seconds_of(hall->own.ru_stime);
	report->delivered = hall->audience.packets - hall->packets;
	report->opened = hall->audience.opened - hall->opened;
	report->not_opened = hall->audience.not_opened - hall->not_opened;
	report->unrest = hall->unrest;
	server_read_drops(&report->end);
	if (hall->options->server_pid)
		server_read_process(&report->end, hall->options->server_pid);
}

/* -- phases -- */

static void pause_speakers(Hall *hall, bool paused)
{
	for (int i = 0; i < hall->options->publishers; i++)
		publisher_pause(hall->publishers[i], paused);
}

/* In order: the first to be answered has the main picture. */
static void bring_speakers(Hall *hall, int64_t now_us)
{
	const Options *options = hall->options;
	int connected = 0;
	while (connected < options->publishers && hall->publishers[connected] &&
		publisher_is_connected(hall->publishers[connected]))
		connected++;
	if (connected == options->publishers) {
		hall->join_from_us = now_us;
		enter(hall, PHASE_JOIN, now_us);
		return;
	}
	const char *trouble =
		hall->publishers[connected] ? publisher_trouble(hall->publishers[connected]) : NULL;
	if (trouble || now_us - hall->phase_us > SPEAKERS_US) {
		hall->trouble = g_strdup_printf("speaker %d cannot join: %s", connected + 1,
			trouble ? trouble : "no connection in time");
		enter(hall, PHASE_LEAVE, now_us);
		return;
	}
	if (hall->publishers[connected])
		return;
	bring_speaker(hall, (unsigned)connected);
}

static void bring_viewers(Hall *hall, int64_t now_us)
{
	const Options *options = hall->options;
	while (hall->asked < (unsigned)options->viewers) {
		int64_t due_us =
			hall->join_from_us + (int64_t)hall->asked * 1000000 / options->rate;
		if (due_us > now_us)
			return;
		viewer_join(hall->viewers[hall->asked++], due_us);
	}
	if (count_in(hall, VIEWER_ASKING) + count_in(hall, VIEWER_CONNECTING))
		return; /* each has a time limit of its own */
	hall->report.join_s = (double)(now_us - hall->join_from_us) / 1e6;
	if (options->viewers && !count_in(hall, VIEWER_WATCHING)) {
		hall->trouble = g_strdup("no viewer could join");
		enter(hall, PHASE_LEAVE, now_us);
		return;
	}
	enter(hall, PHASE_SETTLE, now_us);
}

static void send_away(Hall *hall, int64_t now_us)
{
	unsigned present = 0;
	for (int i = 0; i < hall->options->viewers; i++) {
		ViewerState state = viewer_state(hall->viewers[i]);
		if (state != VIEWER_AWAY && state != VIEWER_LEAVING)
			viewer_leave(hall->viewers[i]);
		present += viewer_state(hall->viewers[i]) != VIEWER_AWAY;
	}
	for (unsigned i = 0; i < OPTIONS_PUBLISHERS_MAX; i++)
		if (hall->publishers[i])
			publisher_leave(hall->publishers[i]);
	if (hall->janus)
		janus_leave(hall->janus);
	if ((!present && http_pending(hall->http) <= janus_polls(hall->janus)) ||
		now_us - hall->phase_us > LEAVE_US)
		enter(hall, PHASE_OVER, now_us);
}

static void phase_step(Hall *hall, int64_t now_us)
{
	const Options *options = hall->options;
	int64_t passed_us = now_us - hall->phase_us;
	switch (hall->phase) {
	case PHASE_SPEAKERS:
		bring_speakers(hall, now_us);
		break;
	case PHASE_JOIN:
		bring_viewers(hall, now_us);
		break;
	case PHASE_SETTLE:
		if (passed_us < (int64_t)options->settle * 1000000)
			break;
		pause_speakers(hall, true);
		if (options->metrics)
			http_get(hall->http, options->metrics, on_metrics_before, hall);
		enter(hall, PHASE_QUIET, now_us);
		break;
	case PHASE_QUIET:
		if (passed_us < QUIET_US)
			break;
		mark_start(hall, now_us);
		pause_speakers(hall, false);
		enter(hall, PHASE_MEASURE, now_us);
		break;
	case PHASE_MEASURE:
		unrest_tick(&hall->unrest, now_us - hall->measured_from_us, now_us);
		if (passed_us < (int64_t)options->seconds * 1000000)
			break;
		hall->report.seconds = (double)passed_us / 1e6;
		pause_speakers(hall, true);
		enter(hall, PHASE_DRAIN, now_us);
		break;
	case PHASE_DRAIN:
		if (passed_us < DRAIN_US || unrest_is_busy(&hall->unrest))
			break;
		mark_end(hall);
		if (options->metrics)
			http_get(hall->http, options->metrics, on_metrics_after, hall);
		enter(hall, PHASE_LEAVE, now_us);
		break;
	case PHASE_LEAVE:
		hall->audience.come_back = false;
		send_away(hall, now_us);
		break;
	case PHASE_OVER:
		break;
	}
}

static void step(Hall *hall, int64_t now_us)
{
	const Options *options = hall->options;
	unsigned turn = hall->steps % ROUND;
	uint64_t round = hall->steps / ROUND;
	for (int i = 0; i < options->publishers; i++)
		if (hall->publishers[i])
			publisher_tick(hall->publishers[i], now_us);
	for (unsigned i = turn; i < (unsigned)options->viewers; i += ROUND)
		viewer_tick(hall->viewers[i], now_us, (i / ROUND + round) % REPORTS == 0);
	http_tick(hall->http);
	phase_step(hall, now_us);
	hall->steps++;
}

static void note_lateness(Hall *hall, int64_t late_us)
{
	if (hall->phase < PHASE_LEAVE)
		hall->report.latest_us = MAX(hall->report.latest_us, late_us);
	if (hall->phase == PHASE_MEASURE)
		hall->report.latest_measured_us = MAX(hall->report.latest_measured_us, late_us);
}

bool hall_run(Hall *hall, const volatile sig_atomic_t *stop, GError **error)
{
	if (hall->options->server_pid &&
		!server_read_process(&hall->report.before_joining, hall->options->server_pid))
		fprintf(stderr, "load: there is no process %d\n", hall->options->server_pid);
	server_read_drops(&hall->report.before_joining);
	hall->step_us = clock_us();
	enter(hall, PHASE_SPEAKERS, hall->step_us);
	while (hall->phase != PHASE_OVER) {
		int64_t now_us = clock_us();
		if (*stop && hall->phase < PHASE_LEAVE) {
			hall->trouble = g_strdup("stopped");
			enter(hall, PHASE_LEAVE, now_us);
		}
		if (now_us >= hall->step_us) {
			note_lateness(hall, now_us - hall->step_us);
			step(hall, now_us);
			/* Steps that were missed are not made up for: ticks say how late it is. */
			hall->step_us = MAX(hall->step_us + STEP_US, now_us - STEP_US);
		}
		ground_wait(hall->ground, hall->step_us - clock_us());
	}
	if (!hall->trouble)
		return true;
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, hall->trouble);
	return false;
}

const Report *hall_report(const Hall *hall)
{
	return &hall->report;
}
