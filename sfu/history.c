#include "history.h"

/* The first number is lifted so far that what was sent just before it still extends to above zero.
 */
#define FIRST_CYCLE ((uint64_t)1 << 16)

struct History {
	Packet **ring;
	unsigned mask;
	uint64_t highest;
};

History *history_new(unsigned capacity)
{
	History *history = g_new0(History, 1);
	history->ring = g_new0(Packet *, capacity);
	history->mask = capacity - 1;
	return history;
}

void history_free(History *history)
{
	if (!history)
		return;
	for (unsigned i = 0; i <= history->mask; i++)
		packet_unref(history->ring[i]);
	g_free(history->ring);
	g_free(history);
}

/* True if a packet of this number has a place. */
static bool takes(const History *history, uint64_t sequence)
{
	const Packet *before = history->ring[sequence & history->mask];
	return !(history->highest && sequence + history->mask < history->highest) &&
	       !(before && before->sequence >= sequence);
}

static void put(History *history, Packet *packet)
{
	Packet **place = &history->ring[packet->sequence & history->mask];
	if (packet->sequence > history->highest)
		history->highest = packet->sequence;
	packet_unref(*place);
	*place = packet_ref(packet);
}

bool history_add(History *history, Packet *packet)
{
	uint64_t sequence = history->highest ? rtp_extend(history->highest, packet->rtp.sequence)
					     : FIRST_CYCLE + packet->rtp.sequence;
	if (!takes(history, sequence))
		return false;
	packet->sequence = sequence;
	put(history, packet);
	return true;
}

bool history_keep(History *history, Packet *packet)
{
	if (!takes(history, packet->sequence))
		return false;
	put(history, packet);
	return true;
}

Packet *history_find(History *history, uint64_t sequence)
{
	Packet *packet = history->ring[sequence & history->mask];
	return packet && packet->sequence == sequence ? packet : NULL;
}

uint64_t history_highest(const History *history)
{
	return history->highest;
}
