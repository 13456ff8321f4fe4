/* viewer.h - one site that watches: joins by WHEP, receives, and answers as Chromium would
 *
 * Transport-wide feedback each 100 ms, reports each second, NACKs at once, one PLI if no picture
 * has come a second after it was connected. Driven by viewer_tick() each 100 ms. */
#pragma once
#include "endpoint.h"
#include "histogram.h"
#include "http.h"
#include "janus.h"
#include "restart.h"
#include "stream.h"

#define VIEWER_SLOTS 5 /* a0 a1 a2 main slides */
#define VIEWER_MAIN 3
#define VIEWER_STILL_US 1500000
#define VIEWER_TRIES 20 /* requests answered 503, each followed by a wait */

typedef struct Viewer Viewer;

/* What all viewers share, and where they count together. */
typedef struct Audience {
	const EndpointPlace *place;
	Http *http;
	const char *url, *token; /* of the WHEP endpoint */
	Janus *janus;            /* whom they watch instead; else NULL */
	Restarts *restarts;      /* where ICE restarts are counted */
	int64_t join_timeout_us;
	bool measuring; /* delays are taken */
	bool come_back; /* who gets nothing for VIEWER_STILL_US joins anew */

	Histogram answered, connected, first_packet, first_picture; /* since the join was due */
	Histogram delay;
	Histogram returned; /* from the last packet to the first of the next join */
	uint64_t packets;            /* of all of them, repairs too */
	uint64_t opened, not_opened; /* packets of viewers that open them */
	uint64_t malformed, unknown; /* no RTP; a stream that the answer did not name */
	uint64_t asked_to_wait;      /* 503 */
	uint64_t nacks, plis;
	unsigned complaints; /* told so far */
} Audience;

typedef enum ViewerState {
	VIEWER_AWAY,
	VIEWER_ASKING,     /* the offer is under way, or waits for its next try */
	VIEWER_CONNECTING, /* answered, no media yet */
	VIEWER_WATCHING,
	VIEWER_LEAVING, /* the DELETE is under way */
	VIEWER_FAILED,
} ViewerState;

/* opens: its packets are opened and checked. lies: it says that nothing has come (liar.h). */
Viewer *viewer_new(Audience *audience, bool opens, bool lies);
void viewer_free(Viewer *viewer);

/* due_us: when the person pressed the button; join times count from there. */
void viewer_join(Viewer *viewer, int64_t due_us);
void viewer_leave(Viewer *viewer);
/* Asks for an ICE restart; it fails with it when its checks are not answered. False: it is not
 * watching, or restarts already. */
bool viewer_restart(Viewer *viewer);
/* Asks for a keyframe without need. */
void viewer_complain(Viewer *viewer);
void viewer_tick(Viewer *viewer, int64_t now_us, bool reports);
ViewerState viewer_state(const Viewer *viewer);
bool viewer_opens(const Viewer *viewer);
bool viewer_lies(const Viewer *viewer);
/* Of one slot. */
const StreamCounts *viewer_counts(const Viewer *viewer, unsigned slot);
