#include "track.h"
#include "h264.h"
#include <openssl/rand.h>

#define RATE_US 1000000
#define REPORTS_APART (INT64_C(3600) << 32)

static uint64_t random_id(void)
{
	uint64_t id = 0;
	while (!id)
		if (RAND_bytes((unsigned char *)&id, sizeof id) != 1)
			g_error("no random numbers");
	return id;
}

static unsigned history_size(const ParamsMedia *media)
{
	return media->video ? HISTORY_VIDEO : HISTORY_AUDIO;
}

Track *track_new(const char *owner, const ParamsMedia *media)
{
	Track *track = g_new0(Track, 1);
	track->id = random_id();
	track->owner = owner;
	track->media = media;
	track->source = media->source;
	for (unsigned codec = 0; codec < CODEC_COUNT; codec++)
		if (media->payload_type[codec])
			track->codec = (Codec)codec;
	track->clock_rate = codec_clock_rate(track->codec);
	track->history = history_new(history_size(media));
	track->picture = track->id;
	track->weight = TRACK_LARGE;
	return track;
}

Track *track_new_mirror(const char *owner, const ParamsMedia *media, uint64_t id)
{
	Track *track = track_new(owner, media);
	track->id = id;
	return track;
}

void track_restart(Track *track, uint32_t ssrc)
{
	history_free(track->history);
	track->history = history_new(history_size(track->media));
	track->id = random_id();
	track->ssrc = ssrc;
	track->gaps = (Gaps){ 0 };
	track->reception = (Reception){ 0 };
	track->gop_from = 0;
	g_clear_pointer(&track->still, still_unref);
	track->bytes = track->rate_from_bytes = 0;
	track->rate_bps = track->rate_from_us = 0;
	track->key_parameters = false;
	track->report_ntp = 0;
}

void track_free(Track *track)
{
	if (!track)
		return;
	still_unref(track->still);
	history_free(track->history);
	g_free(track);
}

Track *track_lowest(Track *track)
{
	while (track->lower)
		track = track->lower;
	return track;
}

void track_link(Track *track, uint8_t layer, Track *other)
{
	track->layer = layer;
	if (!other)
		return;
	track->picture = other->picture;
	Track *lower = NULL, *higher = track_lowest(other);
	while (higher && higher->layer < layer) {
		lower = higher;
		higher = higher->higher;
	}
	track->lower = lower;
	track->higher = higher;
	if (lower)
		lower->higher = track;
	if (higher)
		higher->lower = track;
	for (Track *each = track_lowest(track); each; each = each->higher)
		if (!each->rate_bps)
			each->weight = MIN((TrackWeight)each->layer, TRACK_LARGE);
}

void track_unlink(Track *track)
{
	if (track->lower)
		track->lower->higher = track->higher;
	if (track->higher)
		track->higher->lower = track->lower;
	track->lower = track->higher = NULL;
}

/* A keyframe's parameter sets may come in a packet of their own just before the picture. */
static void read_h264(Track *track, Packet *packet)
{
	H264 h264;
	if (!h264_read(&h264, packet->data + packet->rtp.payload_at, packet->rtp.payload_len))
		return;
	bool same_picture = track->key_parameters && track->key_timestamp == packet->rtp.timestamp;
	packet->starts_frame = h264.starts_nal;
	packet->keyframe = h264.keyframe && !same_picture;
	if (h264.sps || h264.idr) {
		track->key_parameters = true;
		track->key_timestamp = packet->rtp.timestamp;
	}
}

static bool read_payload(Track *track, Packet *packet)
{
	const uint8_t *payload = packet->data + packet->rtp.payload_at;
	packet->video = track->media->video;
	switch (track->codec) {
	case CODEC_VP8:
		if (!packet->rtp.payload_len)
			return true; /* padding: noted, and passed over by the slots */
		if (!vp8_read(&packet->vp8, payload, packet->rtp.payload_len))
			return false;
		packet->starts_frame = packet->vp8.starts_frame;
		packet->keyframe = packet->vp8.keyframe;
		return true;
	case CODEC_H264:
		packet->vp8 = (Vp8){ 0 };
		read_h264(track, packet);
		return true;
	default:
		packet->vp8 = (Vp8){ 0 };
		packet->keyframe = packet->starts_frame = true;
		return true;
	}
}

/* What a newcomer needs: everything since the last keyframe. */
static void note_gop(Track *track, const Packet *packet, int64_t now_us)
{
	if (packet->keyframe && packet->rtp.payload_len && packet->sequence > track->gop_from) {
		track->gop_from = packet->sequence;
		track->gop_us = now_us;
		track->gop_bytes = 0;
	}
	track->gop_bytes += packet->rtp.payload_len;
}

static TrackWeight weight_of(int64_t rate_bps)
{
	return rate_bps <= TRACK_SMALL_BPS    ? TRACK_SMALL
	       : rate_bps <= TRACK_MIDDLE_BPS ? TRACK_MIDDLE
					      : TRACK_LARGE;
}

/* The mean of each RATE_US counts as much as all before. */
static void note_rate(Track *track, const Packet *packet, int64_t now_us)
{
	int64_t since_us = now_us - track->rate_from_us;
	if (!track->rate_from_us) {
		track->rate_from_us = now_us;
	} else if (since_us >= RATE_US) {
		int64_t rate =
			(int64_t)(track->bytes - track->rate_from_bytes) * 8000000 / since_us;
		track->rate_bps = track->rate_bps ? (track->rate_bps + rate) / 2 : rate;
		track->rate_from_us = now_us;
		track->rate_from_bytes = track->bytes;
		/* Lighter when it is so by a quarter, so that it does not change each second. */
		track->weight = MAX(weight_of(track->rate_bps),
			MIN(track->weight, weight_of(track->rate_bps * 4 / 3)));
	}
	track->bytes += packet->rtp.payload_len;
}

Still *track_still(Track *track)
{
	if (!track->gop_from)
		return NULL;
	if (track->still && track->still->from == track->gop_from)
		return track->still;
	Still *still = still_cut(track->history, track->gop_from, track->bytes - track->gop_bytes);
	if (!still)
		return NULL;
	still_unref(track->still);
	return track->still = still;
}

bool track_has_gop(const Track *track, int64_t now_us)
{
	return track->media->video && track->gop_from && now_us - track->gop_us <= TRACK_GOP_US &&
	       track->gop_bytes <= TRACK_GOP_BYTES && history_find(track->history, track->gop_from);
}

static void note_stir(Track *track, const Packet *packet, int64_t now_us)
{
	if (track->source == SOURCE_SCREEN && packet->rtp.payload_len)
		stir_packet(&track->stir, packet->keyframe, packet->rtp.timestamp,
			packet->rtp.payload_len, now_us);
}

static void note_arrival(Track *track, const Packet *packet, int64_t now_us)
{
	track->last_packet_us = now_us;
	if (packet->rtp.payload_len)
		track->last_payload_us = now_us;
}

bool track_receive(Track *track, Packet *packet, int64_t now_us)
{
	if (!read_payload(track, packet))
		return false;
	if (!history_add(track->history, packet))
		return false;

	reception_packet(&track->reception, packet->sequence, packet->rtp.timestamp,
		track->clock_rate, now_us);
	if (track->media->nack)
		gaps_packet(&track->gaps, packet->sequence, now_us);
	if (!track->media->video)
		loudness_packet(&track->loudness, packet->audio_level, now_us);
	if (packet->keyframe)
		track->keyframe_wanted_us = 0;
	note_rate(track, packet, now_us);
	note_gop(track, packet, now_us);
	note_stir(track, packet, now_us);
	note_arrival(track, packet, now_us);
	return true;
}

bool track_follow(Track *track, Packet *packet)
{
	if (!history_keep(track->history, packet))
		return false;
	if (packet->keyframe)
		track->keyframe_wanted_us = 0;
	note_rate(track, packet, packet->arrived_us);
	note_gop(track, packet, packet->arrived_us);
	note_stir(track, packet, packet->arrived_us);
	note_arrival(track, packet, packet->arrived_us);
	return true;
}

void track_sender_report(Track *track, const RtcpSenderInfo *info, int64_t now_us)
{
	reception_sender_report(&track->reception, info->ntp, now_us);
	track->report_ntp = info->ntp;
	track->report_rtp = info->rtp;
}

bool track_is_alive(const Track *track, int64_t now_us)
{
	int64_t within_us = track->source == SOURCE_SCREEN ? TRACK_SCREEN_ALIVE_US : TRACK_ALIVE_US;
	return track->last_payload_us && now_us - track->last_payload_us < within_us;
}

bool track_translate(
	const Track *track, const Track *other, uint32_t other_timestamp, uint32_t *timestamp)
{
	if (!track->report_ntp || !other->report_ntp || track->clock_rate != other->clock_rate)
		return false;
	int64_t apart = (int64_t)(other->report_ntp - track->report_ntp); /* 32.32 seconds */
	if (apart > REPORTS_APART || apart < -REPORTS_APART)
		return false;
	int64_t ticks = (apart >> 16) * (int64_t)track->clock_rate >> 16;
	*timestamp = track->report_rtp + (uint32_t)ticks + (other_timestamp - other->report_rtp);
	return true;
}

void track_want_keyframe(Track *track, int64_t now_us)
{
	if (track->media->video && !track->keyframe_wanted_us)
		track->keyframe_wanted_us = now_us;
}

bool track_keyframe_due(Track *track, int64_t now_us)
{
	if (!track->keyframe_wanted_us || !track->ssrc ||
		(track->keyframe_asked_us &&
			now_us - track->keyframe_asked_us < TRACK_KEYFRAME_SPACING_US))
		return false;
	/* A layer that is not there begins with one by itself; asked for it, a browser may make
	 * one of each of the others. A screen that stands still is there all the same. */
	if ((track->lower || track->higher) && !track_is_alive(track, now_us))
		return false;
	track->keyframe_asked_us = now_us;
	return true;
}
