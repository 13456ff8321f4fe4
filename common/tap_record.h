/* tap_record.h - what the sfu's tap tells the recorder, one record after another
 *
 * A message of the tap's SOCK_SEQPACKET is a page: whole records, at most TAP_PAGE_MAX bytes. A
 * record is its length, type, flags, number and time, then what its type has; all integers are
 * big-endian, a word is a length byte and its bytes. Values on the stack of whoever reads or
 * writes; any thread. docs/API.md §5 has the bytes. */
#pragma once
#include "reader.h"
#include "writer.h"

#define TAP_VERSION 1
#define TAP_PAGE_MAX (60 * 1024) /* with the kernel's own overhead, three fit a default socket */
#define TAP_WORD_MAX 64
#define TAP_ON_AIR_MAX 64
#define TAP_SLOTS 5 /* a0 a1 a2 main slides */
#define TAP_RTP_MAX 1600
#define TAP_PACKET_OVERHEAD 28 /* bytes of a packet's record beside its RTP */

typedef enum TapType {
	TAP_ASK = 1,   /* recorder to sfu, once: send on from the number `next` of this boot */
	TAP_HELLO,     /* sfu to recorder, first record: its boot, the next number */
	TAP_GAP,       /* the numbers from..to are no longer kept */
	TAP_DROPPED,   /* so many packets were not taken in: the tap's queue was full */
	TAP_PACKET,    /* one RTP packet, as the publisher sent it */
	TAP_TRACK,     /* a track is there; with TAP_FLOWING its packets come */
	TAP_QUIET,     /* no packet of this track for two seconds, or another layer instead of it */
	TAP_ENDED,     /* the track is gone and will not come back under this id */
	TAP_REPORT,    /* a sender report: the publisher's two clocks at our `time_ns` */
	TAP_STAGE,     /* who is on air, muted, on main, on slides */
	TAP_SLOTS_NOW, /* who is in which slot */
	TAP_STAGE_GONE,
} TapType;

enum {
	TAP_KEYFRAME = 1, /* of a packet: a decoder may start here */
	TAP_REPAIRED = 2, /* of a packet: it came as RTX */
	TAP_FLOWING = 4,  /* of a track */
};

typedef char TapWord[TAP_WORD_MAX + 1];

typedef struct TapRecord {
	TapType type;
	uint8_t flags;
	uint64_t number; /* 0: not part of the stream (answers, what held before it) */
	int64_t time_ns; /* CLOCK_REALTIME of the sfu */
	uint64_t track;  /* of a packet, a track, quiet, ended, report */
	TapWord stage;   /* of a track, a stage, slots, stage gone */
	union {
		struct {
			const uint8_t *rtp; /* borrowed from what was read */
			uint16_t len;
		} packet;
		struct {
			TapWord owner, source, codec;
			uint32_t ssrc, clock_rate;
			uint8_t payload_type;
		} of_track;
		struct {
			uint64_t ntp; /* 32.32 seconds since 1900, the publisher's clock */
			uint32_t rtp;
		} report;
		struct {
			TapWord main, slides;
			uint8_t count;
			TapWord on_air[TAP_ON_AIR_MAX];
			bool muted[TAP_ON_AIR_MAX];
		} of_stage;
		TapWord slots[TAP_SLOTS]; /* owners; "" for nobody */
		struct {
			uint64_t from, to;
		} gap;
		uint64_t dropped;
		struct {
			uint16_t version;
			uint64_t next; /* of a hello: the number after the last one given */
			TapWord boot;  /* of an ask and a hello */
		} hello;
	};
} TapRecord;

/* Room for the RTP bytes of one packet's record, written up to them; NULL (and out not ok) when it
 * does not fit. */
uint8_t *tap_write_packet(
	Writer *out, uint64_t number, int64_t time_ns, uint64_t track, uint8_t flags, uint16_t len);
/* Any record; out turns false when it does not fit. */
void tap_write(Writer *out, const TapRecord *record);
/* The next record of a page. False at the page's end, or (and in not ok) for what is no record.
 * Bytes behind those we know are passed over; so are types we do not know, by whoever reads. */
bool tap_read(Reader *in, TapRecord *record);
/* Name of the n-th slot. */
const char *tap_slot_name(unsigned n);
