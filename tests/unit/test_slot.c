/* What a viewer gets in a slot: for any mix of loss, reordering, change of source and wrap its
 * numbers rise. */
#include "seed.h"
#include "sfu/slot.h"
#include <string.h>

#define SOURCES 3

typedef struct Sender {
	Track *track;
	ParamsMedia media;
	uint16_t sequence, picture_id;
	uint32_t timestamp;
	uint8_t tl0;
	unsigned frame; /* packets left of it */
	bool keyframe;
	bool keyed; /* no more keyframes */
} Sender;

typedef struct Sent {
	uint64_t index;
	uint32_t timestamp;
	uint16_t picture_id;
	unsigned source;
	bool keyframe, begins; /* begins: first of its source's turn */
} Sent;

static ParamsMedia viewer_media(void)
{
	ParamsMedia media = {
		.video = true, .slot = SLOT_MAIN, .ssrc = 0x1111, .rtx_ssrc = 0x2222
	};
	media.payload_type[CODEC_VP8] = 96;
	media.rtx_payload_type[CODEC_VP8] = 97;
	media.extensions.id[RTP_EXT_TRANSPORT_CC] = 3;
	return media;
}

static void sender_init(Sender *sender, GRand *random)
{
	memset(sender, 0, sizeof *sender);
	sender->media = (ParamsMedia){ .video = true, .source = SOURCE_CAMERA };
	sender->media.payload_type[CODEC_VP8] = 120;
	sender->track = track_new("owner", &sender->media);
	sender->track->ssrc = 1;
	/* Near the wrap of everything, more often than chance would have it. */
	sender->sequence = g_rand_boolean(random) ? 65500 : (uint16_t)g_rand_int(random);
	sender->timestamp = g_rand_boolean(random) ? 0xfffff000 : g_rand_int(random);
	sender->picture_id = g_rand_boolean(random) ? 32760 : g_rand_int(random) & 0x7fff;
	sender->tl0 = (uint8_t)g_rand_int(random);
}

/* The next packet of its stream, as it leaves the publisher. */
static Packet *sender_next(Sender *sender, PacketPool *pool, GRand *random)
{
	bool first = !sender->frame;
	if (first) {
		sender->frame = (unsigned)g_rand_int_range(random, 1, 5);
		sender->keyframe = !sender->keyed && g_rand_int_range(random, 0, 6) == 0;
		sender->timestamp += 3000;
		sender->picture_id = (sender->picture_id + 1) & 0x7fff;
		sender->tl0++;
	}
	sender->frame--;

	Packet *packet = packet_new(pool);
	bool padding = !first && g_rand_int_range(random, 0, 25) == 0;
	uint8_t *payload = packet->data + RTP_HEADER_LEN;
	const Vp8 vp8 = { .picture_id = sender->picture_id,
		.tl0picidx = sender->tl0,
		.has_picture_id = true,
		.long_picture_id = true,
		.has_tl0picidx = true,
		.start_of_partition = first };
	size_t len = vp8_write(payload, &vp8);
	/* A VP8 frame header: its lowest bit is 0 for a keyframe (RFC 6386 §9.1). */
	static const uint8_t key[] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00 };
	memcpy(payload + len, key, sizeof key);
	if (!(first && sender->keyframe))
		payload[len] |= 1;
	len += sizeof key;

	packet->len = (uint16_t)(RTP_HEADER_LEN + len);
	packet->rtp = (RtpHeader){ .timestamp = sender->timestamp,
		.ssrc = 1,
		.sequence = sender->sequence++,
		.payload_at = RTP_HEADER_LEN,
		.payload_len = padding ? 0 : (uint16_t)len,
		.payload_type = 120,
		.marker = !sender->frame };
	return packet;
}

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
				g_assert_cmpint(ABS(lag_us), <=, 125000); /* 83, a round, and another before the first */
			}
			Packet *packet = sender_next(&sender, pool, random);
			track_receive(sender.track, packet, now_us);
			if (slot_forward(
				    &slot, sender.track, packet, &transport_cc, now_us, &out) &&
				!slot.rewrite.replaying) {
				int64_t lag_us =
					now_us - first_us - (timestamp_of(&out) - first) / 9 * 100;
				g_assert_cmpint(ABS(lag_us), <=, 10000); /* what was squeezed may be ahead */
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
	g_test_add_func("/slot/a-newcomer-starts-with-the-past-and-misses-nothing",
		test_starts_with_the_past);
	g_test_add_func("/slot/the-past-keeps-up-with-the-clock", test_the_past_keeps_up);
	g_test_add_func(
		"/slot/the-past-must-be-young-and-the-line-quick", test_the_past_must_be_young);
	g_test_add_func("/slot/begins-anew-after-the-line-was-away", test_begins_anew);
	g_test_add_func(
		"/slot/one-viewer-cannot-ask-for-keyframes-without-end", test_budget_of_keyframes);
	return g_test_run();
}
