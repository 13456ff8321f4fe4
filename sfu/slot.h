/* slot.h - one stream that a viewer gets: who is in it changes, its numbers never break
 *
 * Embedded in a Viewer; its worker's thread alone. The plain part (rewrite, RTX index, counts) can
 * live in a memory file. Headers are made here, sealing and sending are the viewer's. */
#pragma once
#include "rtcp.h"
#include "slot_packet.h"
#include "thin.h"

/* Packets sent again: one for each four sent (a line that loses more needs a lower rung, not more
 * packets), of a still as many as it has, a burst at the most, and none twice within a time (M7,
 * T-10): 20 ms, for a voice and on a line with a pace the way there and back, since a browser asks
 * again with each packet that comes meanwhile, or each tenth of a second. */
#define SLOT_REPEATS_SHARE 4
#define SLOT_REPEATS_BURST 64
#define SLOT_REPEAT_SPACING_MS 20
#define SLOT_REPEAT_RTT_MS_MIN 60
#define SLOT_REPEAT_RTT_MS_MAX 200
/* What came to us longer ago is not sent again: a viewer who got it would show the past. */
#define SLOT_REPEAT_AGE_US 2000000
/* Behind a still go empty packets, so far apart: where its last one was lost, nothing else would
 * show that for seconds. */
#define SLOT_TAILS 3
#define SLOT_TAIL_US 60000
#define SLOT_KEYFRAME_BUDGET 3 /* keyframes one viewer may ask for within 10 s (M8) */

typedef struct Slot {
	const ParamsMedia *media;
	Track *track;       /* whose packets go out; NULL: silence */
	Track *next;        /* takes its place with its first keyframe; NULL: none waits */
	Track *lowest;      /* layer of the picture that shall be seen; NULL: nothing */
	unsigned layer_max; /* no higher layer of it goes out */
	uint64_t source;    /* id of `track` when it came in: another one means it began anew */
	uint64_t sound;     /* the same, or of what it is made of: in joined packets */
	unsigned redundancy; /* packets of the past that go with each of a voice, RED_DISTANCE_MAX at
				most; no effect where RED is not agreed */
	bool slow;          /* paused: goes on with a keyframe of the present alone */
	bool paced;         /* video leaves by slot_replay() alone, as its viewer's line takes it */
	bool held;          /* stills of its track go out, nothing that moves */
	Still *still;       /* shown last; a reference, NULL before the first */
	unsigned still_next; /* of its packets, to be sent; its count: all are out */
	bool still_again;    /* it was sent a second time already */
	bool still_shown;    /* one went out, some time */
	uint8_t tails;       /* empty packets that have yet to follow it … */
	int64_t tailed_us;   /* … after this */
	uint64_t catch_at;   /* next packet of the past to send; 0: none, the present goes out */
	uint64_t live_from; /* of `track`: what is older has been sent from the past */
	Thin thin;           /* of video that is paced */
	Rewrite rewrite;
	uint64_t rtx_index;      /* of the packet sent again last */
	uint32_t packets, bytes; /* for sender reports */
	uint16_t repeat_credit;  /* in packets sent; a repeat takes SLOT_REPEATS_SHARE */
	unsigned repeat_ms;      /* between two of the same packet */
	struct {
		uint16_t sequence, when_ms;
	} repeated[64]; /* what was sent again lately, by the last bits of its number */
	int64_t asks_since_us;
	unsigned asks;
} Slot;

void slot_init(Slot *slot, const ParamsMedia *media);
/* Lets go of its tracks. */
void slot_clear(Slot *slot);
/* Who shall be in it from now on; NULL for nobody. Video changes with the next keyframe, a voice and
 * the same in joined packets where a pair begins; a codec the viewer has not agreed to leaves the
 * slot empty. */
void slot_aim(Slot *slot, Track *track);
/* Only stills of this track from now on, until the next slot_aim(); NULL for nothing. */
void slot_hold(Slot *slot, Track *track);
/* Shows this still of the track it holds, in place of one that is still on its way. */
void slot_show(Slot *slot, Still *still, int64_t now_us);
/* Some of the still that was shown last has yet to go out. */
static inline bool slot_is_showing(const Slot *slot)
{
	return slot->still && slot->still_next < slot->still->count;
}
/* Aims at the layer of its picture that is best now, none above layer_max; without a picture nothing
 * changes. */
void slot_pick(Slot *slot, int64_t now_us);
/* A layer above layer_max goes no further, though the one that takes its place has yet to come. */
void slot_drop(Slot *slot);
/* The viewer can be sent to: asks for the keyframe that it waits for, if it does. */
void slot_remind(Slot *slot, int64_t now_us);
/* This track ends: lets go of it. */
void slot_release(Slot *slot, const Track *track);
/* Stops video until the next keyframe: the line cannot take it. */
void slot_pause(Slot *slot, int64_t now_us);

/* What went out lately did not arrive: video waits for a keyframe, of the past or the present. */
void slot_begin_anew(Slot *slot);

/* An empty slot that waits for a track whose last keyframe is at hand: begins with that, and is
 * live when it has caught up. */
void slot_begin_past(Slot *slot, int64_t now_us);
/* The next packet of the past, of a still, or of what is paced. False: none is left. */
bool slot_replay(Slot *slot, uint16_t *transport_cc, int64_t now_us, SlotPacket *out);

/* An empty packet behind a still that is out. False: none is due. */
bool slot_tail(Slot *slot, uint16_t *transport_cc, int64_t now_us, SlotPacket *out);

/* What it will send next came this long ago; 0 when it is live. */
int64_t slot_behind_us(const Slot *slot, int64_t now_us);

/* A packet of a track came. True: out is to be sealed and sent. */
bool slot_forward(Slot *slot, Track *track, const Packet *packet, uint16_t *transport_cc,
	int64_t now_us, SlotPacket *out);
/* The viewer lost this number. True: out is to be sent (as RTX, RFC 4588). */
bool slot_repeat(
	Slot *slot, uint16_t sequence, uint16_t *transport_cc, int64_t now_us, SlotPacket *out);
/* One repeat less, unless none is left, or this number was sent again within so long. For what is
 * sent again by others than slot_repeat(). */
bool slot_may_repeat(Slot *slot, uint16_t sequence, unsigned spacing_ms, int64_t now_us);
/* Padding that asks what the line carries: an RTX packet without a payload (RFC 4588 §4). False
 * where RTX was not agreed. */
bool slot_pad(Slot *slot, uint16_t *transport_cc, int64_t now_us, SlotPacket *out);
/* The viewer asks for a keyframe. */
void slot_want_keyframe(Slot *slot, int64_t now_us);
/* The sender report of now. ntp: of the SFU's clock. False: nothing was sent yet. */
bool slot_report(const Slot *slot, uint64_t ntp, int64_t now_us, RtcpSenderInfo *info);
