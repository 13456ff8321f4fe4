/* peer.h - one PeerConnection: a transport, and either a viewer's or a publisher's part
 *
 * Made by the control thread's request on its worker and touched by that worker alone. Owns its
 * parameters. Closing: the roster unlinks it, the stage lets go of its tracks, then it is freed. */
#pragma once
#include "intake.h"
#include "viewer.h"

typedef struct Peer Peer;
struct Stage;

typedef struct PeerEvents {
	void (*state)(Peer *peer, TransportState state, const char *reason, void *user);
	void (*packet)(Peer *peer, Track *track, Packet *packet, void *user);
	void (*flowing)(Peer *peer, Track *track, void *user);
	/* Its viewer's rung has changed. */
	void (*rung)(Peer *peer, void *user);
	/* This ufrag of ours is no longer taken. */
	void (*ufrag_gone)(Peer *peer, const char *ufrag, void *user);
} PeerEvents;

/* params: taken over. */
Peer *peer_new(Gear *gear, Params *params, const PeerEvents *events, void *user);
void peer_free(Peer *peer);

const Params *peer_params(const Peer *peer);
Transport *peer_transport(Peer *peer);
/* The generation with this ufrag of ours, borrowed; NULL if it holds no more. */
const IceGeneration *peer_ice(const Peer *peer, const char *ufrag);
/* New credentials beside the old ones, until the first check with them. */
void peer_restart(Peer *peer, const IceGeneration *next);
/* A valid check with one of them: see transport_check(). */
Path *peer_check(Peer *peer, const IceCheck *check, const Address *from,
	const uint8_t local_ip[16], TcpLine *line);
Viewer *peer_viewer(Peer *peer);              /* NULL for a publisher */
/* Of layers the lowest; NULL for a viewer, or without that source. */
Track *peer_track(Peer *peer, Source source);
/* Publishers each tick, viewers about every 100 ms. */
void peer_tick(Peer *peer, int64_t now_us);

/* The stage it is in, kept for the stage. */
void peer_set_stage(Peer *peer, struct Stage *stage);
struct Stage *peer_stage(const Peer *peer);
