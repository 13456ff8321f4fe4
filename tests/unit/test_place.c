/* Slides as stills: what was turned is shown first, and again where it was cut off. */
#include "sfu/place.h"
#include <string.h>

#define MS 1000LL
#define PICTURE 4 /* packets of each */

typedef struct Scene {
	PacketPool *pool;
	ParamsMedia sends, takes;
	Track *track;
	Place place;
	Ration ration;
	uint16_t sequence, picture, transport_cc;
	int64_t now_us;
} Scene;

static void scene_init(Scene *scene)
{
	*scene = (Scene){ .pool = packet_pool_new(), .now_us = 1000 * MS };
	scene->sends = (ParamsMedia){ .video = true, .source = SOURCE_SCREEN };
	scene->sends.payload_type[CODEC_VP8] = 120;
	scene->track = track_new("owner", &scene->sends);
	scene->track->ssrc = 1;
	scene->takes = (ParamsMedia){ .video = true, .slot = SLOT_SLIDES, .ssrc = 0x1111 };
	scene->takes.payload_type[CODEC_VP8] = 96;
	slot_init(&scene->place.slot, &scene->takes);
	ration_init(&scene->ration, true, scene->now_us);
	scene->ration.ladder.rung = 1;
	place_aim(&scene->place, scene->track, NULL, &scene->ration, scene->now_us);
}

static void scene_clear(Scene *scene)
{
	place_clear(&scene->place);
	ration_clear(&scene->ration);
	track_free(scene->track);
	packet_pool_free(scene->pool); /* aborts if a packet is not back */
}

/* A keyframe of the screen. */
static void picture(Scene *scene)
{
	static const uint8_t frame[] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00 };
	scene->picture++;
	for (unsigned at = 0; at < PICTURE; at++) {
		Packet *packet = packet_new(scene->pool);
		const Vp8 vp8 = { .picture_id = scene->picture,
			.has_picture_id = true,
			.long_picture_id = true,
			.start_of_partition = at == 0 };
		uint8_t *payload = packet->data + RTP_HEADER_LEN;
		size_t len = vp8_write(payload, &vp8);
		memcpy(payload + len, frame, sizeof frame);
		payload[len] |= at > 0;
		packet->len = (uint16_t)(RTP_HEADER_LEN + len + 500);
		packet->arrived_us = scene->now_us;
		packet->rtp = (RtpHeader){ .timestamp = scene->picture * 90000u,
			.ssrc = 1,
			.sequence = scene->sequence++,
			.payload_at = RTP_HEADER_LEN,
			.payload_len = (uint16_t)(len + 500),
			.payload_type = 120,
			.marker = at == PICTURE - 1 };
		g_assert_true(track_receive(scene->track, packet, scene->now_us));
		packet_unref(packet);
	}
}

/* A moment passes; so many packets of it go out. */
static unsigned tick(Scene *scene, unsigned max)
{
	SlotPacket out;
	unsigned sent = 0;
	scene->now_us += 100 * MS;
	place_steer(&scene->place, &scene->ration, scene->now_us);
	place_show(&scene->place, scene->now_us);
	while (sent < max &&
		slot_replay(&scene->place.slot, &scene->transport_cc, scene->now_us, &out))
		sent++;
	return sent;
}

static void turn(Scene *scene)
{
	scene->track->stir.stirred_us = scene->now_us;
	scene->now_us += MS;
	picture(scene);
}

static void test_a_turned_slide_is_shown(void)
{
	Scene scene;
	scene_init(&scene);
	picture(&scene);
	g_assert_cmpuint(tick(&scene, 99), ==, PICTURE);
	g_assert_cmpuint(tick(&scene, 99), ==, 0);
	turn(&scene);
	g_assert_cmpuint(tick(&scene, 1), ==, 1);
	g_assert_true(place_is_turning(&scene.place));
	g_assert_cmpuint(tick(&scene, 99), ==, PICTURE - 1);
	g_assert_false(place_is_turning(&scene.place));
	for (unsigned i = 0; i < 20; i++)
		g_assert_cmpuint(tick(&scene, 99), ==, 0);
	scene_clear(&scene);
}

/* The line falls to the voice alone in the middle of it: nobody has seen it, and when stills come
 * again it goes first, as one that was just turned. */
static void test_what_was_cut_off_is_turned_yet(void)
{
	Scene scene;
	scene_init(&scene);
	picture(&scene);
	tick(&scene, 99);
	turn(&scene);
	g_assert_cmpuint(tick(&scene, 1), ==, 1);
	scene.ration.ladder.rung = 0;
	g_assert_cmpuint(tick(&scene, 99), ==, 0);
	scene.ration.ladder.rung = 1;
	scene.now_us += 5000 * MS;
	g_assert_cmpuint(tick(&scene, 1), ==, 1);
	g_assert_true(place_is_turning(&scene.place));
	g_assert_cmpuint(tick(&scene, 99), ==, PICTURE - 1);
	g_assert_cmpuint(tick(&scene, 99), ==, 0);
	scene_clear(&scene);
}

/* Turned again while one is on its way: that one goes on to its end, and the next follows at once.
 */
static void test_turned_twice(void)
{
	Scene scene;
	scene_init(&scene);
	picture(&scene);
	tick(&scene, 99);
	turn(&scene);
	g_assert_cmpuint(tick(&scene, 1), ==, 1);
	turn(&scene);
	g_assert_cmpuint(tick(&scene, 99), ==, PICTURE - 1);
	g_assert_cmpuint(tick(&scene, 99), ==, PICTURE);
	g_assert_cmpuint(tick(&scene, 99), ==, 0);
	scene_clear(&scene);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/place/a-turned-slide-is-shown", test_a_turned_slide_is_shown);
	g_test_add_func(
		"/place/what-was-cut-off-is-turned-yet", test_what_was_cut_off_is_turned_yet);
	g_test_add_func("/place/turned-twice-both-are-shown", test_turned_twice);
	return g_test_run();
}
