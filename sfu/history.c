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

bool history_add(History *history, Packet *packet)
{
	uint64_t sequence = history->highest ? rtp_extend(history->highest, packet->rtp.sequence)
					     : FIRST_CYCLE + packet->rtp.sequence;
	Packet **place = &history->ring[sequence & history->mask];

	if (history->highest && sequence + history->mask < history->highest)
		return false;
	if (*place && (*place)->sequence >= sequence)
		return false;
	if (sequence > history->highest)
		history->highest = sequence;
	packet->sequence = sequence;
	packet_unref(*place);
	*place = packet_ref(packet);
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
