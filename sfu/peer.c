#include "peer.h"

struct Peer {
	Gear *gear;
	Params *params;
	IceSession ice;
	PeerEvents events;
	void *user;
	Transport *transport;
	Viewer *viewer;
	Intake *intake;
	struct Stage *stage;
};

static void on_rtp(Packet *packet, void *user)
{
	Peer *peer = user;
	intake_rtp(peer->intake, packet); /* a viewer's transport opens none */
}

static void on_rtcp(const uint8_t *data, size_t len, void *user)
{
	Peer *peer = user;
	if (peer->intake)
		intake_rtcp(peer->intake, data, len);
	else
		viewer_rtcp(peer->viewer, data, len);
}

static void on_state(TransportState state, const char *reason, void *user)
{
	Peer *peer = user;
	if (peer->viewer && state == TRANSPORT_CONNECTED)
		viewer_remind(peer->viewer, worker_now_us(peer->gear->worker));
	peer->events.state(peer, state, reason, peer->user);
}

static void on_packet(Track *track, Packet *packet, void *user)
{
	Peer *peer = user;
	peer->events.packet(peer, track, packet, peer->user);
}

static void on_flowing(Track *track, void *user)
{
	Peer *peer = user;
	peer->events.flowing(peer, track, peer->user);
}

Peer *peer_new(Gear *gear, Params *params, const PeerEvents *events, void *user)
{
	static const TransportEvents transport_events = { on_rtp, on_rtcp, on_state };
	static const IntakeEvents intake_events = { on_packet, on_flowing };
	Peer *peer = g_new0(Peer, 1);
	peer->gear = gear;
	peer->params = params;
	ice_session_init(&peer->ice, &params->ice);
	peer->events = *events;
	peer->user = user;
	peer->transport = transport_new(gear, params, &transport_events, peer);
	if (params->role == ROLE_PUBLISHER)
		peer->intake = intake_new(gear, params, peer->transport, &intake_events, peer);
	else
		peer->viewer = viewer_new(gear, params, peer->transport);
	return peer;
}

void peer_free(Peer *peer)
{
	if (!peer)
		return;
	transport_close(peer->transport);
	intake_free(peer->intake);
	viewer_free(peer->viewer);
	transport_free(peer->transport);
	g_free(peer->params);
	g_free(peer);
}

const Params *peer_params(const Peer *peer)
{
	return peer->params;
}

Transport *peer_transport(Peer *peer)
{
	return peer->transport;
}

const IceGeneration *peer_ice(const Peer *peer, const char *ufrag)
{
	return ice_session_find(&peer->ice, ufrag);
}

void peer_restart(Peer *peer, const IceGeneration *next)
{
	char gone[ICE_UFRAG_LEN + 1];
	ice_session_restart(&peer->ice, next, gone);
	if (gone[0])
		peer->events.ufrag_gone(peer, gone, peer->user);
}

Path *peer_check(Peer *peer, const IceCheck *check, const Address *from, const uint8_t local_ip[16],
	TcpLine *line)
{
	char gone[ICE_UFRAG_LEN + 1];
	if (ice_session_checked(&peer->ice, check->ufrag, gone)) {
		STATS_ADD(peer->gear->stats, ice_restarts_total, 1);
		peer->events.ufrag_gone(peer, gone, peer->user);
	}
	return transport_check(peer->transport, check, from, local_ip, line);
}

Viewer *peer_viewer(Peer *peer)
{
	return peer->viewer;
}

Track *peer_track(Peer *peer, Source source)
{
	return peer->intake ? intake_track(peer->intake, source) : NULL;
}

void peer_tick(Peer *peer, int64_t now_us)
{
	transport_tick(peer->transport, now_us);
	if (peer->intake)
		intake_tick(peer->intake, now_us);
	else if (viewer_tick(peer->viewer, now_us))
		peer->events.rung(peer, peer->user);
}

void peer_set_stage(Peer *peer, struct Stage *stage)
{
	peer->stage = stage;
}

struct Stage *peer_stage(const Peer *peer)
{
	return peer->stage;
}
