#include "publisher.h"
#include "clock.h"
#include "sfu/ntp.h"
#include "sfu/rtcp.h"
#include "sfu/rtp.h"
#include "sfu/vp8.h"
#include "stamp.h"
#include <string.h>

#define SOUND_US 20000
#define TICK_US 100000
#define REPORT_US 1000000
#define HISTORY 1024 /* a power of two */
#define BURST_US 5000
#define BATCH 64
#define CATCH_UP_US 500000 /* what was not sent for so long is left out */
#define SEALED_MAX (ENDPOINT_PACKET_MAX + GUARD_TRAILER_MAX)
#define PLI_WINDOW_US 900000 /* one a second, as it arrives here */
#define MID_PACKETS 100      /* libwebrtc names the section until the first report comes */

/* A packet as it was, for its repetition or for its turn. */
typedef struct Sent {
	uint32_t timestamp;
	uint16_t sequence, len;
	bool marker, used, stamped;
	uint8_t payload[PUBLISHER_PAYLOAD_MAX + 1];
} Sent;

typedef struct Flow {
	uint32_t ssrc, timestamp, packets, bytes;
	uint16_t sequence;
	int64_t due_us, reported_us;
} Flow;

struct Publisher {
	PublisherPlan plan;
	Offer offer;
	Endpoint *endpoint;
	Restart restart;
	char *location, *trouble;
	PublisherCounts counts;
	bool paused, wants_keyframe;
	int64_t tick_due_us;

	RtpExtensionIds extensions;
	uint16_t transport_cc, rtx_sequence, picture_id;
	uint8_t tl0picidx;
	Flow mic, camera;
	Source *source;
	Sent history[HISTORY];       /* camera, by number */
	uint16_t queued_from;        /* first that waits for its turn; up to camera.sequence */
	int64_t allowance, paced_us; /* bytes that may leave */

	struct iovec batch[BATCH];
	unsigned batch_count;
	uint8_t memory[BATCH][SEALED_MAX];

	int64_t plis_since_us;
	uint64_t plis_now;
};

static void fail(Publisher *publisher, const char *why)
{
	restart_fail(&publisher->restart, why);
	g_free(publisher->trouble);
	publisher->trouble = g_strdup(why);
}

/* -- sending -- */

static void flush(Publisher *publisher)
{
	if (publisher->batch_count)
		endpoint_send(publisher->endpoint, publisher->batch, publisher->batch_count);
	publisher->batch_count = 0;
}

/* Seals header, prefix (of no bytes: NULL) and payload into the batch. */
static void push(Publisher *publisher, const RtpOut *header, const uint8_t *prefix,
	size_t prefix_len, const uint8_t *payload, size_t payload_len)
{
	if (publisher->batch_count == BATCH)
		flush(publisher);
	uint8_t *data = publisher->memory[publisher->batch_count];
	size_t len = rtp_write(data, ENDPOINT_PACKET_MAX, header, NULL);
	g_assert(len + prefix_len + payload_len <= ENDPOINT_PACKET_MAX);
	if (prefix_len)
		memcpy(data + len, prefix, prefix_len);
	memcpy(data + len + prefix_len, payload, payload_len);
	len += prefix_len + payload_len;
	if (guard_seal_rtp(endpoint_guard(publisher->endpoint), data, &len))
		publisher->batch[publisher->batch_count++] =
			(struct iovec){ .iov_base = data, .iov_len = len };
}

static void send_sound(Publisher *publisher)
{
	uint8_t payload[SOURCE_SOUND_LEN];
	Flow *mic = &publisher->mic;
	/* The three loudest are heard: the first ones, each by more than the server's margin. */
	unsigned level = MIN(20 + 8 * publisher->plan.index, 120u);
	const RtpOut header = { .timestamp = mic->timestamp,
		.ssrc = mic->ssrc,
		.sequence = mic->sequence++,
		.payload_type = OFFER_OPUS,
		.ids = &publisher->extensions,
		.transport_cc = publisher->transport_cc++,
		.audio_level = (int16_t)level,
		.voice = true,
		.orientation = -1,
		.mid = mic->packets < MID_PACKETS ? "0" : NULL };
	source_sound(payload);
	stamp_write(payload, sizeof payload, clock_us());
	push(publisher, &header, NULL, 0, payload, sizeof payload);
	mic->packets++;
	mic->bytes += sizeof payload;
	mic->timestamp += SOUND_US * 48 / 1000;
	publisher->counts.mic_packets++;
}

static RtpOut camera_header(Publisher *publisher, const Sent *sent)
{
	return (RtpOut){ .timestamp = sent->timestamp,
		.ssrc = publisher->camera.ssrc,
		.sequence = sent->sequence,
		.payload_type = OFFER_VP8,
		.marker = sent->marker,
		.ids = &publisher->extensions,
		.transport_cc = publisher->transport_cc++,
		.audio_level = -1,
		.orientation = -1,
		.mid = publisher->camera.packets < MID_PACKETS ? "1" : NULL };
}

static void send_picture(Publisher *publisher, Sent *sent)
{
	RtpOut header = camera_header(publisher, sent);
	if (sent->stamped)
		stamp_write(sent->payload, sent->len, clock_us());
	push(publisher, &header, NULL, 0, sent->payload, sent->len);
	publisher->camera.packets++;
	publisher->camera.bytes += sent->len;
	publisher->counts.camera_packets++;
}

/* RFC 4588 */
static void send_again(Publisher *publisher, const Sent *sent)
{
	uint8_t osn[2] = { (uint8_t)(sent->sequence >> 8), (uint8_t)sent->sequence };
	RtpOut header = camera_header(publisher, sent);
	header.ssrc = publisher->offer.camera_rtx_ssrc;
	header.payload_type = OFFER_RTX;
	header.sequence = publisher->rtx_sequence++;
	header.mid = NULL;
	push(publisher, &header, osn, sizeof osn, sent->payload, sent->len);
	publisher->counts.repeated++;
}

/* As libwebrtc: as few packets as will do, about equal, the later ones a byte longer. */
static void cut_frame(Publisher *publisher, const Frame *frame)
{
	Vp8 vp8 = { .has_picture_id = true,
		.has_tl0picidx = true,
		.picture_id = publisher->picture_id++ & 0x7fff,
		.tl0picidx = publisher->tl0picidx++ };
	size_t room = PUBLISHER_PAYLOAD_MAX - VP8_DESCRIPTOR_MAX, at = 0;
	size_t count = (frame->len + room - 1) / room;
	size_t share = frame->len / count, longer = frame->len % count;
	for (size_t i = 0; i < count; i++) {
		uint16_t sequence = publisher->camera.sequence++;
		Sent *sent = &publisher->history[sequence % HISTORY];
		size_t len = share + (i >= count - longer);
		vp8.start_of_partition = i == 0;
		size_t prefix = vp8_write(sent->payload, &vp8);
		memcpy(sent->payload + prefix, frame->data + at, len);
		at += len;
		sent->timestamp = publisher->camera.timestamp;
		sent->sequence = sequence;
		sent->len = (uint16_t)(prefix + len);
		sent->marker = i + 1 == count;
		sent->used = false;
		sent->stamped = at >= STAMP_LEN + frame->real_len && len >= STAMP_LEN + prefix;
	}
	publisher->counts.keyframes += frame->keyframe;
}

/* What is cut leaves at once or, paced, by 2.5 times the rate each 5 ms. */
static void send_queued(Publisher *publisher, int64_t now_us)
{
	if (publisher->plan.paced) {
		int64_t passed_us = MIN(now_us - publisher->paced_us, 4 * BURST_US);
		publisher->allowance += passed_us * publisher->plan.kbps * 5 / 2 / 8000;
		publisher->paced_us = now_us;
	}
	while (publisher->queued_from != publisher->camera.sequence) {
		Sent *sent = &publisher->history[publisher->queued_from % HISTORY];
		if (publisher->plan.paced && publisher->allowance <= 0)
			return;
		publisher->allowance -= sent->len;
		send_picture(publisher, sent);
		sent->used = true;
		publisher->queued_from++;
	}
	publisher->allowance = MIN(publisher->allowance, 0);
}

/* True when it is time; moves on by one step, and leaves out what is long past. */
static bool flow_is_due(Flow *flow, int64_t step_us, int64_t now_us)
{
	if (now_us < flow->due_us)
		return false;
	if (now_us - flow->due_us > CATCH_UP_US)
		flow->due_us = now_us;
	flow->due_us += step_us;
	return true;
}

static void send_media(Publisher *publisher, int64_t now_us)
{
	while (flow_is_due(&publisher->mic, SOUND_US, now_us))
		send_sound(publisher);
	while (flow_is_due(&publisher->camera, 1000000 / SOURCE_FPS, now_us)) {
		Frame frame;
		source_next(publisher->source, publisher->wants_keyframe, &frame);
		publisher->wants_keyframe = false;
		cut_frame(publisher, &frame);
		publisher->camera.timestamp += 90000 / SOURCE_FPS;
	}
}

static void send_report(Publisher *publisher, Flow *flow, uint32_t clock_rate, int64_t now_us)
{
	uint8_t data[256 + GUARD_TRAILER_MAX];
	Writer out = writer_of(data, 256);
	if (now_us - flow->reported_us < REPORT_US || !flow->packets)
		return;
	flow->reported_us = now_us;
	/* The next packet's time stands for due_us; the report is of now. */
	int64_t ahead_us = flow->due_us - now_us;
	const RtcpSenderInfo info = { .ssrc = flow->ssrc,
		.ntp = ntp_from_us(now_us),
		.rtp = flow->timestamp - (uint32_t)(ahead_us * clock_rate / 1000000),
		.packets = flow->packets,
		.bytes = flow->bytes };
	rtcp_write_sr(&out, &info, NULL, 0);
	rtcp_write_sdes_cname(&out, flow->ssrc, "load");
	endpoint_send_rtcp(publisher->endpoint, data, writer_len(&out));
}

/* -- what comes back -- */

static void on_nack(uint32_t from, uint32_t ssrc, const uint16_t *lost, unsigned count, void *user)
{
	Publisher *publisher = user;
	if (ssrc != publisher->camera.ssrc)
		return;
	for (unsigned i = 0; i < count; i++) {
		const Sent *sent = &publisher->history[lost[i] % HISTORY];
		if (sent->used && sent->sequence == lost[i])
			send_again(publisher, sent);
	}
	flush(publisher);
}

static void on_pli(uint32_t from, uint32_t ssrc, void *user)
{
	Publisher *publisher = user;
	int64_t now_us = clock_us();
	PublisherCounts *counts = &publisher->counts;
	if (now_us - publisher->plis_since_us >= PLI_WINDOW_US) {
		publisher->plis_since_us = now_us;
		publisher->plis_now = 0;
	}
	counts->plis++;
	publisher->plis_now++;
	counts->worst_plis_per_s = MAX(counts->worst_plis_per_s, publisher->plis_now);
	publisher->wants_keyframe = true;
}

static void on_fir(uint32_t from, uint32_t ssrc, uint8_t number, void *user)
{
	on_pli(from, ssrc, user);
}

static void on_rtcp(uint8_t *data, size_t len, void *user)
{
	static const RtcpEvents events = { .nack = on_nack, .pli = on_pli, .fir = on_fir };
	Publisher *publisher = user;
	if (guard_open_rtcp(endpoint_guard(publisher->endpoint), data, &len))
		rtcp_read(data, len, &events, publisher);
}

static void on_rtp(uint8_t *data, size_t len, int64_t arrived_us, void *user)
{
}

static void on_connected(void *user)
{
	Publisher *publisher = user;
	int64_t now_us = clock_us();
	/* Speakers are not in step with each other. */
	publisher->mic.due_us = now_us + publisher->plan.index * 5000 % SOUND_US;
	publisher->camera.due_us = now_us + publisher->plan.index * 11000 % 33000;
	publisher->paced_us = now_us;
}

static void on_restarted(void *user)
{
	restart_done(&((Publisher *)user)->restart);
}

/* -- joining and leaving -- */

static void take_answer(Publisher *publisher, const char *sdp)
{
	static const EndpointEvents events = {
		.connected = on_connected, .rtp = on_rtp, .rtcp = on_rtcp, .restarted = on_restarted
	};
	g_autoptr(GError) error = NULL;
	Answer answer;
	if (answer_read(&answer, sdp, &error)) {
		publisher->extensions = answer.media[0].extensions;
		publisher->endpoint = endpoint_new(publisher->plan.place, &publisher->offer,
			&answer, true, &events, publisher, &error);
	}
	if (!publisher->endpoint)
		fail(publisher, error->message);
}

static void on_janus(JanusSeat *seat, const char *sdp, const char *why, void *user)
{
	Publisher *publisher = user;
	if (!sdp) {
		fail(publisher, why);
		return;
	}
	take_answer(publisher, sdp);
	if (publisher->endpoint) {
		g_autofree char *candidate = endpoint_candidate(publisher->endpoint);
		janus_trickle(seat, candidate);
	}
}

static void on_answer(const HttpAnswer *http, void *user)
{
	Publisher *publisher = user;
	if (http->status != 201) {
		g_autofree char *why =
			http->status ? g_strdup_printf("the offer was answered %ld: %.200s",
					       http->status, http->body)
				     : g_strdup(http->error);
		fail(publisher, why);
		return;
	}
	publisher->location =
		g_uri_resolve_relative(publisher->plan.url, http->location, G_URI_FLAGS_NONE, NULL);
	take_answer(publisher, http->body);
}

Publisher *publisher_new(const PublisherPlan *plan)
{
	Publisher *publisher = g_new0(Publisher, 1);
	publisher->plan = *plan;
	restart_init(&publisher->restart, plan->restarts, plan->http);
	publisher->source = source_new(plan->film, plan->kbps);
	offer_init(&publisher->offer, handshake_fingerprint(plan->place->dtls), true);
	publisher->mic = (Flow){ .ssrc = publisher->offer.mic_ssrc,
		.timestamp = g_random_int(),
		.sequence = (uint16_t)(g_random_int() & 0x7fff) };
	publisher->camera = (Flow){ .ssrc = publisher->offer.camera_ssrc,
		.timestamp = g_random_int(),
		.sequence = (uint16_t)(g_random_int() & 0x7fff) };
	publisher->queued_from = publisher->camera.sequence;
	g_autofree char *sdp = offer_write_publisher(&publisher->offer);
	if (plan->janus)
		janus_publish(plan->janus, sdp, on_janus, publisher);
	else
		http_post_sdp(plan->http, plan->url, plan->token, sdp, on_answer, publisher);
	return publisher;
}

void publisher_free(Publisher *publisher)
{
	if (!publisher)
		return;
	restart_clear(&publisher->restart);
	endpoint_free(publisher->endpoint);
	source_free(publisher->source);
	g_free(publisher->location);
	g_free(publisher->trouble);
	g_free(publisher);
}

void publisher_tick(Publisher *publisher, int64_t now_us)
{
	if (!publisher->endpoint)
		return;
	if (now_us >= publisher->tick_due_us) {
		publisher->tick_due_us = now_us + TICK_US;
		endpoint_tick(publisher->endpoint, now_us);
		if (endpoint_trouble(publisher->endpoint))
			fail(publisher, endpoint_trouble(publisher->endpoint));
	}
	if (!endpoint_is_connected(publisher->endpoint))
		return;
	if (!publisher->paused)
		send_media(publisher, now_us);
	send_queued(publisher, now_us);
	flush(publisher);
	send_report(publisher, &publisher->mic, 48000, now_us);
	send_report(publisher, &publisher->camera, 90000, now_us);
}

void publisher_pause(Publisher *publisher, bool paused)
{
	int64_t now_us = clock_us();
	if (publisher->paused && !paused) {
		/* Time went on, also for the clocks of its streams. */
		int64_t gap_us = MAX(now_us - publisher->mic.due_us, 0);
		publisher->mic.timestamp += (uint32_t)(gap_us * 48 / 1000);
		publisher->mic.due_us += gap_us;
		gap_us = MAX(now_us - publisher->camera.due_us, 0);
		publisher->camera.timestamp += (uint32_t)(gap_us * 90 / 1000);
		publisher->camera.due_us += gap_us;
	}
	publisher->paused = paused;
}

bool publisher_is_connected(const Publisher *publisher)
{
	return publisher->endpoint && endpoint_is_connected(publisher->endpoint);
}

const char *publisher_trouble(const Publisher *publisher)
{
	return publisher->trouble;
}

const PublisherCounts *publisher_counts(const Publisher *publisher)
{
	return &publisher->counts;
}

bool publisher_restart(Publisher *publisher)
{
	if (!publisher_is_connected(publisher) || publisher->trouble || !publisher->location ||
		restart_is_under_way(&publisher->restart))
		return false;
	restart_ask(&publisher->restart, publisher->endpoint, &publisher->offer,
		publisher->location, publisher->plan.token);
	return true;
}

static void on_deleted(const HttpAnswer *answer, void *user)
{
}

void publisher_leave(Publisher *publisher)
{
	if (publisher->location)
		http_delete(publisher->plan.http, publisher->location, publisher->plan.token,
			on_deleted, publisher);
	g_clear_pointer(&publisher->location, g_free);
}
