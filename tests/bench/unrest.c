#include "unrest.h"
#include <stdio.h>

#define BURST_AFTER_US 1000000 /* into the measured time */
#define BURST_US 900000        /* all within a second, to the speakers' eyes too */
#define BURST_SEEN_US 960000
#define SPEAKERS_SHARE 10 /* one of so many ICE restarts is a speaker's */

/* Whether one more of so many is due, spread evenly over the measured time. */
static bool is_due(const Unrest *unrest, unsigned done, int all, int64_t passed_us)
{
	int64_t length_us = (int64_t)unrest->options->seconds * 1000000;
	return done < (unsigned)all &&
	       done < (uint64_t)all * (uint64_t)passed_us / (uint64_t)length_us;
}

/* Speakers leave and others come to their places; also who is on the main picture. */
static void churn_speakers(Unrest *unrest, int64_t passed_us, int64_t now_us)
{
	const Options *options = unrest->options;
	for (int i = 0; i < options->publishers && options->churn_publishers; i++) {
		Publisher *publisher = unrest->publishers[i];
		if (publisher && publisher_trouble(publisher)) {
			fprintf(stderr, "load: a speaker failed: %s\n",
				publisher_trouble(publisher));
			publisher_leave(publisher);
			publisher_free(g_steal_pointer(&unrest->publishers[i]));
			unrest->failed_publishers++;
		}
		if (!unrest->publishers[i])
			unrest->bring_speaker((unsigned)i, unrest->user);
	}
	while (is_due(unrest, unrest->churned_publishers, options->churn_publishers, passed_us)) {
		unsigned which = (unsigned)g_random_int_range(0, options->publishers);
		if (!publisher_is_connected(unrest->publishers[which]))
			return; /* another next time */
		publisher_leave(unrest->publishers[which]);
		publisher_free(g_steal_pointer(&unrest->publishers[which]));
		unrest->churned_publishers++;
		unrest->bring_speaker(which, unrest->user);
	}
}

static uint64_t plis_seen(const Unrest *unrest)
{
	uint64_t sum = 0;
	for (int i = 0; i < unrest->options->publishers; i++)
		sum += publisher_counts(unrest->publishers[i])->plis;
	return sum;
}

/* Every viewer asks once, spread over a second. */
static void burst(Unrest *unrest, int64_t passed_us)
{
	passed_us -= BURST_AFTER_US;
	uint64_t viewers = (uint64_t)unrest->options->viewers;
	if (!unrest->options->pli_burst || passed_us < 0)
		return;
	if (!unrest->burst)
		unrest->seen_before = plis_seen(unrest);
	while (unrest->burst < viewers && unrest->burst * BURST_US <= (uint64_t)passed_us * viewers)
		viewer_complain(unrest->viewers[unrest->burst++]);
	uint64_t seen = plis_seen(unrest) - unrest->seen_before;
	if (passed_us <= BURST_SEEN_US)
		unrest->burst_plis = seen;
	unrest->burst_plis_after = seen - unrest->burst_plis;
}

/* Leaves and joins, spread over the measured time. */
static void churn(Unrest *unrest, int64_t passed_us, int64_t now_us)
{
	const Options *options = unrest->options;
	for (int i = 0; i < options->viewers && options->churn; i++)
		if (viewer_state(unrest->viewers[i]) == VIEWER_AWAY)
			viewer_join(unrest->viewers[i], now_us);
	while (is_due(unrest, unrest->churned, options->churn, passed_us)) {
		unsigned which = (unsigned)g_random_int_range(0, options->viewers);
		Viewer *viewer = unrest->viewers[which];
		if (viewer_state(viewer) != VIEWER_WATCHING)
			return; /* another next time */
		unrest->viewer_leaves(which, unrest->user);
		viewer_leave(viewer);
		unrest->churned++;
	}
}

/* From a random one on, the first who can: many are just coming or going. */
static bool restart_viewer(Unrest *unrest)
{
	unsigned count = (unsigned)unrest->options->viewers, first = g_random_int();
	for (unsigned i = 0; i < count; i++)
		if (viewer_restart(unrest->viewers[(first % count + i) % count]))
			return true;
	return false;
}

static bool restart_speaker(Unrest *unrest)
{
	unsigned count = (unsigned)unrest->options->publishers, first = g_random_int();
	for (unsigned i = 0; i < count; i++)
		if (publisher_restart(unrest->publishers[(first % count + i) % count]))
			return true;
	return false;
}

static bool restart_somebody(Unrest *unrest)
{
	if (g_random_int_range(0, SPEAKERS_SHARE) == 0 && restart_speaker(unrest))
		return true;
	return restart_viewer(unrest) || restart_speaker(unrest);
}

/* ICE restarts, spread over the measured time. */
static void change_networks(Unrest *unrest, int64_t passed_us)
{
	while (is_due(unrest, unrest->restarts.asked, unrest->options->churn_restarts, passed_us))
		if (!restart_somebody(unrest))
			return; /* another next time */
}

bool unrest_is_busy(const Unrest *unrest)
{
	return unrest->restarts.asked != unrest->restarts.done + unrest->restarts.failed;
}

void unrest_tick(Unrest *unrest, int64_t passed_us, int64_t now_us)
{
	churn(unrest, passed_us, now_us);
	churn_speakers(unrest, passed_us, now_us);
	change_networks(unrest, passed_us);
	burst(unrest, passed_us);
}
