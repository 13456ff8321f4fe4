/* probe.h - whether a line carries more than is being sent: a short burst, and how it comes out
 *
 * When to try (after a failure later and later), how much padding completes what is sent anyhow,
 * and the rate at which it came: from the packet that stood in a queue least in the first third to
 * that of the last third, so that neither jitter nor a busy processor within the burst is taken for
 * the line. At the very start three steps that follow each other. A plain value within an Estimate,
 * which says what went out and what came of it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* After a failure, half as long again after each more, up to a bound: a line that is well again is
 * to be at the top within 30 s, and a burst that fails makes no long queue. */
#define PROBE_WAIT_US 3000000
#define PROBE_WAIT_MAX_US 15000000
#define PROBE_CALM_US 2000000 /* without congestion, before a burst */

typedef struct ProbeMark {
	int64_t seen, came;           /* bytes of the burst up to this packet */
	uint32_t sent_us, arrival_us; /* by two clocks, and both wrap */
	bool set;
} ProbeMark;

typedef enum ProbeState { PROBE_IDLE, PROBE_SENDING, PROBE_SENT } ProbeState;

typedef struct Probe {
	ProbeState state;
	int64_t target_bps;
	int64_t planned; /* bytes */
	int64_t started_us, lasts_us;
	int64_t took_us;            /* until the last of it was handed out */
	uint32_t from_us, until_us; /* it disturbs */
	uint16_t first;             /* number of its first packet */
	uint16_t last;              /* once sent */
	int64_t seen, came;         /* bytes, of those planned */
	uint16_t end;               /* number of the last that was seen */
	bool waited;                /* for what is late */
	ProbeMark marks[3];
	int64_t after_us;  /* no burst before */
	unsigned failures; /* one after the other */
	unsigned step;     /* of the start; 3 when it is over */
	bool again;        /* a step was taken twice */
} Probe;

bool probe_is_starting(const Probe *probe);
/* A burst may begin: begins it, with the next number, where want_bps is more than is known. */
void probe_begin(Probe *probe, int64_t want_bps, int64_t rate_bps, uint16_t next, int64_t now_us);
/* Padding that is due, when so many bytes have gone out since the first. last: the number before
 * the next. */
int64_t probe_due(Probe *probe, int64_t sent, uint16_t last, int64_t now_us);
/* It is known of a packet that it came (then with its times) or not. In the order of numbers. */
void probe_came(
	Probe *probe, uint16_t number, unsigned bytes, uint32_t sent_us, uint32_t arrival_us);
void probe_lost(Probe *probe, uint16_t number, unsigned bytes);
void probe_late(Probe *probe, uint16_t number, unsigned bytes);
/* It most likely came: the word of it was lost. */
void probe_presume(Probe *probe, uint16_t number, unsigned bytes);
/* What left at this time met a burst: its loss is no news. */
bool probe_disturbs(const Probe *probe, uint32_t sent_us);
/* Once a feedback; told: the highest number known of; loss: the line's habit. The rate
 * that came through, when all of the burst is known; 0: nothing is. */
int64_t probe_judge(Probe *probe, uint16_t told, double loss, int64_t now_us);
/* Once a tick: no word of the burst will come any more. */
void probe_expire(Probe *probe, int64_t now_us);
/* The line is congested: what is on its way is not judged. */
void probe_stop(Probe *probe, int64_t now_us);
