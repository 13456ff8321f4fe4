/* rewrite.h - gives the packets of changing sources one unbroken stream of numbers
 *
 * What a viewer gets in a slot has one SSRC for life; who is in the slot changes. Each stretch of
 * one source is a Span with constant offsets for sequence, timestamp and VP8 picture numbers; a gap
 * goes out only where a real gap came in. A few past spans are kept, so that a late packet or a
 * repair lands on the number it had. Plain data (it can live in a memory file across a restart), no
 * clock, no thread; embedded in a Slot. */
#pragma once
#include "packet.h"
#include <stdbool.h>
#include <stdint.h>

#define REWRITE_SPANS                                                                              \
	16 /* some 3 s of the busiest history: at most a change of source each 200 ms */

typedef struct RewriteSpan {
	uint64_t source;          /* id of the track; 0 for an unused span */
	uint64_t out_start;       /* first outgoing number of it */
	uint64_t in_start;        /* first incoming number */
	uint64_t sequence_offset; /* out = in + offset, modulo 2^64 */
	uint32_t timestamp_offset;
	uint32_t timestamp_in; /* of its first packet */
	uint8_t squeeze;       /* time since then is divided by 2 to this power */
	uint16_t picture_offset;
	uint8_t tl0_offset, keyidx_offset;
} RewriteSpan;

typedef struct Rewrite {
	RewriteSpan spans[REWRITE_SPANS];
	unsigned current;       /* index of the newest span */
	uint64_t highest_out;   /* number sent last in order; 0 before the first */
	uint64_t highest_in;    /* of the current span */
	uint32_t timestamp_out; /* of the packet with the highest number */
	uint32_t timestamp_in;
	int64_t sent_us;      /* when that was */
	uint16_t picture_out; /* last VP8 numbers sent, and where they came from */
	uint8_t tl0_out, keyidx_out;
	bool frame_open;           /* the last packet was not the end of its frame */
	bool replaying;            /* the current span is of the past … */
	uint32_t replay_timestamp; /* … which began with this, outgoing, … */
	int64_t replay_us;         /* … then */
} Rewrite;

/* What the outgoing packet carries. */
typedef struct Rewritten {
	uint64_t sequence; /* 48-bit index: rollover counter << 16 | sequence */
	uint32_t timestamp;
	uint16_t picture_id;
	uint8_t tl0picidx, keyidx;
} Rewritten;

/* random: any number; the first sequence is made from it and stays in 1..2^15-1, so that no
 * receiver can misjudge the rollover counter (RFC 3711 §3.3.1). */
void rewrite_init(Rewrite *rewrite, uint64_t random);

/* Starts a new source with this packet, which is the first that goes out. Its timestamp goes on
 * from the last one by the time that has passed. */
void rewrite_switch(Rewrite *rewrite, uint64_t source, const Packet *first, uint32_t clock_rate,
	int64_t now_us);

/* The same for another layer of the same picture, where both clocks are known: timestamp is what
 * the source before would have given to this packet. The stream goes on from there, exactly; by the
 * time that has passed where that is past belief. */
void rewrite_step(Rewrite *rewrite, uint64_t source, const Packet *first, uint32_t timestamp,
	uint32_t clock_rate, int64_t now_us);
/* The same for a source that has the same sound in other packets, with the same timestamps: they go
 * on as they were. */
void rewrite_follow(Rewrite *rewrite, uint64_t source, const Packet *first);

/* The same for packets of the past that are sent in one go: time passes 32 times faster in them, so
 * that they do not delay what is shown after them. Ends with rewrite_live(). */
void rewrite_replay(Rewrite *rewrite, uint64_t source, const Packet *first, uint32_t clock_rate,
	int64_t now_us);
/* A picture of the past begins with this packet. Its timestamp is moved on where going out takes so
 * long that the stream falls behind the time that passes: a receiver with a fixed buffer
 * (webrtcbin: 200 ms) would take all that follows for late, for good. */
void rewrite_catch_up(Rewrite *rewrite, const Packet *first, uint32_t clock_rate, int64_t now_us);
/* The present begins with this packet, the first of a picture; its timestamp goes on from the first
 * of the past by the time that has passed. */
void rewrite_live(Rewrite *rewrite, const Packet *first, uint32_t clock_rate, int64_t now_us);

/* The numbers of a packet of the current source. False: it is from before the switch; drop it. */
bool rewrite_packet(Rewrite *rewrite, const Packet *packet, int64_t now_us, Rewritten *out);

/* This packet of the current source is not sent (padding alone): what follows closes up. */
void rewrite_skip(Rewrite *rewrite, const Packet *packet);

/* The same for a packet of a picture that is left out whole, with all that is missing before it: a
 * viewer sees no hole, neither in the numbers of packets nor in those of pictures. begins: with
 * this packet. */
void rewrite_leave_out(Rewrite *rewrite, const Packet *packet, bool begins);

/* The number of an empty packet of our own behind what was sent last; what follows makes room. */
uint64_t rewrite_tail(Rewrite *rewrite);

/* Which packet of which source went out under this 16-bit number, near the newest. False: unknown.
 */
bool rewrite_find(const Rewrite *rewrite, uint16_t sequence, uint64_t *source, uint64_t *in);
/* The numbers that packet went out with. False: its span is forgotten. */
bool rewrite_again(const Rewrite *rewrite, uint64_t source, const Packet *packet, Rewritten *out);

/* The outgoing timestamp that belongs to an incoming one of the current source. */
uint32_t rewrite_timestamp(const Rewrite *rewrite, uint32_t timestamp_in);
