/* audience.h - the viewers that one worker has of a stage, and what waits to go out to them
 *
 * Is told the plan, made by the stage at its home, and gives each viewer his part of it: the same
 * to all, but nobody his own voice or picture. The worker's thread alone; owned by a Stage, or by a
 * Share on another worker. */
#pragma once
#include "peer.h"

#define PLAN_HEARD 4 /* three slots and a spare, for the viewer who is one of the three */

/* Places of a plan; the first PLAN_HEARD are microphones. */
enum { PLAN_MAIN = PLAN_HEARD, PLAN_MAIN_INSTEAD, PLAN_SLIDES, PLAN_PLACES };

/* Who is to be seen and heard; of a picture's layers the lowest. Instead: for whoever is on main himself. */
typedef struct Plan {
	Track *tracks[PLAN_PLACES];
	char on_main[PARAMS_ID_MAX + 1]; /* owner */
} Plan;

typedef struct Audience Audience;

Audience *audience_new(Gear *gear);
/* Without viewers by now. */
void audience_free(Audience *audience);

void audience_add(Audience *audience, Peer *peer, int64_t now_us);
/* False: it is not one of them. */
bool audience_remove(Audience *audience, Peer *peer);
/* Any one of them, NULL when there is none. */
Peer *audience_any(const Audience *audience);

/* plan: copied; its tracks stay until audience_forget(). */
void audience_plan(Audience *audience, const Plan *plan, int64_t now_us);
/* This track ends: nothing of it is kept. */
void audience_forget(Audience *audience, const Track *track);
/* A packet that viewers may want: a reference is kept until its round has gone out. */
void audience_packet(Audience *audience, Track *track, Packet *packet, int64_t now_us);
/* Something of this video track is missing for all: it goes on with a keyframe. */
void audience_shed(Audience *audience, Track *track, int64_t now_us);
/* Sends what is ripe, as far as the socket takes it. At the end of each turn. */
void audience_settle(Audience *audience, int64_t now_us);
