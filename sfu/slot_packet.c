#include "slot_packet.h"
#include "red.h"

static int32_t next_number(const SlotFrame *frame)
{
	return frame->media->extensions.id[RTP_EXT_TRANSPORT_CC] ? (*frame->transport_cc)++ : -1;
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
	SlotPacket *out, const SlotFrame *frame, const Track *track, const Packet *packet)
{
	RedPart now = part_of(packet), before[RED_DISTANCE_MAX];
	unsigned count = 0;
	if (!frame->media->red_payload_type || track->codec != CODEC_OPUS)
		return 0;
	for (unsigned back = 1; back <= MIN(frame->redundancy, RED_DISTANCE_MAX); back++) {
		if (packet->sequence < frame->past_from + back)
			break;
		const Packet *past = history_find(track->history, packet->sequence - back);
		if (past)
			before[count++] = part_of(past);
	}
	return (unsigned)red_write(out->red, sizeof out->red,
		frame->media->payload_type[CODEC_OPUS], &now, before, count);
}

/* RTX's sequence number, and a video's descriptor with its own numbers in place of `skip` bytes. */
static unsigned write_prefix(SealJob *job, const SlotFrame *frame, const Track *track,
	const Packet *packet, const Rewritten *numbers)
{
	unsigned len = 0;
	if (frame->again) {
		job->prefix[len++] = (uint8_t)(numbers->sequence >> 8);
		job->prefix[len++] = (uint8_t)numbers->sequence;
	}
	if (track->codec == CODEC_VP8) {
		Vp8 vp8 = packet->vp8;
		vp8.picture_id = numbers->picture_id;
		vp8.tl0picidx = numbers->tl0picidx;
		vp8.keyidx = numbers->keyidx;
		len += (unsigned)vp8_write(job->prefix + len, &vp8);
	}
	return len;
}

void slot_packet_make(SlotPacket *out, const SlotFrame *frame, const Track *track,
	const Packet *packet, const Rewritten *numbers)
{
	const ParamsMedia *media = frame->media;
	unsigned red = frame->redundancy ? repeat_past(out, frame, track, packet) : 0;
	const RtpOut header = {
		.timestamp = numbers->timestamp,
		.ssrc = frame->again ? media->rtx_ssrc : media->ssrc,
		.sequence = (uint16_t)frame->index,
		.payload_type = red            ? media->red_payload_type
				: frame->again ? media->rtx_payload_type[track->codec]
					       : media->payload_type[track->codec],
		.marker = packet->rtp.marker,
		.ids = &media->extensions,
		.transport_cc = next_number(frame),
		.audio_level = packet->audio_level,
		.voice = packet->voice,
		.orientation = packet->orientation,
		.playout = frame->playout,
		.sent_us = frame->now_us,
	};
	SealJob *job = &out->job;
	unsigned skip = track->codec == CODEC_VP8 ? packet->vp8.descriptor_len : 0;
	out->video = packet->video;
	out->transport_cc = header.transport_cc;
	*job = (SealJob){ .index = frame->index, .ssrc = header.ssrc };
	job->header_len = (uint16_t)rtp_write(out->header, sizeof out->header, &header, NULL);
	job->prefix_len = (uint8_t)write_prefix(job, frame, track, packet, numbers);
	job->payload = red ? out->red : packet->data + packet->rtp.payload_at + skip;
	job->payload_len = (uint16_t)(red ? red : packet->rtp.payload_len - skip);
}

static void make_empty(SlotPacket *out, const SlotFrame *frame, uint8_t payload_type,
	uint32_t timestamp, uint8_t padding)
{
	const ParamsMedia *media = frame->media;
	const RtpOut header = {
		.timestamp = timestamp,
		.ssrc = frame->again ? media->rtx_ssrc : media->ssrc,
		.sequence = (uint16_t)frame->index,
		.payload_type = payload_type,
		.padding = true,
		.ids = &media->extensions,
		.transport_cc = next_number(frame),
		.audio_level = -1,
		.orientation = -1,
		.sent_us = frame->now_us,
	};
	out->video = true;
	out->transport_cc = header.transport_cc;
	out->job = (SealJob){ .index = frame->index,
		.ssrc = header.ssrc,
		.payload = out->red, /* none of it */
		.padding = padding };
	out->job.header_len = (uint16_t)rtp_write(out->header, sizeof out->header, &header, NULL);
}

void slot_packet_tail(SlotPacket *out, const SlotFrame *frame, Codec codec, uint32_t timestamp)
{
	make_empty(out, frame, frame->media->payload_type[codec], timestamp, 1);
}

bool slot_packet_pad(SlotPacket *out, const SlotFrame *frame, uint32_t timestamp)
{
	const ParamsMedia *media = frame->media;
	uint8_t type = 0;
	for (unsigned codec = 0; codec < CODEC_COUNT && !type; codec++)
		type = media->rtx_payload_type[codec];
	if (!media->rtx_ssrc || !type)
		return false;
	make_empty(out, frame, type, timestamp, SLOT_PAD);
	return true;
}
