#include "fake_viewer.h"

#define STEP_US 1000
#define OVERHEAD 68 /* IP, UDP, RTP, extensions, tag */
#define PACKET 1150 /* of a picture, and its overhead */
#define PADDING 300 /* a packet of it, with its overhead */
#define FEEDBACK_HEADER 12
#define LATE_US 200000

enum { AUDIO, PICTURE, PROBE };

FakeViewer *fake_viewer_new(const LaneShape *down, const LaneShape *up, GRand *random)
{
	FakeViewer *viewer = g_new0(FakeViewer, 1);
	viewer->random = random;
	uint32_t seed = g_rand_int(random);
	viewer->now_us = 1000 * SEC + g_rand_int_range(random, 0, 1000000);
	viewer->down = lane_new(seed);
	viewer->up = lane_new(seed + 1);
	lane_set_shape(viewer->down, down, viewer->now_us);
	lane_set_shape(viewer->up, up, viewer->now_us);
	viewer->estimate = estimate_new(viewer->now_us);
	ladder_init(&viewer->ladder, viewer->now_us);
	viewer->number = (uint16_t)g_rand_int(random);
	viewer->log = twcc_log_new();
	viewer->skew = 1 + (g_rand_double(random) - 0.5) * 2e-4;
	viewer->audio_us = viewer->frame_us = viewer->still_us = viewer->probe_us = viewer->now_us;
	viewer->tick_us = viewer->feedback_us = viewer->slide_us = viewer->slide_frame_us =
		viewer->now_us;
	viewer->key_us = viewer->now_us + 5 * SEC;
	return viewer;
}

void fake_viewer_free(FakeViewer *viewer)
{
	lane_free(viewer->down);
	lane_free(viewer->up);
	estimate_free(viewer->estimate);
	twcc_log_free(viewer->log);
	g_free(viewer);
}
static void send(FakeViewer *viewer, unsigned kind, unsigned bytes)
{
	const LanePacket packet = { .bytes = bytes,
		.tag = (uint64_t)viewer->now_us << 20 | viewer->number << 4 | kind };
	estimate_sent(viewer->estimate, viewer->number++, bytes, viewer->now_us);
	bool room = lane_put(viewer->down, &packet, viewer->now_us);
	viewer->window_bytes += bytes;
	if (kind == AUDIO) {
		viewer->audio_sent++;
		viewer->audio_full += !room;
	}
	viewer->queue_us = MAX(viewer->queue_us, lane_queue_us(viewer->down, viewer->now_us));
}

static void send_audio(FakeViewer *viewer)
{
	if (viewer->now_us < viewer->audio_us)
		return;
	bool joined = viewer->ladder.rung < 2;
	unsigned red = !joined && estimate_view(viewer->estimate)->loss > 0.02 ? 55 : 0;
	send(viewer, AUDIO, OVERHEAD + (joined ? 104 : 52) + red);
	viewer->audio_us += joined ? 40000 : 20000;
}

/* bit/s and pictures a second of the main picture on each rung. */
static void picture_of(unsigned rung, int64_t *bps, int64_t *fps)
{
	*bps = rung >= 6 ? 1300000 : rung == 5 ? 450000 : rung >= 3 ? 105000 : 0;
	*fps = rung >= 5 ? 25 : 15;
}

static void key(FakeViewer *viewer)
{
	int64_t bps, fps;
	picture_of(viewer->ladder.rung, &bps, &fps);
	viewer->pending += 5 * bps / fps / 8;
}

static void make_pictures(FakeViewer *viewer)
{
	int64_t bps, fps;
	picture_of(viewer->ladder.rung, &bps, &fps);
	if (viewer->now_us >= viewer->still_us) { /* a picture every 4 s, all within 60 kbit/s */
		if (viewer->ladder.rung == 1 || viewer->ladder.rung == 2)
			viewer->pending += 7000;
		viewer->still_us += 4 * SEC;
	}
	if (viewer->now_us >= viewer->frame_us) {
		viewer->pending += (int64_t)((double)(bps / fps / 8) *
					     (0.6 + 0.8 * g_rand_double(viewer->random)));
		viewer->frame_us += SEC / fps;
	}
	if (viewer->now_us >= viewer->key_us) {
		key(viewer);
		viewer->key_us += (int64_t)(SEC * (3 + 6 * g_rand_double(viewer->random)));
	}
	if (viewer->now_us >= viewer->slide_us) {
		if (viewer->ladder.rung >= 4)
			viewer->pending += 30000;
		viewer->slide_us += (int64_t)(SEC * (10 + 10 * g_rand_double(viewer->random)));
	}
	if (viewer->now_us >= viewer->slide_frame_us) {
		if (viewer->ladder.rung >= 4)
			viewer->pending += 1200;
		viewer->slide_frame_us += SEC / 5;
	}
}

/* Pictures go out at the rate, stills at 18 kbit/s; what waits 1 s is shed. */
static void pace(FakeViewer *viewer)
{
	int64_t rate_bps = estimate_view(viewer->estimate)->rate_bps;
	int64_t pace_bps = viewer->ladder.rung >= 3 ? rate_bps : 18000;
	if (viewer->pending > pace_bps / 8 * (viewer->ladder.rung >= 3 ? 1 : 10))
		viewer->pending = 0;
	unsigned most = viewer->ladder.rung >= 3 ? PACKET : 500;
	int64_t saved = viewer->ladder.rung >= 3 ? 2 * PACKET : most;
	viewer->budget = MIN(viewer->budget + pace_bps * STEP_US / 8000000, saved);
	while (viewer->pending && viewer->budget > 0) {
		unsigned bytes = (unsigned)MIN(viewer->pending, most);
		send(viewer, PICTURE, bytes + OVERHEAD);
		viewer->pending -= bytes;
		viewer->budget -= bytes + OVERHEAD;
	}
}

static void climb(FakeViewer *viewer)
{
	const EstimateView *view = estimate_view(viewer->estimate);
	const LadderInput input = { .rate_bps = view->rate_bps,
		.congested = view->congested,
		.silent = view->silent,
		.loss = view->loss,
		.cap = LADDER_RUNGS - 1,
		.available = LADDER_ALL };
	unsigned before = viewer->ladder.rung;
	if (!ladder_tick(&viewer->ladder, &input, viewer->now_us))
		return;
	viewer->changes++;
	if (viewer->ladder.rung < before)
		viewer->pending = 0; /* the higher layer stops at once */
	key(viewer);
	if (g_getenv("TEST_TRACE"))
		g_test_message("%.2f rung %u, rate %ld acked %ld loss %.3f queue %ld%s",
			(double)(viewer->now_us % (1000 * SEC)) / 1e6, viewer->ladder.rung,
			(long)view->rate_bps, (long)view->acked_bps, view->loss,
			(long)view->queue_us, view->congested ? " congested" : "");
}

static void probe(FakeViewer *viewer)
{
	if (viewer->now_us < viewer->probe_us)
		return;
	int64_t bytes =
		estimate_probe_bytes(viewer->estimate, viewer->ladder.want_bps, viewer->now_us);
	viewer->padding += bytes;
	for (; bytes > 0; bytes -= PADDING)
		send(viewer, PROBE, (unsigned)CLAMP(bytes, OVERHEAD, PADDING));
	viewer->probe_us += 10000;
}

static void receive(FakeViewer *viewer)
{
	if (viewer->busy && viewer->now_us >= viewer->busy_until_us &&
		g_rand_double(viewer->random) < 0.002) {
		viewer->busy_until_us =
			viewer->now_us + g_rand_int_range(viewer->random, 50000, 300000);
	}
	if (viewer->now_us < viewer->busy_until_us)
		return;
	LanePacket packet;
	while (lane_take(viewer->down, &packet, viewer->now_us)) {
		unsigned kind = packet.tag & 15;
		int64_t sent_us = (int64_t)(packet.tag >> 20);
		int64_t came_us = MAX(packet.due_us, viewer->busy_until_us);
		twcc_log_add(viewer->log, (uint16_t)(packet.tag >> 4),
			(int64_t)((double)came_us * viewer->skew));
		if (kind != AUDIO)
			continue;
		viewer->audio_late += packet.due_us - sent_us - lane_shape(viewer->down)->delay_us -
					      lane_shape(viewer->down)->jitter.us >
				      LATE_US;
	}
	if (viewer->now_us < viewer->feedback_us)
		return;
	viewer->feedback_us = viewer->now_us + g_rand_int_range(viewer->random, 50000, 120000);
	for (;;) {
		uint8_t bytes[1300];
		Writer out = writer_of(bytes, sizeof bytes);
		if (!twcc_log_write(viewer->log, &out, 1, 2))
			break;
		size_t len = (size_t)(out.at - bytes);
		LanePacket feedback = { .data = g_rc_box_dup(len, &bytes[0]),
			.tag = len,
			.bytes = (unsigned)len + 50 };
		lane_put(viewer->up, &feedback, viewer->now_us);
	}
}

static void hear(FakeViewer *viewer)
{
	LanePacket packet;
	static TwccFeedback feedback;
	while (lane_take(viewer->up, &packet, viewer->now_us)) {
		const uint8_t *bytes = packet.data;
		g_assert_true(twcc_read(
			&feedback, bytes + FEEDBACK_HEADER, (size_t)packet.tag - FEEDBACK_HEADER));
		g_rc_box_release(packet.data);
		estimate_feedback(viewer->estimate, &feedback, viewer->now_us);
		if (estimate_view(viewer->estimate)->congested)
			climb(viewer);
	}
}

void fake_viewer_run(FakeViewer *viewer, double seconds)
{
	int64_t end_us = viewer->now_us + (int64_t)(seconds * 1e6);
	viewer->queue_us = 0;
	viewer->window_bytes = 0;
	while (viewer->now_us < end_us) {
		viewer->now_us += STEP_US;
		viewer->rung_us[viewer->ladder.rung] += STEP_US;
		send_audio(viewer);
		make_pictures(viewer);
		pace(viewer);
		probe(viewer);
		receive(viewer);
		hear(viewer);
		if (viewer->now_us >= viewer->tick_us) {
			estimate_tick(viewer->estimate, viewer->now_us);
			climb(viewer);
			viewer->tick_us += 100000;
		}
	}
}

double fake_viewer_spoilt(const FakeViewer *viewer)
{
	return (double)(viewer->audio_full + viewer->audio_late) / (double)viewer->audio_sent;
}

void fake_viewer_report(const FakeViewer *viewer, const char *name)
{
	const EstimateView *view = estimate_view(viewer->estimate);
	g_test_message("%s: rung %u, rate %ld, %u changes, voice spoilt %.2f %%, loss %.1f %%, "
		       "%ld bytes of padding; s a rung %.0f %.0f %.0f %.0f %.0f %.0f %.0f",
		name, viewer->ladder.rung, (long)view->rate_bps, viewer->changes,
		100 * fake_viewer_spoilt(viewer), 100 * view->loss, (long)viewer->padding,
		(double)viewer->rung_us[0] / 1e6, (double)viewer->rung_us[1] / 1e6,
		(double)viewer->rung_us[2] / 1e6, (double)viewer->rung_us[3] / 1e6,
		(double)viewer->rung_us[4] / 1e6, (double)viewer->rung_us[5] / 1e6,
		(double)viewer->rung_us[6] / 1e6);
}

double fake_viewer_share(const FakeViewer *viewer, unsigned lowest, unsigned highest)
{
	int64_t us = 0, all_us = 0;
	for (unsigned i = 0; i < LADDER_RUNGS; i++) {
		all_us += viewer->rung_us[i];
		us += i >= lowest && i <= highest ? viewer->rung_us[i] : 0;
	}
	return (double)us / (double)all_us;
}
