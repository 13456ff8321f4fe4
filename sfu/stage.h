/* stage.h - peers that share slots: who is on air, who is in which slot; at its home worker
 *
 * Signaling wishes (who is on air, muted, main, slides); the stage picks the tracks: the main
 * picture, the slides, and the loudest microphones. All its publishers live on this worker; of its
 * viewers some do, the others' workers hold a Share each and are told the same plan. Knows no forum
 * and no person; an owner is a word. The home worker's thread alone. */
#pragma once
#include "spread.h"

#define STAGE_ON_AIR_MAX 64

/* What signaling asked for. Plain; empty strings for nobody. */
typedef struct StageWish {
	char on_air[STAGE_ON_AIR_MAX][PARAMS_ID_MAX + 1];
	bool muted[STAGE_ON_AIR_MAX];
	unsigned on_air_count;
	char main[PARAMS_ID_MAX + 1], slides[PARAMS_ID_MAX + 1];
} StageWish;

typedef struct Stage Stage;

typedef struct StageEvents {
	/* Owner of what is in each slot, "" for nobody; as somebody who owns none of it gets it. */
	void (*slots)(Stage *stage, const char *const owners[SLOT_COUNT], void *user);
	/* To its share on that worker. */
	SpreadTell tell;
} StageEvents;

Stage *stage_new(Gear *gear, const char *id, const StageEvents *events, void *user);
/* Without peers by now. */
void stage_free(Stage *stage);
const char *stage_id(const Stage *stage);

/* wish: copied. */
void stage_wish(Stage *stage, const StageWish *wish, int64_t now_us);
void stage_add(Stage *stage, Peer *peer, int64_t now_us);
void stage_remove(Stage *stage, Peer *peer, int64_t now_us);
/* Any one of its peers here, NULL when it has none. */
Peer *stage_any_peer(Stage *stage);
/* Its viewers elsewhere. */
Spread *stage_spread(Stage *stage);

/* A packet of one of its publishers: a reference is kept until its round has gone out. */
void stage_packet(Stage *stage, Track *track, Packet *packet, int64_t now_us);
/* A track began or stopped. */
void stage_flowing(Stage *stage, int64_t now_us);
/* Sends what is ripe to all viewers, as far as the socket takes it. At the end of each turn. */
void stage_settle(Stage *stage, int64_t now_us);
/* Who speaks may have changed: about every 100 ms. */
void stage_tick(Stage *stage, int64_t now_us);
