/* spread.h - a stage's way from its home to the other workers that have viewers of it
 *
 * Each of them has a Share. By news it learns of the tracks, the plan and the senders' clocks; the
 * packets go through the mesh. Costs nothing while there is no share. Home's thread alone; owned by
 * a Stage. */
#pragma once
#include "audience.h"

typedef enum SpreadKind {
	SPREAD_OPEN,   /* a track there is from now on */
	SPREAD_CLOSE,  /* it ends, or goes on under another id */
	SPREAD_REPORT, /* its sender's clock */
	SPREAD_SHED,   /* packets of its video were lost on the way */
	SPREAD_PLAN,
} SpreadKind;

typedef struct SpreadNews {
	SpreadKind kind;
	char stage[PARAMS_ID_MAX + 1];
	uint64_t serial; /* of the share: one that came later has news of its own */
	uint64_t track;  /* its id, never used again; all but SPREAD_PLAN */

	char owner[PARAMS_ID_MAX + 1]; /* SPREAD_OPEN, these six */
	ParamsMedia media;
	uint64_t picture; /* the same for all its layers; a layer that begins anew keeps it */
	uint8_t layer;
	Packet **past; /* its last keyframe and what followed: references */
	unsigned past_count;

	uint64_t report_ntp; /* SPREAD_OPEN and SPREAD_REPORT */
	uint32_t report_rtp;
	int64_t clock_offset;

	uint64_t plan[PLAN_PLACES]; /* ids, 0 for nobody */
	char on_main[PARAMS_ID_MAX + 1];
} SpreadNews;

void spread_news_free(SpreadNews *news);

/* Carries news to a worker, in order; takes it over. */
typedef void (*SpreadTell)(unsigned worker, SpreadNews *news, void *user);

typedef struct Spread Spread;

Spread *spread_new(Gear *gear, const char *stage, SpreadTell tell, void *user);
/* Without tracks by now. */
void spread_free(Spread *spread);

/* That worker has viewers from now on: a share of this serial, in place of an earlier one. */
void spread_join(Spread *spread, unsigned worker, uint64_t serial, int64_t now_us);
/* No effect for another serial. */
void spread_leave(Spread *spread, unsigned worker, uint64_t serial);

/* A track of the stage, until it is removed. */
void spread_add(Spread *spread, Track *track);
void spread_remove(Spread *spread, Track *track);
/* The track of this id; NULL when it is gone. */
Track *spread_track(const Spread *spread, uint64_t id);
/* plan: copied; its tracks are among those added. */
void spread_plan(Spread *spread, const Plan *plan);
void spread_packet(Spread *spread, Track *track, Packet *packet);
/* Passes the senders' clocks on. About every 100 ms. */
void spread_tick(Spread *spread);
