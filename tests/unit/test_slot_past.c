/* A newcomer's slot begins with the past: all of it, in squeezed time that keeps up with the clock.
 */
#include "seed.h"
#include "sender.h"

typedef struct Sent {
	uint64_t index;
	uint32_t timestamp;
	uint16_t picture_id;
} Sent;

static void take_note(GArray *sent, const SlotPacket *out)
{
	RtpHeader header;
	uint8_t whole[1500];
	memcpy(whole, out->header, out->job.header_len);
	memcpy(whole + out->job.header_len, out->job.prefix, out->job.prefix_len);
	g_assert_true(rtp_read(&header, whole, (size_t)out->job.header_len + out->job.prefix_len));
	Sent row = { .index = out->job.index,
		.timestamp = header.timestamp,
		.picture_id = (uint16_t)((out->job.prefix[2] & 0x7f) << 8 | out->job.prefix[3]) };
	g_array_append_val(sent, row);
}

/* A newcomer in the middle of a stream: first the keyframe of the past, then all since, in squeezed
 * time, then the present, nothing twice and nothing left out. */
static void test_starts_with_the_past(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned run = 0; run < 100; run++) {
		PacketPool *pool = packet_pool_new();
		ParamsMedia media = viewer_media();
		Slot slot;
		Sender sender;
		Packet *waiting[64];
		unsigned waiting_count = 0, before = (unsigned)g_rand_int_range(random, 30, 250);
		uint16_t transport_cc = 0;
		uint64_t key = 0;
		unsigned key_at = 0;
		int64_t now_us = 1000000;
		SlotPacket out;
		g_autoptr(GArray) sent = g_array_new(FALSE, TRUE, sizeof(Sent));
		slot_init(&slot, &media);
		sender_init(&sender, random);
		for (unsigned i = 0; i < 600; i++) {
			Packet *packet = sender_next(&sender, pool, random);
			now_us += 3000;
			packet->arrived_us = INT64_MAX / 2; /* none is too old to be repeated */
			g_assert_true(track_receive(sender.track, packet, now_us));
			if (i <= before && packet->keyframe && packet->rtp.payload_len)
				key = packet->sequence, key_at = i;
			if (i == before) {
				slot_aim(&slot, sender.track);
				slot_begin_past(&slot, now_us);
				g_assert_true(key ? slot.track == sender.track : !slot.track);
			}
			/* Packets wait in a feed and go out in rounds, each after some of the past.
			 */
			waiting[waiting_count++] = packet;
			if (waiting_count < 64 && g_rand_int_range(random, 0, 5))
				continue;
			for (unsigned n = 0; n < 10; n++) {
				if (!slot_replay(&slot, &transport_cc, now_us, &out))
					break;
				take_note(sent, &out);
			}
			for (unsigned n = 0; n < waiting_count; n++) {
				if (slot_forward(&slot, sender.track, waiting[n], &transport_cc,
					    now_us, &out))
					take_note(sent, &out);
				packet_unref(waiting[n]);
			}
			waiting_count = 0;
		}
		for (unsigned n = 0; n < waiting_count; n++)
			packet_unref(waiting[n]);
		g_assert_cmpuint(sent->len, >, 100);
		if (key)
			g_assert_cmpuint(sent->len, >, 280);
		unsigned squeezed = 0;
		for (unsigned i = 1; i < sent->len; i++) {
			const Sent *last = &g_array_index(sent, Sent, i - 1);
			const Sent *now = &g_array_index(sent, Sent, i);
			uint32_t step = now->timestamp - last->timestamp;
			g_assert_cmpuint(now->index, ==, last->index + 1);
			g_assert_cmpuint(step, <, 90000);
			g_assert_true((step == 0) == (now->picture_id == last->picture_id));
			squeezed += step > 0 && step <= 100;
		}
		if (key && before - key_at > 20)
			g_assert_cmpuint(squeezed, >, 0);
		/* As many as lie within REWRITE_SPANS, of which each padding begins one. */
		for (unsigned i = sent->len > 80 ? sent->len - 80 : 0; i < sent->len; i++) {
			const Sent *was = &g_array_index(sent, Sent, i);
			RtpHeader header;
			now_us += 20000;
			slot.repeat_credit = SLOT_REPEATS_SHARE;
			sender.track->gop_from = 0;
			if (!slot_repeat(&slot, (uint16_t)was->index, &transport_cc, now_us, &out))
				g_assert_not_reached();
			g_assert_true(rtp_read(&header, out.header, out.job.header_len));
			g_assert_cmpuint(header.timestamp, ==, was->timestamp);
		}
		slot_clear(&slot);
		g_assert_cmpuint(sender.track->takers, ==, 0);
		track_free(sender.track);
		packet_pool_free(pool);
	}
}

static uint32_t timestamp_of(const SlotPacket *out)
{
	RtpHeader header;
	g_assert_true(rtp_read(&header, out->header, out->job.header_len));
	return header.timestamp;
}

/* However long the past takes to go out, the clock of the stream keeps up with the time that
 * passes, and the present begins where it is: what comes late for good is thrown away by receivers
 * with a fixed buffer. */
static void test_the_past_keeps_up(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned run = 0; run < 100; run++) {
		PacketPool *pool = packet_pool_new();
		ParamsMedia media = viewer_media();
		Slot slot;
		Sender sender;
		SlotPacket out;
		uint16_t transport_cc = 0;
		int64_t now_us = 1000000;
		const int64_t first_us = now_us;
		bool begun = false;
		uint32_t first = 0;
		unsigned pace = (unsigned)g_rand_int_range(random, 2, 12);
		slot_init(&slot, &media);
		sender_init(&sender, random);
		for (unsigned since = 0; since < 200; since += sender.keyed) {
			Packet *packet = sender_next(&sender, pool, random);
			track_receive(sender.track, packet, now_us);
			sender.keyed |= sender.keyframe;
			packet_unref(packet);
		}
		slot_aim(&slot, sender.track);
		slot_begin_past(&slot, now_us);
		g_assert_true(slot.rewrite.replaying);
		while (slot.rewrite.replaying) {
			now_us += 20000;
			g_assert_cmpint(now_us, <, 30000000);
			for (unsigned n = 0; n < pace; n++) {
				if (!slot_replay(&slot, &transport_cc, now_us, &out))
					break;
				first = begun ? first : timestamp_of(&out);
				begun = true;
				int64_t lag_us =
					now_us - first_us - (timestamp_of(&out) - first) / 9 * 100;
				g_assert_cmpint(ABS(lag_us), <=,
					125000); /* 83, a round, and another before the first */
			}
			Packet *packet = sender_next(&sender, pool, random);
			track_receive(sender.track, packet, now_us);
			if (slot_forward(
				    &slot, sender.track, packet, &transport_cc, now_us, &out) &&
				!slot.rewrite.replaying) {
				int64_t lag_us =
					now_us - first_us - (timestamp_of(&out) - first) / 9 * 100;
				g_assert_cmpint(ABS(lag_us), <=,
					10000); /* what was squeezed may be ahead */
			}
			packet_unref(packet);
		}
		slot_clear(&slot);
		track_free(sender.track);
		packet_pool_free(pool);
	}
}

static void test_the_past_must_be_young(void)
{
	g_autoptr(GRand) random = seeded_random();
	PacketPool *pool = packet_pool_new();
	ParamsMedia media = viewer_media();
	Slot slot;
	Sender sender;
	slot_init(&slot, &media);
	sender_init(&sender, random);
	for (unsigned i = 0; i < 100; i++) {
		Packet *packet = sender_next(&sender, pool, random);
		track_receive(sender.track, packet, 1000000);
		packet_unref(packet);
	}
	slot_aim(&slot, sender.track);
	slot_begin_past(&slot, 1000001 + TRACK_GOP_US);
	g_assert_null(slot.track);
	slot_begin_past(&slot, 1000000 + TRACK_GOP_US);
	g_assert_true(slot.track == sender.track);
	/* A line that could not take it gets no flood of the past. */
	slot_pause(&slot, 1000000);
	slot_begin_past(&slot, 1000000);
	g_assert_null(slot.track);
	slot_clear(&slot);
	track_free(sender.track);
	packet_pool_free(pool);
}

/* The line was away: nothing of what it missed is sent again once it is old, and what comes begins
 * with a keyframe, at once where a young one is at hand. */
static void test_begins_anew(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned run = 0; run < 50; run++) {
		PacketPool *pool = packet_pool_new();
		ParamsMedia media = viewer_media();
		Slot slot;
		Sender sender;
		SlotPacket out;
		uint16_t transport_cc = 0, last = 0;
		int64_t now_us = 1000000, last_us = 0;
		unsigned away = (unsigned)g_rand_int_range(random, 60, 200);
		bool begun = false;
		slot_init(&slot, &media);
		sender_init(&sender, random);
		slot_aim(&slot, sender.track);
		for (unsigned i = 0; i < 600; i++) {
			Packet *packet = sender_next(&sender, pool, random);
			packet->arrived_us = now_us += 3000;
			track_receive(sender.track, packet, now_us);
			if (i == away && !slot.track)
				away++; /* no keyframe has come yet */
			if (i == away) {
				slot_begin_anew(&slot);
				g_assert_null(slot.track);
				g_assert_true(slot.next == sender.track);
				g_assert_false(
					slot_repeat(&slot, last, &transport_cc, now_us, &out));
			}
			if (slot_forward(
				    &slot, sender.track, packet, &transport_cc, now_us, &out)) {
				last = (uint16_t)out.job.index;
				last_us = now_us;
				g_assert_true(i < away || begun || packet->keyframe);
				begun = i >= away;
			}
			packet_unref(packet);
		}
		g_assert_true(begun);
		slot.repeat_credit = SLOT_REPEATS_SHARE;
		now_us = last_us + SLOT_REPEAT_AGE_US;
		sender.track->gop_from = 0;
		g_assert_false(slot_repeat(&slot, last, &transport_cc, now_us + 1, &out));
		g_assert_true(slot_repeat(&slot, last, &transport_cc, now_us, &out));
		slot_clear(&slot);
		track_free(sender.track);
		packet_pool_free(pool);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/slot-past/a-newcomer-starts-with-the-past-and-misses-nothing",
		test_starts_with_the_past);
	g_test_add_func("/slot-past/the-past-keeps-up-with-the-clock", test_the_past_keeps_up);
	g_test_add_func("/slot-past/the-past-must-be-young-and-the-line-quick",
		test_the_past_must_be_young);
	g_test_add_func("/slot-past/begins-anew-after-the-line-was-away", test_begins_anew);
	return g_test_run();
}
