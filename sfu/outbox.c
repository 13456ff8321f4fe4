#include "outbox.h"

struct Outbox {
	Udp *udp;
	Stats *stats;
	UdpMessage messages[UDP_BATCH];
	unsigned count;
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

void outbox_flush(Outbox *outbox)
{
	if (outbox->count)
		udp_send(outbox->udp, outbox->messages, outbox->count);
	outbox->count = 0;
	outbox->used = 0;
}

void outbox_ensure(Outbox *outbox, size_t len)
{
	g_assert(len <= OUTBOX_SIZE);
	if (outbox->used + len > OUTBOX_SIZE)
		outbox_flush(outbox);
}

uint8_t *outbox_room(Outbox *outbox, size_t len)
{
	outbox_ensure(outbox, len);
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
	if (outbox->count == UDP_BATCH) {
		/* Not outbox_flush(): rooms given out already stay where they are. */
		udp_send(outbox->udp, outbox->messages, outbox->count);
		outbox->count = 0;
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
	memcpy(room, data, len);
	outbox_push(outbox, path, room, len);
}
