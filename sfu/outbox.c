#include "outbox.h"

#define MESSAGES_MAX (2 * UDP_BATCH) /* a full batch and what a full socket left of the last */

struct Outbox {
	Udp *udp;
	Stats *stats;
	UdpMessage messages[MESSAGES_MAX];
	unsigned count;
	bool blocked;
	size_t used;
	uint8_t memory[OUTBOX_SIZE];
};

Outbox *outbox_new(Udp *udp, Stats *stats)
{
	Outbox *outbox = g_new0(Outbox, 1);
	outbox->udp = udp;
	outbox->stats = stats;
	return outbox;
}

void outbox_free(Outbox *outbox)
{
	g_free(outbox);
}

/* Rooms given out already stay where they are. */
static void send_batch(Outbox *outbox)
{
	unsigned batch = MIN(outbox->count, UDP_BATCH);
	unsigned done = udp_send(outbox->udp, outbox->messages, batch);
	outbox->count -= done;
	memmove(outbox->messages, outbox->messages + done,
		outbox->count * sizeof *outbox->messages);
	outbox->blocked = done < batch;
}

void outbox_flush(Outbox *outbox)
{
	do
		send_batch(outbox);
	while (outbox->count && !outbox->blocked);
	if (!outbox->count)
		outbox->used = 0;
}

bool outbox_is_blocked(const Outbox *outbox)
{
	return outbox->blocked;
}

bool outbox_ensure(Outbox *outbox, size_t len)
{
	g_assert(len <= OUTBOX_SIZE);
	if (outbox->used + len > OUTBOX_SIZE)
		outbox_flush(outbox);
	return outbox->used + len <= OUTBOX_SIZE;
}

uint8_t *outbox_room(Outbox *outbox, size_t len)
{
	if (!outbox_ensure(outbox, len))
		return NULL;
	uint8_t *room = outbox->memory + outbox->used;
	outbox->used += len;
	return room;
}

/* A message takes one more datagram when it lies right behind and all before are equally long. */
static bool joins(const Outbox *outbox, const UdpMessage *message, const Path *path,
	const uint8_t *data, size_t len)
{
	return udp_has_gso(outbox->udp) && message->segments < OUTBOX_SEGMENTS_MAX &&
	       message->data + message->len == data && len <= message->segment &&
	       message->len == (uint32_t)message->segment * message->segments &&
	       message->len + len <= OUTBOX_MESSAGE_MAX &&
	       address_equal(&message->to, &path->remote);
}

void outbox_push(Outbox *outbox, const Path *path, const uint8_t *data, size_t len)
{
	if (path->line) {
		if (!tcp_line_send(path->line, data, len))
			STATS_ADD(outbox->stats, send_dropped_total, 1);
		return;
	}
	if (outbox->count) {
		UdpMessage *last = &outbox->messages[outbox->count - 1];
		if (joins(outbox, last, path, data, len)) {
			last->segments++;
			last->len += (uint32_t)len;
			return;
		}
	}
	if (outbox->count >= UDP_BATCH && !outbox->blocked)
		send_batch(outbox);
	if (outbox->count == MESSAGES_MAX) {
		STATS_ADD(outbox->stats, send_dropped_total, 1);
		return;
	}
	UdpMessage *message = &outbox->messages[outbox->count++];
	*message = (UdpMessage){ .to = path->remote,
		.has_local = path->has_local,
		.segment = (uint16_t)len,
		.segments = 1,
		.len = (uint32_t)len,
		.data = data };
	memcpy(message->local_ip, path->local_ip, sizeof message->local_ip);
}

void outbox_copy(Outbox *outbox, const Path *path, const uint8_t *data, size_t len)
{
	uint8_t *room = outbox_room(outbox, len);
	if (!room) {
		STATS_ADD(outbox->stats, send_dropped_total, 1);
		return;
	}
	memcpy(room, data, len);
	outbox_push(outbox, path, room, len);
}
