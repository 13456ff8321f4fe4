#include "slot.h"
#include "pick.h"
#include <openssl/rand.h>

static uint64_t random_number(void)
{
	uint64_t number = 0;
	if (RAND_bytes((unsigned char *)&number, sizeof number) != 1)
		g_error("no random numbers");
	return number;
}

void slot_init(Slot *slot, const ParamsMedia *media)
{
	*slot = (Slot){ .media = media,
		.layer_max = PARAMS_LAYERS_MAX - 1,
		.repeat_ms = SLOT_REPEAT_SPACING_MS };
	rewrite_init(&slot->rewrite, random_number());
	slot->rtx_index = random_number() % 0x7ffe;
	slot->repeat_credit = SLOT_REPEATS_SHARE * SLOT_REPEATS_BURST / 4;
}

static void put(Track **place, Track *track)
{
	if (track)
		track->takers++;
	if (*place)
		(*place)->takers--;
	*place = track;
}

static void let_go_of_still(Slot *slot)
{
	g_clear_pointer(&slot->still, still_unref);
	slot->still_next = 0;
	slot->held = false;
}

static uint64_t sound_of(const Track *track)
{
	return track->made_of ? track->made_of : track->id;
}

void slot_clear(Slot *slot)
{
	put(&slot->track, NULL);
	put(&slot->next, NULL);
	let_go_of_still(slot);
}

void slot_aim(Slot *slot, Track *track)
{
	if (track && !slot->media->payload_type[track->codec])
		track = NULL;
	if (!track || slot->held)
		slot_clear(slot);
	if (!track)
		return;
	if (track == slot->track)
		put(&slot->next, NULL);
	else
		put(&slot->next, track);
}

void slot_hold(Slot *slot, Track *track)
{
	if (track && !slot->media->payload_type[track->codec])
		track = NULL;
	if (slot->held && track == slot->track)
		return;
	slot_clear(slot);
	put(&slot->track, track);
	slot->held = track != NULL;
	slot->catch_at = 0;
}

void slot_show(Slot *slot, Still *still, int64_t now_us)
{
	Track *track = slot->track;
	bool same = slot->still && slot->still->from == still->from;
	if (!slot->held || (same && slot->still_again))
		return;
	slot->still_again = same;
	slot->still_shown = true;
	/* Few packets come before it that would allow for those that it may lose. */
	unsigned repeats = MIN(still->count, SLOT_REPEATS_BURST) * SLOT_REPEATS_SHARE;
	slot->repeat_credit = MAX(slot->repeat_credit, (uint16_t)repeats);
	still_ref(still);
	still_unref(slot->still);
	slot->still = still;
	slot->still_next = 0;
	slot->source = track->id;
	rewrite_switch(&slot->rewrite, track->id, still->packets[0], track->clock_rate, now_us);
}

static bool is_of(const Track *track, const Track *lowest)
{
	return track && track->picture == lowest->picture;
}

void slot_pick(Slot *slot, int64_t now_us)
{
	Track *lowest = slot->lowest;
	if (!lowest)
		return;
	Track *layer = pick_layer(lowest, slot->layer_max, now_us);
	/* While nothing of the picture comes, what there is stays. */
	if (layer)
		slot_aim(slot, layer);
	else if (!is_of(slot->next, lowest) && !is_of(slot->track, lowest))
		slot_aim(slot, lowest);
}

void slot_drop(Slot *slot)
{
	if (!slot->track || slot->held || !slot->lowest || !is_of(slot->track, slot->lowest) ||
		slot->track->layer <= slot->layer_max)
		return;
	put(&slot->track, NULL);
	slot->catch_at = 0;
}

void slot_remind(Slot *slot, int64_t now_us)
{
	if (slot->next)
		track_want_keyframe(slot->next, now_us);
}

void slot_release(Slot *slot, const Track *track)
{
	if (slot->track == track) {
		put(&slot->track, NULL);
		let_go_of_still(slot);
	}
	if (slot->next == track)
		put(&slot->next, NULL);
	if (slot->lowest == track)
		slot->lowest = NULL;
}

void slot_begin_anew(Slot *slot)
{
	if (!slot->track || !slot->media->video || slot->held)
		return;
	if (!slot->next)
		put(&slot->next, slot->track);
	put(&slot->track, NULL);
	slot->catch_at = 0;
}

void slot_pause(Slot *slot, int64_t now_us)
{
	if (!slot->track || !slot->media->video || slot->held)
		return;
	slot_begin_anew(slot);
	slot->slow = true;
	slot_want_keyframe(slot, now_us);
}

/* A still is shown when it is there: a browser would wait the longer, the longer the last ones
 * took. What moves after it is to be smooth again. */
static RtpPlayout playout_of(const Slot *slot, const Packet *packet)
{
	if (!packet->keyframe || !slot->still_shown)
		return RTP_PLAYOUT_UNSAID;
	return slot->held ? RTP_PLAYOUT_AT_ONCE : RTP_PLAYOUT_SMOOTH;
}

/* What goes out, beside what it comes from. */
static SlotFrame frame_of(
	const Slot *slot, bool again, uint64_t index, uint16_t *transport_cc, int64_t now_us)
{
	return (SlotFrame){ .media = slot->media,
		.again = again,
		.index = index,
		.transport_cc = transport_cc,
		.now_us = now_us,
		.redundancy = again ? 0 : slot->redundancy,
		.past_from = slot->rewrite.spans[slot->rewrite.current].in_start };
}

void slot_begin_past(Slot *slot, int64_t now_us)
{
	Track *track = slot->next;
	if (!track || slot->track || slot->slow || !track_has_gop(track, now_us))
		return;
	rewrite_replay(&slot->rewrite, track->id, history_find(track->history, track->gop_from),
		track->clock_rate, now_us);
	slot->catch_at = track->gop_from;
	slot->source = track->id;
	slot->sound = sound_of(track);
	put(&slot->track, track);
	put(&slot->next, NULL);
}

/* Its picture is one of those that a line which falls behind can do without. */
static bool is_left_out(Slot *slot, const Packet *packet, int64_t now_us)
{
	Thin *thin = &slot->thin;
	Rewrite *rewrite = &slot->rewrite;
	if (!packet->video || slot->held || rewrite->replaying ||
		(!slot->paced && thin_is_whole(thin)))
		return false;
	if (packet->sequence <= rewrite->highest_in) /* late: no other waits for it */
		return packet->vp8.tid > thin->most;
	bool begins = !thin->begun || packet->rtp.timestamp != thin->timestamp;
	bool follows = packet->sequence == rewrite->highest_in + 1;
	int64_t behind_us = slot->paced ? now_us - packet->arrived_us : 0;
	if (!thin_leaves_out(thin, packet, follows, behind_us, now_us))
		return false;
	rewrite_leave_out(rewrite, packet, begins);
	return true;
}

/* Its numbers and its bytes; false where it is not sent. */
static bool emit(
	Slot *slot, const Packet *packet, uint16_t *transport_cc, int64_t now_us, SlotPacket *out)
{
	Rewritten numbers;
	if (!packet->rtp.payload_len) {
		rewrite_skip(&slot->rewrite, packet);
		return false;
	}
	if (is_left_out(slot, packet, now_us) ||
		!rewrite_packet(&slot->rewrite, packet, now_us, &numbers))
		return false;
	SlotFrame frame = frame_of(slot, false, numbers.sequence, transport_cc, now_us);
	frame.playout = playout_of(slot, packet);
	slot_packet_make(out, &frame, slot->track, packet, &numbers);
	slot->packets++;
	slot->bytes += (uint32_t)out->job.prefix_len + out->job.payload_len;
	slot->repeat_credit = MIN(slot->repeat_credit + 1, SLOT_REPEATS_SHARE * SLOT_REPEATS_BURST);
	return true;
}

int64_t slot_behind_us(const Slot *slot, int64_t now_us)
{
	uint64_t highest = slot->track ? history_highest(slot->track->history) : 0;
	for (uint64_t at = slot->catch_at; at && at <= highest; at++) {
		const Packet *packet = history_find(slot->track->history, at);
		if (packet)
			return now_us - packet->arrived_us;
	}
	return 0;
}

static bool begins_picture(const Slot *slot, const Packet *packet)
{
	return (int32_t)(packet->rtp.timestamp - slot->rewrite.timestamp_in) > 0;
}

bool slot_replay(Slot *slot, uint16_t *transport_cc, int64_t now_us, SlotPacket *out)
{
	while (slot->track && slot_is_showing(slot)) {
		slot->tails = SLOT_TAILS;
		slot->tailed_us = now_us;
		if (emit(slot, slot->still->packets[slot->still_next++], transport_cc, now_us, out))
			return true;
	}
	if (!slot->catch_at || !slot->track || slot->track->id != slot->source)
		return false;
	uint64_t highest = history_highest(slot->track->history);
	while (slot->catch_at <= highest) {
		/* What was lost on the way to us is asked for by the viewer, as ever. */
		const Packet *packet = history_find(slot->track->history, slot->catch_at++);
		if (packet && slot->rewrite.replaying && begins_picture(slot, packet))
			rewrite_catch_up(&slot->rewrite, packet, slot->track->clock_rate, now_us);
		if (packet && emit(slot, packet, transport_cc, now_us, out))
			return true;
	}
	slot->live_from = slot->catch_at;
	slot->catch_at = 0;
	return false;
}

bool slot_tail(Slot *slot, uint16_t *transport_cc, int64_t now_us, SlotPacket *out)
{
	if (!slot->held || !slot->still || slot_is_showing(slot) || !slot->tails ||
		now_us - slot->tailed_us < SLOT_TAIL_US)
		return false;
	slot->tails--;
	slot->tailed_us = now_us;
	const SlotFrame frame =
		frame_of(slot, false, rewrite_tail(&slot->rewrite), transport_cc, now_us);
	slot_packet_tail(out, &frame, slot->track->codec, slot->rewrite.timestamp_out);
	slot->packets++;
	return true;
}

/* The numbers go on with the first packet of another source. False: what it has was heard before.
 */
static bool begin_with(Slot *slot, const Track *track, const Packet *packet, int64_t now_us)
{
	bool same_sound = slot->source != track->id && slot->sound == sound_of(track);
	uint32_t ahead = packet->rtp.timestamp - slot->rewrite.timestamp_in;
	/* A second behind or more is no repeated sound but a publisher's clock that began anew. */
	if (same_sound && -ahead < track->clock_rate)
		return false;
	const Track *before = slot->track;
	uint32_t timestamp;
	if (same_sound && ahead <= INT32_MAX)
		rewrite_follow(&slot->rewrite, track->id, packet);
	else if (before && before != track && before->picture == track->picture &&
		 slot->source == before->id &&
		 track_translate(before, track, packet->rtp.timestamp, &timestamp))
		rewrite_step(
			&slot->rewrite, track->id, packet, timestamp, track->clock_rate, now_us);
	else
		rewrite_switch(&slot->rewrite, track->id, packet, track->clock_rate, now_us);
	slot->catch_at = slot->live_from = 0;
	slot->slow = false;
	slot->source = track->id;
	slot->sound = sound_of(track);
	return true;
}

/* A voice and the same in joined packets: the change is where a pair begins, at an even number of
 * the publisher's, so that nothing is heard twice or left out. True: this packet is not for now. */
static bool waits_for_pair(Slot *slot, const Track *track, const Packet *packet)
{
	if (!slot->track || !slot->next || sound_of(slot->track) != sound_of(slot->next))
		return false;
	const Track *publishers = slot->next->made_of ? slot->track : slot->next;
	if (track != publishers || packet->sequence & 1)
		return track == slot->next;
	if (track == slot->next)
		return false;
	put(&slot->track, slot->next); /* this one and what follows come joined */
	put(&slot->next, NULL);
	return true;
}

bool slot_forward(Slot *slot, Track *track, const Packet *packet, uint16_t *transport_cc,
	int64_t now_us, SlotPacket *out)
{
	if (track == slot->track && track->id != slot->source && slot->sound == sound_of(track)) {
		if (!begin_with(slot, track, packet, now_us))
			return false;
	} else if (track == slot->track && track->id != slot->source && !slot->held) {
		put(&slot->next, slot->next ? slot->next : track);
		put(&slot->track, NULL);
		track_want_keyframe(track, now_us);
	}
	if (slot->held ||
		(track == slot->track && (slot->catch_at || packet->sequence < slot->live_from)))
		return false;
	if (waits_for_pair(slot, track, packet))
		return false;
	if (track == slot->next && packet->keyframe && packet->rtp.payload_len) {
		if (!begin_with(slot, track, packet, now_us))
			return false;
		put(&slot->track, track);
		put(&slot->next, NULL);
	}
	if (track != slot->track)
		return false;
	if (slot->rewrite.replaying && begins_picture(slot, packet))
		rewrite_live(&slot->rewrite, packet, track->clock_rate, now_us);
	if (slot->paced && packet->video) {
		slot->catch_at = packet->sequence;
		return false;
	}
	return emit(slot, packet, transport_cc, now_us, out);
}

bool slot_may_repeat(Slot *slot, uint16_t sequence, unsigned spacing_ms, int64_t now_us)
{
	unsigned place = sequence % G_N_ELEMENTS(slot->repeated);
	uint16_t now_ms = (uint16_t)(now_us / 1000);
	if (slot->repeat_credit < SLOT_REPEATS_SHARE)
		return false;
	if (slot->repeated[place].sequence == sequence &&
		(uint16_t)(now_ms - slot->repeated[place].when_ms) < spacing_ms)
		return false;
	slot->repeat_credit -= SLOT_REPEATS_SHARE;
	slot->repeated[place].sequence = sequence;
	slot->repeated[place].when_ms = now_ms;
	return true;
}

bool slot_repeat(
	Slot *slot, uint16_t sequence, uint16_t *transport_cc, int64_t now_us, SlotPacket *out)
{
	uint64_t source, in;
	Rewritten numbers;
	Track *track = slot->track;

	if (!track || !slot->media->rtx_ssrc || !slot->media->rtx_payload_type[track->codec])
		return false;
	if (!rewrite_find(&slot->rewrite, sequence, &source, &in) || source != track->id)
		return false;
	const Packet *packet = history_find(track->history, in);
	if (slot->held)
		packet = slot->still ? still_find(slot->still, in) : NULL;
	else if (in < track->gop_from)
		return false; /* older than the last keyframe: of no use to anybody */
	bool live = !slot->held && !slot->catch_at && in >= slot->live_from;
	if (packet && live && now_us - packet->arrived_us > SLOT_REPEAT_AGE_US)
		return false;
	if (packet && !slot->held && !thin_is_whole(&slot->thin) &&
		packet->vp8.tid > slot->thin.most)
		return false;
	if (!packet || !packet->rtp.payload_len ||
		!rewrite_again(&slot->rewrite, source, packet, &numbers) ||
		!slot_may_repeat(slot, sequence, slot->repeat_ms, now_us))
		return false;
	SlotFrame frame = frame_of(slot, true, ++slot->rtx_index, transport_cc, now_us);
	frame.playout = playout_of(slot, packet);
	slot_packet_make(out, &frame, track, packet, &numbers);
	return true;
}

bool slot_pad(Slot *slot, uint16_t *transport_cc, int64_t now_us, SlotPacket *out)
{
	const SlotFrame frame = frame_of(slot, true, slot->rtx_index + 1, transport_cc, now_us);
	if (!slot_packet_pad(out, &frame, slot->rewrite.timestamp_out))
		return false;
	slot->rtx_index++;
	return true;
}

void slot_want_keyframe(Slot *slot, int64_t now_us)
{
	Track *track = slot->next ? slot->next : slot->track;
	if (!track || slot_is_showing(slot) || (!slot->held && track->keyframe_wanted_us))
		return; /* one is on its way, for all */
	if (now_us - slot->asks_since_us >= 10000000) {
		slot->asks_since_us = now_us;
		slot->asks = 0;
	}
	if (slot->asks >= SLOT_KEYFRAME_BUDGET)
		return;
	slot->asks++;
	if (slot->held && slot->still)
		slot_show(slot, slot->still, now_us);
	else
		track_want_keyframe(track, now_us);
}

bool slot_report(const Slot *slot, uint64_t ntp, int64_t now_us, RtcpSenderInfo *info)
{
	const Track *track = slot->track;
	if (!track || !slot->packets || slot->rewrite.replaying)
		return false;

	*info = (RtcpSenderInfo){ .ssrc = slot->media->ssrc,
		.ntp = ntp,
		.packets = slot->packets,
		.bytes = slot->bytes };
	if (track->report_ntp) {
		/* The publisher's own clock, moved onto ours: its voice and its picture stay
		 * together. */
		int64_t since = (int64_t)(ntp - track->report_ntp) - track->clock_offset;
		int64_t ticks = (since >> 16) * (int64_t)track->clock_rate >> 16;
		info->rtp = rewrite_timestamp(&slot->rewrite, track->report_rtp + (uint32_t)ticks);
	} else {
		uint64_t since_us = (uint64_t)(now_us - slot->rewrite.sent_us);
		info->rtp = slot->rewrite.timestamp_out +
			    (uint32_t)(since_us * track->clock_rate / 1000000);
	}
	return true;
}
