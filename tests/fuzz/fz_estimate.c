/* fz_estimate.c - what a line carries, told by a hostile viewer
 *
 * Steps: packets go out, time passes, a feedback of the bytes that follow, padding is asked for.
 * Numbers begin at 0, so that feedback finds them. */
#include "common/reader.h"
#include "fuzz.h"
#include "sfu/estimate.h"

static void check(const Estimate *estimate)
{
	const EstimateView *view = estimate_view(estimate);
	g_assert(view->rate_bps >= 0 && view->rate_bps <= ESTIMATE_RATE_MAX);
	g_assert(view->acked_bps >= 0);
	g_assert(view->queue_us >= 0);
	g_assert(view->loss >= 0 && view->loss <= 1);
	g_assert(view->known || !view->rate_bps);
}

static void hear(Estimate *estimate, Reader *in, int64_t now_us)
{
	TwccFeedback feedback;
	size_t len = MIN(read_u8(in), reader_left(in));
	const uint8_t *fci = read_bytes(in, len);
	if (fci && twcc_read(&feedback, fci, len))
		estimate_feedback(estimate, &feedback, now_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int64_t now_us = 0;
	Estimate *estimate = estimate_new(now_us);
	uint16_t number = 0;
	for (Reader in = reader_of(data, size); reader_left(&in) >= 3;) {
		uint8_t step = read_u8(&in);
		if (step % 4 == 0) {
			unsigned count = read_u8(&in), bytes = read_u8(&in) * 8u;
			for (unsigned i = 0; i < count; i++)
				estimate_sent(estimate, number++, bytes, now_us += step);
		} else if (step % 4 == 1) {
			now_us += read_u16(&in) * (int64_t)(step / 4);
			estimate_tick(estimate, now_us);
		} else if (step % 4 == 2) {
			hear(estimate, &in, now_us);
		} else {
			int64_t want_bps = read_u16(&in) * 1000;
			g_assert(estimate_probe_bytes(estimate, want_bps, now_us) >= 0);
		}
		check(estimate);
	}
	estimate_free(estimate);
	return 0;
}
