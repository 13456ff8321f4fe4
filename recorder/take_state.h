/* take_state.h - what is known of one recording: plain data, as its folder tells it
 *
 * Made by a new Take, or by recovery from what lies on the disk. Main thread. */
#pragma once
#include "common/tap_record.h"
#include <glib.h>
#include <jansson.h>

#define TAKE_PORT_FIRST 40000 /* tracks have 40000, 40002, …: 12,767 of them */
#define TAKE_PORT_LAST 65534
#define TAKE_NAME_MAX 31 /* 20261127T113500Z, and -2 where there is one already */

typedef struct TakeState {
	char *folder;
	TapWord stage, boot;
	char name[TAKE_NAME_MAX + 1];
	int64_t started_us, last_us; /* Unix time of the first and the last line or packet */
	unsigned part;               /* number of the last one; 0: none yet */
	uint64_t part_number;        /* the tap's number before the first packet of it */
	uint64_t part_synced;        /* bytes of it known to be on the disk */
	uint64_t last_packet;        /* numbers on the disk: of packets, */
	uint64_t last_event;         /* of lines of the index, */
	uint64_t safe;               /* and up to which nothing of any take is missing */
	uint64_t bytes, packets;     /* of all parts; packets as far as is known */
	bool ended;
	GHashTable *ports; /* track (uint64_t *) → port */
	uint16_t next_port;
} TakeState;

TakeState *take_state_new(void);
void take_state_free(TakeState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TakeState, take_state_free)

/* Takes in one line of the index. False when it is none of ours. */
bool take_state_learn(TakeState *state, json_t *line);
/* 0: not known. */
uint16_t take_state_port(const TakeState *state, uint64_t track);
/* Gives the track a port; 0 when there is none left. */
uint16_t take_state_add(TakeState *state, uint64_t track);
