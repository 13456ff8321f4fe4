/* fz_link_script.c - scripts of the weak line: steps in order, each within the bounds of a lane */
#include "fuzz.h"
#include "tests/link/script.h"

#define TRAVEL_US 60000000

static bool is_share(double value)
{
	return value >= 0 && value <= 1;
}

static void judge_shape(const LaneShape *shape)
{
	g_assert(shape->rate_bps >= 0 && shape->rate_bps <= 10000000000);
	g_assert(shape->queue.us >= 0 && shape->queue.us <= TRAVEL_US);
	g_assert(shape->queue.bytes >= 0 && shape->queue.bytes <= 64000000);
	g_assert(shape->delay_us >= 0 && shape->delay_us <= TRAVEL_US);
	g_assert(shape->jitter.us >= 0 && shape->jitter.us <= TRAVEL_US);
	g_assert(shape->reorder.us >= 0 && shape->reorder.us <= TRAVEL_US);
	g_assert(is_share(shape->loss) && is_share(shape->duplicate));
	g_assert(is_share(shape->reorder.share) && is_share(shape->burst.enter));
	g_assert(is_share(shape->burst.leave) && is_share(shape->burst.loss));
	g_assert(!shape->burst.enter || shape->burst.leave > 0);
}

/* What the steps make of a lane, it can bear: datagrams come out, or were counted when they did
 * not. */
static void judge_lane(const LaneShape *shape)
{
	Lane *lane = lane_new(1);
	const LaneStats *stats = lane_stats(lane);
	LanePacket packet;
	lane_set_shape(lane, shape, 0);
	for (unsigned i = 0; i < 16; i++) {
		const LanePacket one = { .bytes = 100 * (i + 1) };
		lane_put(lane, &one, i * 50);
	}
	for (int64_t at_us; (at_us = lane_next_us(lane)) != LANE_NEVER_US;)
		while (lane_take(lane, &packet, at_us))
			;
	g_assert(stats->delivered + stats->lost + stats->queue_dropped ==
		 stats->in + stats->duplicated);
	lane_free(lane);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GError *error = NULL;
	Script *script = script_read((const char *)data, size, &error);
	g_assert(!script == (error != NULL));
	g_assert(script || g_str_has_prefix(error->message, "line "));
	LaneShape shape = lane_plain;
	unsigned count = 0;
	for (int64_t at_us, last_us = 0;
		script && (at_us = script_next_us(script)) != LANE_NEVER_US; last_us = at_us) {
		const Step *step = script_due(script, at_us);
		g_assert(at_us >= last_us && at_us <= STEP_DURATION_MAX_US);
		g_assert(step->duration_us >= 0 && step->duration_us <= STEP_DURATION_MAX_US);
		g_assert(count++ < SCRIPT_STEPS_MAX);
		step_change(step, &shape);
		judge_shape(&shape);
	}
	if (script)
		judge_lane(&shape);
	script_free(script);
	g_clear_error(&error);
	return 0;
}
