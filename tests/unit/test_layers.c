/* A camera in several sizes: which of them is there, which one somebody gets, and that a change of
 * size is no break. */
#include "seed.h"
#include "sfu/pick.h"
#include "sfu/slot.h"
#include "sfu/tap_feed.h"
#include <string.h>

#define LAYERS PARAMS_LAYERS_MAX
#define PICTURE_US 40000
#define RATE 90000

/* One camera: every layer sends each of its pictures at one moment, in one packet. */
typedef struct Camera {
	PacketPool *pool;
	ParamsMedia media;
	Track *layers[LAYERS];   /* [0]: the lowest */
	uint32_t stamps[LAYERS]; /* where each one's timestamps begin */
	uint16_t sequences[LAYERS], picture_ids[LAYERS];
	int64_t now_us;
} Camera;

static void camera_init(Camera *camera, GRand *random)
{
	*camera = (Camera){ .pool = packet_pool_new(), .now_us = 10000000 };
	camera->media = (ParamsMedia){ .video = true, .source = SOURCE_CAMERA, .rid_count = 3 };
	camera->media.payload_type[CODEC_VP8] = 96;
	for (unsigned i = 0; i < LAYERS; i++) {
		camera->layers[i] = track_new("hall", &camera->media);
		camera->layers[i]->ssrc = i + 1;
		track_link(camera->layers[i], (uint8_t)i, i ? camera->layers[0] : NULL);
		camera->stamps[i] = g_rand_int(random);
		camera->sequences[i] = (uint16_t)g_rand_int(random);
		camera->picture_ids[i] = g_rand_int(random) & 0x7fff;
	}
}

static void camera_clear(Camera *camera)
{
	for (unsigned i = 0; i < LAYERS; i++)
		track_free(camera->layers[i]);
	packet_pool_free(camera->pool);
}

static uint32_t stamp_of(const Camera *camera, unsigned layer, int64_t at_us)
{
	return camera->stamps[layer] + (uint32_t)(at_us * RATE / 1000000);
}

/* What it showed at at_us comes now. */
static Packet *shoot(Camera *camera, unsigned layer, int64_t at_us, bool keyframe)
{
	Packet *packet = packet_new(camera->pool);
	uint8_t *payload = packet->data + RTP_HEADER_LEN;
	const Vp8 vp8 = { .picture_id = ++camera->picture_ids[layer] & 0x7fff,
		.has_picture_id = true,
		.long_picture_id = true,
		.start_of_partition = true };
	size_t len = vp8_write(payload, &vp8);
	const uint8_t key[] = { (uint8_t)(0x10 | !keyframe), 0, 0, 0x9d, 0x01, 0x2a, 0x40, 1, 0xb4,
		0 };
	memcpy(payload + len, key, sizeof key);
	packet->len = (uint16_t)(RTP_HEADER_LEN + len + sizeof key);
	packet->rtp = (RtpHeader){ .timestamp = stamp_of(camera, layer, at_us),
		.ssrc = layer + 1,
		.sequence = camera->sequences[layer]++,
		.payload_at = RTP_HEADER_LEN,
		.payload_len = (uint16_t)(len + sizeof key),
		.payload_type = 96,
		.marker = true };
	packet->arrived_us = camera->now_us;
	g_assert_true(track_receive(camera->layers[layer], packet, camera->now_us));
	g_assert_cmpint(packet->keyframe, ==, keyframe);
	return packet;
}

static void report(Camera *camera, unsigned layer, int64_t at_us)
{
	const RtcpSenderInfo info = { .ssrc = layer + 1,
		.ntp = (UINT64_C(3900000000) << 32) + (uint64_t)((double)at_us * 4294.967296),
		.rtp = stamp_of(camera, layer, at_us) };
	track_sender_report(camera->layers[layer], &info, camera->now_us);
}

/* -- which layer -- */

static void is_alive(Camera *camera, unsigned mask)
{
	for (unsigned i = 0; i < LAYERS; i++)
		camera->layers[i]->last_payload_us = mask & 1u << i
							     ? camera->now_us - TRACK_ALIVE_US + 1
							     : camera->now_us - TRACK_ALIVE_US;
}

static void test_pick(void)
{
	/* By what is alive (a bit each) and what is wanted; 9: none. */
	static const unsigned picks[8][LAYERS] = { { 9, 9, 9 }, { 0, 0, 0 }, { 1, 1, 1 },
		{ 0, 1, 1 }, { 2, 2, 2 }, { 0, 0, 2 }, { 1, 1, 2 }, { 0, 1, 2 } };
	g_autoptr(GRand) random = seeded_random();
	Camera camera;
	camera_init(&camera, random);
	for (unsigned mask = 0; mask < 8; mask++) {
		is_alive(&camera, mask);
		for (unsigned wanted = 0; wanted < LAYERS; wanted++) {
			unsigned pick = picks[mask][wanted];
			g_assert_true(pick_layer(camera.layers[0], wanted, camera.now_us) ==
				      (pick < LAYERS ? camera.layers[pick] : NULL));
		}
	}
	Track *alone = track_new("hall", &camera.media);
	g_assert_true(pick_layer(alone, 0, camera.now_us) == alone);
	track_free(alone);
	camera_clear(&camera);
}

static void test_padding_is_no_picture(void)
{
	g_autoptr(GRand) random = seeded_random();
	Camera camera;
	camera_init(&camera, random);
	packet_unref(shoot(&camera, 2, camera.now_us, true));
	camera.now_us += TRACK_ALIVE_US;
	g_assert_false(track_is_alive(camera.layers[2], camera.now_us));
	Packet *padding = packet_new(camera.pool);
	padding->rtp = (RtpHeader){ .sequence = camera.sequences[2]++, .payload_at = 12 };
	g_assert_true(track_receive(camera.layers[2], padding, camera.now_us));
	packet_unref(padding);
	g_assert_false(track_is_alive(camera.layers[2], camera.now_us));
	packet_unref(shoot(&camera, 2, camera.now_us, false));
	g_assert_true(track_is_alive(camera.layers[2], camera.now_us));
	camera_clear(&camera);
}

static void test_gone_is_not_asked(void)
{
	g_autoptr(GRand) random = seeded_random();
	Camera camera;
	camera_init(&camera, random);
	packet_unref(shoot(&camera, 2, camera.now_us, false));
	track_want_keyframe(camera.layers[2], camera.now_us);
	g_assert_true(track_keyframe_due(camera.layers[2], camera.now_us));
	camera.now_us += 5 * TRACK_KEYFRAME_SPACING_US;
	g_assert_false(track_keyframe_due(camera.layers[2], camera.now_us));
	packet_unref(shoot(&camera, 2, camera.now_us, false));
	g_assert_true(track_keyframe_due(camera.layers[2], camera.now_us));
	camera_clear(&camera);
}

/* Whatever the order in which layers come and go, those that are there are linked by their size. */
static void test_links(void)
{
	g_autoptr(GRand) random = seeded_random();
	ParamsMedia media = { .video = true };
	media.payload_type[CODEC_VP8] = 96;
	for (unsigned run = 0; run < 200; run++) {
		Track *tracks[LAYERS] = { NULL };
		for (unsigned step = 0; step < 20; step++) {
			unsigned layer = (unsigned)g_rand_int_range(random, 0, LAYERS);
			Track *other = NULL, *below = NULL;
			if (tracks[layer]) {
				track_unlink(tracks[layer]);
				track_free(g_steal_pointer(&tracks[layer]));
			} else {
				for (unsigned i = 0; i < LAYERS; i++)
					other = tracks[i] ? tracks[i] : other;
				tracks[layer] = track_new("hall", &media);
				tracks[layer]->picture = 7;
				track_link(tracks[layer], (uint8_t)layer, other);
			}
			for (unsigned i = 0; i < LAYERS; i++) {
				if (!tracks[i])
					continue;
				g_assert_true(tracks[i]->lower == below);
				g_assert_true(!below || below->higher == tracks[i]);
				below = tracks[i];
			}
			g_assert_true(!below || !below->higher);
		}
		for (unsigned i = 0; i < LAYERS; i++)
			track_free(tracks[i]);
	}
}

/* -- a viewer's slot -- */

typedef struct View {
	ParamsMedia media;
	Slot slot;
	uint16_t transport_cc;
	unsigned count, changes;
	unsigned layer; /* whose the last picture was */
	uint64_t index;
	uint16_t picture_id;
	uint32_t timestamp;
	int64_t shown_us; /* moment of the last picture */
} View;

static void view_init(View *view, Track *lowest, int64_t now_us)
{
	*view = (View){ .layer = LAYERS };
	view->media = (ParamsMedia){ .video = true, .slot = SLOT_MAIN, .ssrc = 0x1111 };
	view->media.payload_type[CODEC_VP8] = 100;
	slot_init(&view->slot, &view->media);
	view->slot.lowest = lowest;
	slot_pick(&view->slot, now_us);
}

/* True if it went out; its numbers must go on from those before. step_ticks: how far the timestamp
 * may be from the distance of the moments shown. */
static bool offer(View *view, const Camera *camera, unsigned layer, const Packet *packet,
	int64_t at_us, unsigned step_ticks)
{
	SlotPacket out;
	RtpHeader header;
	uint8_t whole[1500];
	if (!slot_forward(&view->slot, camera->layers[layer], packet, &view->transport_cc,
		    camera->now_us, &out))
		return false;
	memcpy(whole, out.header, out.job.header_len);
	memcpy(whole + out.job.header_len, out.job.prefix, out.job.prefix_len);
	g_assert_true(rtp_read(&header, whole, (size_t)out.job.header_len + out.job.prefix_len));
	uint16_t picture_id = (uint16_t)((out.job.prefix[2] & 0x7f) << 8 | out.job.prefix[3]);
	if (view->count) {
		int64_t due = (at_us - view->shown_us) * RATE / 1000000;
		int64_t step = (int32_t)(header.timestamp - view->timestamp);
		g_assert_cmpuint(out.job.index, ==, view->index + 1);
		g_assert_cmpuint(picture_id, ==, (view->picture_id + 1) & 0x7fff);
		g_assert_cmpint(step, >, 0);
		g_assert_cmpint(ABS(step - due), <=, step_ticks);
	}
	view->changes += view->count && view->layer != layer;
	view->count++;
	view->layer = layer;
	view->index = out.job.index;
	view->picture_id = picture_id;
	view->timestamp = header.timestamp;
	view->shown_us = at_us;
	return true;
}

/* Layers start and stop as a weak uplink makes them, each with a delay of its own; the viewer's
 * picture never stops for longer than it takes to notice, and its clock is the camera's. */
static void test_step(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned run = 0; run < 100; run++) {
		Camera camera;
		View view;
		unsigned mask = 7, asked = 0;
		int64_t sent_us;
		camera_init(&camera, random);
		view_init(&view, camera.layers[0], camera.now_us);
		sent_us = camera.now_us;
		for (unsigned i = 0; i < LAYERS; i++)
			report(&camera, i, camera.now_us - i * 33000);
		for (unsigned n = 0; n < 500; n++) {
			int64_t at_us = camera.now_us - g_rand_int_range(random, 0, 30000);
			if (n % 50 == 49)
				mask = 1 | (g_rand_int(random) & 6);
			for (unsigned i = LAYERS; i-- > 0;) {
				Track *layer = camera.layers[i];
				bool key = n % 100 == 0 || track_keyframe_due(layer, camera.now_us);
				asked += key && n % 100;
				if (!(mask & 1u << i))
					continue;
				Packet *packet = shoot(&camera, i, at_us, key);
				if (offer(&view, &camera, i, packet, at_us, 3))
					sent_us = camera.now_us;
				packet_unref(packet);
			}
			if (n % 3 == 2) { /* the viewer's tick */
				slot_pick(&view.slot, camera.now_us);
				slot_remind(&view.slot, camera.now_us);
			}
			/* What it takes to notice, a tick, the spacing of requests. */
			g_assert_cmpint(camera.now_us - sent_us, <=,
				TRACK_ALIVE_US + TRACK_KEYFRAME_SPACING_US + 6 * PICTURE_US);
			if (n % 50 == 48)
				g_assert_true(camera.layers[view.layer] ==
					      pick_layer(camera.layers[0], 2, camera.now_us));
			camera.now_us += PICTURE_US;
		}
		g_assert_cmpuint(view.changes, >, 0);
		g_assert_cmpuint(asked, <=, 60);
		slot_clear(&view.slot);
		for (unsigned i = 0; i < LAYERS; i++)
			g_assert_cmpuint(camera.layers[i]->takers, ==, 0);
		camera_clear(&camera);
	}
}

/* Never more than the viewer may have, and at once less when that falls: with the next keyframe. */
static void test_layer_max(void)
{
	g_autoptr(GRand) random = seeded_random();
	Camera camera;
	View view;
	camera_init(&camera, random);
	view_init(&view, camera.layers[0], camera.now_us);
	for (unsigned n = 0; n < 120; n++) {
		unsigned wanted = n < 40 ? 2 : n < 80 ? 0 : 1;
		view.slot.layer_max = wanted;
		slot_pick(&view.slot, camera.now_us);
		slot_remind(&view.slot, camera.now_us);
		for (unsigned i = 0; i < LAYERS; i++) {
			Packet *packet = shoot(&camera, i, camera.now_us, n % 10 == 5);
			offer(&view, &camera, i, packet, camera.now_us, RATE / 10);
			packet_unref(packet);
		}
		if (n % 40 > 5)
			g_assert_cmpuint(view.layer, ==, wanted);
		camera.now_us += PICTURE_US;
	}
	g_assert_cmpuint(view.changes, >=, 2);
	g_assert_cmpuint(view.changes, <=, 3);
	slot_clear(&view.slot);
	camera_clear(&camera);
}

/* Reports that cannot be: the picture goes on by the time that has passed. */
static void test_wrong_reports(void)
{
	static const int64_t wrong_us[] = { 2000000, -2000000, 1800000000, 100000, INT64_MIN };
	g_autoptr(GRand) random = seeded_random();
	for (unsigned run = 0; run < G_N_ELEMENTS(wrong_us); run++) {
		Camera camera;
		View view;
		camera_init(&camera, random);
		for (unsigned i = 0; i < LAYERS; i++)
			report(&camera, i, camera.now_us - i * 33000);
		if (wrong_us[run] == INT64_MIN)
			camera.layers[2]->report_ntp += UINT64_C(3601) << 32;
		else
			camera.layers[2]->report_rtp += (uint32_t)(wrong_us[run] * RATE / 1000000);
		uint32_t timestamp;
		g_assert_cmpint(track_translate(camera.layers[0], camera.layers[2], 0, &timestamp),
			==, wrong_us[run] != INT64_MIN);
		view_init(&view, camera.layers[0], camera.now_us);
		for (unsigned n = 0; n < 40; n++) {
			for (unsigned i = LAYERS; i-- > 0;) {
				if (i == 2 && n < 20)
					continue;
				Packet *packet = shoot(&camera, i, camera.now_us, n % 10 == 0);
				offer(&view, &camera, i, packet, camera.now_us, 3);
				packet_unref(packet);
			}
			slot_pick(&view.slot, camera.now_us);
			camera.now_us += PICTURE_US;
		}
		g_assert_cmpuint(view.layer, ==, 2);
		slot_clear(&view.slot);
		camera_clear(&camera);
	}
}

/* While nothing of the picture comes, what the viewer waits for stays; and nothing is kept of a
 * picture that ends. */
static void test_outage(void)
{
	g_autoptr(GRand) random = seeded_random();
	Camera camera;
	View view;
	camera_init(&camera, random);
	view_init(&view, camera.layers[0], camera.now_us);
	g_assert_true(view.slot.next == camera.layers[0]);
	packet_unref(shoot(&camera, 1, camera.now_us, false));
	slot_pick(&view.slot, camera.now_us);
	g_assert_true(view.slot.next == camera.layers[1]);
	slot_pick(&view.slot, camera.now_us + 10 * TRACK_ALIVE_US);
	g_assert_true(view.slot.next == camera.layers[1]);
	slot_release(&view.slot, camera.layers[0]);
	g_assert_null(view.slot.lowest);
	g_assert_true(view.slot.next == camera.layers[1]);
	slot_release(&view.slot, camera.layers[1]);
	g_assert_null(view.slot.next);
	camera_clear(&camera);
}

/* -- the tap -- */

typedef struct Tapped {
	TapFeed *feed;
	Stats stats;
	GString *story; /* "+0" a track is told, "-0" it is quiet, "x0" ended, "0" a packet of it */
} Tapped;

static unsigned layer_of(const Camera *camera, uint64_t id)
{
	for (unsigned i = 0; i < LAYERS; i++)
		if (camera->layers[i]->id == id)
			return i;
	g_assert_not_reached();
}

static void hear(Tapped *tapped, const Camera *camera)
{
	TapEntry entry;
	while (tap_feed_take(tapped->feed, &entry)) {
		uint64_t id = entry.packet ? entry.track : entry.record->track;
		unsigned layer = layer_of(camera, id);
		const char *what = entry.packet                      ? ""
				   : entry.record->type == TAP_TRACK ? "+"
				   : entry.record->type == TAP_QUIET ? "-"
								     : "x";
		g_string_append_printf(tapped->story, "%s%u ", what, layer);
		packet_unref(entry.packet);
		g_free(entry.record);
	}
}

static void give(Tapped *tapped, Camera *camera, unsigned layer, bool keyframe)
{
	Packet *packet = shoot(camera, layer, camera->now_us, keyframe);
	tap_feed_packet(tapped->feed, "stage", camera->layers[layer], packet);
	packet_unref(packet);
}

static void tells(Tapped *tapped, const Camera *camera, const char *wanted)
{
	hear(tapped, camera);
	g_assert_cmpstr(tapped->story->str, ==, wanted);
	g_string_truncate(tapped->story, 0);
}

static void test_tap(void)
{
	g_autoptr(GRand) random = seeded_random();
	Camera camera;
	Tapped tapped = { .story = g_string_new(NULL) };
	tapped.feed = tap_feed_new(&tapped.stats);
	camera_init(&camera, random);
	give(&tapped, &camera, 0, false);
	give(&tapped, &camera, 0, true);
	tells(&tapped, &camera, "+0 0 0 ");

	/* A better one waits for its keyframe, and asks for it. */
	give(&tapped, &camera, 2, false);
	give(&tapped, &camera, 0, false);
	tells(&tapped, &camera, "0 ");
	g_assert_true(track_keyframe_due(camera.layers[2], camera.now_us));
	g_assert_false(track_keyframe_due(camera.layers[0], camera.now_us));
	give(&tapped, &camera, 1, true); /* better as well, but not the best */
	give(&tapped, &camera, 2, true);
	give(&tapped, &camera, 0, true);
	give(&tapped, &camera, 2, false);
	tells(&tapped, &camera, "+2 2 -0 2 ");

	/* The best one stops: what is left goes on, once that is seen. */
	camera.now_us += TRACK_ALIVE_US - 1;
	give(&tapped, &camera, 1, true);
	tells(&tapped, &camera, "");
	camera.now_us++;
	give(&tapped, &camera, 1, false);
	g_assert_true(track_keyframe_due(camera.layers[1], camera.now_us));
	give(&tapped, &camera, 1, true);
	give(&tapped, &camera, 0, true);
	tells(&tapped, &camera, "+1 1 -2 ");

	/* Its keyframe had to be sent again: what came before it belongs to it. */
	uint16_t lost = camera.sequences[2]++;
	give(&tapped, &camera, 2, false);
	give(&tapped, &camera, 2, false);
	uint16_t next = camera.sequences[2];
	camera.sequences[2] = lost;
	give(&tapped, &camera, 2, true);
	camera.sequences[2] = next;
	tells(&tapped, &camera, "+2 2 2 2 -1 ");

	tap_feed_quiet(tapped.feed, camera.layers[0], camera.now_us);
	give(&tapped, &camera, 2, false);
	tells(&tapped, &camera, "-2 +2 2 ");
	tap_feed_ended(tapped.feed, camera.layers[0], camera.now_us);
	tells(&tapped, &camera, "x0 x1 x2 ");
	tap_feed_free(tapped.feed);
	g_string_free(tapped.story, TRUE);
	camera_clear(&camera);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/layers/the-best-that-is-alive-and-wanted-is-picked", test_pick);
	g_test_add_func("/layers/padding-alone-is-no-picture", test_padding_is_no_picture);
	g_test_add_func(
		"/layers/one-that-is-gone-is-not-asked-for-keyframes", test_gone_is_not_asked);
	g_test_add_func("/layers/are-linked-by-size-in-whatever-order-they-come", test_links);
	g_test_add_func("/layers/a-change-of-size-keeps-the-cameras-clock", test_step);
	g_test_add_func("/layers/a-viewer-gets-no-more-than-he-may", test_layer_max);
	g_test_add_func("/layers/reports-that-cannot-be-change-nothing", test_wrong_reports);
	g_test_add_func("/layers/an-outage-leaves-what-is-waited-for", test_outage);
	g_test_add_func("/layers/the-tap-gets-one-of-them-the-best", test_tap);
	return g_test_run();
}
