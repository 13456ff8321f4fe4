/* probe.h - /api/v1/probe: bytes for measuring a site's line, so few that no forum is disturbed
 *
 * A page asks for nothing (how long that takes), for random bytes, and sends some; it holds the
 * watch itself. All of it is counted, per site and in all; what is over a limit is `too-many` and
 * the page measures later. Main thread. */
#pragma once
#include "http.h"

#define PROBE_PATH "/api/v1/probe"
#define PROBE_BYTES_MAX (256 * 1024)       /* of one answer; of what is sent: SERVER_BODY_MAX */
#define PROBE_LEAST 1024                   /* what a request counts at least: its headers */
#define PROBE_SITE_RATE (32 * 1024)        /* bytes a second of a site: two checks a minute … */
#define PROBE_SITE_BURST (3 * 1024 * 1024) /* … and three at once; one is 0.8 MB at most */
#define PROBE_ALL_RATE (4 * 1024 * 1024)   /* of all sites: 32 Mbit/s beside a forum's 400 */
#define PROBE_ALL_BURST (8 * 1024 * 1024)
#define PROBES_MAX 32 /* answers under way at once; each waits on a line, not on us */

typedef struct Probe Probe;

Probe *probe_new(void);
/* After the server has gone: answers under way lead here. */
void probe_free(Probe *probe);

/* Whether a site may have, or has had, so many bytes more now; they are counted. */
bool probe_admits(Probe *probe, Bucket *site, size_t bytes, int64_t now_us);
/* Bytes counted so far. */
uint64_t probe_bytes(const Probe *probe);

void probe_request(Http *http, Exchange *exchange, const Request *request);
