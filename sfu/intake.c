#include "intake.h"
#include "ntp.h"
#include "tap_feed.h"
#include "twcc.h"

#define REPORT_US 1000000
#define FEEDBACK_US 100000 /* Chromium's own interval; slower and its rate rises late */
#define NACK_US 20000
#define NACK_LEN_MAX (12 + 4 * GAPS_MAX)
#define TRACKS_MAX (1 + 2 * PARAMS_LAYERS_MAX) /* a voice, and the layers of camera and screen */

struct Intake {
	Gear *gear;
	const Params *params;
	Transport *transport;
	IntakeEvents events;
	void *user;

	Track *tracks[TRACKS_MAX]; /* of a picture the lowest first */
	unsigned track_count;
	Track *sources[SOURCE_COUNT];
	unsigned pictures; /* of the tracks that are alive, as counted in the stats */
	TwccLog *twcc;
	int64_t reported_us, fed_back_us, nacked_us;
	bool has_clock;
	int64_t clock_offset; /* smallest seen: the way with the least delay */
};

static void add_tracks(Intake *intake, const ParamsMedia *media)
{
	Track *below = NULL;
	unsigned layers = MAX(media->rid_count, 1);
	g_assert(intake->track_count + layers <= TRACKS_MAX);
	for (unsigned layer = 0; layer < layers; layer++) {
		Track *track = track_new(intake->params->owner, media);
		track_link(track, (uint8_t)layer, below);
		intake->tracks[intake->track_count++] = below = track;
	}
	intake->sources[media->source] = track_lowest(below);
}

Intake *intake_new(Gear *gear, const Params *params, Transport *transport,
	const IntakeEvents *events, void *user)
{
	Intake *intake = g_new0(Intake, 1);
	intake->gear = gear;
	intake->params = params;
	intake->transport = transport;
	intake->events = *events;
	intake->user = user;
	intake->twcc = twcc_log_new();
	for (unsigned i = 0; i < params->media_count; i++)
		add_tracks(intake, &params->media[i]);
	return intake;
}

void intake_free(Intake *intake)
{
	if (!intake)
		return;
	STATS_ADD(intake->gear->stats, layers, -(uint64_t)intake->pictures);
	for (unsigned i = 0; i < intake->track_count; i++)
		track_free(intake->tracks[i]);
	twcc_log_free(intake->twcc);
	g_free(intake);
}

Track *intake_track(Intake *intake, Source source)
{
	return intake->sources[source];
}

static Track *track_of_ssrc(Intake *intake, uint32_t ssrc)
{
	for (unsigned i = 0; i < intake->track_count; i++) {
		Track *track = intake->tracks[i];
		if (track->ssrc == ssrc || track->rtx_ssrc == ssrc)
			return track;
	}
	return NULL;
}

static bool is_repair(const Track *track, uint8_t payload_type)
{
	return payload_type && track->media->rtx_payload_type[track->codec] == payload_type;
}

static bool takes_payload(const Track *track, uint8_t payload_type)
{
	return track->media->payload_type[track->codec] == payload_type ||
	       is_repair(track, payload_type);
}

static bool told_in_sdp(const Track *track, uint32_t ssrc)
{
	for (unsigned i = 0; i < track->media->remote_ssrc_count; i++)
		if (track->media->remote_ssrcs[i] == ssrc ||
			(ssrc && track->media->remote_rtx_ssrcs[i] == ssrc))
			return true;
	return false;
}

/* A layer is known by its name alone (RFC 8852): Firefox's a=ssrc lines stand in any order. */
static bool is_layer(const Track *track, const Packet *packet, const RtpExtensions *extensions)
{
	const ParamsMedia *media = track->media;
	const char *rid = is_repair(track, packet->rtp.payload_type) ? extensions->repaired_rid
								     : extensions->rid;
	return !media->rid_count || !strcmp(rid, media->rids[track->layer]);
}

/* The track of a stream seen for the first time: its MID says so, and its RID where there are
 * layers, else the offer's a=ssrc lines, else the payload type where only one track has it (RFC
 * 8843 §9.2). */
static Track *claim(Intake *intake, const Packet *packet, const RtpExtensions *extensions)
{
	Track *only = NULL;
	unsigned candidates = 0;
	for (unsigned i = 0; i < intake->track_count; i++) {
		Track *track = intake->tracks[i];
		if (!takes_payload(track, packet->rtp.payload_type) ||
			!is_layer(track, packet, extensions))
			continue;
		if (extensions->mid[0]) {
			if (!strcmp(extensions->mid, track->media->mid))
				return track;
			continue;
		}
		if (told_in_sdp(track, packet->rtp.ssrc))
			return track;
		only = track;
		candidates++;
	}
	return candidates == 1 ? only : NULL;
}

static Track *find_track(
	Intake *intake, const Packet *packet, const RtpExtensions *extensions, int64_t now_us)
{
	uint32_t ssrc = packet->rtp.ssrc;
	Track *track = ssrc ? track_of_ssrc(intake, ssrc) : NULL;
	if (track)
		return takes_payload(track, packet->rtp.payload_type) ? track : NULL;

	track = ssrc ? claim(intake, packet, extensions) : NULL;
	if (!track) {
		transport_refuse_ssrc(intake->transport, ssrc);
		return NULL;
	}
	uint32_t *known =
		is_repair(track, packet->rtp.payload_type) ? &track->rtx_ssrc : &track->ssrc;
	if (*known) {
		/* A second stream in one place: only once the first has ended. */
		if (now_us - track->last_packet_us < TRACK_SILENT_US) {
			transport_refuse_ssrc(intake->transport, ssrc);
			return NULL;
		}
		transport_refuse_ssrc(intake->transport, *known);
		if (known == &track->ssrc)
			track_restart(track, ssrc);
	}
	*known = ssrc;
	return track;
}

/* RFC 4588 §4: the packet sent again becomes what it was. */
static bool restore_repaired(const Track *track, Packet *packet)
{
	if (packet->rtp.payload_len < 2)
		return false; /* padding: a probe of the publisher's estimator */
	const uint8_t *osn = packet->data + packet->rtp.payload_at;
	packet->rtp.sequence = (uint16_t)(osn[0] << 8 | osn[1]);
	packet->rtp.payload_at += 2;
	packet->rtp.payload_len -= 2;
	packet->rtp.ssrc = track->ssrc;
	packet->rtp.payload_type = track->media->payload_type[track->codec];
	return true;
}

/* The ids of header extensions are the same in all sections of a bundle (RFC 8843 §9.2). */
static const RtpExtensionIds *extension_ids(const Intake *intake, RtpExtensionIds *merged)
{
	*merged = (RtpExtensionIds){ 0 };
	for (unsigned i = 0; i < intake->params->media_count; i++)
		for (unsigned e = 0; e < RTP_EXT_COUNT; e++)
			if (!merged->id[e])
				merged->id[e] = intake->params->media[i].extensions.id[e];
	return merged;
}

static void set_flowing(Intake *intake, Track *lowest, bool flowing)
{
	if (lowest->flowing == flowing)
		return;
	lowest->flowing = flowing;
	intake->events.flowing(lowest, intake->user);
}

void intake_rtp(Intake *intake, Packet *packet)
{
	RtpExtensionIds ids;
	RtpExtensions extensions;
	int64_t now_us = packet->arrived_us;

	rtp_read_extensions(&extensions, &packet->rtp, packet->data, extension_ids(intake, &ids));
	if (extensions.transport_cc >= 0)
		twcc_log_add(intake->twcc, (uint16_t)extensions.transport_cc, now_us);
	packet->audio_level = extensions.audio_level;
	packet->voice = extensions.voice;
	packet->orientation = extensions.orientation;

	Track *track = find_track(intake, packet, &extensions, now_us);
	if (!track) {
		packet_unref(packet);
		return;
	}
	if (is_repair(track, packet->rtp.payload_type)) {
		if (!track->ssrc || !restore_repaired(track, packet)) {
			packet_unref(packet);
			return;
		}
		STATS_ADD(intake->gear->stats, rtx_in_total, 1);
	}
	if (track_receive(track, packet, now_us)) {
		set_flowing(intake, track_lowest(track), true);
		intake->events.packet(track, packet, intake->user);
	} else {
		STATS_ADD(intake->gear->stats, duplicates_total, 1);
	}
	packet_unref(packet);
}

static void on_sender_report(const RtcpSenderInfo *info, void *user)
{
	Intake *intake = user;
	int64_t now_us = worker_now_us(intake->gear->worker);
	Track *track = info->ssrc ? track_of_ssrc(intake, info->ssrc) : NULL;
	if (!track || track->ssrc != info->ssrc)
		return;

	int64_t offset = (int64_t)(ntp_from_us(now_us) - info->ntp);
	if (!intake->has_clock || offset < intake->clock_offset) {
		intake->has_clock = true;
		intake->clock_offset = offset;
		for (unsigned i = 0; i < intake->track_count; i++)
			intake->tracks[i]->clock_offset = offset;
	}
	track_sender_report(track, info, now_us);
	tap_feed_report(intake->gear->tap, track, info, now_us);
}

void intake_rtcp(Intake *intake, const uint8_t *data, size_t len)
{
	static const RtcpEvents events = { .sender_report = on_sender_report };
	rtcp_read(data, len, &events, intake);
}

static void send_rtcp(Intake *intake, Writer *out, uint8_t *data)
{
	if (out->ok && writer_len(out))
		transport_send_rtcp(intake->transport, data, writer_len(out));
}

static void send_report(Intake *intake, int64_t now_us)
{
	uint8_t data[512 + SRTCP_TRAILER_MAX];
	Writer out = writer_of(data, 512);
	RtcpReportBlock blocks[TRACKS_MAX];
	unsigned count = 0;
	for (unsigned i = 0; i < intake->track_count; i++) {
		Track *track = intake->tracks[i];
		if (track->ssrc && track->reception.started)
			reception_report(&track->reception, track->ssrc, now_us, &blocks[count++]);
	}
	rtcp_write_rr(&out, intake->params->rtcp_ssrc, blocks, count);
	rtcp_write_sdes_cname(&out, intake->params->rtcp_ssrc, "diemcau");
	send_rtcp(intake, &out, data);
}

static void send_feedback(Intake *intake)
{
	for (;;) {
		uint8_t data[1100 + SRTCP_TRAILER_MAX];
		Writer out = writer_of(data, 1100);
		uint32_t ssrc = 0;
		for (unsigned i = 0; i < intake->track_count && !ssrc; i++)
			ssrc = intake->tracks[i]->ssrc;
		if (!twcc_log_write(intake->twcc, &out, intake->params->rtcp_ssrc, ssrc))
			return;
		send_rtcp(intake, &out, data);
	}
}

static void ask_again(Intake *intake, int64_t now_us)
{
	uint8_t data[1100 + SRTCP_TRAILER_MAX];
	Writer out = writer_of(data, 1100);
	for (unsigned i = 0; i < intake->track_count; i++) {
		Track *track = intake->tracks[i];
		uint16_t lost[GAPS_MAX];
		unsigned count = gaps_due(&track->gaps, lost, GAPS_MAX, now_us);
		if (!count)
			continue;
		if ((size_t)(out.end - out.at) < NACK_LEN_MAX) {
			send_rtcp(intake, &out, data);
			out = writer_of(data, 1100);
		}
		rtcp_write_nack(&out, intake->params->rtcp_ssrc, track->ssrc, lost, count);
		STATS_ADD(intake->gear->stats, nack_out_total, count);
	}
	send_rtcp(intake, &out, data);
}

static void ask_keyframes(Intake *intake, int64_t now_us)
{
	uint8_t data[128 + SRTCP_TRAILER_MAX];
	Writer out = writer_of(data, 128);
	for (unsigned i = 0; i < intake->track_count; i++) {
		Track *track = intake->tracks[i];
		if (!track_keyframe_due(track, now_us))
			continue;
		rtcp_write_pli(&out, intake->params->rtcp_ssrc, track->ssrc);
		STATS_ADD(intake->gear->stats, keyframe_requests_total, 1);
	}
	send_rtcp(intake, &out, data);
}

static bool is_silent(const Track *lowest, int64_t now_us)
{
	for (const Track *layer = lowest; layer; layer = layer->higher)
		if (now_us - layer->last_packet_us <= TRACK_SILENT_US)
			return false;
	return true;
}

static void notice_silence(Intake *intake, int64_t now_us)
{
	for (unsigned i = 0; i < SOURCE_COUNT; i++) {
		Track *lowest = intake->sources[i];
		if (lowest && lowest->flowing && is_silent(lowest, now_us))
			set_flowing(intake, lowest, false);
	}
}

static void count_layers(Intake *intake, int64_t now_us)
{
	unsigned pictures = 0;
	for (unsigned i = 0; i < intake->track_count; i++)
		pictures += intake->tracks[i]->media->video &&
			    track_is_alive(intake->tracks[i], now_us);
	if (pictures == intake->pictures)
		return;
	STATS_ADD(intake->gear->stats, layers, (uint64_t)pictures - intake->pictures);
	intake->pictures = pictures;
}

void intake_tick(Intake *intake, int64_t now_us)
{
	notice_silence(intake, now_us);
	count_layers(intake, now_us);
	if (!transport_path(intake->transport))
		return;
	ask_keyframes(intake, now_us);
	if (now_us - intake->nacked_us >= NACK_US) {
		intake->nacked_us = now_us;
		ask_again(intake, now_us);
	}
	if (now_us - intake->fed_back_us >= FEEDBACK_US) {
		intake->fed_back_us = now_us;
		send_feedback(intake);
	}
	if (now_us - intake->reported_us >= REPORT_US) {
		intake->reported_us = now_us;
		send_report(intake, now_us);
	}
}
