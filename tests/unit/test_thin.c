/* A video that its line cannot take whole: pictures that no other builds on stay out, and what goes
 * out is whole. */
#include "seed.h"
#include "sender.h"

#define FRAME_US 66667
#define CYCLE 8
#define STEP_US 5000
#define KEPT 64        /* frames */
#define LATE_US 500000 /* then a viewer waits for a keyframe */
#define RUNS 20

/* VP8 in three temporal layers, as browsers send it. A picture builds on the last of its own layer
 * and of each below; one with the Y bit on the lowest alone. */
static const struct {
	uint8_t layer;
	bool sync;
} cycle[CYCLE] = { { 0, false }, { 2, true }, { 1, true }, { 2, false }, { 0, false }, { 2, false },
	{ 1, false }, { 2, false } };

typedef struct Frame {
	uint16_t picture; /* of the publisher */
	unsigned packets, out, layer;
	bool builds;    /* on what the viewer has */
	bool lost;      /* some of it, on the way to us */
	uint16_t shown; /* its number as the viewer sees it */
} Frame;

typedef struct Scene {
	PacketPool *pool;
	ParamsMedia media;
	Sender sender;
	Slot slot;
	GRand *random;
	uint16_t transport_cc;
	int64_t now_us, frame_us;
	unsigned frames;
	double loss;
	unsigned late, steps;      /* of the time: a picture waits too long */
	double tokens;             /* bytes the line takes now */
	bool have[3];              /* the viewer has the last picture of each layer */
	Frame all[KEPT];           /* by picture number */
	uint64_t highest;          /* packet out */
	unsigned gone[3], made[3]; /* whole pictures of each layer: out, and of the publisher */
	unsigned holes, holes_before, broken;
	int last_shown;
	uint16_t last_in; /* the same picture's number of the publisher */
} Scene;

static void scene_init(Scene *scene, GRand *random)
{
	*scene = (Scene){ .pool = packet_pool_new(),
		.media = viewer_media(),
		.random = random,
		.now_us = 1000000,
		.frame_us = 1000000,
		.last_shown = -1 };
	slot_init(&scene->slot, &scene->media);
	scene->slot.paced = true;
	sender_init(&scene->sender, random);
	slot_aim(&scene->slot, scene->sender.track);
}

static void scene_clear(Scene *scene)
{
	slot_clear(&scene->slot);
	track_free(scene->sender.track);
	packet_pool_free(scene->pool);
}

static Frame *frame_at(Scene *scene, uint16_t picture)
{
	return &scene->all[picture % KEPT];
}

static Packet *packet_of(Scene *scene, unsigned at, unsigned count)
{
	static const uint8_t head[] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00 };
	Sender *sender = &scene->sender;
	unsigned place = scene->frames % CYCLE;
	Packet *packet = packet_new(scene->pool);
	uint8_t *payload = packet->data + RTP_HEADER_LEN;
	const Vp8 vp8 = { .picture_id = sender->picture_id,
		.tl0picidx = sender->tl0,
		.tid = cycle[place].layer,
		.layer_sync = cycle[place].sync,
		.has_picture_id = true,
		.long_picture_id = true,
		.has_tl0picidx = true,
		.has_tid = true,
		.start_of_partition = !at };
	size_t len = vp8_write(payload, &vp8);
	memcpy(payload + len, head, sizeof head);
	payload[len] |= scene->frames || at; /* the first of all is a keyframe */
	len += 400;
	packet->len = (uint16_t)(RTP_HEADER_LEN + len);
	packet->arrived_us = scene->now_us;
	packet->rtp = (RtpHeader){ .timestamp = sender->timestamp,
		.ssrc = 1,
		.sequence = sender->sequence++,
		.payload_at = RTP_HEADER_LEN,
		.payload_len = (uint16_t)len,
		.payload_type = 120,
		.marker = at == count - 1 };
	return packet;
}

/* The publisher's next picture. */
static void make_frame(Scene *scene)
{
	Sender *sender = &scene->sender;
	unsigned place = scene->frames % CYCLE,
		 count = (unsigned)g_rand_int_range(scene->random, 1, 4);
	sender->timestamp += 6000;
	sender->picture_id = (sender->picture_id + 1) & 0x7fff;
	sender->tl0 += !cycle[place].layer;
	Frame *frame = frame_at(scene, sender->picture_id);
	*frame = (Frame){
		.picture = sender->picture_id, .packets = count, .layer = cycle[place].layer
	};
	for (unsigned i = 0; i < count; i++) {
		SlotPacket out;
		Packet *packet = packet_of(scene, i, count);
		if (scene->frames && g_rand_double(scene->random) < scene->loss)
			frame->lost = true;
		else if (track_receive(sender->track, packet, scene->now_us))
			g_assert_false(slot_forward(&scene->slot, sender->track, packet,
				&scene->transport_cc, scene->now_us, &out));
		packet_unref(packet);
	}
	scene->made[frame->layer] += !frame->lost;
	scene->frames++;
}

/* A packet reaches the viewer. */
static void take(Scene *scene, const SlotPacket *out)
{
	uint64_t source, in;
	const uint8_t *prefix = out->job.prefix;
	g_assert_true(rewrite_find(&scene->slot.rewrite, (uint16_t)out->job.index, &source, &in));
	const Packet *packet = history_find(scene->sender.track->history, in);
	Frame *frame = frame_at(scene, packet->vp8.picture_id);
	uint16_t shown = (uint16_t)((prefix[2] & 0x7f) << 8 | prefix[3]);
	g_assert_cmpuint(frame->picture, ==, packet->vp8.picture_id);
	unsigned holes = scene->holes;
	if (scene->highest) {
		g_assert_cmpuint(out->job.index, >, scene->highest);
		scene->holes += out->job.index != scene->highest + 1;
	}
	scene->highest = out->job.index;
	if (!frame->out++) {
		/* A picture that is not whole shows by a hole in it or behind it. */
		const Frame *before = frame_at(scene, scene->last_in);
		if (before != frame && before->out && before->out < before->packets)
			g_assert_cmpuint(scene->holes, >, scene->holes_before);
		scene->holes_before = holes;
		if (scene->last_shown >= 0 && scene->loss == 0)
			g_assert_cmpint(shown, ==, (scene->last_shown + 1) & 0x7fff);
		for (uint16_t at = (uint16_t)(scene->last_in + 1);
			at % KEPT != frame->picture % KEPT; at++)
			scene->have[frame_at(scene, at)->layer] = false; /* was left out */
		scene->last_in = frame->picture;
		scene->last_shown = frame->shown = shown;
		bool sync = packet->vp8.layer_sync;
		frame->builds = scene->have[0];
		for (unsigned layer = 1; layer <= frame->layer && !sync; layer++)
			frame->builds &= scene->have[layer];
		frame->builds |= packet->keyframe;
	}
	g_assert_cmpuint(frame->shown, ==, shown);
	if (frame->out < frame->packets)
		return;
	scene->gone[frame->layer]++;
	scene->broken += !frame->builds;
	scene->have[frame->layer] = frame->builds;
}

/* bps: of the line. */
static void run(Scene *scene, double seconds, double bps)
{
	int64_t end_us = scene->now_us + (int64_t)(seconds * 1e6);
	while (scene->now_us < end_us) {
		SlotPacket out;
		scene->now_us += STEP_US;
		if (scene->now_us >= scene->frame_us) {
			make_frame(scene);
			scene->frame_us += FRAME_US;
		}
		scene->tokens = MIN(scene->tokens + bps / 8 * STEP_US / 1e6, 600);
		while (scene->tokens > 0 &&
			slot_replay(&scene->slot, &scene->transport_cc, scene->now_us, &out)) {
			scene->tokens -= 430;
			take(scene, &out);
		}
		int64_t behind_us = slot_behind_us(&scene->slot, scene->now_us);
		scene->late += behind_us >= LATE_US;
		scene->steps++;
	}
}

static void count_anew(Scene *scene)
{
	memset(scene->gone, 0, sizeof scene->gone);
	memset(scene->made, 0, sizeof scene->made);
	scene->late = scene->steps = 0;
}

/* What all runs had of each layer on one line, and how often a picture waited too long. */
typedef struct Told {
	unsigned gone[3], made[3], late, steps;
} Told;

static void watch(Scene *scene, double seconds, double bps, Told *told)
{
	count_anew(scene);
	run(scene, seconds, bps);
	for (unsigned layer = 0; layer < 3; layer++) {
		told->gone[layer] += scene->gone[layer];
		told->made[layer] += scene->made[layer];
	}
	told->late += scene->late;
	told->steps += scene->steps;
}

static double share(const Told *told, unsigned layer)
{
	return (double)told->gone[layer] / told->made[layer];
}

static void tell(const Told *told, const char *line)
{
	g_test_message("%s: %.2f %.2f %.2f of the layers, late %.1f %% of the time", line,
		share(told, 0), share(told, 1), share(told, 2), 100.0 * told->late / told->steps);
	g_assert_cmpfloat(share(told, 0), >, 0.97);
	g_assert_cmpfloat((double)told->late / told->steps, <, 0.02);
}

/* Two packets a picture on the average, 15 pictures a second: 103 kbit/s; the lowest layer of it is
 * a quarter, the next one another. */
static void test_lower_layers_go_on(void)
{
	g_autoptr(GRand) random = seeded_random();
	Told whole = { 0 }, fewer = { 0 }, fewest = { 0 }, back = { 0 };
	for (unsigned i = 0; i < RUNS; i++) {
		Scene scene;
		scene_init(&scene, random);
		watch(&scene, 5, 300000, &whole);
		run(&scene, 3, 65000);
		watch(&scene, 20, 65000, &fewer);
		run(&scene, 3, 40000);
		watch(&scene, 20, 40000, &fewest);
		run(&scene, 30, 300000);
		watch(&scene, 10, 300000, &back);
		g_assert_cmpuint(scene.holes, ==, 0);
		g_assert_cmpuint(scene.broken, ==, 0);
		scene_clear(&scene);
	}
	tell(&whole, "300 kbit/s");
	tell(&fewer, "65 kbit/s");
	tell(&fewest, "40 kbit/s");
	tell(&back, "300 kbit/s");
	g_assert_cmpfloat(share(&whole, 2), >, 0.99);
	g_assert_cmpfloat(share(&fewer, 1), >, 0.6);
	g_assert_cmpfloat(share(&fewer, 2), <, 0.3);
	g_assert_cmpfloat(share(&fewest, 2), <, 0.05);
	g_assert_cmpfloat(share(&back, 1), >, 0.95);
	g_assert_cmpfloat(share(&back, 2), >, 0.85);
}

/* What was lost on the way to us leaves a hole, and nothing else does. */
static void test_holes_stay_holes(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned i = 0; i < RUNS; i++) {
		Scene scene;
		scene_init(&scene, random);
		scene.loss = 0.05;
		run(&scene, 10, 300000);
		run(&scene, 20, 50000);
		run(&scene, 10, 300000);
		g_assert_cmpuint(scene.holes, >, 0);
		scene_clear(&scene);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/thin/lower-layers-go-on", test_lower_layers_go_on);
	g_test_add_func("/thin/holes-stay-holes", test_holes_stay_holes);
	return g_test_run();
}
