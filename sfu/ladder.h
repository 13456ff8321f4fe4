/* ladder.h - the rung a viewer stands on: what is sent to a line of this rate
 *
 * 0 voice alone, 1 with stills, 2 voice in 20 ms packets, 3 main at 180p, 4 slides in full, 5 main
 * at 360p, 6 main at 720p. Down at once, up a rung at a time, straight up at the start, when
 * silence is over and when a cap is lifted. A rung that fails again is left alone for a while, and
 * so is one that was entered often: a line which swings about a boundary changes rungs less than
 * once in 30 s, for four entries and the falls about them are nine changes in 300 s. A plain value
 * within its Viewer, pure: what a rung sends and how it reads to people is elsewhere. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define LADDER_RUNGS 7
#define LADDER_ALL 0x7f /* all rungs are there */

#define LADDER_UP_US 4000000    /* between two steps up */
#define LADDER_START_US 2000000 /* since the rate is known: no wait, until the first fall */
#define LADDER_STAY_US                                                                             \
	30000000 /* a stay that the line ended before that has failed; nor is a rung               \
		    tried again before, unless the line carries much more */
#define LADDER_AGAIN_US 90000000    /* two failed stays within this … */
#define LADDER_LOCK_US 150000000    /* … and the rung is left alone for so long */
#define LADDER_ENTRIES 4            /* after so many within … */
#define LADDER_ENTRIES_US 300000000 /* … a rung is left alone for the rest of it */
#define LADDER_PROBE 1.2 /* how far above a rung's rate one looks before stepping on it */

typedef enum LadderWhy {
	LADDER_LINE, /* the line carries no more */
	LADDER_LOSS, /* the same, and it loses much */
	LADDER_CAP,  /* the caller allows no more */
	LADDER_TOP,  /* there is no more */
} LadderWhy;

typedef struct LadderInput {
	int64_t rate_bps; /* EstimateView's; 0: not known yet, rung 0 */
	bool congested, silent;
	double loss;
	unsigned cap;       /* the highest rung allowed: save data, a hidden tab, TCP … */
	unsigned available; /* bit n: rung n differs from the one below it (slides are on air, the
			       source has this layer). 0 to 2 always do */
} LadderInput;

typedef struct Ladder {
	unsigned rung; /* now */
	int64_t since_us;
	int64_t want_bps; /* for estimate_probe_bytes(); 0: nothing to look for */
	int64_t next_bps; /* enters the next rung; 0: there is none, or it is not to be tried now */
	LadderWhy why;    /* why not higher */

	/* The ladder's own. */
	unsigned top;       /* the highest rung there was at the last tick */
	bool fresh;         /* the next step up may be of several rungs, and at once */
	int64_t known_us;   /* since when the rate is known; 0: it is not yet */
	bool climbed;       /* to this rung, not fallen */
	int64_t changed_us; /* as since_us, or long ago where nobody need wait for the next step */
	int64_t left_us[LADDER_RUNGS];                    /* the line ended a stay here or above */
	int64_t failed_us[LADDER_RUNGS];                  /* … that was too short */
	int64_t locked_us[LADDER_RUNGS];                  /* not before */
	int64_t entered_us[LADDER_RUNGS][LADDER_ENTRIES]; /* step by step, oldest first */
} Ladder;

void ladder_init(Ladder *ladder, int64_t now_us);
/* About every 100 ms, and at once when congestion is seen. True if the rung is another. */
bool ladder_tick(Ladder *ladder, const LadderInput *input, int64_t now_us);

/* Of the table, bit/s of IP: below the one a rung is left, above the other it is entered. */
int64_t ladder_leave_bps(unsigned rung);
int64_t ladder_enter_bps(unsigned rung);
