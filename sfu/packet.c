#include "packet.h"
#include <glib.h>

#define SLAB_PACKETS 128

typedef struct Slab {
	struct Slab *next;
	Packet packets[SLAB_PACKETS];
} Slab;

struct PacketPool {
	Packet *free;               /* the owner's own */
	_Atomic(Packet *) returned; /* pushed by any thread, taken whole by the owner */
	Slab *slabs;
};

PacketPool *packet_pool_new(void)
{
	return g_new0(PacketPool, 1);
}

void packet_pool_free(PacketPool *pool)
{
	if (!pool)
		return;
	while (pool->slabs) {
		Slab *slab = pool->slabs;
		pool->slabs = slab->next;
		g_free(slab);
	}
	g_free(pool);
}

static void grow(PacketPool *pool)
{
	Slab *slab = g_new0(Slab, 1);
	slab->next = pool->slabs;
	pool->slabs = slab;
	for (unsigned i = 0; i < SLAB_PACKETS; i++) {
		slab->packets[i].pool = pool;
		slab->packets[i].next = pool->free;
		pool->free = &slab->packets[i];
	}
}

Packet *packet_new(PacketPool *pool)
{
	if (!pool->free)
		pool->free = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
	if (!pool->free)
		grow(pool);
	Packet *packet = pool->free;
	pool->free = packet->next;
	packet->next = NULL;
	atomic_store_explicit(&packet->refs, 1, memory_order_relaxed);
	packet->len = 0;
	packet->keyframe = packet->starts_frame = packet->voice = packet->video = false;
	packet->audio_level = packet->orientation = -1;
	return packet;
}

void packet_unref(Packet *packet)
{
	if (!packet || atomic_fetch_sub_explicit(&packet->refs, 1, memory_order_acq_rel) != 1)
		return;
	PacketPool *pool = packet->pool;
	Packet *head = atomic_load_explicit(&pool->returned, memory_order_relaxed);
	do
		packet->next = head;
	while (!atomic_compare_exchange_weak_explicit(
		&pool->returned, &head, packet, memory_order_release, memory_order_relaxed));
}
