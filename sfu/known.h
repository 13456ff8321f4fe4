/* known.h - what the control thread knows of every peer and stage: its revision, where it is and
 * how it fares
 *
 * Rows only; what is done with them is node.h's. Owned by the node, the main thread's alone. */
#pragma once
#include "ladder.h"
#include "mesh.h"
#include "params.h"
#include "ration.h"
#include "transport.h"
#include <jansson.h>

typedef struct Known Known;

typedef struct KnownPeer {
	Known *known;
	char id[PARAMS_ID_MAX + 1], stage[PARAMS_ID_MAX + 1], owner[PARAMS_ID_MAX + 1];
	Role role;
	unsigned worker;
	json_int_t rev;
	uint64_t serial; /* of this revision, so that late news of an older one is known */
	TransportState state;
	char transport[8];
	json_t *result;
	char word[8], mid[RTP_ID_MAX + 1];           /* of a section in its bundle */
	char remote_ufrag[ICE_REMOTE_UFRAG_MAX + 1]; /* of its newest ICE */
	json_t *restarted; /* result of its last ICE restart; NULL before the first */
	RationNews line;   /* of a viewer; why is NULL before the first news */
} KnownPeer;

typedef struct KnownStage {
	json_int_t rev;
	unsigned home; /* worker of all its publishers */
} KnownStage;

Known *known_new(unsigned workers);
void known_free(Known *known);

/* NULL: there is none. Borrowed until the next change. */
KnownPeer *known_peer(const Known *known, const char *id);
/* The peer of these news; NULL when they are of an earlier one of its id. */
KnownPeer *known_peer_of(const Known *known, const char *id, uint64_t serial);
/* In place of an earlier one of this id, with a serial of its own. */
KnownPeer *known_add_peer(Known *known, const char *id, const char *stage, const char *owner,
	Role role, unsigned worker);
void known_remove_peer(Known *known, const char *id);
unsigned known_peers(const Known *known);
/* Those on their way in. */
unsigned known_opening(const Known *known);

KnownStage *known_stage(const Known *known, const char *id);
/* On the worker with the fewest. */
KnownStage *known_add_stage(Known *known, const char *id);
/* With its peers. */
void known_remove_stage(Known *known, const char *id);
unsigned known_stages(const Known *known);
/* The worker with the fewest viewers. */
unsigned known_calmest(const Known *known);

const char *known_state_name(TransportState state);
const char *known_role_name(Role role);
/* Adds how its line fares, once that is known. */
void known_tell_line(json_t *row, const RationNews *line);
/* Stages and a page of peers, those behind `after` (NULL: the first). */
json_t *known_dump(const Known *known, const char *boot, const char *after);
/* How many there are, by kind. */
json_t *known_count(const Known *known);
