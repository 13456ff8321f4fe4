#include "transport.h"
#include <openssl/crypto.h>

#define REFUSED_SSRC_MAX 64 /* streams nobody announced, before the peer is closed */

struct Transport {
	Gear *gear;
	const Params *params;
	TransportEvents events;
	void *user;

	TransportState state;
	const char *closing; /* why it is to be closed at the next tick; NULL: it is not */
	Path paths[TRANSPORT_PATHS];
	Path *nominated;
	int64_t opened_us, authentic_us;

	Dtls *dtls;
	Srtcp *rtcp; /* NULL until keys are agreed */
	Srtp *srtp;  /* what a publisher sends; NULL for a viewer, who sends no RTP */
	Seal *seal;  /* what a viewer gets; NULL for a publisher */
	SrtpKeys keys;
	bool handshake_forgotten;
	unsigned refused;
	uint32_t refused_ssrc; /* last one */
};

Transport *transport_new(
	Gear *gear, const Params *params, const TransportEvents *events, void *user)
{
	Transport *transport = g_new0(Transport, 1);
	transport->gear = gear;
	transport->params = params;
	transport->events = *events;
	transport->user = user;
	transport->opened_us = transport->authentic_us = worker_now_us(gear->worker);
	return transport;
}

static void drop_path(Transport *transport, Path *path)
{
	if (transport->nominated == path)
		transport->nominated = NULL;
	if (path->line)
		tcp_line_close(path->line);
	else
		path_table_remove(transport->gear->paths, path);
	*path = (Path){ 0 };
}

void transport_free(Transport *transport)
{
	if (!transport)
		return;
	for (unsigned i = 0; i < TRANSPORT_PATHS; i++)
		if (transport->paths[i].used)
			drop_path(transport, &transport->paths[i]);
	lobby_forget(transport->gear->lobby, transport);
	dtls_free(transport->dtls);
	srtcp_free(transport->rtcp);
	srtp_free(transport->srtp);
	seal_free(transport->seal);
	OPENSSL_cleanse(&transport->keys, sizeof transport->keys);
	g_free(transport);
}

static void set_state(Transport *transport, TransportState state, const char *reason)
{
	if (transport->state == state || transport->state == TRANSPORT_CLOSED)
		return;
	transport->state = state;
	transport->events.state(state, reason, transport->user);
}

static void authentic(Transport *transport)
{
	transport->authentic_us = worker_now_us(transport->gear->worker);
	if (transport->state == TRANSPORT_STALLED)
		set_state(transport, TRANSPORT_CONNECTED, "back");
}

/* Called by DTLS from inside dtls_receive() and dtls_tick(). */
static void send_dtls(const uint8_t *data, size_t len, void *user)
{
	Transport *transport = user;
	if (transport->nominated)
		outbox_copy(transport->gear->outbox, transport->nominated, data, len);
}

static void start_srtp(Transport *transport)
{
	g_autoptr(GError) error = NULL;
	if (!dtls_keys(transport->dtls, &transport->keys)) {
		transport->closing = "no SRTP profile agreed";
		return;
	}
	transport->rtcp = srtcp_new(&transport->keys);
	if (transport->params->role == ROLE_PUBLISHER)
		transport->srtp = srtp_new(&transport->keys, &error);
	else
		transport->seal = seal_new(transport->keys.profile, transport->keys.server_key,
			transport->keys.server_salt);
	if (!transport->rtcp || (!transport->srtp && !transport->seal)) {
		g_warning("peer %s: no SRTP: %s", transport->params->id,
			error ? error->message : "the cipher is not there");
		transport->closing = "no SRTP";
		return;
	}
	STATS_ADD(transport->gear->stats, handshakes_total, 1);
}

static void after_dtls(Transport *transport, DtlsState state)
{
	switch (state) {
	case DTLS_CONNECTED:
		if (transport->rtcp)
			return;
		start_srtp(transport);
		if (!transport->closing)
			set_state(transport, TRANSPORT_CONNECTED, "keys agreed");
		return;
	case DTLS_FAILED:
		if (!transport->closing)
			STATS_ADD(transport->gear->stats, handshakes_failed_total, 1);
		transport->closing = "the handshake failed";
		return;
	case DTLS_CLOSED:
		transport->closing = "closed by the peer";
		return;
	default:
		return;
	}
}

static Path *find_path(Transport *transport, const Address *from, const TcpLine *line)
{
	for (unsigned i = 0; i < TRANSPORT_PATHS; i++) {
		Path *path = &transport->paths[i];
		if (path->used && path->line == line &&
			(line || address_equal(&path->remote, from)))
			return path;
	}
	return NULL;
}

/* A free path, or the one whose last check is oldest and that is not in use for sending. */
static Path *take_path(Transport *transport)
{
	Path *oldest = NULL;
	for (unsigned i = 0; i < TRANSPORT_PATHS; i++) {
		Path *path = &transport->paths[i];
		if (!path->used)
			return path;
		if (path != transport->nominated &&
			(!oldest || path->checked_us < oldest->checked_us))
			oldest = path;
	}
	drop_path(transport, oldest);
	return oldest;
}

static Path *add_path(
	Transport *transport, const Address *from, const uint8_t local_ip[16], TcpLine *line)
{
	static const uint8_t none[16];
	Path *path = take_path(transport);
	*path = (Path){ .remote = *from, .used = true, .line = line, .peer = transport->user };
	if (!line && memcmp(local_ip, none, sizeof none)) {
		memcpy(path->local_ip, local_ip, sizeof path->local_ip);
		path->has_local = true;
	}
	if (line)
		tcp_line_adopt(line, path);
	else
		path_table_add(transport->gear->paths, path);
	return path;
}

Path *transport_check(Transport *transport, const IceCheck *check, const Address *from,
	const uint8_t local_ip[16], TcpLine *line)
{
	if (transport->state == TRANSPORT_CLOSED)
		return NULL;
	Path *path = find_path(transport, from, line);
	if (!path)
		path = add_path(transport, from, local_ip, line);
	path->checked_us = worker_now_us(transport->gear->worker);
	/* Chromium nominates more than once: the last one counts. Before the first, any valid path
	 * can carry the handshake. */
	if (check->nominated || !transport->nominated)
		transport->nominated = path;
	STATS_ADD(transport->gear->stats, stun_checks_total, 1);
	outbox_copy(transport->gear->outbox, path, check->reply, check->reply_len);
	authentic(transport);
	return path;
}

void transport_handshake(void *who, Packet *packet)
{
	Transport *transport = who;
	if (transport->state == TRANSPORT_CLOSED)
		return;
	if (!transport->dtls)
		transport->dtls = dtls_new(transport->gear->dtls, &transport->params->fingerprint,
			send_dtls, transport);
	after_dtls(transport, dtls_receive(transport->dtls, packet->data, packet->len));
}

static void receive_dtls(Transport *transport, Packet *packet)
{
	if (!dtls_check(packet->data, packet->len))
		STATS_ADD(transport->gear->stats, malformed_dropped_total, 1);
	else if (!lobby_arrive(transport->gear->lobby, transport, packet))
		STATS_ADD(transport->gear->stats, handshakes_delayed_total, 1);
}

static void receive_rtcp(Transport *transport, Packet *packet)
{
	size_t len = packet->len;
	if (!srtcp_open(transport->rtcp, packet->data, &len)) {
		STATS_ADD(transport->gear->stats, srtp_failed_total, 1);
		return;
	}
	authentic(transport);
	if (!transport->handshake_forgotten) {
		dtls_forget_handshake(transport->dtls);
		transport->handshake_forgotten = true;
	}
	transport->events.rtcp(packet->data, len, transport->user);
}

static bool receive_rtp(Transport *transport, Packet *packet)
{
	size_t len = packet->len;
	STATS_ADD(transport->gear->stats, packets_in_total, 1);
	STATS_ADD(transport->gear->stats, bytes_in_total, len);
	if (!srtp_open_rtp(transport->srtp, packet->data, &len)) {
		STATS_ADD(transport->gear->stats, srtp_failed_total, 1);
		return false;
	}
	authentic(transport);
	packet->len = (uint16_t)len;
	if (!rtp_read(&packet->rtp, packet->data, len)) {
		STATS_ADD(transport->gear->stats, malformed_dropped_total, 1);
		return false;
	}
	transport->events.rtp(packet, transport->user);
	return true;
}

void transport_datagram(Transport *transport, Path *path, Packet *packet)
{
	if (transport->state == TRANSPORT_CLOSED) {
		packet_unref(packet);
		return;
	}
	if (packet->data[0] >= 20 && packet->data[0] <= 63) {
		receive_dtls(transport, packet);
	} else if (!transport->rtcp || !rtp_is_rtp_or_rtcp(packet->data, packet->len)) {
		STATS_ADD(transport->gear->stats, malformed_dropped_total, 1);
	} else if (rtp_is_rtcp(packet->data, packet->len)) {
		receive_rtcp(transport, packet);
	} else if (!transport->srtp) {
		STATS_ADD(transport->gear->stats, ssrc_unknown_total, 1); /* a viewer that sends */
	} else if (receive_rtp(transport, packet)) {
		return; /* the reference went on */
	}
	packet_unref(packet);
}

void transport_line_closed(Transport *transport, TcpLine *line)
{
	Path *path = find_path(transport, tcp_line_remote(line), line);
	if (!path)
		return;
	path->line = NULL; /* its owner closes it */
	if (transport->nominated == path)
		transport->nominated = NULL;
	*path = (Path){ 0 };
}

void transport_tick(Transport *transport, int64_t now_us)
{
	if (transport->state == TRANSPORT_CLOSED)
		return;
	if (transport->dtls && !transport->rtcp && !transport->closing &&
		dtls_timeout_us(transport->dtls) == 0)
		after_dtls(transport, dtls_tick(transport->dtls));

	int64_t silent_us = now_us - transport->authentic_us;
	if (!transport->rtcp && now_us - transport->opened_us > TRANSPORT_OPENING_US)
		transport->closing = "nobody came";
	else if (silent_us > TRANSPORT_GONE_US)
		transport->closing = "gone";
	else if (silent_us > TRANSPORT_STALLED_US && transport->state == TRANSPORT_CONNECTED)
		set_state(transport, TRANSPORT_STALLED, "silent");
	if (transport->closing)
		set_state(transport, TRANSPORT_CLOSED, transport->closing);
}

void transport_close(Transport *transport)
{
	if (transport->dtls && transport->state != TRANSPORT_CLOSED)
		dtls_close(transport->dtls);
	transport->state = TRANSPORT_CLOSED;
}

TransportState transport_state(const Transport *transport)
{
	return transport->state;
}

const char *transport_kind(const Transport *transport)
{
	return !transport->nominated ? "" : transport->nominated->line ? "tcp" : "udp";
}

const Path *transport_path(const Transport *transport)
{
	return transport->state == TRANSPORT_CONNECTED ? transport->nominated : NULL;
}

Seal *transport_seal(Transport *transport)
{
	return transport->seal;
}

SrtpProfile transport_profile(const Transport *transport)
{
	return transport->keys.profile;
}

void transport_send_rtcp(Transport *transport, uint8_t *data, size_t len)
{
	if (!transport->rtcp || !transport->nominated || transport->state == TRANSPORT_CLOSED)
		return;
	if (srtcp_seal(transport->rtcp, data, &len))
		outbox_copy(transport->gear->outbox, transport->nominated, data, len);
}

void transport_refuse_ssrc(Transport *transport, uint32_t ssrc)
{
	srtp_forget(transport->srtp, ssrc);
	STATS_ADD(transport->gear->stats, ssrc_unknown_total, 1);
	if (ssrc == transport->refused_ssrc)
		return; /* one stream, many packets */
	transport->refused_ssrc = ssrc;
	if (++transport->refused > REFUSED_SSRC_MAX)
		transport->closing = "too many unknown streams";
}
