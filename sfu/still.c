#include "still.h"

Still *still_cut(History *history, uint64_t from, uint64_t bytes_before)
{
	Packet *packets[STILL_PACKETS_MAX];
	unsigned count = 0;
	uint64_t bytes = 0;
	Packet *packet;
	do {
		packet = history_find(history, from + count);
		if (!packet || count == STILL_PACKETS_MAX ||
			(count && packet->rtp.timestamp != packets[0]->rtp.timestamp))
			return NULL;
		packets[count++] = packet;
		bytes += packet->rtp.payload_len;
	} while (!packet->rtp.marker);

	Still *still = g_rc_box_new0(Still);
	*still = (Still){
		.from = from, .bytes_before = bytes_before, .bytes = bytes, .count = count
	};
	for (unsigned i = 0; i < count; i++)
		still->packets[i] = packet_ref(packets[i]);
	return still;
}

Still *still_ref(Still *still)
{
	return g_rc_box_acquire(still);
}

static void clear(void *data)
{
	Still *still = data;
	for (unsigned i = 0; i < still->count; i++)
		packet_unref(still->packets[i]);
}

void still_unref(Still *still)
{
	if (still)
		g_rc_box_release_full(still, clear);
}

Packet *still_find(const Still *still, uint64_t sequence)
{
	return sequence >= still->from && sequence - still->from < still->count
		       ? still->packets[sequence - still->from]
		       : NULL;
}
