#include "timing.h"
#include <stdlib.h>

#define STEP_US 50000 /* two reports may differ by so much, and a quarter of their distance */
#define DRIFT 0.01    /* a clock that is this wrong is followed from report to report */
#define NEAR 5        /* reports that are asked: the middle one of what they say holds */

typedef struct Report {
	int64_t arrival_us, sender_us;
	uint32_t rtp;
} Report;

typedef struct Track {
	GArray *reports; /* of Report, as they came */
	GArray *offsets; /* of the owner: Report without rtp; shared */
	unsigned clock_rate;
	unsigned right, wrong; /* reports that fit, and do not fit, to the one before */
	bool has_anchor;       /* of a track without reports */
	int64_t anchor_us;
	uint32_t anchor_rtp;
} Track;

struct Timing {
	GHashTable *tracks; /* port → Track */
	GHashTable *owners; /* name → GArray of Report */
};

static void track_free(void *data)
{
	Track *track = data;
	g_array_unref(track->reports);
	g_array_unref(track->offsets);
	g_free(track);
}

Timing *timing_new(void)
{
	Timing *timing = g_new0(Timing, 1);
	timing->tracks = g_hash_table_new_full(NULL, NULL, NULL, track_free);
	timing->owners = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
	return timing;
}

void timing_free(Timing *timing)
{
	if (!timing)
		return;
	g_hash_table_unref(timing->tracks);
	g_hash_table_unref(timing->owners);
	g_free(timing);
}

static Track *find(Timing *timing, uint16_t port)
{
	return g_hash_table_lookup(timing->tracks, GUINT_TO_POINTER(port));
}

void timing_add_track(Timing *timing, uint16_t port, const char *owner, unsigned clock_rate)
{
	GArray *offsets = g_hash_table_lookup(timing->owners, owner);
	if (!offsets) {
		offsets = g_array_new(FALSE, FALSE, sizeof(Report));
		g_hash_table_insert(timing->owners, g_strdup(owner), offsets);
	}
	Track *track = g_new0(Track, 1);
	track->reports = g_array_new(FALSE, FALSE, sizeof(Report));
	track->offsets = g_array_ref(offsets);
	track->clock_rate = CLAMP(clock_rate, 1000, 1000000);
	g_hash_table_insert(timing->tracks, GUINT_TO_POINTER(port), track);
}

static int64_t by_report(const Track *track, const Report *report, uint32_t rtp)
{
	int32_t ahead = (int32_t)(rtp - report->rtp); /* six hours each way at 90 kHz */
	return report->sender_us + (int64_t)ahead * G_USEC_PER_SEC / track->clock_rate;
}

/* Both clocks must have gone on by the same. */
static void judge(Track *track, const Report *report)
{
	const Report *before = &g_array_index(track->reports, Report, track->reports->len - 1);
	int64_t passed_us = report->sender_us - before->sender_us;
	int64_t apart_us = by_report(track, before, report->rtp) - report->sender_us;
	bool fits = ABS(apart_us) <= STEP_US + ABS(passed_us) / 4;
	track->right += fits;
	track->wrong += !fits;
}

/* GStreamer's webrtcbin (1.22) sends reports whose RTP time runs at twice its packets' rate. */
static bool is_credible(const Track *track)
{
#ifdef GUARD_OFF_CREDIBLE
	return track->reports->len > 0;
#endif
	return track->reports->len && track->wrong <= track->right / 2;
}

void timing_add_report(
	Timing *timing, uint16_t port, int64_t arrival_us, int64_t sender_us, uint32_t rtp)
{
	Track *track = find(timing, port);
	if (!track)
		return;
	Report report = { arrival_us, sender_us, rtp };
	if (track->reports->len)
		judge(track, &report);
	g_array_append_val(track->reports, report);
	g_array_append_val(track->offsets, report);
}

/* Index of the last that came at or before then; 0 if none did. */
static unsigned last_before(const GArray *reports, int64_t arrival_us)
{
	unsigned low = 0, high = reports->len;
	while (high - low > 1) {
		unsigned middle = (low + high) / 2;
		if (g_array_index(reports, Report, middle).arrival_us <= arrival_us)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static int64_t offset_of(const Report *report)
{
	return report->arrival_us - report->sender_us;
}

/* The least offset around a report, as far as its clock was not set. */
static int64_t least_offset(const GArray *reports, unsigned at, int64_t arrival_us)
{
	int64_t own = offset_of(&g_array_index(reports, Report, at)), least = own;
	for (int step = -1; step <= 1; step += 2) {
		int64_t before = own;
		for (int64_t i = (int64_t)at + step; i >= 0 && i < reports->len; i += step) {
			const Report *report = &g_array_index(reports, Report, i);
			int64_t offset = offset_of(report);
			if (ABS(report->arrival_us - arrival_us) > TIMING_WINDOW_US ||
				ABS(offset - before) > TIMING_JUMP_US)
				break;
			least = MIN(least, offset);
			before = offset;
		}
	}
	return least;
}

static int compare_times(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
	return left < right ? -1 : left > right;
}

/* How much slower (above 0) than it should the track's clock ran between two reports. */
static double slowness(const Track *track, unsigned from, unsigned to)
{
	const Report *first = &g_array_index(track->reports, Report, from);
	const Report *last = &g_array_index(track->reports, Report, to);
	double ran_us = (double)(by_report(track, first, last->rtp) - first->sender_us);
	return ran_us > 0 ? (double)(last->sender_us - first->sender_us) / ran_us - 1 : 0;
}

/* A microphone without a device of its own may run a tenth too slow (Firefox, measured), and its
 * reports tell: not one of them is wrong, all lie to one side. */
static bool drifts(const Track *track, unsigned at)
{
	unsigned last = track->reports->len - 1;
	if (at >= last || last < 2)
		return false;
	double here = slowness(track, at, at + 1);
	double beside =
		at + 2 <= last ? slowness(track, at + 1, at + 2) : slowness(track, at - 1, at);
	return (here > DRIFT && beside > DRIFT) || (here < -DRIFT && beside < -DRIFT);
}

/* What the publisher's clock showed: the middle of what the reports around it say, since one may be
 * wrong. */
static int64_t sender_time(const Track *track, unsigned at, uint32_t rtp)
{
	const GArray *reports = track->reports;
	int64_t said[NEAR], own = by_report(track, &g_array_index(reports, Report, at), rtp);
	if (drifts(track, at)) {
		const Report *report = &g_array_index(track->reports, Report, at);
		double scale = 1 + slowness(track, at, at + 1);
		return report->sender_us + (int64_t)((double)(own - report->sender_us) * scale);
	}
	unsigned count = 0, from = at > NEAR / 2 ? at - NEAR / 2 : 0;
	for (unsigned i = from; i < reports->len && count < NEAR; i++) {
		int64_t time = by_report(track, &g_array_index(reports, Report, i), rtp);
		if (ABS(time - own) < TIMING_JUMP_US)
			said[count++] = time;
	}
	qsort(said, count, sizeof *said, compare_times);
	return said[count / 2];
}

static int64_t by_arrival(Track *track, uint32_t rtp, int64_t arrival_us)
{
	int64_t ahead_us =
		(int64_t)(int32_t)(rtp - track->anchor_rtp) * G_USEC_PER_SEC / track->clock_rate;
	int64_t time = track->anchor_us + ahead_us;
	if (track->has_anchor && ABS(time - arrival_us) < TIMING_JUMP_US) {
		/* Nothing was said after it came: what came first had been under way for longer. */
		track->anchor_us -= MAX(time - arrival_us, 0);
		return MIN(time, arrival_us);
	}
	track->has_anchor = true;
	track->anchor_us = arrival_us;
	track->anchor_rtp = rtp;
	return arrival_us;
}

int64_t timing_map(Timing *timing, uint16_t port, uint32_t rtp, int64_t arrival_us)
{
	Track *track = find(timing, port);
	if (!track)
		return arrival_us;
	if (!is_credible(track))
		return by_arrival(track, rtp, arrival_us);
	unsigned at = last_before(track->reports, arrival_us);
	const Report *report = &g_array_index(track->reports, Report, at);
	unsigned among = last_before(track->offsets, report->arrival_us);
	/* The offset is asked for at the report's place, not the packet's: before the first one
	 * there is none. */
	return sender_time(track, at, rtp) +
	       least_offset(track->offsets, among, report->arrival_us);
}
