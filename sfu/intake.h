/* intake.h - a publisher's part of a peer: its tracks, what it is told about them
 *
 * Sorts authentic packets into tracks, puts repaired ones in their place, answers with receiver
 * reports, transport-wide feedback, requests for lost packets and for keyframes. The worker's
 * thread alone; owned by a Peer. */
#pragma once
#include "track.h"
#include "transport.h"

typedef struct Intake Intake;

typedef struct IntakeEvents {
	/* A packet that viewers want; borrowed. */
	void (*packet)(Track *track, Packet *packet, void *user);
	/* Media of this source began or has stopped; of layers the lowest. */
	void (*flowing)(Track *track, void *user);
} IntakeEvents;

Intake *intake_new(Gear *gear, const Params *params, Transport *transport,
	const IntakeEvents *events, void *user);
void intake_free(Intake *intake);
/* By source, of layers the lowest; NULL where the peer has none. */
Track *intake_track(Intake *intake, Source source);

/* Takes the reference. */
void intake_rtp(Intake *intake, Packet *packet);
void intake_rtcp(Intake *intake, const uint8_t *data, size_t len);
/* Each tick of the worker. */
void intake_tick(Intake *intake, int64_t now_us);
