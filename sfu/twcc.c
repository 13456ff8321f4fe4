#include "twcc.h"
#include "common/reader.h"
#include "rtp.h"
#include <glib.h>

/* Time is counted in ticks of 250 us, the reference in 256 of them (64 ms): draft §3.1. */
#define TICK_US 250
#define REFERENCE_TICKS 256

#define FEEDBACK_MAX 1200  /* bytes of one RTCP packet: what a datagram takes, with its seal */
#define HEADER_LEN 20      /* RTCP header, two SSRCs and the fixed part of the FCI */
#define SMALL_MAX 255      /* ticks in a delta of one byte */
#define RUN_MAX 0x1fff     /* 13 bits */
#define ONE_BIT_SYMBOLS 14 /* in a status vector chunk */
#define TWO_BIT_SYMBOLS 7

enum { LOST, SMALL, LARGE, RESERVED }; /* packet status symbols, draft §3.1.1 */

typedef struct Slot {
	uint64_t number; /* extended */
	int64_t tick;
} Slot;

struct TwccLog {
	Slot slots[TWCC_LOG_SIZE]; /* by number modulo size; those of older rounds stay till
				      overwritten */
	uint64_t base;             /* first number that no feedback has told of */
	uint64_t highest;          /* that came */
	uint8_t count;             /* of the next feedback */
	bool started, news;
};

TwccLog *twcc_log_new(void)
{
	return g_new0(TwccLog, 1);
}

void twcc_log_free(TwccLog *log)
{
	g_free(log);
}

static Slot *slot_of(TwccLog *log, uint64_t number)
{
	return &log->slots[number % TWCC_LOG_SIZE];
}

static bool came(TwccLog *log, uint64_t number)
{
	return slot_of(log, number)->number == number;
}

void twcc_log_add(TwccLog *log, uint16_t number, int64_t now_us)
{
	if (!log->started) {
		/* far from 0, so that what was sent before the first to come has a number too */
		log->base = log->highest = (uint64_t)1 << 32 | number;
		log->started = true;
	}
	uint64_t extended = rtp_extend(log->highest, number);
	if (extended + TWCC_LOG_SIZE <= log->highest || came(log, extended))
		return;
	if (extended > log->highest) {
		log->highest = extended;
		/* after a long gap the sender hears of its end only */
		if (log->base + TWCC_LOG_SIZE <= extended)
			log->base = extended - TWCC_LOG_SIZE + 1;
	}
	/* A late one was told of as lost: tell anew from there, as libwebrtc does. */
	log->base = MIN(log->base, extended);
	*slot_of(log, extended) = (Slot){ .number = extended, .tick = now_us / TICK_US };
	log->news = true;
}

/* What one feedback will say. */
typedef struct Plan {
	unsigned count; /* statuses */
	uint8_t symbols[TWCC_LOG_SIZE];
	int16_t deltas[TWCC_LOG_SIZE]; /* of those that came, ticks */
	unsigned delta_count, delta_len;
	int64_t reference;
} Plan;

/* No chunk holds fewer than seven symbols, save the last. */
static size_t longest(unsigned statuses, size_t delta_len)
{
	return HEADER_LEN + 2 * ((statuses + TWO_BIT_SYMBOLS - 1) / TWO_BIT_SYMBOLS) + delta_len +
	       3;
}

/* Takes in what came from base on, until room is full or a pause is too long for one delta. */
static void plan_feedback(TwccLog *log, Plan *plan, size_t room)
{
	int64_t before = 0;
	unsigned statuses = 0;
	plan->count = plan->delta_count = plan->delta_len = 0;
	for (uint64_t at = log->base; at <= log->highest; at++) {
		plan->symbols[statuses++] = LOST;
		if (!came(log, at))
			continue;
		int64_t tick = slot_of(log, at)->tick;
		if (!plan->count) {
			plan->reference = tick / REFERENCE_TICKS;
			before = plan->reference * REFERENCE_TICKS;
		}
		int64_t delta = tick - before;
		bool small = delta >= 0 && delta <= SMALL_MAX;
		if (delta != (int16_t)delta ||
			longest(statuses, plan->delta_len + (small ? 1 : 2)) > room)
			return;
		plan->symbols[statuses - 1] = small ? SMALL : LARGE;
		plan->deltas[plan->delta_count++] = (int16_t)delta;
		plan->delta_len += small ? 1 : 2;
		plan->count = statuses;
		before = tick;
	}
}

static unsigned run_of(const uint8_t *symbols, unsigned count)
{
	unsigned run = 1;
	while (run < count && run < RUN_MAX && symbols[run] == symbols[0])
		run++;
	return run;
}

static bool has_large(const uint8_t *symbols, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (symbols[i] == LARGE)
			return true;
	return false;
}

/* Writes one chunk, as long as serves; how many symbols it took. */
static unsigned write_chunk(Writer *out, const uint8_t *symbols, unsigned count)
{
	unsigned run = run_of(symbols, count), one = MIN(count, ONE_BIT_SYMBOLS);
	bool large = has_large(symbols, one);
	if (run == count || run >= (large ? TWO_BIT_SYMBOLS : ONE_BIT_SYMBOLS)) {
		write_u16(out, (uint16_t)((unsigned)symbols[0] << 13 | run));
		return run;
	}
	unsigned taken = large ? MIN(count, TWO_BIT_SYMBOLS) : one;
	unsigned width = large ? 2 : 1, chunk = large ? 0xc000 : 0x8000;
	for (unsigned i = 0; i < taken; i++)
		chunk |= (unsigned)symbols[i] << (14 - width * (i + 1));
	write_u16(out, (uint16_t)chunk);
	return taken;
}

static void write_fci(TwccLog *log, Writer *out, const Plan *plan)
{
	write_u16(out, (uint16_t)log->base);
	write_u16(out, (uint16_t)plan->count);
	write_u24(out, (uint32_t)plan->reference & 0xffffff);
	write_u8(out, log->count++);
	for (unsigned at = 0; at < plan->count;)
		at += write_chunk(out, plan->symbols + at, plan->count - at);
	for (unsigned i = 0; i < plan->delta_count; i++) {
		if (plan->deltas[i] >= 0 && plan->deltas[i] <= SMALL_MAX)
			write_u8(out, (uint8_t)plan->deltas[i]);
		else
			write_u16(out, (uint16_t)plan->deltas[i]);
	}
}

bool twcc_log_write(TwccLog *log, Writer *out, uint32_t from, uint32_t ssrc)
{
	Plan plan;
	if (!log->news || !out->ok)
		return false;
	plan_feedback(log, &plan, MIN((size_t)(out->end - out->at), FEEDBACK_MAX));
	if (!plan.count) {
		out->ok = false; /* not even one arrival fits */
		return false;
	}
	uint8_t *start = out->at;
	write_u8(out, 2 << 6 | 15);
	write_u8(out, 205);
	uint8_t *words = write_room(out, 2);
	write_u32(out, from);
	write_u32(out, ssrc);
	write_fci(log, out, &plan);
	/* Zeros up to a whole word, without the padding bit: RFC 3550 leaves that to the last
	 * packet of a datagram, and every reader knows from the count where the deltas end. */
	while ((out->at - start) % 4)
		write_u8(out, 0);
	g_assert(out->ok); /* longest() */
	size_t len = (size_t)(out->at - start) / 4 - 1;
	words[0] = (uint8_t)(len >> 8);
	words[1] = (uint8_t)len;

	log->base += plan.count;
	log->news = log->base <= log->highest;
	return true;
}

static bool read_chunk(Reader *in, uint8_t *symbols, unsigned *at, unsigned count)
{
	unsigned chunk = read_u16(in);
	if (!in->ok)
		return false;
	if (!(chunk & 0x8000)) {
		unsigned run = MIN(chunk & RUN_MAX, count - *at);
		memset(symbols + *at, (int)(chunk >> 13 & 3), run);
		*at += run;
		return run > 0;
	}
	unsigned width = chunk & 0x4000 ? 2 : 1;
	for (unsigned shift = 14; shift && *at < count; shift -= width)
		symbols[(*at)++] = chunk >> (shift - width) & (width == 2 ? 3 : 1);
	return true;
}

bool twcc_read(TwccFeedback *out, const uint8_t *fci, size_t len)
{
	uint8_t symbols[G_N_ELEMENTS(out->arrivals)];
	Reader in = reader_of(fci, len);
	uint16_t base = read_u16(&in);
	unsigned count = read_u16(&in);
	out->reference_ms = ((int32_t)(read_u24(&in) << 8) >> 8) * 64;
	out->count = read_u8(&in);
	out->length = 0;
	if (!in.ok || !count || count > G_N_ELEMENTS(out->arrivals))
		return false;
	for (unsigned at = 0; at < count;)
		if (!read_chunk(&in, symbols, &at, count))
			return false;

	for (unsigned i = 0; i < count; i++) {
		TwccArrival *arrival = &out->arrivals[i];
		*arrival = (TwccArrival){ .number = (uint16_t)(base + i),
			.received = symbols[i] != LOST };
		if (symbols[i] == SMALL)
			arrival->delta_us = read_u8(&in) * TICK_US;
		else if (symbols[i] == LARGE)
			arrival->delta_us = (int16_t)read_u16(&in) * TICK_US;
		else if (symbols[i] == RESERVED)
			return false;
	}
	out->length = in.ok ? count : 0;
	return in.ok;
}
