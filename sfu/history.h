/* history.h - what one incoming stream has received lately
 *
 * Remembers recent packets so that a lost one can be sent again, and knows the gaps. One for all
 * viewers of a track. Owned by a Track on its worker and never leaves that thread: no lock. The
 * packets in it may be in the histories of other workers as well: they are never changed. */
#pragma once
#include "packet.h"
#include <glib.h>

#define HISTORY_VIDEO 512 /* packets: about 3 s of 1.5 Mbit/s */
#define HISTORY_AUDIO 128 /* 2.5 s in 20 ms packets */

typedef struct History History;

/* capacity: a power of two. */
History *history_new(unsigned capacity);
void history_free(History *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(History, history_free)

/* Extends packet->rtp.sequence into packet->sequence and keeps a reference. False if it is a
 * duplicate or too old to matter. */
bool history_add(History *history, Packet *packet);
/* The same for a packet that has its extended number from the history of another worker: it is read
 * alone. */
bool history_keep(History *history, Packet *packet);
/* The packet with this extended number, borrowed; NULL if it never came or is forgotten. */
Packet *history_find(History *history, uint64_t sequence);
/* The highest number seen; 0 before the first packet. */
uint64_t history_highest(const History *history);
