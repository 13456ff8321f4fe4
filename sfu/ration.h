/* ration.h - what one viewer's line is given: which pictures move, how fast, how far voices are
 * guarded
 *
 * Puts together what the line carries (estimate), the promises of the product (ladder) and what is
 * there to be seen. Voice is never held back; slides come before faces. A line that tells nothing
 * is given everything. Pure logic over a clock; embedded in a Viewer, its worker's thread. */
#pragma once
#include "estimate.h"
#include "ladder.h"
#include "redundancy.h"
#include "remb.h"
#include "seal.h"
#include "track.h"

#define RATION_IP_BYTES 28       /* headers of IPv4 and UDP, of each packet */
#define RATION_STILL_US 4000000  /* between two stills of a face */
#define RATION_SLIDE_US 8000000  /* and of slides that have not changed, but become sharper … */
#define RATION_SLIDE_DOUBLINGS 4 /* … twice as long after each, up to a minute */
#define RATION_SLIDE_CHANGE 2500 /* bytes in which they did */
#define RATION_HURRY_US                                                                            \
	3000000 /* a slide that was turned goes before the guard of voices, so long … */
#define RATION_HURRY_EVERY_US 8000000 /* … and not again before */
#define RATION_BEHIND_US 500000       /* a picture that waited longer goes on with a keyframe */

#define RATION_TOP (LADDER_RUNGS - 1)

typedef enum RationPicture { RATION_NOTHING, RATION_STILLS, RATION_MOVES } RationPicture;

typedef struct Ration {
	Estimate *estimate; /* NULL: the viewer cannot tell of each packet … */
	Remb remb;          /* … but perhaps of the whole; if not, everything is given */
	Ladder ladder;
	unsigned cap;        /* the highest rung that is wanted … */
	unsigned ceiling;    /* … and that anybody is given */
	int64_t began_us;    /* the first packet went out; 0: none yet */
	bool deaf;           /* no feedback came */
	bool told;           /* its first news is out */
	Redundancy guard;    /* what the loss asks for … */
	unsigned redundancy; /* … as far as it fits: packets of the past with each of a voice */
	int64_t hurried_us;  /* a turned slide went before that guard, since; 0: none did */
	int64_t turning_us;  /* one was on its way at this time; 0: none was yet */
	int64_t credit;      /* of the pacer, in bytes */
	int64_t filled_us;
} Ration;

/* How a line fares, for people. */
typedef struct RationNews {
	unsigned rung;
	const char *why;  /* "line", "loss", "cap", "top"; "unknown" where the line tells nothing */
	int64_t rate_bps; /* what it carries; 0: unknown */
	unsigned loss_percent;
	int rtt_ms; /* -1: unknown */
} RationNews;

/* What is on air, for the ladder; of layers the lowest. NULL: nothing. */
typedef struct RationScene {
	const Track *main, *slides;
} RationScene;

/* measured: transport-wide feedback was agreed. */
void ration_init(Ration *ration, bool measured, int64_t now_us);
void ration_clear(Ration *ration);
/* The highest rung that the viewer wants; RATION_TOP for all. */
void ration_limit(Ration *ration, unsigned rung);

/* The highest rung that anybody is given, whatever his line takes. */
void ration_ceiling(Ration *ration, unsigned rung);

/* A packet of len bytes went out, under this transport-wide number (-1: none). */
void ration_sent(Ration *ration, int32_t number, unsigned len, int64_t now_us);
/* The same packet goes out once more, as it was: the line lost it. */
void ration_repeated(Ration *ration, int32_t number);
void ration_feedback(Ration *ration, const TwccFeedback *feedback, int64_t now_us);
/* For viewers whose feedback is not of each packet: what they say that their line carries, and what
 * it lost, of 256. */
void ration_remb(Ration *ration, uint64_t rate_bps, int64_t now_us);
void ration_lost(Ration *ration, uint8_t fraction_lost);
/* About every 100 ms. True when the rung has changed. */
bool ration_tick(Ration *ration, const RationScene *scene, int64_t now_us);
/* Where only stills come: one of a slide that was just turned has yet to go out. It takes the room
 * of the voices' guard for some seconds, never that of the voices. About every 100 ms. */
void ration_hurry(Ration *ration, int64_t now_us);
/* Bytes of padding to send now, to learn whether the line carries more. */
int64_t ration_probe(Ration *ration, int64_t now_us);

RationNews ration_news(const Ration *ration);
/* How this picture is shown in this slot. lowest: of its layers; *layer: the highest of them that
 * may move, where one does. */
RationPicture ration_picture(
	const Ration *ration, SlotName slot, Track *lowest, int64_t now_us, unsigned *layer);
/* Voices go in joined packets. */
bool ration_joins(const Ration *ration);
/* Video leaves at the line's pace, as ration_may_send() says; else at once. */
bool ration_is_paced(const Ration *ration);
bool ration_may_send(Ration *ration, int64_t now_us);
void ration_spend(Ration *ration, unsigned len);
/* The keyframe and what followed goes out within a second or so. */
bool ration_affords(const Ration *ration, uint64_t bytes, int64_t now_us);
