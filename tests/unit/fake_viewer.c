#include "fake_viewer.h"

#define STEP_US 1000
#define OVERHEAD 68     /* IP, UDP, RTP, extensions, tag */
#define PACKET 1150     /* of a picture, and its overhead */
#define FACE_STILL 7000 /* bytes */
#define SLIDE_STILL 8000
#define PADDING 300 /* a packet of it, with its overhead */
#define FEEDBACK_HEADER 12
#define LATE_US 200000

#define MADE_US 300000  /* from a turn to its keyframe */
#define ROUND_US 100000 /* between two times that a packet is asked for, and twice the way */

enum { AUDIO, PICTURE, PROBE, SLIDE }; /* of a slide: and its piece */

static Track *track_of(TrackWeight weight, Source source)
{
	static const ParamsMedia media = { .video = true, .payload_type[CODEC_VP8] = 96 };
	Track *track = track_new("owner", &media);
	track->weight = weight;
	track->source = source;
	return track;
}

static void make_scene(RationScene *scene)
{
	Track *lowest = track_of(TRACK_SMALL, SOURCE_CAMERA);
	for (unsigned layer = 0; layer <= TRACK_LARGE; layer++)
		track_link(layer ? track_of((TrackWeight)layer, SOURCE_CAMERA) : lowest,
			(uint8_t)layer, layer ? lowest : NULL);
	scene->main = lowest;
	scene->slides = track_of(TRACK_LARGE, SOURCE_SCREEN);
}

static void free_scene(RationScene *scene)
{
	for (Track *track = (Track *)scene->main, *next; track; track = next) {
		next = track->higher;
		track_unlink(track);
		track_free(track);
	}
	track_free((Track *)scene->slides);
}

/* All its layers come. */
static void keep_alive(FakeViewer *viewer)
{
	for (Track *track = (Track *)viewer->scene.main; track; track = track->higher)
		track->last_payload_us = viewer->now_us;
}

static const EstimateView *view_of(const FakeViewer *viewer)
{
	return estimate_view(viewer->ration.estimate);
}

unsigned fake_viewer_rung(const FakeViewer *viewer)
{
	return viewer->ration.ladder.rung;
}

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
	ration_init(&viewer->ration, true, viewer->now_us);
	make_scene(&viewer->scene);
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
	ration_clear(&viewer->ration);
	free_scene(&viewer->scene);
	twcc_log_free(viewer->log);
	g_free(viewer);
}

static void put(FakeViewer *viewer, unsigned kind, unsigned bytes)
{
	const LanePacket packet = { .bytes = bytes,
		.tag = (uint64_t)viewer->now_us << 22 | (uint64_t)viewer->number << 6 | kind };
	ration_sent(&viewer->ration, viewer->number++, bytes - RATION_IP_BYTES, viewer->now_us);
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
	bool joined = ration_joins(&viewer->ration);
	unsigned packet = joined ? 122 : 60;
	put(viewer, AUDIO, OVERHEAD + packet * (1 + viewer->ration.redundancy));
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
	picture_of(fake_viewer_rung(viewer), &bps, &fps);
	viewer->pending += 5 * bps / fps / 8;
}

/* The next one is turned. */
static void note_slide(FakeViewer *viewer)
{
	const FakeSlide *slide = &viewer->slide;
	int64_t us = (slide->seen_us ? slide->seen_us : viewer->now_us) - slide->turned_us;
	if (!slide->pieces)
		return;
	viewer->slides++;
	viewer->slides_late += us > FAKE_VIEWER_SOON_US;
	viewer->slides_us += us;
}

static void make_pictures(FakeViewer *viewer)
{
	int64_t bps, fps;
	unsigned rung = fake_viewer_rung(viewer);
	picture_of(rung, &bps, &fps);
	bool stills = rung == 1 || rung == 2;
	if (viewer->now_us >= viewer->still_us) {
		viewer->pending += stills ? FACE_STILL : 0;
		viewer->still_us += RATION_STILL_US;
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
		viewer->pending += rung >= 4 ? 30000 : 0;
		note_slide(viewer);
		fake_slide_turn(&viewer->slide, SLIDE_STILL, viewer->now_us);
		viewer->slide_us += (int64_t)(SEC * (10 + 10 * g_rand_double(viewer->random)));
	}
	if (viewer->now_us >= viewer->slide_frame_us) {
		viewer->pending += rung >= 4 ? 1200 : 0;
		viewer->slide_frame_us += SEC / 5;
	}
}

static void send_slide(FakeViewer *viewer)
{
	FakeSlide *slide = &viewer->slide;
	unsigned rung = fake_viewer_rung(viewer), piece;
	if (!rung)
		fake_slide_cut(slide);
	if (rung != 1 && rung != 2)
		return;
	if (slide->pieces && !slide->seen_us)
		ration_hurry(&viewer->ration, viewer->now_us);
	while (fake_slide_is_showing(slide) && viewer->now_us >= slide->turned_us + MADE_US &&
		ration_may_send(&viewer->ration, viewer->now_us)) {
		piece = fake_slide_next(slide, viewer->now_us);
		unsigned bytes = fake_slide_piece(slide, piece) + OVERHEAD;
		ration_spend(&viewer->ration, bytes - RATION_IP_BYTES - SEAL_TAG_MAX);
		put(viewer, SLIDE + piece, bytes);
	}
	while (fake_slide_again(slide, &piece, viewer->now_us))
		put(viewer, SLIDE + piece, fake_slide_piece(slide, piece) + OVERHEAD);
}

/* What waits a second is shed, where pictures move. */
static void pace(FakeViewer *viewer)
{
	bool moves = fake_viewer_rung(viewer) >= 3;
	if (viewer->pending > (moves ? view_of(viewer)->rate_bps / 8 : FACE_STILL))
		viewer->pending = 0;
	send_slide(viewer);
	while (viewer->pending && ration_may_send(&viewer->ration, viewer->now_us)) {
		unsigned bytes = (unsigned)MIN(viewer->pending, moves ? PACKET : FAKE_SLIDE_PIECE);
		ration_spend(&viewer->ration, bytes + OVERHEAD - RATION_IP_BYTES - SEAL_TAG_MAX);
		put(viewer, PICTURE, bytes + OVERHEAD);
		viewer->pending -= bytes;
	}
}

static void climb(FakeViewer *viewer)
{
	const EstimateView *view = view_of(viewer);
	unsigned before = fake_viewer_rung(viewer);
	keep_alive(viewer);
	ration_tick(&viewer->ration, &viewer->scene, viewer->now_us);
	unsigned rung = fake_viewer_rung(viewer);
	if (rung == before)
		return;
	viewer->changes++;
	if (rung < before)
		viewer->pending = 0; /* the higher layer stops at once */
	key(viewer);
	if (g_getenv("TEST_TRACE"))
		g_test_message("%.2f rung %u, rate %ld acked %ld loss %.3f queue %ld%s",
			(double)(viewer->now_us % (1000 * SEC)) / 1e6, rung, (long)view->rate_bps,
			(long)view->acked_bps, view->loss, (long)view->queue_us,
			view->congested ? " congested" : "");
}

static void probe(FakeViewer *viewer)
{
	if (viewer->now_us < viewer->probe_us)
		return;
	int64_t bytes = ration_probe(&viewer->ration, viewer->now_us);
	viewer->padding += bytes;
	for (; bytes > 0; bytes -= PADDING)
		put(viewer, PROBE, (unsigned)CLAMP(bytes, OVERHEAD, PADDING));
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
		unsigned kind = packet.tag & 63;
		int64_t sent_us = (int64_t)(packet.tag >> 22);
		int64_t came_us = MAX(packet.due_us, viewer->busy_until_us);
		twcc_log_add(viewer->log, (uint16_t)(packet.tag >> 6),
			(int64_t)((double)came_us * viewer->skew));
		if (kind >= SLIDE)
			fake_slide_came(&viewer->slide, kind - SLIDE, viewer->now_us);
		if (kind != AUDIO)
			continue;
		viewer->audio_late += packet.due_us - sent_us - lane_shape(viewer->down)->delay_us -
					      lane_shape(viewer->down)->jitter.us >
				      LATE_US;
	}
	fake_slide_ask(&viewer->slide, ROUND_US, viewer->now_us);
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
		ration_feedback(&viewer->ration, &feedback, viewer->now_us);
	}
}

void fake_viewer_run(FakeViewer *viewer, double seconds)
{
	int64_t end_us = viewer->now_us + (int64_t)(seconds * 1e6);
	viewer->queue_us = 0;
	viewer->window_bytes = 0;
	while (viewer->now_us < end_us) {
		viewer->now_us += STEP_US;
		viewer->rung_us[fake_viewer_rung(viewer)] += STEP_US;
		send_audio(viewer);
		make_pictures(viewer);
		pace(viewer);
		probe(viewer);
		receive(viewer);
		hear(viewer);
		if (viewer->now_us >= viewer->tick_us) {
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
	const EstimateView *view = view_of(viewer);
	if (viewer->slides)
		g_test_message("%u slides, %u late, seen after %.1f s", viewer->slides,
			viewer->slides_late, (double)viewer->slides_us / 1e6 / viewer->slides);
	g_test_message("%s: rung %u, rate %ld, %u changes, voice spoilt %.2f %%, loss %.1f %%, "
		       "%ld bytes of padding; s a rung %.0f %.0f %.0f %.0f %.0f %.0f %.0f",
		name, fake_viewer_rung(viewer), (long)view->rate_bps, viewer->changes,
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
