/* What a viewer gets in a slot: for any mix of loss, reordering, change of source and wrap its
 * numbers rise. */
#include "seed.h"
#include "sender.h"

#define SOURCES 3

typedef struct Sent {
	uint64_t index;
	uint32_t timestamp;
	uint16_t picture_id;
	unsigned source;
	bool keyframe, begins; /* begins: first of its source's turn */
} Sent;

static int by_index(const void *a, const void *b)
{
	const Sent *left = a, *right = b;
	return left->index < right->index ? -1 : left->index > right->index;
}

static void check(GArray *sent)
{
	g_array_sort(sent, by_index);
	for (unsigned i = 1; i < sent->len; i++) {
		const Sent *before = &g_array_index(sent, Sent, i - 1);
		const Sent *now = &g_array_index(sent, Sent, i);
		g_assert_cmpuint(now->index, >, before->index);
		g_assert_cmpint((int32_t)(now->timestamp - before->timestamp), >=, 0);
		if (now->begins) {
			g_assert_true(now->keyframe);
			g_assert_cmpint((int32_t)(now->timestamp - before->timestamp), >, 0);
			g_assert_cmpuint(now->index, <=, before->index + 2 + 64);
		}
		if (now->timestamp != before->timestamp) {
			uint16_t step = (uint16_t)(now->picture_id - before->picture_id) & 0x7fff;
			g_assert_cmpuint(step, >, 0);
			g_assert_cmpuint(step, <, 0x4000);
		}
	}
}

/* One run: senders talk in turns through loss and reordering into one slot. */
static void run(GRand *random)
{
	PacketPool *pool = packet_pool_new();
	ParamsMedia media = viewer_media();
	Slot slot;
	Sender senders[SOURCES];
	Packet *late[8] = { 0 };
	unsigned late_source[8] = { 0 };
	uint16_t transport_cc = 0;
	int64_t now_us = 1000000;
	unsigned aimed = 0, current = SOURCES;
	g_autoptr(GArray) sent = g_array_new(FALSE, TRUE, sizeof(Sent));

	slot_init(&slot, &media);
	for (unsigned i = 0; i < SOURCES; i++)
		sender_init(&senders[i], random);
	slot_aim(&slot, senders[0].track);

	for (unsigned step = 0; step < 4000; step++) {
		now_us += 2000;
		if (g_rand_int_range(random, 0, 150) == 0) {
			aimed = (unsigned)g_rand_int_range(random, 0, SOURCES);
			slot_aim(&slot, senders[aimed].track);
		}
		unsigned source = (unsigned)g_rand_int_range(random, 0, SOURCES);
		Packet *packet = sender_next(&senders[source], pool, random);
		if (g_rand_int_range(random, 0, 20) == 0) {
			packet_unref(packet); /* lost */
			continue;
		}
		if (g_rand_int_range(random, 0, 8) == 0) {
			/* held back: what was held in this place comes now instead */
			unsigned place = (unsigned)g_rand_int_range(random, 0, 8);
			Packet *held = late[place];
			unsigned held_source = late_source[place];
			late[place] = packet;
			late_source[place] = source;
			if (!held)
				continue;
			packet = held;
			source = held_source;
		}
		SlotPacket out;
		Track *track = senders[source].track;
		if (track_receive(track, packet, now_us) &&
			slot_forward(&slot, track, packet, &transport_cc, now_us, &out)) {
			RtpHeader header;
			uint8_t whole[1500];
			memcpy(whole, out.header, out.job.header_len);
			memcpy(whole + out.job.header_len, out.job.prefix, out.job.prefix_len);
			g_assert_true(rtp_read(
				&header, whole, (size_t)out.job.header_len + out.job.prefix_len));
			g_assert_cmpuint(header.ssrc, ==, media.ssrc);
			g_assert_cmpuint(header.sequence, ==, (uint16_t)out.job.index);
			Sent row = { .index = out.job.index,
				.timestamp = header.timestamp,
				.picture_id = (uint16_t)((out.job.prefix[2] & 0x7f) << 8 |
							 out.job.prefix[3]),
				.source = source,
				.keyframe = packet->keyframe,
				.begins = source != current };
			current = source;
			g_array_append_val(sent, row);
		}
		packet_unref(packet);
	}
	g_assert_cmpuint(sent->len, >, 500);
	check(sent);
	for (unsigned i = 0; i < 8; i++)
		packet_unref(late[i]);
	for (unsigned i = 0; i < SOURCES; i++)
		track_free(senders[i].track);
	packet_pool_free(pool);
}

static void test_numbers_rise(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned i = 0; i < 40; i++)
		run(random);
}

static void test_starts_with_keyframe(void)
{
	g_autoptr(GRand) random = seeded_random();
	PacketPool *pool = packet_pool_new();
	ParamsMedia media = viewer_media();
	Slot slot;
	Sender sender;
	uint16_t transport_cc = 0;
	slot_init(&slot, &media);
	sender_init(&sender, random);
	slot_aim(&slot, sender.track);
	g_assert_cmpint(sender.track->keyframe_wanted_us, ==, 0);
	slot_remind(&slot, 1);
	g_assert_cmpint(sender.track->keyframe_wanted_us, ==, 1);

	for (unsigned i = 0; i < 200; i++) {
		SlotPacket out;
		Packet *packet = sender_next(&sender, pool, random);
		g_assert_true(track_receive(sender.track, packet, 1000));
		bool goes = slot_forward(&slot, sender.track, packet, &transport_cc, 1000, &out);
		bool key = packet->keyframe;
		packet_unref(packet);
		if (goes) {
			g_assert_true(key);
			break;
		}
		g_assert_false(key);
	}
	track_free(sender.track);
	packet_pool_free(pool);
}

static void test_repeats_what_was_sent(void)
{
	g_autoptr(GRand) random = seeded_random();
	PacketPool *pool = packet_pool_new();
	ParamsMedia media = viewer_media();
	Slot slot;
	Sender sender;
	uint16_t transport_cc = 0;
	SlotPacket first[200], again;
	unsigned count = 0;
	slot_init(&slot, &media);
	sender_init(&sender, random);
	slot_aim(&slot, sender.track);
	for (unsigned i = 0; i < 200; i++) {
		Packet *packet = sender_next(&sender, pool, random);
		track_receive(sender.track, packet, 1000);
		count += slot_forward(
			&slot, sender.track, packet, &transport_cc, 1000, &first[count]);
		packet_unref(packet);
	}
	g_assert_cmpuint(count, >, 50);
	sender.track->gop_from = 0; /* as if no keyframe had made them useless */
	for (unsigned i = 0; i < count; i++) {
		const SealJob *was = &first[i].job;
		int64_t now_us = 100000 + (int64_t)i * 1000;
		slot.repeat_credit = SLOT_REPEATS_SHARE;
		g_assert_true(
			slot_repeat(&slot, (uint16_t)was->index, &transport_cc, now_us, &again));
		g_assert_cmpuint(again.job.ssrc, ==, media.rtx_ssrc);
		g_assert_cmpuint(
			again.job.prefix[0] << 8 | again.job.prefix[1], ==, (uint16_t)was->index);
		g_assert_cmpmem(again.job.prefix + 2, again.job.prefix_len - 2u, was->prefix,
			was->prefix_len);
		g_assert_true(again.job.payload == was->payload);
	}
	/* A number that never went out is not answered. */
	slot.repeat_credit = SLOT_REPEATS_SHARE * SLOT_REPEATS_BURST;
	g_assert_false(slot_repeat(
		&slot, (uint16_t)(first[count - 1].job.index + 1), &transport_cc, 900000, &again));
	track_free(sender.track);
	packet_pool_free(pool);
}

/* A viewer who asks for everything again and again: a burst, then one for each four sent; nothing
 * twice within 20 ms, nothing from before the last keyframe. */
static void test_repeats_are_bounded(void)
{
	g_autoptr(GRand) random = seeded_random();
	PacketPool *pool = packet_pool_new();
	ParamsMedia media = viewer_media();
	Slot slot;
	Sender sender;
	uint16_t transport_cc = 0;
	unsigned sent = 0, repeated = 0, late = 0;
	SlotPacket out, again;
	slot_init(&slot, &media);
	sender_init(&sender, random);
	slot_aim(&slot, sender.track);
	for (unsigned i = 0; i < 4000; i++) {
		int64_t now_us = 1000000 + (int64_t)i * 5000;
		Packet *packet = sender_next(&sender, pool, random);
		packet->arrived_us = now_us;
		track_receive(sender.track, packet, now_us);
		if (slot_forward(&slot, sender.track, packet, &transport_cc, now_us, &out)) {
			uint16_t number = (uint16_t)out.job.index;
			bool first = slot_repeat(&slot, number, &transport_cc, now_us, &again);
			sent++;
			repeated += first;
			g_assert_false(
				first && slot_repeat(&slot, number, &transport_cc, now_us, &again));
			for (uint16_t back = 1; back < 60; back++) {
				uint64_t source, in;
				if (!slot_repeat(&slot, (uint16_t)(number - back), &transport_cc,
					    now_us, &again))
					continue;
				repeated++;
				g_assert_true(rewrite_find(
					&slot.rewrite, (uint16_t)(number - back), &source, &in));
				late += in < sender.track->gop_from;
			}
		}
		packet_unref(packet);
	}
	g_assert_cmpuint(sent, >, 2000);
	g_assert_cmpuint(late, ==, 0);
	g_assert_cmpuint(repeated, <=, sent / SLOT_REPEATS_SHARE + SLOT_REPEATS_BURST / 4);
	g_assert_cmpuint(repeated, >=, sent / SLOT_REPEATS_SHARE);
	track_free(sender.track);
	packet_pool_free(pool);
}

static void test_budget_of_keyframes(void)
{
	ParamsMedia media = viewer_media();
	Slot slot;
	g_autoptr(GRand) random = seeded_random();
	Sender sender;
	unsigned asked = 0;
	slot_init(&slot, &media);
	sender_init(&sender, random);
	slot.track = sender.track;
	for (int64_t now_us = 10000000; now_us < 20000000; now_us += 10000) {
		slot_want_keyframe(&slot, now_us);
		if (track_keyframe_due(sender.track, now_us)) {
			asked++;
			sender.track->keyframe_wanted_us = 0; /* it came */
		}
	}
	g_assert_cmpuint(asked, ==, SLOT_KEYFRAME_BUDGET);
	track_free(sender.track);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/slot/numbers-rise-through-loss-reordering-and-change", test_numbers_rise);
	g_test_add_func("/slot/starts-with-a-keyframe", test_starts_with_keyframe);
	g_test_add_func("/slot/repeats-exactly-what-was-sent", test_repeats_what_was_sent);
	g_test_add_func("/slot/repeats-are-bounded", test_repeats_are_bounded);
	g_test_add_func(
		"/slot/one-viewer-cannot-ask-for-keyframes-without-end", test_budget_of_keyframes);
	return g_test_run();
}
