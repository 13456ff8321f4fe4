/* packet.h - one datagram that came in, and what is known of it
 *
 * Counted; never changed once its track has taken it, so a reference may cross threads. Its memory
 * belongs to the pool of the worker that received it and goes back there from whichever thread
 * drops the last reference. */
#pragma once
#include "address.h"
#include "rtp.h"
#include "vp8.h"
#include <stdatomic.h>
#include <stdint.h>

typedef struct PacketPool PacketPool;
typedef struct Packet Packet;

struct Packet {
	_Atomic uint32_t refs;
	uint16_t len;      /* bytes in data */
	bool keyframe;     /* a viewer may start with this packet */
	bool starts_frame; /* first of its frame (VP8), or of a NAL unit (H.264) */
	bool video;        /* its marker ends a frame */
	PacketPool *pool;
	Packet *next; /* in the pool's free list */
	int64_t arrived_us;  /* at the worker whose socket it came to */
	Address from;        /* and from where: of datagrams handed to another worker */
	uint8_t local_ip[16];
	uint64_t sequence; /* extended by the track */
	RtpHeader rtp;
	Vp8 vp8;             /* VP8 only */
	int16_t audio_level; /* -1: none */
	int16_t orientation; /* -1: none */
	bool voice;
	uint8_t data[RTP_PACKET_MAX + 48]; /* room for an SRTCP trailer behind */
};

PacketPool *packet_pool_new(void);
/* Every packet must be back. */
void packet_pool_free(PacketPool *pool);

/* One reference, for the worker that owns the pool. */
Packet *packet_new(PacketPool *pool);
void packet_unref(Packet *packet);

static inline Packet *packet_ref(Packet *packet)
{
	atomic_fetch_add_explicit(&packet->refs, 1, memory_order_relaxed);
	return packet;
}
