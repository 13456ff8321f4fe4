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
	*slot = (Slot){ .media = media, .layer_max = PARAMS_LAYERS_MAX - 1 };
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

void slot_clear(Slot *slot)
{
	put(&slot->track, NULL);
	put(&slot->next, NULL);
}

void slot_aim(Slot *slot, Track *track)
{
	if (track && !slot->media->payload_type[track->codec])
		track = NULL;
	if (!track)
		slot_clear(slot);
	else if (track == slot->track)
		put(&slot->next, NULL);
	else
		put(&slot->next, track);
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

void slot_remind(Slot *slot, int64_t now_us)
{
	if (slot->next)
		track_want_keyframe(slot->next, now_us);
}

void slot_release(Slot *slot, const Track *track)
{
	if (slot->track == track)
		put(&slot->track, NULL);
	if (slot->next == track)
		put(&slot->next, NULL);
	if (slot->lowest == track)
		slot->lowest = NULL;
}

void slot_begin_anew(Slot *slot)
{
	if (!slot->track || !slot->media->video)
		return;
	if (!slot->next)
		put(&slot->next, slot->track);
	put(&slot->track, NULL);
	slot->catch_at = 0;
}

void slot_pause(Slot *slot, int64_t now_us)
{
	if (!slot->track || !slot->media->video)
		return;
	slot_begin_anew(slot);
	slot->slow = true;
	slot_want_keyframe(slot, now_us);
}

/* Header, rewritten descriptor and what to seal behind it. */
static void build(const Slot *slot, const Track *track, const Packet *packet,
	const Rewritten *numbers, bool again, uint64_t index, uint16_t *transport_cc,
	SlotPacket *out)
{
	const ParamsMedia *media = slot->media;
	const RtpOut header = {
		.timestamp = numbers->timestamp,
		.ssrc = again ? media->rtx_ssrc : media->ssrc,
		.sequence = (uint16_t)index,
		.payload_type = again ? media->rtx_payload_type[track->codec]
				      : media->payload_type[track->codec],
		.marker = packet->rtp.marker,
		.ids = &media->extensions,
		.transport_cc = media->extensions.id[RTP_EXT_TRANSPORT_CC] ? (*transport_cc)++ : -1,
		.audio_level = packet->audio_level,
		.voice = packet->voice,
		.orientation = packet->orientation,
	};
	SealJob *job = &out->job;
	out->video = packet->video;
	*job = (SealJob){ .index = index, .ssrc = header.ssrc };
	job->header_len = (uint16_t)rtp_write(out->header, sizeof out->header, &header, NULL);

	unsigned prefix = 0;
	unsigned skip = 0;
	if (again) {
		job->prefix[prefix++] = (uint8_t)(numbers->sequence >> 8);
		job->prefix[prefix++] = (uint8_t)numbers->sequence;
	}
	if (track->codec == CODEC_VP8) {
		Vp8 vp8 = packet->vp8;
		vp8.picture_id = numbers->picture_id;
		vp8.tl0picidx = numbers->tl0picidx;
		vp8.keyidx = numbers->keyidx;
		skip = packet->vp8.descriptor_len;
		prefix += (unsigned)vp8_write(job->prefix + prefix, &vp8);
	}
	job->prefix_len = (uint8_t)prefix;
	job->payload = packet->data + packet->rtp.payload_at + skip;
	job->payload_len = (uint16_t)(packet->rtp.payload_len - skip);
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
	put(&slot->track, track);
	put(&slot->next, NULL);
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
	if (!rewrite_packet(&slot->rewrite, packet, now_us, &numbers))
		return false;
	build(slot, slot->track, packet, &numbers, false, numbers.sequence, transport_cc, out);
	slot->packets++;
	slot->bytes += packet->rtp.payload_len;
	slot->repeat_credit = MIN(slot->repeat_credit + 1, SLOT_REPEATS_SHARE * SLOT_REPEATS_BURST);
	return true;
}

bool slot_replay(Slot *slot, uint16_t *transport_cc, int64_t now_us, SlotPacket *out)
{
	if (!slot->catch_at || !slot->track || slot->track->id != slot->source)
		return false;
	uint64_t highest = history_highest(slot->track->history);
	while (slot->catch_at <= highest) {
		/* What was lost on the way to us is asked for by the viewer, as ever. */
		const Packet *packet = history_find(slot->track->history, slot->catch_at++);
		if (packet && emit(slot, packet, transport_cc, now_us, out))
			return true;
	}
	slot->live_from = slot->catch_at;
	slot->catch_at = 0;
	return false;
}

/* Its next track begins with this packet. */
static void change(Slot *slot, const Packet *packet, int64_t now_us)
{
	const Track *track = slot->track, *next = slot->next;
	uint32_t timestamp;
	if (is_of(track, next) && track != next && slot->source == track->id &&
		track_translate(track, next, packet->rtp.timestamp, &timestamp))
		rewrite_step(&slot->rewrite, next->id, packet, timestamp, next->clock_rate, now_us);
	else
		rewrite_switch(&slot->rewrite, next->id, packet, next->clock_rate, now_us);
	slot->catch_at = slot->live_from = 0;
	slot->slow = false;
	slot->source = next->id;
	put(&slot->track, slot->next);
	put(&slot->next, NULL);
}

static bool begins_picture(const Slot *slot, const Packet *packet)
{
	return (int32_t)(packet->rtp.timestamp - slot->rewrite.timestamp_in) > 0;
}

bool slot_forward(Slot *slot, Track *track, const Packet *packet, uint16_t *transport_cc,
	int64_t now_us, SlotPacket *out)
{
	if (track == slot->track && track->id != slot->source) {
		put(&slot->next, slot->next ? slot->next : track);
		put(&slot->track, NULL);
		track_want_keyframe(track, now_us);
	}
	if (track == slot->track && (slot->catch_at || packet->sequence < slot->live_from))
		return false;
	if (track == slot->next && packet->keyframe && packet->rtp.payload_len)
		change(slot, packet, now_us);
	if (track != slot->track)
		return false;
	if (slot->rewrite.replaying && begins_picture(slot, packet))
		rewrite_live(&slot->rewrite, packet, track->clock_rate, now_us);
	return emit(slot, packet, transport_cc, now_us, out);
}

/* One repeat less, unless this packet was sent again just now. */
static bool may_repeat(Slot *slot, uint16_t sequence, int64_t now_us)
{
	unsigned place = sequence % G_N_ELEMENTS(slot->repeated);
	uint16_t now_ms = (uint16_t)(now_us / 1000);
	if (slot->repeat_credit < SLOT_REPEATS_SHARE)
		return false;
	if (slot->repeated[place].sequence == sequence &&
		(uint16_t)(now_ms - slot->repeated[place].when_ms) < SLOT_REPEAT_SPACING_MS)
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
	/* What is older than the last keyframe is of no use to anybody. */
	if (!rewrite_find(&slot->rewrite, sequence, &source, &in) || source != track->id ||
		in < track->gop_from)
		return false;
	const Packet *packet = history_find(track->history, in);
	bool live = !slot->catch_at && in >= slot->live_from;
	if (packet && live && now_us - packet->arrived_us > SLOT_REPEAT_AGE_US)
		return false;
	if (!packet || !packet->rtp.payload_len ||
		!rewrite_again(&slot->rewrite, source, packet, &numbers) ||
		!may_repeat(slot, sequence, now_us))
		return false;
	build(slot, track, packet, &numbers, true, ++slot->rtx_index, transport_cc, out);
	return true;
}

void slot_want_keyframe(Slot *slot, int64_t now_us)
{
	Track *track = slot->next ? slot->next : slot->track;
	if (!track || track->keyframe_wanted_us)
		return; /* one is on its way for all */
	if (now_us - slot->asks_since_us >= 10000000) {
		slot->asks_since_us = now_us;
		slot->asks = 0;
	}
	if (slot->asks >= SLOT_KEYFRAME_BUDGET)
		return;
	slot->asks++;
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
