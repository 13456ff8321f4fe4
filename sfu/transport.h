/* transport.h - what carries a peer: its paths, its DTLS and its SRTP
 *
 * Knows no track and no slot. A media address is learnt from valid checks alone: any validated path
 * may bring packets, only the nominated one gets them. The worker's thread alone; embedded in
 * nothing, owned by a Peer. */
#pragma once
#include "gear.h"
#include "params.h"
#include "seal.h"
#include "srtcp.h"
#include "srtp.h"

#define TRANSPORT_PATHS 8
#define TRANSPORT_STALLED_US 6000000  /* no authentic packet (browsers check each 2.5 s) */
#define TRANSPORT_GONE_US 30000000    /* RFC 7675: consent has expired */
#define TRANSPORT_OPENING_US 20000000 /* from the answer to the keys */

typedef enum TransportState {
	TRANSPORT_NEW,
	TRANSPORT_CONNECTED,
	TRANSPORT_STALLED,
	TRANSPORT_CLOSED,
} TransportState;

typedef struct Transport Transport;

typedef struct TransportEvents {
	/* An opened RTP packet; the callee takes the reference. */
	void (*rtp)(Packet *packet, void *user);
	void (*rtcp)(const uint8_t *data, size_t len, void *user);
	/* reason: a word for the log. The transport must not be freed from inside. */
	void (*state)(TransportState state, const char *reason, void *user);
} TransportEvents;

Transport *transport_new(
	Gear *gear, const Params *params, const TransportEvents *events, void *user);
void transport_free(Transport *transport);

/* A valid check came from there (line: over this TCP line, else UDP): notes the path, nominates it
 * if the check says so, and sends the reply. The path, borrowed; NULL once it is closed. */
Path *transport_check(Transport *transport, const IceCheck *check, const Address *from,
	const uint8_t local_ip[16], TcpLine *line);
/* A datagram of the handshake whose turn has come; `who` is the Transport. For its Lobby. */
void transport_handshake(void *who, Packet *packet);
/* Any other datagram by one of its paths, arrived_us set; takes the reference. */
void transport_datagram(Transport *transport, Path *path, Packet *packet);
/* The line of a path is gone. */
void transport_line_closed(Transport *transport, TcpLine *line);
/* About every 100 ms. */
void transport_tick(Transport *transport, int64_t now_us);
/* Says goodbye (close_notify) and goes to TRANSPORT_CLOSED without an event. */
void transport_close(Transport *transport);

TransportState transport_state(const Transport *transport);
/* "udp", "tcp", or "" before a path is nominated. */
const char *transport_kind(const Transport *transport);
/* The nominated path once keys are agreed, else NULL: nothing can be sent. */
const Path *transport_path(const Transport *transport);
Seal *transport_seal(Transport *transport);
SrtpProfile transport_profile(const Transport *transport);
/* Encrypts and sends; data has SRTCP_TRAILER_MAX bytes of room behind len. */
void transport_send_rtcp(Transport *transport, uint8_t *data, size_t len);
/* This authentic stream is not wanted: forgets it, and counts. Closes the transport when a peer
 * invents too many (T-09). */
void transport_refuse_ssrc(Transport *transport, uint32_t ssrc);
