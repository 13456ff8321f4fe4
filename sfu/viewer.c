#include "viewer.h"
#include "ntp.h"
#include "place.h"

#define REPORT_US 1000000
#define REPLAY_ROUND 10  /* packets of the past sent with each round */
#define PAD_VIDEO_MAX 8  /* of some 1,150 bytes */
#define PAD_AUDIO_MAX 48 /* of some 120: three voices in one message cost less than two */

struct Viewer {
	Gear *gear;
	const Params *params;
	Transport *transport;
	Place places[SLOT_COUNT];
	unsigned place_count;
	Ration ration;
	uint16_t transport_cc; /* next transport-wide number */
	int64_t reported_us;
	bool interrupted; /* something was to go out, and there was no way */
	bool keeps;       /* voices as they were sent: some were asked for again */
};

/* The slot whose padding asks what the line carries: its browser tells of every packet of it. NULL
 * where there is none. */
static Slot *measuring_slot(Viewer *viewer)
{
	for (unsigned i = 0; i < viewer->place_count; i++) {
		const ParamsMedia *media = viewer->places[i].slot.media;
		if (media->extensions.id[RTP_EXT_TRANSPORT_CC] && media->rtx_ssrc)
			return &viewer->places[i].slot;
	}
	return NULL;
}

Viewer *viewer_new(Gear *gear, const Params *params, Transport *transport)
{
	Viewer *viewer = g_new0(Viewer, 1);
	viewer->gear = gear;
	viewer->params = params;
	viewer->transport = transport;
	for (unsigned i = 0; i < params->media_count && i < SLOT_COUNT; i++)
		slot_init(&viewer->places[viewer->place_count++].slot, &params->media[i]);
	ration_init(&viewer->ration, measuring_slot(viewer) != NULL, worker_now_us(gear->worker));
	ration_ceiling(&viewer->ration, gear->rung_cap);
	return viewer;
}

void viewer_free(Viewer *viewer)
{
	if (!viewer)
		return;
	for (unsigned i = 0; i < viewer->place_count; i++)
		place_clear(&viewer->places[i]);
	ration_clear(&viewer->ration);
	g_free(viewer);
}

/* -- who is in which slot -- */

void viewer_aim(Viewer *viewer, SlotName name, Track *track, Track *joined, int64_t now_us)
{
	for (unsigned i = 0; i < viewer->place_count; i++)
		if (viewer->places[i].slot.media->slot == name)
			place_aim(&viewer->places[i], track, joined, &viewer->ration, now_us);
	viewer_remind(viewer, now_us);
}

void viewer_remind(Viewer *viewer, int64_t now_us)
{
	if (!transport_path(viewer->transport))
		return; /* a keyframe would come before the viewer does */
	for (unsigned i = 0; i < viewer->place_count; i++) {
		if (viewer->interrupted)
			slot_begin_anew(&viewer->places[i].slot);
		const Track *next = viewer->places[i].slot.next;
		if (next && ration_affords(&viewer->ration, next->gop_bytes, now_us))
			slot_begin_past(&viewer->places[i].slot, now_us);
		slot_remind(&viewer->places[i].slot, now_us);
	}
	viewer->interrupted = false;
}

void viewer_release(Viewer *viewer, const Track *track)
{
	for (unsigned i = 0; i < viewer->place_count; i++)
		place_release(&viewer->places[i], track);
}

static unsigned length_of(const SealJob *job)
{
	return (unsigned)job->header_len + job->prefix_len + job->payload_len + job->padding;
}

/* Packets of one message to the kernel must be equally long, but for the last. libwebrtc cuts a
 * picture into packets of two lengths, the longer ones behind: RTP padding (RFC 3550 §5.1) makes
 * each as long as the longest, where that costs little. */
static void level(SlotPacket *packets, unsigned count, unsigned pad_max)
{
	unsigned longest = 0;
	for (unsigned i = 0; i < count; i++)
		longest = MAX(longest, length_of(&packets[i].job));
	for (unsigned i = 0; i < count; i++) {
		unsigned missing = longest - length_of(&packets[i].job);
		if (!missing || missing > pad_max)
			continue;
		packets[i].job.padding = (uint8_t)missing;
		packets[i].header[0] |= 0x20;
	}
}

/* Video of one stream after another, then the voices, of which the first rides as the shorter last
 * packet of a picture's message. */
static void level_all(SlotPacket *packets, unsigned count)
{
	unsigned at = 0;
	while (at < count && packets[at].video) {
		unsigned from = at;
		while (at < count && packets[at].video &&
			packets[at].job.ssrc == packets[from].job.ssrc)
			at++;
		level(packets + from, at - from, PAD_VIDEO_MAX);
	}
	at += at && at < count;
	level(packets + at, count - at, PAD_AUDIO_MAX);
}

static Place *place_of_ssrc(Viewer *viewer, uint32_t ssrc)
{
	for (unsigned i = 0; i < viewer->place_count; i++)
		if (viewer->places[i].slot.media->ssrc == ssrc)
			return &viewer->places[i];
	return NULL;
}

static void keep_voice(Viewer *viewer, const SlotPacket *packet, const SealJob *sealed)
{
	const Place *place = place_of_ssrc(viewer, sealed->ssrc);
	if (place && place->kept)
		kept_add(place->kept, (uint16_t)sealed->index, packet->transport_cc, sealed->dst,
			sealed->dst_len);
}

/* Seals what was built and puts it into the outbox, in order. */
static void send_packets(Viewer *viewer, SlotPacket *packets, unsigned count)
{
	const Path *path = transport_path(viewer->transport);
	unsigned tag = srtp_profile_tag_len(transport_profile(viewer->transport));
	Outbox *outbox = viewer->gear->outbox;
	int64_t now_us = worker_now_us(viewer->gear->worker);
	SealJob jobs[FEED_ROUND_MAX];
	size_t bytes = 0;

	if (!outbox_ensure(
		    outbox, (size_t)count * (RTP_PACKET_MAX + SLOT_HEADER_MAX + SEAL_TAG_MAX))) {
		STATS_ADD(viewer->gear->stats, send_dropped_total, count);
		return;
	}
	if (!path->line)
		level_all(packets, count);
	for (unsigned i = 0; i < count; i++) {
		SealJob *job = &packets[i].job;
		job->dst = outbox_room(outbox, length_of(job) + tag);
		memcpy(job->dst, packets[i].header, job->header_len);
		jobs[i] = *job;
	}
	seal_batch(transport_seal(viewer->transport), jobs, count);
	for (unsigned i = 0; i < count; i++) {
		if (!jobs[i].dst_len)
			continue;
		outbox_push(outbox, path, jobs[i].dst, jobs[i].dst_len);
		if (viewer->keeps && !packets[i].video)
			keep_voice(viewer, &packets[i], &jobs[i]);
		ration_sent(&viewer->ration, packets[i].transport_cc, jobs[i].dst_len, now_us);
		bytes += jobs[i].dst_len;
	}
	STATS_ADD(viewer->gear->stats, packets_out_total, count);
	STATS_ADD(viewer->gear->stats, bytes_out_total, bytes);
}

static void pause_video_of_slow_line(Viewer *viewer, const Path *path, int64_t now_us)
{
	if (!path->line || tcp_line_backlog(path->line) < TCP_BACKLOG_VIDEO)
		return;
	for (unsigned i = 0; i < viewer->place_count; i++)
		slot_pause(&viewer->places[i].slot, now_us);
}

/* What lies behind the present: a newcomer's past, stills, and all that moves on a line that is
 * paced. A little with each round, slides first: it neither fills the line nor delays a voice. */
static void replay(Viewer *viewer, int64_t now_us)
{
	SlotPacket ready[REPLAY_ROUND];
	Ration *ration = &viewer->ration;
	for (unsigned i = viewer->place_count; i-- > 0;) {
		Slot *slot = &viewer->places[i].slot;
		unsigned built = 0;
		while (built < REPLAY_ROUND && ration_may_send(ration, now_us) &&
			slot_replay(slot, &viewer->transport_cc, now_us, &ready[built]))
			ration_spend(ration, length_of(&ready[built++].job));
		if (!built && slot_tail(slot, &viewer->transport_cc, now_us, &ready[0]))
			built = 1;
		if (built)
			send_packets(viewer, ready, built);
		if (slot->paced && !slot->rewrite.replaying &&
			slot_behind_us(slot, now_us) > RATION_BEHIND_US)
			slot_pause(slot, now_us);
	}
}

/* Padding, where the line may carry more than it is given. */
static void probe(Viewer *viewer, int64_t now_us)
{
	SlotPacket pads[FEED_ROUND_MAX];
	int64_t bytes = ration_probe(&viewer->ration, now_us);
	Slot *slot = bytes > 0 ? measuring_slot(viewer) : NULL;
	while (bytes > 0 && slot) {
		unsigned built = 0;
		while (bytes > 0 && built < FEED_ROUND_MAX &&
			slot_pad(slot, &viewer->transport_cc, now_us, &pads[built]))
			bytes -= length_of(&pads[built++].job) + SEAL_TAG_MAX + RATION_IP_BYTES;
		send_packets(viewer, pads, built);
		STATS_ADD(viewer->gear->stats, probe_packets_total, built);
	}
}

void viewer_forward(Viewer *viewer, const FeedItem *round, unsigned count, int64_t now_us)
{
	SlotPacket ready[FEED_ROUND_MAX];
	unsigned built = 0;
	const Path *path = transport_path(viewer->transport);
	if (!path) {
		viewer->interrupted = true;
		return;
	}
	g_assert(count <= FEED_ROUND_MAX);
	pause_video_of_slow_line(viewer, path, now_us);
	for (unsigned p = 0; p < count; p++) {
		for (unsigned s = 0; s < viewer->place_count; s++) {
			Slot *slot = &viewer->places[s].slot;
			Track *track = round[p].track;
			if (slot->track != track && slot->next != track)
				continue;
			if (slot_forward(slot, track, round[p].packet, &viewer->transport_cc,
				    now_us, &ready[built]))
				built++;
			break; /* a track is in one slot of a viewer at most */
		}
	}
	if (built)
		send_packets(viewer, ready, built);
	replay(viewer, now_us);
	probe(viewer, now_us);
}

void viewer_shed(Viewer *viewer, const Track *track, int64_t now_us)
{
	for (unsigned i = 0; i < viewer->place_count; i++)
		if (viewer->places[i].slot.track == track)
			slot_pause(&viewer->places[i].slot, now_us);
}

/* The way there and back. */
static unsigned round_ms(const Viewer *viewer)
{
	int rtt_ms = ration_news(&viewer->ration).rtt_ms;
	return (unsigned)CLAMP(rtt_ms, SLOT_REPEAT_RTT_MS_MIN, SLOT_REPEAT_RTT_MS_MAX);
}

/* What was lost of a voice goes out as it was, ahead of the rest. The first who asks gets it from
 * the next one on. How many were sent. */
static unsigned repeat_voice(
	Viewer *viewer, Place *place, const uint16_t *lost, unsigned count, int64_t now_us)
{
	const Path *path = transport_path(viewer->transport);
	unsigned repeated = 0;
	if (!place->kept) {
		place->kept = kept_new();
		viewer->keeps = true;
		return 0;
	}
	for (unsigned i = 0; i < count; i++) {
		KeptPacket packet;
		if (!kept_find(place->kept, lost[i], &packet) ||
			!slot_may_repeat(&place->slot, lost[i], round_ms(viewer), now_us))
			continue;
		outbox_copy(viewer->gear->outbox, path, packet.data, packet.len);
		ration_repeated(&viewer->ration, packet.transport_cc);
		STATS_ADD(viewer->gear->stats, bytes_out_total, packet.len);
		repeated++;
	}
	STATS_ADD(viewer->gear->stats, packets_out_total, repeated);
	return repeated;
}

static unsigned repeat_video(
	Viewer *viewer, Slot *slot, const uint16_t *lost, unsigned count, int64_t now_us)
{
	SlotPacket ready[FEED_ROUND_MAX];
	unsigned built = 0, repeated = 0;
	slot->repeat_ms = slot->paced ? round_ms(viewer) : SLOT_REPEAT_SPACING_MS;
	for (unsigned i = 0; i < count; i++) {
		if (!slot_repeat(slot, lost[i], &viewer->transport_cc, now_us, &ready[built]))
			continue;
		repeated++;
		if (++built == FEED_ROUND_MAX) {
			send_packets(viewer, ready, built);
			built = 0;
		}
	}
	if (built)
		send_packets(viewer, ready, built);
	return repeated;
}

static void on_nack(uint32_t from, uint32_t ssrc, const uint16_t *lost, unsigned count, void *user)
{
	Viewer *viewer = user;
	Place *place = place_of_ssrc(viewer, ssrc);
	int64_t now_us = worker_now_us(viewer->gear->worker);

	STATS_ADD(viewer->gear->stats, nack_in_total, count);
	if (!place || !transport_path(viewer->transport))
		return;
	unsigned repeated = place->slot.media->video
				    ? repeat_video(viewer, &place->slot, lost, count, now_us)
				    : repeat_voice(viewer, place, lost, count, now_us);
	STATS_ADD(viewer->gear->stats, rtx_out_total, repeated);
}

static void on_pli(uint32_t from, uint32_t ssrc, void *user)
{
	Viewer *viewer = user;
	Place *place = place_of_ssrc(viewer, ssrc);
	STATS_ADD(viewer->gear->stats, pli_in_total, 1);
	if (place)
		slot_want_keyframe(&place->slot, worker_now_us(viewer->gear->worker));
}

static void on_fir(uint32_t from, uint32_t ssrc, uint8_t number, void *user)
{
	on_pli(from, ssrc, user);
}

static void on_transport_cc(uint32_t from, const uint8_t *fci, size_t len, void *user)
{
	Viewer *viewer = user;
	TwccFeedback feedback;
	STATS_ADD(viewer->gear->stats, feedback_in_total, 1);
	if (twcc_read(&feedback, fci, len))
		ration_feedback(&viewer->ration, &feedback, worker_now_us(viewer->gear->worker));
}

static void on_remb(uint32_t from, uint64_t rate_bps, void *user)
{
	Viewer *viewer = user;
	ration_remb(&viewer->ration, rate_bps, worker_now_us(viewer->gear->worker));
}

static void on_report_block(uint32_t from, const RtcpReportBlock *block, void *user)
{
	Viewer *viewer = user;
	ration_lost(&viewer->ration, block->fraction_lost);
}

void viewer_rtcp(Viewer *viewer, const uint8_t *data, size_t len)
{
	static const RtcpEvents events = { .nack = on_nack,
		.pli = on_pli,
		.fir = on_fir,
		.transport_cc = on_transport_cc,
		.remb = on_remb,
		.report_block = on_report_block };
	rtcp_read(data, len, &events, viewer);
}

/* -- each tenth of a second -- */

static void report(Viewer *viewer, int64_t now_us)
{
	uint8_t data[512 + SRTCP_TRAILER_MAX];
	Writer out = writer_of(data, 512);
	uint64_t ntp = ntp_from_us(now_us);
	viewer->reported_us = now_us;
	for (unsigned i = 0; i < viewer->place_count; i++) {
		RtcpSenderInfo info;
		Slot *slot = &viewer->places[i].slot;
		if (!slot_report(slot, ntp, now_us, &info))
			continue;
		SlotName name = slot->media->slot;
		rtcp_write_sr(&out, &info, NULL, 0);
		rtcp_write_sdes_cname(
			&out, info.ssrc, slot_name(name == SLOT_A0 ? SLOT_MAIN : name));
	}
	if (out.ok && writer_len(&out))
		transport_send_rtcp(viewer->transport, data, writer_len(&out));
}

static RationScene scene_of(const Viewer *viewer)
{
	RationScene scene = { 0 };
	for (unsigned i = 0; i < viewer->place_count; i++) {
		SlotName name = viewer->places[i].slot.media->slot;
		if (name == SLOT_MAIN)
			scene.main = viewer->places[i].wish;
		if (name == SLOT_SLIDES)
			scene.slides = viewer->places[i].wish;
	}
	return scene;
}

bool viewer_tick(Viewer *viewer, int64_t now_us)
{
	RationScene scene = scene_of(viewer);
	ration_ceiling(&viewer->ration, viewer->gear->rung_cap);
	bool moved = ration_tick(&viewer->ration, &scene, now_us);
	for (unsigned i = 0; i < viewer->place_count; i++)
		if (place_is_turning(&viewer->places[i]))
			ration_hurry(&viewer->ration, now_us);
	for (unsigned i = 0; i < viewer->place_count; i++)
		place_steer(&viewer->places[i], &viewer->ration, now_us);
	viewer_remind(viewer, now_us);
	if (!transport_path(viewer->transport))
		return moved;
	for (unsigned i = 0; i < viewer->place_count; i++)
		place_show(&viewer->places[i], now_us);
	replay(viewer, now_us);
	probe(viewer, now_us);
	if (now_us - viewer->reported_us >= REPORT_US)
		report(viewer, now_us);
	return moved;
}

void viewer_limit(Viewer *viewer, unsigned rung)
{
	ration_limit(&viewer->ration, rung);
}

const Ration *viewer_ration(const Viewer *viewer)
{
	return &viewer->ration;
}
