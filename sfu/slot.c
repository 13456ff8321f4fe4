#include "slot.h"
#include "red.h"
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
	*slot = (Slot){ .media = media };
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

static uint64_t sound_of(const Track *track)
{
	return track->made_of ? track->made_of : track->id;
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

static RedPart part_of(const Packet *packet)
{
	return (RedPart){ .data = packet->data + packet->rtp.payload_at,
		.len = packet->rtp.payload_len,
		.timestamp = packet->rtp.timestamp };
}

/* The payload with those that went out before it, in out->red; 0: it goes alone. What a line lost
 * before this source came in is not of it. */
static unsigned repeat_past(
	const Slot *slot, const Track *track, const Packet *packet, SlotPacket *out)
{
	uint64_t first = slot->rewrite.spans[slot->rewrite.current].in_start;
	RedPart now = part_of(packet), before[RED_DISTANCE_MAX];
	unsigned count = 0;
	for (unsigned back = 1; back <= MIN(slot->redundancy, RED_DISTANCE_MAX); back++) {
		if (packet->sequence < first + back)
			break;
		const Packet *past = history_find(track->history, packet->sequence - back);
		if (past)
			before[count++] = part_of(past);
	}
	return (unsigned)red_write(out->red, sizeof out->red, slot->media->payload_type[CODEC_OPUS],
		&now, before, count);
}

/* Header, rewritten descriptor and what to seal behind it. */
static void build(const Slot *slot, const Track *track, const Packet *packet,
	const Rewritten *numbers, bool again, uint64_t index, uint16_t *transport_cc,
	SlotPacket *out)
{
	const ParamsMedia *media = slot->media;
	unsigned red = 0;
	if (slot->redundancy && media->red_payload_type && track->codec == CODEC_OPUS && !again)
		red = repeat_past(slot, track, packet, out);
	const RtpOut header = {
		.timestamp = numbers->timestamp,
		.ssrc = again ? media->rtx_ssrc : media->ssrc,
		.sequence = (uint16_t)index,
		.payload_type = red     ? media->red_payload_type
				: again ? media->rtx_payload_type[track->codec]
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
	job->payload = red ? out->red : packet->data + packet->rtp.payload_at + skip;
	job->payload_len = (uint16_t)(red ? red : packet->rtp.payload_len - skip);
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
	slot->bytes += (uint32_t)out->job.prefix_len + out->job.payload_len;
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

static bool begins_picture(const Slot *slot, const Packet *packet)
{
	return (int32_t)(packet->rtp.timestamp - slot->rewrite.timestamp_in) > 0;
}

/* The numbers go on with the first packet of another source. False: what it has was heard before. */
static bool begin_with(Slot *slot, const Track *track, const Packet *packet, int64_t now_us)
{
	bool same_sound = slot->source != track->id && slot->sound == sound_of(track);
	uint32_t ahead = packet->rtp.timestamp - slot->rewrite.timestamp_in;
	/* A second behind or more is no repeated sound but a publisher's clock that began anew. */
	if (same_sound && -ahead < track->clock_rate)
		return false;
	if (same_sound && ahead <= INT32_MAX)
		rewrite_follow(&slot->rewrite, track->id, packet);
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
	} else if (track == slot->track && track->id != slot->source) {
		put(&slot->next, slot->next ? slot->next : track);
		put(&slot->track, NULL);
		track_want_keyframe(track, now_us);
	}
	if (track == slot->track && (slot->catch_at || packet->sequence < slot->live_from))
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
