/* metrics.h - writes Prometheus text (exposition format 0.0.4)
 *
 * A growing text; no thread, no global. */
#pragma once
#include <glib.h>
#include <stdint.h>

/* `# HELP`, `# TYPE` and one sample without labels. type: "counter" or "gauge". */
void metrics_add(GString *out, const char *name, const char *type, const char *help, double value);

typedef struct MetricSample {
	const char *value; /* of the label; ours, so it needs no escape */
	double number;
} MetricSample;
/* The same with a sample for each value of one label. */
void metrics_add_by(GString *out, const char *name, const char *type, const char *help,
	const char *label, const MetricSample samples[], unsigned count);
