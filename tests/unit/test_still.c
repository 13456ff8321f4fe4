/* What a thin line is shown: stills instead of what moves, and video that waits for its turn. */
#include "picture.h"
#include "sfu/slot.h"

typedef struct Scene {
	PacketPool *pool;
	ParamsMedia sends, takes;
	Track *track;
	Slot slot;
	uint16_t sequence, picture, transport_cc;
	int64_t now_us;
} Scene;

static void scene_init(Scene *scene)
{
	*scene = (Scene){ .pool = packet_pool_new(), .sequence = 65530, .now_us = 1000000 };
	scene->sends = (ParamsMedia){ .video = true, .source = SOURCE_CAMERA };
	scene->sends.payload_type[CODEC_VP8] = 120;
	scene->track = track_new("owner", &scene->sends);
	scene->track->ssrc = 1;
	scene->takes = (ParamsMedia){
		.video = true, .slot = SLOT_MAIN, .ssrc = 0x1111, .rtx_ssrc = 0x2222
	};
	scene->takes.payload_type[CODEC_VP8] = 96;
	scene->takes.rtx_payload_type[CODEC_VP8] = 97;
	scene->takes.extensions.id[RTP_EXT_TRANSPORT_CC] = 3;
	scene->takes.extensions.id[RTP_EXT_PLAYOUT_DELAY] = 6;
	slot_init(&scene->slot, &scene->takes);
}

static void scene_clear(Scene *scene)
{
	slot_clear(&scene->slot);
	g_assert_cmpuint(scene->track->takers, ==, 0);
	track_free(scene->track);
	packet_pool_free(scene->pool); /* aborts if a packet is not back */
}

/* One picture of the publisher's; how many of its packets went out at once. */
static unsigned picture(Scene *scene, bool key, int lost)
{
	unsigned out_count = 0;
	SlotPacket out;
	scene->picture++;
	scene->now_us += 33333;
	for (unsigned i = 0; i < PICTURE; i++) {
		Packet *packet = picture_packet(
			scene->pool, scene->sequence++, scene->picture, i, key, scene->now_us);
		if ((int)i != lost && track_receive(scene->track, packet, scene->now_us))
			out_count += slot_forward(&scene->slot, scene->track, packet,
				&scene->transport_cc, scene->now_us, &out);
		packet_unref(packet);
	}
	return out_count;
}

/* What the pacer lets go: at most `max` packets; their numbers must follow each other. */
static unsigned drain(Scene *scene, unsigned max, uint64_t *last)
{
	SlotPacket out;
	unsigned count = 0;
	while (count < max &&
		slot_replay(&scene->slot, &scene->transport_cc, scene->now_us, &out)) {
		if (*last)
			g_assert_cmpuint(out.job.index, ==, *last + 1);
		*last = out.job.index;
		count++;
	}
	return count;
}

static void test_shows_stills_alone(void)
{
	Scene scene;
	uint64_t last = 0;
	SlotPacket again;
	scene_init(&scene);
	slot_hold(&scene.slot, scene.track);
	g_assert_cmpuint(picture(&scene, true, -1), ==, 0);
	g_assert_cmpuint(picture(&scene, false, -1), ==, 0);
	Still *still = track_still(scene.track);
	g_assert_nonnull(still);
	g_assert_cmpuint(still->count, ==, PICTURE);
	g_assert_true(track_still(scene.track) == still); /* cut once for all */
	g_assert_cmpuint(scene.track->bytes - still->bytes_before - still->bytes, ==, still->bytes);

	slot_show(&scene.slot, still, scene.now_us);
	g_assert_true(slot_is_showing(&scene.slot));
	g_assert_cmpuint(drain(&scene, 1, &last), ==, 1);
	g_assert_cmpuint(picture(&scene, false, -1), ==, 0);
	g_assert_cmpuint(drain(&scene, 99, &last), ==, PICTURE - 1);
	g_assert_false(slot_is_showing(&scene.slot));
	g_assert_cmpuint(drain(&scene, 99, &last), ==, 0);

	/* Its packets are there to be sent again after the history has forgotten them. */
	for (unsigned i = 0; i < HISTORY_VIDEO; i++)
		picture(&scene, i == 9, -1);
	scene.slot.repeat_credit = SLOT_REPEATS_SHARE;
	g_assert_true(slot_repeat(
		&scene.slot, (uint16_t)last, &scene.transport_cc, scene.now_us, &again));
	/* The next one goes on where this one ended. */
	still = track_still(scene.track);
	g_assert_null(still); /* forgotten before it was cut */
	picture(&scene, true, -1);
	slot_show(&scene.slot, track_still(scene.track), scene.now_us);
	g_assert_cmpuint(drain(&scene, 99, &last), ==, PICTURE);
	scene_clear(&scene);
}

static void test_cuts_whole_keyframes_alone(void)
{
	Scene scene;
	scene_init(&scene);
	g_assert_null(track_still(scene.track));
	picture(&scene, false, -1);
	g_assert_null(track_still(scene.track));
	for (int lost = 0; lost < PICTURE; lost++) {
		picture(&scene, true, lost);
		g_assert_null(track_still(scene.track));
	}
	picture(&scene, true, -1);
	g_assert_nonnull(track_still(scene.track));
	scene_clear(&scene);
}

/* The viewer who did not get it asks for a keyframe: the still is sent anew, once, and nobody
 * upstream is bothered. */
static void test_shows_a_still_twice_at_most(void)
{
	Scene scene;
	uint64_t last = 0;
	scene_init(&scene);
	slot_hold(&scene.slot, scene.track);
	picture(&scene, true, -1);
	slot_show(&scene.slot, track_still(scene.track), scene.now_us);
	slot_want_keyframe(&scene.slot, scene.now_us); /* it is on its way */
	g_assert_cmpuint(drain(&scene, 99, &last), ==, PICTURE);
	for (unsigned i = 0; i < 3; i++) {
		slot_want_keyframe(&scene.slot, scene.now_us);
		g_assert_cmpuint(drain(&scene, 99, &last), ==, i ? 0 : PICTURE);
	}
	g_assert_cmpint(scene.track->keyframe_wanted_us, ==, 0);
	scene_clear(&scene);
}

/* Before it nothing was sent that would allow for it: what is lost of each still is sent again all
 * the same, but not as often as a browser asks while its packet is on the way. */
static void test_is_made_whole(void)
{
	Scene scene;
	uint64_t last = 0;
	SlotPacket out;
	scene_init(&scene);
	scene.slot.repeat_ms = 150;
	slot_hold(&scene.slot, scene.track);
	for (unsigned still = 0; still < 50; still++) {
		unsigned sent = 0;
		picture(&scene, true, -1);
		slot_show(&scene.slot, track_still(scene.track), scene.now_us);
		g_assert_cmpuint(drain(&scene, 99, &last), ==, PICTURE);
		for (unsigned n = 0; n < 10; n++, scene.now_us += 20000)
			for (unsigned at = 0; at < PICTURE / 2; at++)
				sent += slot_repeat(&scene.slot, (uint16_t)(last - at),
					&scene.transport_cc, scene.now_us, &out);
		g_assert_cmpuint(sent, ==, PICTURE); /* each at once, and after 160 ms */
	}
	/* Who asks for more than there is to it gets no more. */
	unsigned more = 0;
	for (unsigned n = 0; n < 100; n++) {
		scene.now_us += 200000;
		more += slot_repeat(
			&scene.slot, (uint16_t)last, &scene.transport_cc, scene.now_us, &out);
	}
	g_assert_cmpuint(more, <=, 1); /* its packets have earned one */
	scene_clear(&scene);
}

/* The last packet of a still is lost: what tells the viewer is that others come after it. They have
 * its clock, nothing in them, and nothing is asked for in their name. */
static void test_an_end_is_noticed(void)
{
	Scene scene;
	uint64_t last = 0;
	SlotPacket out;
	scene_init(&scene);
	slot_hold(&scene.slot, scene.track);
	picture(&scene, true, -1);
	slot_show(&scene.slot, track_still(scene.track), scene.now_us);
	g_assert_cmpuint(drain(&scene, PICTURE - 1, &last), ==, PICTURE - 1);
	scene.now_us += SLOT_TAIL_US;
	g_assert_false(slot_tail(&scene.slot, &scene.transport_cc, scene.now_us, &out));
	g_assert_cmpuint(drain(&scene, 99, &last), ==, 1);
	uint64_t end = last;
	for (unsigned i = 0; i < SLOT_TAILS; i++) {
		g_assert_false(slot_tail(&scene.slot, &scene.transport_cc, scene.now_us, &out));
		scene.now_us += SLOT_TAIL_US;
		uint16_t number = scene.transport_cc;
		g_assert_true(slot_tail(&scene.slot, &scene.transport_cc, scene.now_us, &out));
		g_assert_cmpuint(out.job.index, ==, ++last);
		g_assert_cmpuint(out.job.ssrc, ==, 0x1111);
		g_assert_cmpuint(out.job.payload_len + out.job.prefix_len, ==, 0);
		g_assert_cmpuint(out.header[1], ==, 96); /* no marker */
		g_assert_cmpint(out.transport_cc, ==, number);
	}
	scene.now_us += 10 * SLOT_TAIL_US;
	g_assert_false(slot_tail(&scene.slot, &scene.transport_cc, scene.now_us, &out));
	g_assert_true(
		slot_repeat(&scene.slot, (uint16_t)end, &scene.transport_cc, scene.now_us, &out));
	for (uint64_t tail = end + 1; tail <= last; tail++)
		g_assert_false(slot_repeat(
			&scene.slot, (uint16_t)tail, &scene.transport_cc, scene.now_us, &out));
	/* What comes next goes on behind them. */
	picture(&scene, true, -1);
	slot_show(&scene.slot, track_still(scene.track), scene.now_us);
	g_assert_cmpuint(drain(&scene, 99, &last), ==, PICTURE);
	g_assert_cmpuint(last, ==, end + SLOT_TAILS + PICTURE);
	scene_clear(&scene);
}

static void test_moves_again_with_a_keyframe(void)
{
	Scene scene;
	uint64_t last = 0;
	scene_init(&scene);
	slot_aim(&scene.slot, scene.track);
	g_assert_cmpuint(picture(&scene, true, -1), ==, PICTURE);
	slot_hold(&scene.slot, scene.track);
	g_assert_cmpuint(picture(&scene, false, -1), ==, 0);
	slot_show(&scene.slot, track_still(scene.track), scene.now_us);
	g_assert_cmpuint(drain(&scene, 2, &last), ==, 2);
	slot_aim(&scene.slot, scene.track);
	g_assert_cmpuint(drain(&scene, 99, &last), ==, 0);
	g_assert_cmpuint(picture(&scene, false, -1), ==, 0);
	g_assert_cmpuint(picture(&scene, true, -1), ==, PICTURE);
	slot_hold(&scene.slot, NULL);
	g_assert_cmpuint(picture(&scene, true, -1), ==, 0);
	scene_clear(&scene);
}

/* In the header of a packet: the most that a receiver may wait before it shows it, in 10 ms; -1: it
 * is not said. */
static int playout_of(const SlotPacket *packet)
{
	const uint8_t *at = packet->header + RTP_HEADER_LEN + 4;
	const uint8_t *end = packet->header + packet->job.header_len;
	for (; at < end && *at; at += 2 + (*at & 0x0f))
		if (*at >> 4 == 6) {
			g_assert_cmpuint(at[1] << 4 | at[2] >> 4, ==, 0); /* the least */
			return (at[2] & 0x0f) << 8 | at[3];
		}
	return -1;
}

/* Its first packet says so, sent once more too; what moves after it is shown as ever. */
static void test_is_shown_at_once(void)
{
	Scene scene;
	SlotPacket out, again;
	uint64_t last = 0;
	scene_init(&scene);
	slot_aim(&scene.slot, scene.track);
	scene.slot.paced = true;
	picture(&scene, true, -1);
	g_assert_true(slot_replay(&scene.slot, &scene.transport_cc, scene.now_us, &out));
	g_assert_cmpint(playout_of(&out), ==, -1); /* nobody has to be told yet */
	drain(&scene, 99, &last);

	slot_hold(&scene.slot, scene.track);
	picture(&scene, true, -1);
	slot_show(&scene.slot, track_still(scene.track), scene.now_us);
	g_assert_true(slot_replay(&scene.slot, &scene.transport_cc, scene.now_us, &out));
	g_assert_cmpint(playout_of(&out), ==, 0);
	scene.slot.repeat_credit = SLOT_REPEATS_SHARE;
	g_assert_true(slot_repeat(
		&scene.slot, (uint16_t)out.job.index, &scene.transport_cc, scene.now_us, &again));
	g_assert_cmpint(playout_of(&again), ==, 0);
	g_assert_true(slot_replay(&scene.slot, &scene.transport_cc, scene.now_us, &out));
	g_assert_cmpint(playout_of(&out), ==, -1);

	slot_aim(&scene.slot, scene.track);
	picture(&scene, true, -1);
	g_assert_true(slot_replay(&scene.slot, &scene.transport_cc, scene.now_us, &out));
	g_assert_cmpint(playout_of(&out), ==, 1000);
	scene_clear(&scene);
}

static void test_paced_video_waits_for_its_turn(void)
{
	Scene scene;
	uint64_t last = 0;
	scene_init(&scene);
	scene.slot.paced = true;
	slot_aim(&scene.slot, scene.track);
	g_assert_cmpuint(picture(&scene, true, -1), ==, 0);
	g_assert_cmpuint(picture(&scene, false, -1), ==, 0);
	g_assert_cmpuint(drain(&scene, 3, &last), ==, 3);
	g_assert_cmpint(slot_behind_us(&scene.slot, scene.now_us), ==, 33333);
	g_assert_cmpuint(picture(&scene, false, -1), ==, 0);
	g_assert_cmpuint(drain(&scene, 99, &last), ==, 3 * PICTURE - 3);
	g_assert_cmpint(slot_behind_us(&scene.slot, scene.now_us), ==, 0);
	/* From then on at once, without a hole. */
	scene.slot.paced = false;
	g_assert_cmpuint(picture(&scene, false, -1), ==, PICTURE);
	scene_clear(&scene);
}

static void test_padding_is_rtx_without_payload(void)
{
	Scene scene;
	SlotPacket out;
	RtpHeader header;
	scene_init(&scene);
	scene.transport_cc = 65535;
	g_assert_true(slot_pad(&scene.slot, &scene.transport_cc, scene.now_us, &out));
	g_assert_cmpint(out.transport_cc, ==, 65535);
	g_assert_cmpuint(scene.transport_cc, ==, 0);
	uint8_t whole[RTP_PACKET_MAX] = { 0 };
	memcpy(whole, out.header, out.job.header_len);
	size_t len = (size_t)out.job.header_len + out.job.padding;
	whole[len - 1] = out.job.padding;
	g_assert_true(rtp_read(&header, whole, len));
	g_assert_cmpuint(header.ssrc, ==, 0x2222);
	g_assert_cmpuint(header.payload_type, ==, 97);
	g_assert_cmpuint(header.payload_len, ==, 0);
	g_assert_cmpuint(header.padding_len, ==, SLOT_PAD);
	scene.takes.rtx_ssrc = 0;
	g_assert_false(slot_pad(&scene.slot, &scene.transport_cc, scene.now_us, &out));
	scene_clear(&scene);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/still/is-shown-and-nothing-moves", test_shows_stills_alone);
	g_test_add_func("/still/is-a-whole-keyframe", test_cuts_whole_keyframes_alone);
	g_test_add_func("/still/is-shown-twice-at-most", test_shows_a_still_twice_at_most);
	g_test_add_func("/still/is-made-whole", test_is_made_whole);
	g_test_add_func("/still/its-end-is-noticed", test_an_end_is_noticed);
	g_test_add_func("/still/moves-again-with-a-keyframe", test_moves_again_with_a_keyframe);
	g_test_add_func("/still/is-shown-at-once", test_is_shown_at_once);
	g_test_add_func(
		"/slot/paced-video-waits-for-its-turn", test_paced_video_waits_for_its_turn);
	g_test_add_func(
		"/slot/padding-is-rtx-without-payload", test_padding_is_rtx_without_payload);
	return g_test_run();
}
