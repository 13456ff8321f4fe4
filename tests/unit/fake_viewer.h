/* fake_viewer.h - a viewer at the end of a weak line, with the sender that estimates it, on a fake
 * clock
 *
 * The sender has voice, stills, slides and pictures as the rung has them, at the pace of the sfu's
 * ration, and padding where that asks for it. Lanes of tests/link carry them, and back the feedback
 * that the receiver really writes. TEST_TRACE tells each change of rung. */
#pragma once
#include "fake_slide.h"
#include "sfu/ration.h"
#include "tests/link/lane.h"

#define SEC 1000000LL
#define FAKE_VIEWER_SOON_US (5 * SEC)

typedef struct FakeViewer {
	int64_t now_us;
	Lane *down, *up;
	Ration ration;
	RationScene scene; /* a face in three layers, and slides */
	GRand *random;     /* the test's */
	bool busy;         /* its processor does something else now and then */

	/* What was seen. */
	uint64_t audio_sent, audio_late, audio_full;
	uint64_t window_bytes; /* sent, in the last run */
	int64_t queue_us;      /* the longest, in the last run */
	int64_t padding;
	unsigned changes;             /* of rung */
	unsigned slides, slides_late; /* turned; not seen whole within FAKE_VIEWER_SOON_US */
	int64_t slides_us;            /* until they were seen, all taken together */
	int64_t rung_us[LADDER_RUNGS];

	/* sender */
	uint16_t number;
	int64_t audio_us, frame_us, slide_us, slide_frame_us, still_us, probe_us, tick_us, key_us;
	int64_t pending; /* of pictures, bytes */
	FakeSlide slide; /* where only stills come */
	/* receiver */
	TwccLog *log;
	int64_t feedback_us, busy_until_us;
	double skew; /* of its clock */
} FakeViewer;

FakeViewer *fake_viewer_new(const LaneShape *down, const LaneShape *up, GRand *random);
void fake_viewer_free(FakeViewer *viewer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeViewer, fake_viewer_free)
void fake_viewer_run(FakeViewer *viewer, double seconds);
/* Of all voice: what found no room, or came more than 200 ms late for a queue. */
double fake_viewer_spoilt(const FakeViewer *viewer);
/* How long it stood on these rungs, of all the time since rung_us was cleared. */
double fake_viewer_share(const FakeViewer *viewer, unsigned lowest, unsigned highest);
unsigned fake_viewer_rung(const FakeViewer *viewer);
void fake_viewer_report(const FakeViewer *viewer, const char *name);
