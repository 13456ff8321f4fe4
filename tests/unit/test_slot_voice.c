/* A voice in a slot: with its past where the line loses, and joined where every packet counts. */
#include "seed.h"
#include "sfu/joined.h"
#include "sfu/slot.h"
#include "voice.h"

#define OPUS 111
#define RED 63

typedef struct Hall {
	PacketPool *pool;
	Voice voice;
	ParamsMedia media;
	Slot slot;
	uint16_t transport_cc;
	SlotPacket out;
	RtpHeader header; /* of out, once it is read */
	uint8_t whole[RTP_PACKET_MAX];
} Hall;

static void hall_init(Hall *hall, bool red)
{
	*hall = (Hall){ .pool = packet_pool_new() };
	hall->media = (ParamsMedia){ .slot = SLOT_A0, .ssrc = 0x1111 };
	hall->media.payload_type[CODEC_OPUS] = OPUS;
	hall->media.red_payload_type = red ? RED : 0;
	hall->media.extensions.id[RTP_EXT_TRANSPORT_CC] = 3;
	hall->media.extensions.id[RTP_EXT_AUDIO_LEVEL] = 1;
	voice_init(&hall->voice, hall->pool, 1000, 0xfffff000);
	slot_init(&hall->slot, &hall->media);
	slot_aim(&hall->slot, hall->voice.track);
}

static void hall_clear(Hall *hall)
{
	slot_clear(&hall->slot);
	track_free(hall->voice.track);
	packet_pool_free(hall->pool);
}

/* What the viewer gets of this packet of a track; false: nothing. */
static bool forward(Hall *hall, Track *track, const Packet *packet)
{
	uint16_t number = hall->transport_cc;
	RtpExtensions extensions;
	if (!slot_forward(&hall->slot, track, packet, &hall->transport_cc, hall->voice.now_us,
		    &hall->out))
		return false;
	const SealJob *job = &hall->out.job;
	size_t len = (size_t)job->header_len + job->prefix_len + job->payload_len;
	memcpy(hall->whole, hall->out.header, job->header_len);
	memcpy(hall->whole + job->header_len, job->prefix, job->prefix_len);
	memcpy(hall->whole + job->header_len + job->prefix_len, job->payload, job->payload_len);
	g_assert_true(rtp_read(&hall->header, hall->whole, len));
	rtp_read_extensions(&extensions, &hall->header, hall->whole, &hall->media.extensions);
	g_assert_cmpint(extensions.transport_cc, ==, number);
	g_assert_cmpint(extensions.audio_level, ==, packet->audio_level);
	g_assert_cmpuint(hall->header.sequence, ==, (uint16_t)job->index);
	g_assert_cmpuint(hall->header.ssrc, ==, 0x1111);
	return true;
}

static bool say(Hall *hall, Packet *packet)
{
	bool goes = track_receive(hall->voice.track, packet, hall->voice.now_us) &&
		    forward(hall, hall->voice.track, packet);
	packet_unref(packet);
	return goes;
}

static bool say_next(Hall *hall, unsigned len)
{
	return say(hall, voice_next(&hall->voice, VOICE_SILK_20, len));
}

/* How many packets before it the last one carries; each is one more back, and whole. */
static unsigned carried(const Hall *hall)
{
	const uint8_t *at = hall->whole + hall->header.payload_at;
	unsigned left = hall->header.payload_len, count = 0, lens[3];
	uint32_t number = 0, numbers[2], offset = 0;
	if (hall->header.payload_type == OPUS)
		return 0;
	g_assert_cmpuint(hall->header.payload_type, ==, RED);
	for (; at[0] & 0x80; at += 4, left -= 4) {
		g_assert_cmpuint(count, <, 2);
		g_assert_cmpuint(at[0] & 0x7f, ==, OPUS);
		offset = (uint32_t)at[1] << 6 | at[2] >> 2;
		lens[count++] = (at[2] & 3u) << 8 | at[3];
	}
	g_assert_cmpuint(at[0], ==, OPUS);
	g_assert_cmpuint(offset, ==, VOICE_TICKS); /* of the nearest */
	at++, left--;
	for (unsigned i = 0; i <= count; i++) {
		unsigned len = i < count ? lens[i] : left;
		g_assert_cmpuint(len, <=, left);
		g_assert_cmpuint(voice_numbers(at, len, numbers), ==, 1);
		g_assert_true(!i || numbers[0] == number + 1);
		number = numbers[0];
		at += len, left -= len;
	}
	g_assert_cmpuint(number, ==, hall->voice.number - 1);
	return count;
}

static void test_red_by_distance(void)
{
	Hall hall;
	hall_init(&hall, true);
	uint32_t bytes = 0;
	for (unsigned i = 0; i < 60; i++) {
		hall.slot.redundancy = i < 20 ? 0 : i < 40 ? 1 : 2;
		g_assert_true(say_next(&hall, 40 + i));
		g_assert_cmpuint(carried(&hall), ==, hall.slot.redundancy);
		bytes += hall.header.payload_len;
	}
	/* The first has no past. */
	RtcpSenderInfo info;
	g_assert_true(slot_report(&hall.slot, 1, hall.voice.now_us, &info));
	g_assert_cmpuint(info.packets, ==, 60);
	g_assert_cmpuint(info.bytes, ==, bytes);
	g_assert_cmpuint(bytes, >, 20 * 40 + 20 * 2 * 60 + 20 * 3 * 80);
	hall_clear(&hall);
}

static void test_red_only_where_agreed(void)
{
	Hall hall;
	hall_init(&hall, false);
	hall.slot.redundancy = 2;
	for (unsigned i = 0; i < 10; i++) {
		g_assert_true(say_next(&hall, 60));
		g_assert_cmpuint(hall.header.payload_type, ==, OPUS);
	}
	hall_clear(&hall);
}

/* What never came to us is not there to be repeated; what came late is repeated all the same. */
static void test_red_of_what_came(void)
{
	Hall hall;
	hall_init(&hall, true);
	hall.slot.redundancy = 1;
	say_next(&hall, 60);
	g_assert_cmpuint(carried(&hall), ==, 0);
	Packet *late = voice_next(&hall.voice, VOICE_SILK_20, 60);
	say_next(&hall, 60);
	g_assert_cmpuint(carried(&hall), ==, 0);
	say_next(&hall, 60);
	g_assert_cmpuint(carried(&hall), ==, 1);
	g_assert_true(say(&hall, late));
	g_assert_cmpuint(hall.header.payload_type, ==, RED);
	say_next(&hall, 60);
	g_assert_cmpuint(carried(&hall), ==, 1);

	/* Music, and what would not fit in the room. */
	hall.slot.redundancy = 2;
	say_next(&hall, 300), say_next(&hall, 300), say_next(&hall, 300);
	g_assert_cmpuint(carried(&hall), ==, 0);
	say_next(&hall, 100);
	g_assert_cmpuint(carried(&hall), ==, 1);
	/* More than there is, whoever asks for it. */
	hall.slot.redundancy = 9;
	say_next(&hall, 60), say_next(&hall, 60), say_next(&hall, 60);
	g_assert_cmpuint(carried(&hall), ==, 2);
	hall_clear(&hall);
}

/* A viewer does not get in RED what the one before was still heard over. */
static void test_red_begins_with_the_source(void)
{
	Hall hall;
	Voice other;
	hall_init(&hall, true);
	hall.slot.redundancy = 2;
	voice_init(&other, hall.pool, 50, 1);
	for (unsigned i = 0; i < 20; i++) {
		Packet *packet = voice_next(&other, VOICE_SILK_20, 60);
		track_receive(other.track, packet, hall.voice.now_us);
		if (i == 10)
			slot_aim(&hall.slot, other.track);
		bool goes = forward(&hall, other.track, packet);
		g_assert_true(goes == (i >= 10));
		if (i == 10 || i == 11)
			g_assert_cmpuint(hall.header.payload_type, ==, i == 10 ? OPUS : RED);
		if (i == 11) /* one, of two wanted */
			g_assert_cmpuint(hall.header.payload_len, ==, 5 + 2 * 60);
		packet_unref(packet);
	}
	slot_clear(&hall.slot);
	track_free(other.track);
	hall_clear(&hall);
}

typedef struct Heard {
	uint64_t index;
	uint32_t timestamp, numbers[2];
	unsigned count;
} Heard;

static void hear(Hall *hall, GArray *heard)
{
	Heard one = { .index = hall->out.job.index, .timestamp = hall->header.timestamp };
	one.count = voice_numbers(
		hall->whole + hall->header.payload_at, hall->header.payload_len, one.numbers);
	g_array_append_val(heard, one);
}

/* A packet arrives: what comes of it joined, then itself. */
static void arrive(Hall *hall, Joined *joined, Packet *packet, GArray *heard)
{
	Packet *made[JOINED_OUT_MAX];
	packet->arrived_us = hall->voice.now_us;
	g_assert_true(track_receive(hall->voice.track, packet, hall->voice.now_us));
	unsigned count = joined_packet(joined, packet, hall->voice.now_us, made);
	for (unsigned i = 0; i < count; i++) {
		if (forward(hall, joined_track(joined), made[i]))
			hear(hall, heard);
		packet_unref(made[i]);
	}
	if (forward(hall, hall->voice.track, packet))
		hear(hall, heard);
	packet_unref(packet);
}

static int by_index(const void *a, const void *b)
{
	const Heard *left = a, *right = b;
	return left->index < right->index ? -1 : left->index > right->index;
}

/* What a receiver makes of it, who puts packets in the order of their numbers: the voice goes
 * forward, on one clock. How many of the publisher's packets he has. */
static unsigned judge(GArray *heard)
{
	unsigned count = 0;
	uint32_t last = 0, offset = 0;
	g_array_sort(heard, by_index);
	for (unsigned i = 0; i < heard->len; i++) {
		const Heard *now = &g_array_index(heard, Heard, i);
		uint32_t here = now->timestamp - now->numbers[0] * VOICE_TICKS;
		if (i) {
			g_assert_cmpuint(now->index, >, (now - 1)->index);
			g_assert_cmpuint(now->numbers[0], >, last);
			g_assert_cmpuint(here, ==, offset);
		}
		offset = here;
		last = now->numbers[now->count - 1];
		count += now->count;
	}
	return count;
}

static unsigned joined_of(const GArray *heard)
{
	unsigned joined = 0;
	for (unsigned i = 0; i < heard->len; i++)
		joined += g_array_index(heard, Heard, i).count == 2;
	return joined;
}

/* To joined packets and back, whenever. lossy: some packets are lost, some come after the next one.
 */
static void change_over(GRand *random, bool lossy)
{
	unsigned joined_all = 0, all = 0;
	for (unsigned run = 0; run < 100; run++) {
		Hall hall;
		hall_init(&hall, false);
		hall.voice.number += run % 2;
		g_autoptr(Joined) joined = joined_new(hall.voice.track, hall.pool);
		g_autoptr(GArray) heard = g_array_new(FALSE, FALSE, sizeof(Heard));
		Track *track = joined_track(joined);
		Packet *late = NULL;
		unsigned arrived = 0, were_late = 0;
		for (unsigned i = 0; i < 600; i++) {
			if (g_rand_int_range(random, 0, 30) == 0)
				slot_aim(&hall.slot,
					g_rand_boolean(random) ? track : hall.voice.track);
			Packet *packet = voice_next(&hall.voice, VOICE_SILK_20, 50 + i % 7);
			int fate = lossy && i ? g_rand_int_range(random, 0, 20) : 19;
			if (fate == 0) {
				packet_unref(packet);
				continue;
			}
			arrived++;
			if (fate == 1 && !late) {
				late = packet;
				were_late++;
				continue;
			}
			arrive(&hall, joined, packet, heard);
			if (late)
				arrive(&hall, joined, late, heard);
			late = NULL;
		}
		packet_unref(late);
		unsigned had = judge(heard);
		/* The last half waits yet. */
		g_assert_cmpuint(had, <=, arrived);
		g_assert_cmpuint(had, >=, arrived - were_late - 1);
		joined_all += joined_of(heard);
		all += heard->len;
		slot_clear(&hall.slot);
		g_assert_cmpuint(track->takers + hall.voice.track->takers, ==, 0);
		g_clear_pointer(&joined, joined_free);
		hall_clear(&hall);
	}
	g_assert_cmpuint(joined_all, >, 5000);
	g_assert_cmpuint(all - joined_all, >, 10000);
}

static void test_joined_and_back(void)
{
	g_autoptr(GRand) random = seeded_random();
	change_over(random, false);
}

static void test_joined_and_back_lossy(void)
{
	g_autoptr(GRand) random = seeded_random();
	change_over(random, true);
}

/* The viewer is nobody's for a while, or another's: then time goes by his own clock again. */
static void test_joined_after_another(void)
{
	Hall hall;
	Voice other;
	hall_init(&hall, false);
	voice_init(&other, hall.pool, 50, 1);
	g_autoptr(Joined) joined = joined_new(hall.voice.track, hall.pool);
	Track *track = joined_track(joined);
	g_autoptr(GArray) heard = g_array_new(FALSE, FALSE, sizeof(Heard));
	for (unsigned i = 0; i < 40; i++) {
		if (i == 10 || i == 20)
			slot_aim(&hall.slot, i == 10 ? other.track : track);
		Packet *packet = voice_next(&other, VOICE_SILK_20, 60);
		track_receive(other.track, packet, hall.voice.now_us);
		if (forward(&hall, other.track, packet))
			hear(&hall, heard);
		packet_unref(packet);
		arrive(&hall, joined, voice_next(&hall.voice, VOICE_SILK_20, 60), heard);
	}
	g_assert_cmpuint(heard->len, ==, 10 + 12 + 10); /* a pair takes two */
	for (unsigned i = 1; i < heard->len; i++) {
		const Heard *now = &g_array_index(heard, Heard, i), *last = now - 1;
		uint32_t step = now->timestamp - last->timestamp;
		g_assert_cmpuint(now->index, ==, last->index + 1);
		g_assert_cmpuint(step, <=, 2 * VOICE_TICKS);
		g_assert_cmpuint(step, >, 0);
	}
	slot_clear(&hall.slot);
	track_free(other.track);
	g_clear_pointer(&joined, joined_free);
	hall_clear(&hall);
}

/* Who was not wanted for a while comes again, whatever his clock has done. */
static void test_comes_again(void)
{
	for (unsigned back = 0; back < 2; back++) {
		Hall hall;
		hall_init(&hall, false);
		g_assert_true(say_next(&hall, 60));
		uint32_t last = hall.header.timestamp;
		slot_aim(&hall.slot, NULL);
		hall.voice.timestamp += back ? -24000u : 480000;
		g_assert_false(say_next(&hall, 60));
		slot_aim(&hall.slot, hall.voice.track);
		g_assert_true(say_next(&hall, 60));
		/* By our clock. */
		g_assert_cmpuint(hall.header.timestamp - last, ==, 2 * VOICE_TICKS);
		hall_clear(&hall);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/slot-voice/carries-its-past-as-far-as-told", test_red_by_distance);
	g_test_add_func("/slot-voice/red-goes-only-where-it-is-agreed", test_red_only_where_agreed);
	g_test_add_func("/slot-voice/repeats-what-came-and-fits", test_red_of_what_came);
	g_test_add_func(
		"/slot-voice/the-past-begins-with-the-source", test_red_begins_with_the_source);
	g_test_add_func("/slot-voice/joined-and-back-nothing-is-lost", test_joined_and_back);
	g_test_add_func(
		"/slot-voice/joined-and-back-over-a-lossy-line", test_joined_and_back_lossy);
	g_test_add_func("/slot-voice/joined-after-another-voice", test_joined_after_another);
	g_test_add_func("/slot-voice/comes-again-after-a-while", test_comes_again);
	return g_test_run();
}
