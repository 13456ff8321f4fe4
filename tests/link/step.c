#include "step.h"
#include <arpa/inet.h>
#include <gio/gio.h>
#include <stddef.h>
#include <string.h>

#define DIGITS_MAX 9 /* before the point; six behind it */
#define WORDS_MAX 16
#define RATE_MAX 10e9
#define QUEUE_BYTES_MAX 64e6
#define TRAVEL_MAX_US 60e6

typedef struct Unit {
	const char *name;
	double factor;
} Unit;

static const Unit times[] = { { "us", 1 }, { "ms", 1e3 }, { "s", 1e6 }, { "min", 60e6 }, { NULL } };
static const Unit rates[] = { { "", 1 }, { "k", 1e3 }, { "M", 1e6 }, { "G", 1e9 }, { NULL } };
static const Unit sizes[] = { { "B", 1 }, { "kB", 1e3 }, { "MB", 1e6 }, { NULL } };
static const Unit shares[] = { { "", 1 }, { "%", 0.01 }, { NULL } };

/* Digits, perhaps a point and digits, and a unit: no sign, no exponent, no blank. */
static bool read_number(const char *text, const Unit *units, double max, double *value)
{
	double number = 0, place = 1;
	const char *at = text;
	for (; g_ascii_isdigit(*at); at++)
		number = number * 10 + (*at - '0');
	if (at == text || at - text > DIGITS_MAX)
		return false;
	if (*at == '.') {
		const char *point = at++;
		for (; g_ascii_isdigit(*at); at++)
			number += (*at - '0') * (place /= 10);
		if (at - point < 2 || at - point > 7)
			return false;
	}
	while (units->name && strcmp(units->name, at))
		units++;
	*value = units->name ? number * units->factor : -1;
	return units->name && *value <= max;
}

static bool read_whole(const char *text, const Unit *units, double max, int64_t *value)
{
	double number;
	if (!strcmp(text, "0")) {
		*value = 0;
		return true;
	}
	if (!read_number(text, units, max, &number))
		return false;
	*value = (int64_t)(number + 0.5);
	return *value > 0 || number == 0; /* 0.2 bit/s is not "no limit" */
}

static bool read_share(const char *text, double *value)
{
	return read_number(text, shares, 1, value);
}

bool step_read_duration(const char *text, int64_t *us)
{
	double number;
	if (!read_number(text, times, STEP_DURATION_MAX_US, &number))
		return false;
	*us = (int64_t)(number + 0.5);
	return true;
}

/* Splits VALUE[:VALUE]… in place; how many, at most max, 0 for more. */
static unsigned split(char *value, char **parts, unsigned max)
{
	unsigned count = 0;
	for (char *at = value; at; count++) {
		if (count == max)
			return 0;
		parts[count] = at;
		at = strchr(at, ':');
		if (at)
			*at++ = '\0';
	}
	return count;
}

static bool read_rate(char *value, LaneShape *shape)
{
	return read_whole(value, rates, RATE_MAX, &shape->rate_bps);
}

static bool read_queue(char *value, LaneShape *shape)
{
	shape->queue.us = shape->queue.bytes = 0;
	return read_whole(value, times, TRAVEL_MAX_US, &shape->queue.us) ||
	       read_whole(value, sizes, QUEUE_BYTES_MAX, &shape->queue.bytes);
}

static bool read_delay(char *value, LaneShape *shape)
{
	return read_whole(value, times, TRAVEL_MAX_US, &shape->delay_us);
}

static bool read_jitter(char *value, LaneShape *shape)
{
	char *parts[2];
	unsigned count = split(value, parts, 2);
	shape->jitter.normal = count == 2 && !strcmp(parts[1], "normal");
	return count && (count == 1 || shape->jitter.normal) &&
	       read_whole(parts[0], times, TRAVEL_MAX_US, &shape->jitter.us);
}

static bool read_order(char *value, LaneShape *shape)
{
	shape->unordered = !strcmp(value, "free");
	return shape->unordered || !strcmp(value, "kept");
}

static bool read_loss(char *value, LaneShape *shape)
{
	return read_share(value, &shape->loss);
}

/* Who never leaves the bad state has no burst but a dead line: an outage says that. */
static bool read_burst(char *value, LaneShape *shape)
{
	char *parts[3];
	unsigned count = split(value, parts, 3);
	shape->burst.enter = 0;
	if (count == 1)
		return !strcmp(parts[0], "0");
	shape->burst.loss = 1;
	return count && read_share(parts[0], &shape->burst.enter) &&
	       read_share(parts[1], &shape->burst.leave) && shape->burst.leave > 0 &&
	       (count == 2 || read_share(parts[2], &shape->burst.loss));
}

static bool read_reorder(char *value, LaneShape *shape)
{
	char *parts[2];
	unsigned count = split(value, parts, 2);
	shape->reorder.share = 0;
	if (count == 1)
		return !strcmp(parts[0], "0");
	return count && read_share(parts[0], &shape->reorder.share) &&
	       read_whole(parts[1], times, TRAVEL_MAX_US, &shape->reorder.us);
}

static bool read_duplicate(char *value, LaneShape *shape)
{
	return read_share(value, &shape->duplicate);
}

#define PART(member) offsetof(LaneShape, member), sizeof(((LaneShape *)NULL)->member)

static const struct {
	const char *name;
	bool (*read)(char *value, LaneShape *shape);
	size_t at, size;
} keys[] = {
	{ "rate", read_rate, PART(rate_bps) },
	{ "queue", read_queue, PART(queue) },
	{ "delay", read_delay, PART(delay_us) },
	{ "jitter", read_jitter, PART(jitter) },
	{ "order", read_order, PART(unordered) },
	{ "loss", read_loss, PART(loss) },
	{ "burst", read_burst, PART(burst) },
	{ "reorder", read_reorder, PART(reorder) },
	{ "duplicate", read_duplicate, PART(duplicate) },
};

static const struct {
	const char *name;
	unsigned ways;
} ways[] = { { "up", STEP_UP }, { "down", STEP_DOWN }, { "both", STEP_UP | STEP_DOWN } };

static bool refuse(GError **error, const char *word, const char *why)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "\"%s\": %s", word, why);
	return false;
}

static unsigned ways_of(const char *word)
{
	for (unsigned i = 0; word && i < G_N_ELEMENTS(ways); i++)
		if (!strcmp(ways[i].name, word))
			return ways[i].ways;
	return 0;
}

static bool read_key(Step *step, const char *word, GError **error)
{
	g_autofree char *copy = g_strdup(word);
	char *value = strchr(copy, '=');
	if (!value)
		return refuse(error, word, "not KEY=VALUE");
	*value++ = '\0';
	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++) {
		if (strcmp(keys[i].name, copy))
			continue;
		if (step->set & 1u << i)
			return refuse(error, word, "said twice");
		step->set |= 1u << i;
		return keys[i].read(value, &step->shape) ||
		       refuse(error, word, "no such value, or out of its range");
	}
	return refuse(error, word, "no such key");
}

static bool read_shape(Step *step, char **words, GError **error)
{
	bool clear = words[1] && !strcmp(words[1], "clear");
	step->kind = STEP_SHAPE;
	if (!words[1])
		return refuse(error, words[0], "nothing is said of it");
	for (char **word = words + 1 + clear; *word; word++)
		if (!read_key(step, *word, error))
			return false;
	if (clear)
		step->set = (1u << G_N_ELEMENTS(keys)) - 1;
	return true;
}

static bool read_outage(Step *step, char **words, GError **error)
{
	step->kind = STEP_OUTAGE;
	step->ways = ways_of(words[1]);
	if (!step->ways || !words[2] || words[3])
		return refuse(error, words[0], "then up, down or both, and a duration");
	return step_read_duration(words[2], &step->duration_us) ||
	       refuse(error, words[2], "no duration such as 300ms or 20s");
}

static bool read_address(Step *step, char **words, GError **error)
{
	uint8_t binary[sizeof(struct in6_addr)];
	step->kind = STEP_ADDRESS;
	if (!words[1])
		return true;
	if (words[2] || (inet_pton(AF_INET, words[1], binary) != 1 &&
				inet_pton(AF_INET6, words[1], binary) != 1))
		return refuse(error, words[1], "no IP address");
	g_strlcpy(step->address, words[1], sizeof step->address);
	return true;
}

static bool read_switch(Step *step, char **words, GError **error)
{
	step->kind = !strcmp(words[0], "udp") ? STEP_UDP : STEP_TCP;
	step->on = words[1] && !strcmp(words[1], "on");
	if (!words[1] || words[2] || (!step->on && strcmp(words[1], "off")))
		return refuse(error, words[0], "then on or off");
	return true;
}

static bool read_word(Step *step, char **words, GError **error)
{
	step->kind = !strcmp(words[0], "end") ? STEP_END : STEP_STATS;
	return !words[1] || refuse(error, words[1], "nothing comes behind");
}

static const struct {
	const char *name;
	bool (*read)(Step *step, char **words, GError **error);
} verbs[] = {
	{ "outage", read_outage },
	{ "address", read_address },
	{ "udp", read_switch },
	{ "tcp", read_switch },
	{ "stats", read_word },
	{ "end", read_word },
};

static bool read_words(Step *step, char **words, GError **error)
{
	if (!words[0])
		return refuse(error, "", "nothing is said");
	step->ways = ways_of(words[0]);
	if (step->ways)
		return read_shape(step, words, error);
	for (unsigned i = 0; i < G_N_ELEMENTS(verbs); i++)
		if (!strcmp(verbs[i].name, words[0]))
			return verbs[i].read(step, words, error);
	return refuse(error, words[0], "no such step");
}

static bool judge_text(const char *text, GError **error)
{
	if (strlen(text) > STEP_TEXT_MAX)
		return refuse(error, "…", "the line is too long");
	for (const char *at = text; *at; at++)
		if (!g_ascii_isprint(*at) && *at != '\t')
			return refuse(error, "…", "there is more than ASCII in it");
	return true;
}

bool step_read(Step *step, const char *text, GError **error)
{
	*step = (Step){ .shape = lane_plain };
	if (!judge_text(text, error))
		return false;
	char *words[WORDS_MAX + 1] = { NULL }, *rest = NULL;
	unsigned count = 0;
	g_autofree char *copy = g_strdup(text);
	for (char *word = strtok_r(copy, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (count == WORDS_MAX)
			return refuse(error, word, "too many words");
		words[count++] = word;
	}
	return read_words(step, words, error);
}

void step_change(const Step *step, LaneShape *shape)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
		if (step->set & 1u << i)
			memcpy((uint8_t *)shape + keys[i].at,
				(const uint8_t *)&step->shape + keys[i].at, keys[i].size);
}
