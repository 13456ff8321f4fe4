/* fz_preflight.c - what a page reports of its machine: bounded, and the same when it is told and
 * kept */
#include "common/rpc.h"
#include "fuzz.h"
#include "signaling/preflight.h"

static void keep(const Preflight *preflight)
{
	char *words = preflight_fault_words(preflight);
	unsigned faults;
	g_assert(preflight_faults_from_words(words, &faults));
	g_assert(faults == preflight->faults);
	g_free(words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = g_strndup((const char *)data, size);
	unsigned faults;
	preflight_faults_from_words(text, &faults);
	g_free(text);

	json_t *json = rpc_read_object((const char *)data, size);
	Preflight preflight = { .at_ms = 1 }, again = { .at_ms = 1 };
	const char *what = NULL;
	if (json && preflight_read(json, &preflight, &what)) {
		g_assert(preflight.rtt_ms <= PREFLIGHT_RTT_MAX);
		g_assert(preflight.loss_permille >= PREFLIGHT_UNKNOWN &&
			 preflight.loss_permille <= 1000);
		json_t *view = preflight_view(&preflight);
		g_assert(preflight_read(view, &again, &what));
		g_assert(again.faults == preflight.faults && again.up_bps == preflight.up_bps);
		g_assert(strcmp(again.path, preflight.path) == 0);
		json_decref(view);
		keep(&preflight);
	} else if (json) {
		g_assert(what);
	}
	json_decref(json);
	return 0;
}
