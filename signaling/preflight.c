#include "preflight.h"
#include "common/rpc.h"
#include <glib.h>
#include <string.h>

#define GRAVE true /* it will not be heard, or hears badly */
#define MILD false

/* The order and the words of web/src/preflight/judge.ts. Bits are made of places: only the words
 * are stored. */
static const struct {
	const char *word;
	bool is_grave;
} faults[] = {
	{ "insecure", GRAVE },
	{ "mic-missing", GRAVE },
	{ "mic-denied", GRAVE },
	{ "mic-busy", GRAVE },
	{ "mic-silent", GRAVE },
	{ "speaker-unheard", GRAVE },
	{ "line-none", GRAVE },
	{ "line-down", GRAVE },
	{ "line-up", GRAVE },
	{ "line-loss", GRAVE },
	{ "line-delay", GRAVE },
	{ "line-tcp", MILD },
	{ "line-unknown", MILD },
	{ "camera-missing", MILD },
	{ "camera-denied", MILD },
	{ "camera-busy", MILD },
};

static bool add_fault(const char *word, unsigned *bits)
{
	for (unsigned i = 0; word && i < G_N_ELEMENTS(faults); i++) {
		if (strcmp(faults[i].word, word) != 0)
			continue;
		bool is_new = !(*bits & 1u << i);
		*bits |= 1u << i;
		return is_new;
	}
	return false;
}

bool preflight_path_is_valid(const char *path)
{
	static const char *const paths[] = { "", "udp", "tcp", "none", NULL };
	return path && g_strv_contains(paths, path);
}

static bool read_faults(json_t *json, unsigned *bits, const char **what)
{
	json_t *list = json_object_get(json, "faults"), *word;
	size_t i;
	*what = "faults are no list of different words";
	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, word)
	{
		if (!add_fault(json_string_value(word), bits))
			return false;
	}
	return true;
}

static bool read_figure(
	json_t *json, const char *name, json_int_t max, int64_t *value, const char **what)
{
	json_int_t number = PREFLIGHT_UNKNOWN;
	json_t *given = json_object_get(json, name);
	if (!json_is_null(given) && !rpc_integer(json, name, 0, max, &number, what))
		return false;
	*value = number;
	return true;
}

bool preflight_read(json_t *json, Preflight *preflight, const char **what)
{
	const char *path = "";
	if (!read_faults(json, &preflight->faults, what) ||
		!read_figure(json, "down_bps", PREFLIGHT_BPS_MAX, &preflight->down_bps, what) ||
		!read_figure(json, "up_bps", PREFLIGHT_BPS_MAX, &preflight->up_bps, what) ||
		!read_figure(json, "rtt_ms", PREFLIGHT_RTT_MAX, &preflight->rtt_ms, what) ||
		!read_figure(json, "loss_permille", 1000, &preflight->loss_permille, what) ||
		!rpc_optional_string(json, "path", PREFLIGHT_PATH_SIZE - 1, &path, what))
		return false;
	*what = "path is none";
	if (!preflight_path_is_valid(path))
		return false;
	g_strlcpy(preflight->path, path, sizeof(preflight->path));
	return true;
}

static json_t *figure(int64_t value)
{
	return value < 0 ? json_null() : json_integer(value);
}

json_t *preflight_view(const Preflight *preflight)
{
	if (!preflight->at_ms)
		return json_null();
	json_t *words = json_array();
	for (unsigned i = 0; i < G_N_ELEMENTS(faults); i++) {
		if (preflight->faults & 1u << i)
			json_array_append_new(words, json_string(faults[i].word));
	}
	return json_pack("{s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "at",
		(json_int_t)preflight->at_ms, "verdict", preflight_verdict(preflight), "faults",
		words, "down_bps", figure(preflight->down_bps), "up_bps", figure(preflight->up_bps),
		"rtt_ms", figure(preflight->rtt_ms), "loss_permille",
		figure(preflight->loss_permille), "path",
		*preflight->path ? json_string(preflight->path) : json_null());
}

const char *preflight_verdict(const Preflight *preflight)
{
	if (!preflight->at_ms)
		return "never";
	for (unsigned i = 0; i < G_N_ELEMENTS(faults); i++) {
		if (faults[i].is_grave && preflight->faults & 1u << i)
			return "help";
	}
	return "ok";
}

char *preflight_fault_words(const Preflight *preflight)
{
	GString *words = g_string_new(NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(faults); i++) {
		if (preflight->faults & 1u << i)
			g_string_append_printf(
				words, "%s%s", words->len ? " " : "", faults[i].word);
	}
	return g_string_free(words, FALSE);
}

bool preflight_faults_from_words(const char *words, unsigned *bits)
{
	*bits = 0;
	if (!words)
		return false;
	g_auto(GStrv) parts = g_strsplit(words, " ", -1);
	for (unsigned i = 0; parts[i]; i++) {
		if (!add_fault(parts[i], bits))
			return false;
	}
	return true;
}
