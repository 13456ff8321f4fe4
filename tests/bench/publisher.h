/* publisher.h - one speaker: joins by WHIP, sends a microphone and a camera
 *
 * Packets are cut as libwebrtc cuts them, lost ones are sent again as RTX, and a keyframe comes
 * when one is asked for. Driven by publisher_tick(), each few milliseconds. */
#pragma once
#include "endpoint.h"
#include "http.h"
#include "janus.h"
#include "restart.h"
#include "source.h"

#define PUBLISHER_PAYLOAD_MAX 1170 /* of video, its descriptor counted */

typedef struct PublisherCounts {
	uint64_t mic_packets, camera_packets; /* sent for the first time */
	uint64_t repeated;
	uint64_t keyframes;
	uint64_t plis, worst_plis_per_s;
} PublisherCounts;

typedef struct PublisherPlan {
	const EndpointPlace *place;
	Http *http;
	Restarts *restarts; /* where ICE restarts are counted */
	const char *url, *token;
	Janus *janus;     /* to whom it speaks instead; else NULL */
	const Film *film; /* may be NULL */
	unsigned kbps;
	unsigned index;
	bool paced; /* as libwebrtc's pacer: 2.5 times the rate, not each frame at once */
} PublisherPlan;

typedef struct Publisher Publisher;
/* Sends its offer. The plan is copied. */
Publisher *publisher_new(const PublisherPlan *plan);
void publisher_free(Publisher *publisher);

void publisher_tick(Publisher *publisher, int64_t now_us);
/* While it is paused it only answers. */
void publisher_pause(Publisher *publisher, bool paused);
bool publisher_is_connected(const Publisher *publisher);
/* NULL while all is well. */
const char *publisher_trouble(const Publisher *publisher);
const PublisherCounts *publisher_counts(const Publisher *publisher);
/* Asks for an ICE restart; unanswered checks are its trouble. False: it is not connected, in
 * trouble, or restarts already. */
bool publisher_restart(Publisher *publisher);
/* Sends its DELETE. */
void publisher_leave(Publisher *publisher);
