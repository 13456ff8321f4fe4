/* report.h - what a run has shown: a table for people, JSON for scripts */
#pragma once
#include "options.h"
#include "publisher.h"
#include "server.h"
#include "unrest.h"
#include "viewer.h"
#include <jansson.h>

#define REPORT_LATE_US 50000 /* a run in which our own timer was later says nothing of speed */

/* Differences over the measured time, unless it says otherwise. */
typedef struct Report {
	const Options *options;
	const Audience *audience; /* join times, delays */
	unsigned joined, failed;  /* of all viewers, when the measurement began */
	double join_s;            /* from the first join to the last first packet */
	double seconds;

	uint64_t expected_each; /* packets for one viewer, from what the publishers sent */
	unsigned steady;        /* viewers that were there all the time */
	uint64_t expected, received, delivered; /* delivered: repairs and the unsteady too */
	StreamCounts counts;                    /* of all steady viewers and slots */
	double ratio_min, ratio_p1, ratio_median;
	uint64_t opened, not_opened;
	Unrest unrest; /* what it counts */

	PublisherCounts sent; /* of all publishers together; PLIs: of the whole run, worst of one */
	ServerReading before_joining, start, end;
	double own_user_s, own_sys_s;
	int64_t latest_us; /* of our own timer, joining included */
	int64_t latest_measured_us;
} Report;

/* lost after repair, of steady viewers. */
uint64_t report_lost(const Report *report);
void report_print(const Report *report);
json_t *report_json(const Report *report);
