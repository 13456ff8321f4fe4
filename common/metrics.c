#include "metrics.h"
#include <math.h>

#define EXACT_MAX 9007199254740992.0 /* 2^53: whole numbers up to here are exact in a double */

static void add_head(GString *out, const char *name, const char *type, const char *help)
{
	g_string_append_printf(out, "# HELP %s ", name);
	for (const char *c = help; *c; c++) {
		if (*c == '\\')
			g_string_append(out, "\\\\");
		else if (*c == '\n')
			g_string_append(out, "\\n");
		else
			g_string_append_c(out, *c);
	}
	g_string_append_printf(out, "\n# TYPE %s %s\n", name, type);
}

static void add_number(GString *out, double value)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	if (isnan(value))
		g_string_append(out, "NaN");
	else if (isinf(value))
		g_string_append(out, value > 0 ? "+Inf" : "-Inf");
	else if (value >= -EXACT_MAX && value <= EXACT_MAX && value == (double)(long long)value)
		g_string_append_printf(out, "%lld", (long long)value);
	else
		g_string_append(out, g_ascii_dtostr(number, sizeof(number), value));
	g_string_append_c(out, '\n');
}

void metrics_add(GString *out, const char *name, const char *type, const char *help, double value)
{
	add_head(out, name, type, help);
	g_string_append_printf(out, "%s ", name);
	add_number(out, value);
}

void metrics_add_by(GString *out, const char *name, const char *type, const char *help,
	const char *label, const MetricSample samples[], unsigned count)
{
	add_head(out, name, type, help);
	for (unsigned i = 0; i < count; i++) {
		g_string_append_printf(out, "%s{%s=\"%s\"} ", name, label, samples[i].value);
		add_number(out, samples[i].number);
	}
}
