#include "joined.h"
#include "opus_join.h"

/* The first number, high enough for what counts back from it. */
#define FIRST_NUMBER ((uint64_t)1 << 16)

struct Joined {
	Track *source, *track;
	PacketPool *pool;
	uint64_t source_id; /* another one: the source began anew */
	Packet *half;       /* waits for the other one; NULL: none */
	uint64_t done;      /* highest number of the source that has gone out; 0: none */
	uint64_t number;    /* ours that went out last */
	struct {
		uint64_t from, to; /* the source's numbers that were missing last */
		uint64_t number;   /* ours that was left out for them; 0: it is taken */
	} gap;
};

Joined *joined_new(Track *source, PacketPool *pool)
{
	Joined *joined = g_new0(Joined, 1);
	joined->source = source;
	joined->pool = pool;
	joined->track = track_new(source->owner, source->media);
	joined->number = FIRST_NUMBER;
	return joined;
}

static void drop_half(Joined *joined)
{
	packet_unref(joined->half);
	joined->half = NULL;
}

void joined_free(Joined *joined)
{
	if (!joined)
		return;
	drop_half(joined);
	track_free(joined->track);
	g_free(joined);
}

Track *joined_source(const Joined *joined)
{
	return joined->source;
}

Track *joined_track(Joined *joined)
{
	return joined->track;
}

/* The source's stream, and its clock as it is known now. */
static void follow_source(Joined *joined)
{
	Track *track = joined->track;
	const Track *source = joined->source;
	if (joined->source_id != source->id) {
		drop_half(joined);
		track_restart(track, source->ssrc);
		joined->source_id = track->made_of = source->id;
		joined->done = 0;
		joined->gap.number = 0;
	}
	track->report_ntp = source->report_ntp;
	track->report_rtp = source->report_rtp;
	track->clock_offset = source->clock_offset;
}

/* A packet of ours, yet without payload: what the first of those it is made of says. */
static Packet *begin(Joined *joined, const Packet *of, uint64_t number)
{
	Packet *made = packet_new(joined->pool);
	made->sequence = number;
	made->arrived_us = of->arrived_us;
	made->rtp = of->rtp;
	made->rtp.sequence = (uint16_t)number;
	made->rtp.extension_profile = made->rtp.extension_at = made->rtp.extension_len = 0;
	made->rtp.padding_len = 0;
	made->rtp.payload_at = RTP_HEADER_LEN;
	made->vp8 = (Vp8){ 0 };
	made->keyframe = made->starts_frame = true;
	made->audio_level = of->audio_level;
	made->voice = of->voice;
	return made;
}

static Packet *finish(Joined *joined, Packet *made, size_t payload_len)
{
	const RtpOut header = { .timestamp = made->rtp.timestamp,
		.ssrc = made->rtp.ssrc,
		.sequence = made->rtp.sequence,
		.payload_type = made->rtp.payload_type,
		.marker = made->rtp.marker,
		.transport_cc = -1,
		.audio_level = -1,
		.orientation = -1 };
	rtp_write(made->data, RTP_HEADER_LEN, &header, NULL);
	made->rtp.payload_len = (uint16_t)payload_len;
	made->len = (uint16_t)(RTP_HEADER_LEN + payload_len);
	track_follow(joined->track, made);
	return made;
}

static const uint8_t *payload(const Packet *packet)
{
	return packet->data + packet->rtp.payload_at;
}

static Packet *alone(Joined *joined, const Packet *packet, uint64_t number)
{
	Packet *made = begin(joined, packet, number);
	memcpy(made->data + RTP_HEADER_LEN, payload(packet), packet->rtp.payload_len);
	return finish(joined, made, packet->rtp.payload_len);
}

/* Our number for what begins with this one of the source's, the highest so far. */
static uint64_t next_number(Joined *joined, uint64_t first, uint64_t last)
{
	if (joined->done && first > joined->done + 1) {
		joined->gap.from = joined->done + 1;
		joined->gap.to = first - 1;
		joined->gap.number = ++joined->number;
	}
	joined->done = last;
	return ++joined->number;
}

static Packet *next_alone(Joined *joined, const Packet *packet)
{
	return alone(joined, packet, next_number(joined, packet->sequence, packet->sequence));
}

static Packet *give_up_half(Joined *joined)
{
	Packet *made = next_alone(joined, joined->half);
	drop_half(joined);
	return made;
}

/* The half that waits and this packet; NULL: they do not fit together. */
static Packet *join(Joined *joined, const Packet *packet)
{
	const Packet *half = joined->half;
	uint8_t both[JOINED_PAYLOAD_MAX];
	if (packet->sequence != half->sequence + 1 ||
		packet->rtp.timestamp != half->rtp.timestamp + OPUS_JOIN_TICKS)
		return NULL;
	size_t len = opus_join(payload(half), half->rtp.payload_len, payload(packet),
		packet->rtp.payload_len, both, sizeof both);
	if (!len)
		return NULL;

	uint64_t number = next_number(joined, half->sequence, packet->sequence);
	Packet *made = begin(joined, half, number);
	made->arrived_us = packet->arrived_us;
	made->rtp.marker |= packet->rtp.marker;
	made->voice |= packet->voice;
	if (packet->audio_level >= 0 &&
		(made->audio_level < 0 || packet->audio_level < made->audio_level))
		made->audio_level = packet->audio_level; /* -dBov: less is louder */
	memcpy(made->data + RTP_HEADER_LEN, both, len);
	drop_half(joined);
	return finish(joined, made, len);
}

/* What comes after those behind it has the number that was left out for it, once. */
static Packet *belated(Joined *joined, const Packet *packet)
{
	uint64_t number = joined->gap.number;
	if (!number || packet->sequence < joined->gap.from || packet->sequence > joined->gap.to)
		return NULL;
	joined->gap.number = 0;
	return alone(joined, packet, number);
}

static bool may_begin_pair(const Packet *packet)
{
	return !(packet->sequence & 1) && opus_join_takes(payload(packet), packet->rtp.payload_len);
}

unsigned joined_packet(Joined *joined, Packet *packet, int64_t now_us, Packet *out[JOINED_OUT_MAX])
{
	unsigned count = 0;
	follow_source(joined);
	if (!joined->track->takers) {
		drop_half(joined);
		joined->done = MAX(joined->done, packet->sequence);
		return 0;
	}
	if (!packet->rtp.payload_len) { /* padding alone: no gap */
		joined->done += !joined->half && packet->sequence == joined->done + 1;
		return 0;
	}
	if (packet->sequence <= joined->done) {
		out[0] = belated(joined, packet);
		return out[0] != NULL;
	}
	if (joined->half && packet->sequence > joined->half->sequence) {
		out[0] = join(joined, packet);
		if (out[0])
			return 1;
		out[count++] = give_up_half(joined);
	}
	/* One that comes before the half that waits goes before it. */
	if (!joined->half && may_begin_pair(packet))
		joined->half = packet_ref(packet);
	else
		out[count++] = next_alone(joined, packet);
	return count;
}

Packet *joined_late(Joined *joined, int64_t now_us)
{
	if (!joined->half || now_us - joined->half->arrived_us < JOINED_WAIT_US)
		return NULL;
	return give_up_half(joined);
}
