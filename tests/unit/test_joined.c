/* A voice in joined packets: whatever comes of its source goes out once, in order, and early
 * enough. */
#include "seed.h"
#include "sfu/joined.h"
#include "voice.h"

typedef struct Stage {
	PacketPool *pool;
	Voice voice;
	Joined *joined;
	GArray *numbers; /* of the voice's packets that went out, in the order of ours */
	uint64_t last;   /* our number */
	uint32_t last_timestamp;
	unsigned sent, pairs, gaps, behind;
} Stage;

static void stage_init(Stage *stage, uint32_t number, uint32_t timestamp)
{
	*stage = (Stage){ .pool = packet_pool_new() };
	voice_init(&stage->voice, stage->pool, number, timestamp);
	stage->joined = joined_new(stage->voice.track, stage->pool);
	stage->numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	joined_track(stage->joined)->takers = 1;
}

static void stage_clear(Stage *stage)
{
	joined_free(stage->joined);
	track_free(stage->voice.track);
	packet_pool_free(stage->pool);
	g_array_unref(stage->numbers);
}

/* What must hold of any packet that goes out. Takes the reference. */
static void note(Stage *stage, Packet *made)
{
	uint32_t numbers[2];
	RtpHeader header;
	Track *track = joined_track(stage->joined);
	unsigned count =
		voice_numbers(made->data + made->rtp.payload_at, made->rtp.payload_len, numbers);
	g_assert_true(rtp_read(&header, made->data, made->len));
	g_assert_cmpuint(header.timestamp, ==, made->rtp.timestamp);
	g_assert_cmpuint(header.sequence, ==, (uint16_t)made->sequence);
	g_assert_cmpuint(header.payload_len, ==, made->rtp.payload_len);
	g_assert_true(history_find(track->history, made->sequence) == made);
	g_assert_true(made->keyframe && !made->video);
	if (count == 2) {
		g_assert_cmpuint(numbers[0] % 2, ==, 0);
		g_assert_cmpuint(numbers[1], ==, numbers[0] + 1);
	}
	if (stage->sent && made->sequence < stage->last) {
		stage->behind++;
		stage->gaps--;
		g_assert_cmpint((int32_t)(made->rtp.timestamp - stage->last_timestamp), <, 0);
	} else {
		if (stage->sent) {
			g_assert_cmpuint(made->sequence, >, stage->last);
			g_assert_cmpuint(made->sequence, <=, stage->last + 2);
			g_assert_cmpint(
				(int32_t)(made->rtp.timestamp - stage->last_timestamp), >, 0);
			stage->gaps += made->sequence == stage->last + 2;
		}
		stage->last = made->sequence;
		stage->last_timestamp = made->rtp.timestamp;
	}
	stage->sent++;
	stage->pairs += count == 2;
	g_array_append_vals(stage->numbers, numbers, count);
	packet_unref(made);
}

static void late(Stage *stage)
{
	Packet *made = joined_late(stage->joined, stage->voice.now_us);
	if (made)
		note(stage, made);
}

/* A packet arrives now. */
static void arrive(Stage *stage, Packet *packet)
{
	Packet *out[JOINED_OUT_MAX];
	packet->arrived_us = stage->voice.now_us;
	if (track_receive(stage->voice.track, packet, stage->voice.now_us)) {
		unsigned count = joined_packet(stage->joined, packet, stage->voice.now_us, out);
		g_assert_cmpuint(count, <=, JOINED_OUT_MAX);
		for (unsigned i = 0; i < count; i++)
			note(stage, out[i]);
	}
	packet_unref(packet);
}

static void assert_all_once(const Stage *stage, uint32_t from)
{
	for (unsigned i = 0; i < stage->numbers->len; i++)
		g_assert_cmpuint(g_array_index(stage->numbers, uint32_t, i), ==, from + i);
}

static void test_half_the_packets(void)
{
	/* Over the wrap of both, from an even and from an odd number on. */
	for (uint32_t from = 65480; from < 65482; from++) {
		Stage stage;
		stage_init(&stage, from, 0xffff0000);
		for (unsigned i = 0; i < 400; i++)
			arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40 + i % 30));
		g_assert_cmpuint(stage.pairs, ==, from % 2 ? 199 : 200);
		g_assert_cmpuint(stage.gaps, ==, 0);
		assert_all_once(&stage, from);
		stage_clear(&stage);
	}
}

static void test_says_what_both_say(void)
{
	Stage stage;
	stage_init(&stage, 100, 5000);
	Packet *first = voice_next(&stage.voice, VOICE_SILK_20, 30);
	Packet *second = voice_next(&stage.voice, VOICE_SILK_20, 30);
	Packet *out[JOINED_OUT_MAX];
	first->audio_level = 60, second->audio_level = 20; /* -dBov: the louder one is 20 */
	second->rtp.marker = second->voice = true;
	stage.voice.track->report_ntp = 77, stage.voice.track->report_rtp = 88;
	g_assert_true(track_receive(stage.voice.track, first, 1) &&
		      track_receive(stage.voice.track, second, 1));
	g_assert_cmpuint(joined_packet(stage.joined, first, 1, out), ==, 0);
	g_assert_cmpuint(joined_packet(stage.joined, second, 1, out), ==, 1);
	g_assert_cmpint(out[0]->audio_level, ==, 20);
	g_assert_true(out[0]->rtp.marker && out[0]->voice);
	g_assert_cmpuint(out[0]->rtp.timestamp, ==, 5000);
	g_assert_cmpint(out[0]->arrived_us, ==, second->arrived_us);
	const Track *track = joined_track(stage.joined);
	g_assert_true(track->id != stage.voice.track->id && track->id);
	g_assert_true(track->made_of == stage.voice.track->id);
	g_assert_cmpuint(track->report_ntp, ==, 77);
	g_assert_cmpuint(track->report_rtp, ==, 88);
	packet_unref(out[0]);
	packet_unref(first);
	packet_unref(second);
	stage_clear(&stage);
}

/* What cannot be joined goes alone, and nothing waits behind it. */
static void test_passes_alone(void)
{
	Stage stage;
	stage_init(&stage, 100, 5000);
	for (unsigned i = 0; i < 100; i++) {
		uint8_t toc = i % 4 == 1 ? VOICE_CELT_20 : VOICE_SILK_20;
		arrive(&stage, voice_next(&stage.voice, toc, 40));
	}
	g_assert_cmpuint(stage.pairs, ==, 25); /* 0 and 1 differ, 2 and 3 do not */
	g_assert_cmpuint(stage.sent, ==, 75);
	for (unsigned i = 0; i < 10; i++) {
		unsigned before = stage.sent;
		arrive(&stage, voice_next(&stage.voice, VOICE_SILK_40, 40));
		g_assert_cmpuint(stage.sent, ==, before + 1);
	}
	/* Two that would be more than a datagram. */
	for (unsigned i = 0; i < 10; i++)
		arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 600));
	g_assert_cmpuint(stage.pairs, ==, 25);
	g_assert_cmpuint(stage.gaps, ==, 0);
	g_assert_cmpuint(stage.numbers->len, ==, 120);
	assert_all_once(&stage, 100);
	stage_clear(&stage);
}

/* Its number or its time says that something lies between the two. */
static void test_not_beside_each_other(void)
{
	Stage stage;
	stage_init(&stage, 100, 5000);
	arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40));
	stage.voice.timestamp += 48000; /* a pause that takes no numbers */
	arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40));
	g_assert_cmpuint(stage.sent, ==, 2);
	arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40));
	stage.voice.number += 2; /* a clock that stood still */
	arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40));
	g_assert_cmpuint(stage.sent, ==, 4);
	g_assert_cmpuint(stage.pairs, ==, 0);
	stage_clear(&stage);
}

/* One number is left out for a gap, so one of those that come late after all has a place. */
static void test_what_comes_late(void)
{
	Stage stage;
	Packet *held[3];
	stage_init(&stage, 100, 5000);
	Track *track = joined_track(stage.joined);
	for (unsigned i = 0; i < 20; i++) {
		track->takers = i < 8 || i >= 16;
		Packet *packet = voice_next(&stage.voice, VOICE_SILK_20, 40);
		if (i == 3 || i == 4 || i == 12)
			held[i == 12 ? 2 : i - 3] = packet;
		else if (i == 6)
			packet_unref(packet); /* never comes */
		else
			arrive(&stage, packet);
		if (i == 5) {
			arrive(&stage, held[0]);
			arrive(&stage, held[1]);
			g_assert_cmpuint(stage.behind, ==, 1);
		}
	}
	/* Nobody wanted anything when this one was due. */
	arrive(&stage, held[2]);
	g_assert_cmpuint(stage.behind, ==, 1);
	g_assert_cmpuint(stage.numbers->len, ==, 20 - 1 - 1 - 8);
	stage_clear(&stage);
}

static void test_half_does_not_wait_for_ever(void)
{
	Stage stage;
	stage_init(&stage, 100, 5000);
	arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40));
	int64_t came_us = stage.voice.now_us;
	stage.voice.now_us = came_us + JOINED_WAIT_US - 40000;
	late(&stage);
	g_assert_cmpuint(stage.sent, ==, 0);
	stage.voice.now_us = came_us + JOINED_WAIT_US;
	late(&stage);
	g_assert_cmpuint(stage.sent, ==, 1);
	late(&stage);
	arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40));
	g_assert_cmpuint(stage.sent, ==, 2);
	g_assert_cmpuint(stage.gaps, ==, 0);
	stage_clear(&stage);
}

/* The other half is lost: the one goes when the next pair begins. */
static void test_gap(void)
{
	Stage stage;
	stage_init(&stage, 100, 5000);
	for (unsigned i = 0; i < 40; i++) {
		Packet *packet = voice_next(&stage.voice, VOICE_SILK_20, 40);
		if (i % 10 == 5 || i % 10 == 8)
			packet_unref(packet);
		else
			arrive(&stage, packet);
	}
	g_assert_cmpuint(stage.numbers->len, ==, 32);
	g_assert_cmpuint(stage.gaps, ==, 8);
	g_assert_cmpuint(stage.pairs, ==, 12);
	stage_clear(&stage);
}

/* A packet without sound is no packet that is missing. */
static void test_padding(void)
{
	Stage stage;
	stage_init(&stage, 100, 5000);
	for (unsigned i = 0; i < 10; i++) {
		Packet *packet = voice_next(&stage.voice, VOICE_SILK_20, 40);
		if (i == 4)
			packet->rtp.payload_len = 0;
		arrive(&stage, packet);
	}
	g_assert_cmpuint(stage.numbers->len, ==, 9);
	g_assert_cmpuint(stage.gaps, ==, 0);
	stage_clear(&stage);
}

static void test_begins_anew_with_its_source(void)
{
	Stage stage;
	stage_init(&stage, 100, 5000);
	for (unsigned i = 0; i < 11; i++)
		arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40));
	uint64_t id = joined_track(stage.joined)->id;
	unsigned sent = stage.sent;
	track_restart(stage.voice.track, 99);
	stage.voice.number = 7001;
	stage.voice.timestamp = 1000000;
	for (unsigned i = 0; i < 11; i++)
		arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40));
	g_assert_true(joined_track(stage.joined)->id != id);
	g_assert_true(joined_track(stage.joined)->made_of == stage.voice.track->id);
	g_assert_cmpuint(stage.sent, ==, sent + 6);
	g_assert_cmpuint(stage.gaps, ==, 0);
	/* The half that waited is of the old stream: it is dropped. */
	g_assert_cmpuint(stage.numbers->len, ==, 10 + 11);
	stage_clear(&stage);
}

/* Nothing is made while nobody wants it, and nothing of that time comes later. */
static void test_rests(void)
{
	Stage stage;
	stage_init(&stage, 100, 5000);
	Track *track = joined_track(stage.joined);
	for (unsigned i = 0; i < 99; i++) {
		track->takers = i < 21 || i >= 80;
		arrive(&stage, voice_next(&stage.voice, VOICE_SILK_20, 40));
	}
	g_assert_cmpuint(stage.sent, ==, 10 + 9);
	g_assert_cmpuint(stage.gaps, ==, 0);
	g_assert_cmpuint(g_array_index(stage.numbers, uint32_t, 20), ==, 180);
	stage_clear(&stage);
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return left < right ? -1 : left > right;
}

/* Loss, late packets, changing kinds: each packet goes out once at most, all that came in time do.
 */
static void test_any_line(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned run = 0; run < 200; run++) {
		Stage stage;
		Packet *held = NULL;
		unsigned lost = 0, delayed = 0;
		stage_init(&stage, g_rand_int(random) & 0xffff, g_rand_int(random));
		for (unsigned i = 0; i < 500; i++) {
			bool odd = g_rand_int_range(random, 0, 20) == 0;
			Packet *packet = voice_next(&stage.voice,
				odd && i % 3 ? VOICE_SILK_40
				: odd        ? VOICE_CELT_20
					     : VOICE_SILK_20,
				(unsigned)g_rand_int_range(random, 5, 200));
			late(&stage);
			int fate = g_rand_int_range(random, 0, 20);
			if (fate == 0) {
				packet_unref(packet);
				lost++;
			} else if (fate == 1 && !held) {
				held = packet;
				delayed++;
			} else {
				arrive(&stage, packet);
				if (held && fate < 10) {
					arrive(&stage, held);
					held = NULL;
				}
			}
		}
		packet_unref(held);
		g_array_sort(stage.numbers, by_number);
		for (unsigned i = 1; i < stage.numbers->len; i++)
			g_assert_cmpuint(g_array_index(stage.numbers, uint32_t, i), !=,
				g_array_index(stage.numbers, uint32_t, i - 1));
		/* Of the delayed, those in a gap that another one filled; one half waits yet. */
		g_assert_cmpuint(stage.numbers->len, >=, 500 - lost - delayed - 1);
		g_assert_cmpuint(stage.numbers->len, <=, 500 - lost);
		g_assert_cmpuint(stage.behind, >, 0);
		g_assert_cmpuint(stage.pairs, >, 100);
		stage_clear(&stage);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/joined/half-the-packets-and-all-of-the-voice", test_half_the_packets);
	g_test_add_func("/joined/says-what-both-say", test_says_what_both_say);
	g_test_add_func("/joined/what-does-not-fit-passes-alone", test_passes_alone);
	g_test_add_func("/joined/a-pair-lies-beside-each-other", test_not_beside_each_other);
	g_test_add_func("/joined/what-comes-late-has-one-place", test_what_comes_late);
	g_test_add_func("/joined/a-half-does-not-wait-for-ever", test_half_does_not_wait_for_ever);
	g_test_add_func("/joined/a-gap-goes-out-where-one-came-in", test_gap);
	g_test_add_func("/joined/padding-leaves-no-gap", test_padding);
	g_test_add_func("/joined/begins-anew-with-its-source", test_begins_anew_with_its_source);
	g_test_add_func("/joined/rests-while-nobody-takes-it", test_rests);
	g_test_add_func("/joined/loss-and-reordering-break-nothing", test_any_line);
	return g_test_run();
}
