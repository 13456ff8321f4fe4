/* still.h - one keyframe of a track, whole: what a line too thin for a moving picture is shown
 *
 * Cut once and shared by all viewers that show it; its packets stay as long as one of them does,
 * however short the history is. Counted; one worker's thread. */
#pragma once
#include "history.h"

/* 115 KB. A keyframe that is larger is too much for the lines that live on stills. */
#define STILL_PACKETS_MAX 96

typedef struct Still {
	uint64_t from;         /* number of its first packet */
	uint64_t bytes_before; /* what its track had carried before it */
	uint64_t bytes;        /* of payload in it */
	unsigned count;
	Packet *packets[STILL_PACKETS_MAX]; /* references, in order */
} Still;

/* The picture that begins with this number; NULL while a packet of it is missing, or when it is too
 * large. */
Still *still_cut(History *history, uint64_t from, uint64_t bytes_before);
Still *still_ref(Still *still);
void still_unref(Still *still);
/* Its packet of this number, borrowed; NULL for none. */
Packet *still_find(const Still *still, uint64_t sequence);
