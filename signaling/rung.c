#include "rung.h"
#include "common/rpc.h"
#include <glib.h>
#include <string.h>

static const char *const reasons[] = { "line", "loss", "cap", "top", "unknown" };

/* Whole or not: what is measured is sometimes told with its fraction. */
static bool read_figure(json_t *object, const char *name, double most, double *figure)
{
	json_t *value = json_object_get(object, name);
	*figure = json_number_value(value);
	return json_is_number(value) && *figure >= 0 && *figure <= most;
}

static const char *read_reason(json_t *object)
{
	const char *word = json_string_value(json_object_get(object, "why"));
	for (unsigned i = 0; word && i < G_N_ELEMENTS(reasons); i++) {
		if (strcmp(reasons[i], word) == 0)
			return reasons[i];
	}
	return NULL;
}

bool rung_read(json_t *object, Rung *rung, const char **what)
{
	json_int_t number = 0;
	double rate_bps = 0, loss_percent = 0, rtt_ms = -1;
	if (!rpc_integer(object, "rung", 0, RUNG_TOP, &number, what))
		return false;
	const char *why = read_reason(object);
	*what = "why is no reason";
	if (!why)
		return false;
	*what = "rate_bps, loss_percent or rtt_ms is out of bounds";
	json_t *rtt = json_object_get(object, "rtt_ms");
	bool has_rtt = rtt && !json_is_null(rtt);
	if (!read_figure(object, "rate_bps", RUNG_RATE_MAX_BPS, &rate_bps) ||
		!read_figure(object, "loss_percent", 100, &loss_percent) ||
		(has_rtt && !read_figure(object, "rtt_ms", RUNG_RTT_MAX_MS, &rtt_ms)))
		return false;
	*rung = (Rung){ .why = why,
		.rung = (unsigned)number,
		.rate_bps = (int64_t)rate_bps,
		.loss_percent = (unsigned)(loss_percent + 0.5),
		.rtt_ms = has_rtt ? (int)(rtt_ms + 0.5) : -1 };
	return true;
}

bool rung_is_same(const Rung *a, const Rung *b)
{
	return a->rung == b->rung && a->why == b->why; /* reasons are static text */
}
