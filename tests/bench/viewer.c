#include "viewer.h"
#include "clock.h"
#include "liar.h"
#include "sfu/rtcp.h"
#include "sfu/rtp.h"
#include "sfu/twcc.h"
#include "sfu/vp8.h"
#include "stamp.h"
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#define RTCP_MAX 1100
#define PATIENCE_US 1000000 /* without a picture, then a PLI */
#define COMPLAINTS_MAX 10

struct Viewer {
	Audience *audience;
	bool opens, lies;
	ViewerState state;
	Offer offer;
	char *location;
	unsigned tries;
	int64_t due_us, connected_us, retry_us; /* retry_us: of a join that was told to wait */

	Endpoint *endpoint;
	Restart restart;
	Stream streams[VIEWER_SLOTS];
	RtpExtensionIds extensions;
	TwccLog *twcc;
	Liar liar;
	uint32_t rtcp_ssrc;
	bool has_packet, has_picture, has_asked;
	int64_t last_packet_us,
		gone_us; /* gone_us: the last packet before it came back; 0: it stays */
};

Viewer *viewer_new(Audience *audience, bool opens, bool lies)
{
	Viewer *viewer = g_new0(Viewer, 1);
	viewer->audience = audience;
	viewer->opens = opens;
	viewer->lies = lies;
	restart_init(&viewer->restart, audience->restarts, audience->http);
	return viewer;
}

static void disconnect(Viewer *viewer)
{
	restart_clear(&viewer->restart);
	endpoint_free(g_steal_pointer(&viewer->endpoint));
	twcc_log_free(g_steal_pointer(&viewer->twcc));
}

void viewer_free(Viewer *viewer)
{
	if (!viewer)
		return;
	disconnect(viewer);
	g_free(viewer->location);
	g_free(viewer);
}

static void fail(Viewer *viewer, const char *why)
{
	Audience *audience = viewer->audience;
	viewer->state = VIEWER_FAILED;
	restart_fail(&viewer->restart, why);
	if (audience->complaints++ < COMPLAINTS_MAX)
		fprintf(stderr, "load: a viewer failed: %s\n", why);
}

/* -- packets -- */

static Stream *stream_of(Viewer *viewer, uint32_t ssrc, bool *repair)
{
	for (unsigned i = 0; i < VIEWER_SLOTS; i++) {
		Stream *stream = &viewer->streams[i];
		if (ssrc != stream->ssrc && ssrc != stream->rtx_ssrc)
			continue;
		*repair = ssrc != stream->ssrc;
		return ssrc ? stream : NULL;
	}
	return NULL;
}

static void look_inside(Viewer *viewer, const Stream *stream, const RtpHeader *header,
	const uint8_t *data, int64_t arrived_us)
{
	Audience *audience = viewer->audience;
	const uint8_t *payload = data + header->payload_at;
	int64_t sent_us;
	Vp8 vp8;
	if (stream == &viewer->streams[VIEWER_MAIN] && !viewer->has_picture &&
		vp8_read(&vp8, payload, header->payload_len) && vp8.keyframe) {
		viewer->has_picture = true;
		histogram_add(&audience->first_picture, arrived_us - viewer->due_us);
	}
	if (audience->measuring && stamp_read(payload, header->payload_len, &sent_us))
		histogram_add(&audience->delay, arrived_us - sent_us);
}

static void note_first(Viewer *viewer, int64_t now_us)
{
	viewer->has_packet = true;
	viewer->state = VIEWER_WATCHING;
	if (viewer->gone_us)
		histogram_add(&viewer->audience->returned, now_us - viewer->gone_us);
	else
		histogram_add(&viewer->audience->first_packet, now_us - viewer->due_us);
	viewer->gone_us = 0;
}

static void on_rtp(uint8_t *data, size_t len, int64_t arrived_us, void *user)
{
	Viewer *viewer = user;
	Audience *audience = viewer->audience;
	RtpHeader header;
	RtpExtensions extensions;
	size_t wire_len = len;
	bool repair;

	if (viewer->opens) {
		if (!guard_open_rtp(endpoint_guard(viewer->endpoint), data, &len)) {
			audience->not_opened++;
			return;
		}
		audience->opened++;
	} else {
		data[0] &= (uint8_t)~0x20; /* how long padding is stands in the sealed part */
	}
	if (!rtp_read(&header, data, len)) {
		audience->malformed++;
		return;
	}
	audience->packets++;
	viewer->last_packet_us = arrived_us;
	Stream *stream = stream_of(viewer, header.ssrc, &repair);
	if (!stream) {
		audience->unknown++;
		return;
	}
	rtp_read_extensions(&extensions, &header, data, &viewer->extensions);
	if (extensions.transport_cc >= 0 && viewer->lies)
		liar_packet(&viewer->liar, (uint16_t)extensions.transport_cc);
	else if (extensions.transport_cc >= 0)
		twcc_log_add(viewer->twcc, (uint16_t)extensions.transport_cc, arrived_us);
	if (!viewer->has_packet)
		note_first(viewer, arrived_us);

	if (repair) {
		const uint8_t *osn = data + header.payload_at;
		bool readable = viewer->opens && header.payload_len >= 2;
		stream_repair(stream, readable ? osn[0] << 8 | osn[1] : -1, wire_len);
		return;
	}
	stream_packet(stream, header.sequence, header.timestamp, wire_len, arrived_us);
	if (viewer->opens)
		look_inside(viewer, stream, &header, data, arrived_us);
	else if (stream == &viewer->streams[VIEWER_MAIN])
		viewer->has_picture = true; /* the server begins a slot with a keyframe */
}

static void on_rtcp(uint8_t *data, size_t len, void *user)
{
	Viewer *viewer = user;
	if (viewer->opens && !guard_open_rtcp(endpoint_guard(viewer->endpoint), data, &len))
		viewer->audience->not_opened++;
}

static void ask_again(Viewer *viewer, int64_t now_us)
{
	uint8_t data[RTCP_MAX + GUARD_TRAILER_MAX];
	Writer out = writer_of(data, RTCP_MAX);
	for (unsigned i = 0; i < VIEWER_SLOTS; i++) {
		uint16_t lost[STREAM_ASK_MAX];
		Stream *stream = &viewer->streams[i];
		unsigned count = stream->gap_count ? stream_due(stream, lost, now_us) : 0;
		if (!count)
			continue;
		rtcp_write_nack(&out, viewer->rtcp_ssrc, stream->ssrc, lost, count);
		viewer->audience->nacks += count;
	}
	if (writer_len(&out))
		endpoint_send_rtcp(viewer->endpoint, data, writer_len(&out));
}

static void on_turn(void *user)
{
	Viewer *viewer = user;
	for (unsigned i = 0; i < VIEWER_SLOTS; i++)
		if (viewer->streams[i].gap_count) {
			ask_again(viewer, clock_us());
			return;
		}
}

static void on_connected(void *user)
{
	Viewer *viewer = user;
	viewer->connected_us = clock_us();
	histogram_add(&viewer->audience->connected, viewer->connected_us - viewer->due_us);
}

static void on_restarted(void *user)
{
	restart_done(&((Viewer *)user)->restart);
}

/* -- joining and leaving -- */

/* Janus' one sound and one picture, where ours have theirs. */
static void arrange(Answer *answer)
{
	AnswerMedia media[OFFER_MEDIA_MAX] = { 0 };
	for (unsigned i = 0; i < answer->media_count; i++)
		media[answer->media[i].video ? VIEWER_MAIN : 0] = answer->media[i];
	memcpy(answer->media, media, sizeof media);
}

static void take_answer(Viewer *viewer, const char *sdp)
{
	static const EndpointEvents events = { .connected = on_connected,
		.rtp = on_rtp,
		.rtcp = on_rtcp,
		.turn = on_turn,
		.restarted = on_restarted };
	g_autoptr(GError) error = NULL;
	Answer answer;
	if (!answer_read(&answer, sdp, &error)) {
		fail(viewer, error->message);
		return;
	}
	if (viewer->audience->janus)
		arrange(&answer);
	viewer->extensions = answer.media[0].extensions; /* one numbering in a bundle */
	for (unsigned i = 0; i < VIEWER_SLOTS; i++)
		stream_init(&viewer->streams[i], answer.media[i].ssrc, answer.media[i].rtx_ssrc,
			i < VIEWER_MAIN ? 48000 : 90000);
	viewer->twcc = twcc_log_new();
	viewer->liar = (Liar){ 0 };
	viewer->rtcp_ssrc = g_random_int() | 1;
	viewer->endpoint = endpoint_new(viewer->audience->place, &viewer->offer, &answer,
		viewer->opens, &events, viewer, &error);
	if (!viewer->endpoint)
		fail(viewer, error->message);
	else
		viewer->state = VIEWER_CONNECTING;
}

static void on_answer(const HttpAnswer *answer, void *user)
{
	Viewer *viewer = user;
	int64_t now_us = clock_us();
	bool in_time = viewer->state == VIEWER_ASKING;
	if (answer->status == 201)
		viewer->location = g_uri_resolve_relative(
			viewer->audience->url, answer->location, G_URI_FLAGS_NONE, NULL);
	if (!in_time)
		return; /* what was made is still taken down by viewer_leave() */
	if (answer->status == 503 && ++viewer->tries < VIEWER_TRIES) {
		viewer->audience->asked_to_wait++;
		viewer->retry_us = now_us + MAX(answer->retry_after_s, 1u) * G_USEC_PER_SEC +
				   g_random_int_range(0, 500000);
	} else if (answer->status != 201) {
		g_autofree char *why =
			answer->status ? g_strdup_printf("the offer was answered %ld: %.200s",
						 answer->status, answer->body)
				       : g_strdup(answer->error);
		fail(viewer, why);
	} else {
		histogram_add(&viewer->audience->answered, now_us - viewer->due_us);
		take_answer(viewer, answer->body);
	}
}

static void on_janus_offer(JanusSeat *seat, const char *sdp, const char *why, void *user)
{
	Viewer *viewer = user;
	if (viewer->state != VIEWER_ASKING)
		return;
	if (!sdp) {
		fail(viewer, why);
		return;
	}
	histogram_add(&viewer->audience->answered, clock_us() - viewer->due_us);
	take_answer(viewer, sdp);
	if (viewer->endpoint) {
		g_autofree char *answer = answer_write(&viewer->offer, sdp);
		g_autofree char *candidate = endpoint_candidate(viewer->endpoint);
		janus_answer(seat, answer);
		janus_trickle(seat, candidate);
	}
}

static void ask(Viewer *viewer)
{
	Audience *audience = viewer->audience;
	g_autofree char *sdp = NULL;
	offer_init(&viewer->offer, handshake_fingerprint(audience->place->dtls), false);
	viewer->retry_us = 0;
	if (audience->janus) {
		viewer->offer.answers = true;
		janus_watch(audience->janus, on_janus_offer, viewer);
		return;
	}
	sdp = offer_write_viewer(&viewer->offer);
	http_post_sdp(audience->http, audience->url, audience->token, sdp, on_answer, viewer);
}

void viewer_join(Viewer *viewer, int64_t due_us)
{
	g_assert(viewer->state == VIEWER_AWAY);
	viewer->state = VIEWER_ASKING;
	viewer->due_us = due_us;
	viewer->tries = 0;
	viewer->has_packet = viewer->has_picture = viewer->has_asked = false;
	ask(viewer);
}

bool viewer_restart(Viewer *viewer)
{
	if (viewer->state != VIEWER_WATCHING || !viewer->location ||
		restart_is_under_way(&viewer->restart))
		return false;
	restart_ask(&viewer->restart, viewer->endpoint, &viewer->offer, viewer->location,
		viewer->audience->token);
	return true;
}

static void on_deleted(const HttpAnswer *answer, void *user)
{
	Viewer *viewer = user;
	viewer->state = VIEWER_AWAY;
	if (answer->status != 200 && !viewer->gone_us &&
		viewer->audience->complaints++ < COMPLAINTS_MAX)
		fprintf(stderr, "load: a DELETE was answered %ld\n", answer->status);
}

void viewer_leave(Viewer *viewer)
{
	bool asking = viewer->state == VIEWER_ASKING && !viewer->retry_us;
	if (asking && !viewer->audience->janus)
		return; /* the answer comes first; it is left to the server's own limits */
	disconnect(viewer);
	if (!viewer->location) {
		viewer->state = VIEWER_AWAY;
		return;
	}
	viewer->state = VIEWER_LEAVING;
	http_delete(viewer->audience->http, viewer->location, viewer->audience->token, on_deleted,
		viewer);
	g_clear_pointer(&viewer->location, g_free);
}

/* -- what goes back -- */

static void send_feedback(Viewer *viewer)
{
	for (;;) {
		uint8_t data[RTCP_MAX + GUARD_TRAILER_MAX];
		Writer out = writer_of(data, RTCP_MAX);
		if (!twcc_log_write(viewer->twcc, &out, viewer->rtcp_ssrc,
			    viewer->streams[VIEWER_MAIN].ssrc))
			return;
		endpoint_send_rtcp(viewer->endpoint, data, writer_len(&out));
	}
}

static void send_report(Viewer *viewer)
{
	uint8_t data[RTCP_MAX + GUARD_TRAILER_MAX];
	Writer out = writer_of(data, RTCP_MAX);
	RtcpReportBlock blocks[VIEWER_SLOTS];
	unsigned count = 0;
	for (unsigned i = 0; i < VIEWER_SLOTS; i++)
		if (viewer->streams[i].started)
			stream_report(&viewer->streams[i], &blocks[count++]);
	rtcp_write_rr(&out, viewer->rtcp_ssrc, blocks, count);
	rtcp_write_sdes_cname(&out, viewer->rtcp_ssrc, "diemcau-load");
	endpoint_send_rtcp(viewer->endpoint, data, writer_len(&out));
}

static void send_lies(Viewer *viewer)
{
	uint8_t data[RTCP_MAX + GUARD_TRAILER_MAX];
	Writer out = writer_of(data, RTCP_MAX);
	liar_write(&viewer->liar, &out, viewer->rtcp_ssrc, viewer->streams, VIEWER_SLOTS);
	endpoint_send_rtcp(viewer->endpoint, data, writer_len(&out));
}

void viewer_complain(Viewer *viewer)
{
	uint8_t data[64 + GUARD_TRAILER_MAX];
	Writer out = writer_of(data, 64);
	if (!viewer->endpoint || !endpoint_is_connected(viewer->endpoint))
		return;
	viewer->audience->plis++;
	rtcp_write_pli(&out, viewer->rtcp_ssrc, viewer->streams[VIEWER_MAIN].ssrc);
	endpoint_send_rtcp(viewer->endpoint, data, writer_len(&out));
}

static void ask_for_picture(Viewer *viewer, int64_t now_us)
{
	if (viewer->has_picture || viewer->has_asked || now_us - viewer->connected_us < PATIENCE_US)
		return;
	viewer->has_asked = true;
	viewer_complain(viewer);
}

/* As a page does when the server was killed. True: it is on its way. */
static bool come_back(Viewer *viewer, int64_t now_us)
{
	if (!viewer->audience->come_back)
		return false;
	if (viewer->state == VIEWER_WATCHING &&
		(endpoint_trouble(viewer->endpoint) ||
			now_us - viewer->last_packet_us > VIEWER_STILL_US)) {
		viewer->gone_us = viewer->last_packet_us;
		viewer_leave(viewer);
	}
	if (viewer->state == VIEWER_AWAY && viewer->gone_us)
		viewer_join(viewer, now_us);
	return viewer->state == VIEWER_LEAVING;
}

void viewer_tick(Viewer *viewer, int64_t now_us, bool reports)
{
	if (come_back(viewer, now_us))
		return;
	if (viewer->state == VIEWER_ASKING && viewer->retry_us && now_us >= viewer->retry_us)
		ask(viewer);
	if ((viewer->state == VIEWER_ASKING || viewer->state == VIEWER_CONNECTING) &&
		now_us - viewer->due_us > viewer->audience->join_timeout_us)
		fail(viewer,
			viewer->state == VIEWER_ASKING ? "no answer in time" : "no media in time");
	if (!viewer->endpoint || viewer->state == VIEWER_FAILED)
		return;
	endpoint_tick(viewer->endpoint, now_us);
	if (endpoint_trouble(viewer->endpoint))
		fail(viewer, endpoint_trouble(viewer->endpoint));
	else if (!endpoint_is_connected(viewer->endpoint))
		return;
	else if (viewer->lies)
		send_lies(viewer);
	else {
		send_feedback(viewer);
		on_turn(viewer);
		ask_for_picture(viewer, now_us);
		if (reports)
			send_report(viewer);
	}
}

ViewerState viewer_state(const Viewer *viewer)
{
	return viewer->state;
}

bool viewer_opens(const Viewer *viewer)
{
	return viewer->opens;
}

bool viewer_lies(const Viewer *viewer)
{
	return viewer->lies;
}

const StreamCounts *viewer_counts(const Viewer *viewer, unsigned slot)
{
	return &viewer->streams[slot].counts;
}
