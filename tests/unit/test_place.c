/* Slides as stills: what was turned is shown first, and again where it was cut off. */
#include "picture.h"
#include "sfu/place.h"

#define MS 1000LL

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
static void show(Scene *scene)
{
	scene->picture++;
	for (unsigned at = 0; at < PICTURE; at++) {
		Packet *packet = picture_packet(
			scene->pool, scene->sequence++, scene->picture, at, true, scene->now_us);
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
	show(scene);
}

static void test_a_turned_slide_is_shown(void)
{
	Scene scene;
	scene_init(&scene);
	show(&scene);
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
	show(&scene);
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
	show(&scene);
	tick(&scene, 99);
	turn(&scene);
	g_assert_cmpuint(tick(&scene, 1), ==, 1);
	turn(&scene);
	g_assert_cmpuint(tick(&scene, 99), ==, PICTURE - 1);
	g_assert_cmpuint(tick(&scene, 99), ==, PICTURE);
	g_assert_cmpuint(tick(&scene, 99), ==, 0);
	scene_clear(&scene);
}

/* Its viewer asks for a keyframe, and gets the still once more; the next slide does not wait for
 * that, and is hurried as one that nobody has seen. */
static void test_a_repeat_gives_way(void)
{
	Scene scene;
	scene_init(&scene);
	show(&scene);
	tick(&scene, 99);
	turn(&scene);
	g_assert_cmpuint(tick(&scene, 99), ==, PICTURE);
	g_assert_cmpuint(tick(&scene, 99), ==, 0);
	slot_want_keyframe(&scene.place.slot, scene.now_us);
	g_assert_cmpuint(tick(&scene, 1), ==, 1);
	g_assert_false(place_is_turning(&scene.place));
	turn(&scene);
	g_assert_cmpuint(tick(&scene, 1), ==, 1);
	g_assert_true(place_is_turning(&scene.place));
	g_assert_cmpuint(tick(&scene, 99), ==, PICTURE - 1);
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
	g_test_add_func("/place/a-repeat-gives-way", test_a_repeat_gives_way);
	return g_test_run();
}
