#include "stream.h"
#include "sfu/rtp.h"
#include <glib.h>
#include <string.h>

void stream_init(Stream *stream, uint32_t ssrc, uint32_t rtx_ssrc, uint32_t clock_rate)
{
	*stream = (Stream){ .ssrc = ssrc, .rtx_ssrc = rtx_ssrc, .clock_rate = clock_rate };
}

static bool was_seen(const Stream *stream, uint64_t sequence)
{
	return stream->seen[sequence % STREAM_WINDOW / 64] >> sequence % 64 & 1;
}

static void set_seen(Stream *stream, uint64_t sequence, bool seen)
{
	uint64_t bit = (uint64_t)1 << sequence % 64;
	uint64_t *word = &stream->seen[sequence % STREAM_WINDOW / 64];
	*word = seen ? *word | bit : *word & ~bit;
}

static void drop_gap(Stream *stream, unsigned which)
{
	stream->gaps[which] = stream->gaps[--stream->gap_count];
}

/* The numbers between the highest so far and this one have not come. */
static void note_gap(Stream *stream, uint64_t sequence)
{
	uint64_t skipped = sequence - stream->highest - 1;
	stream->counts.missing += skipped;
	for (uint64_t at = stream->highest + 1; at < sequence && skipped < STREAM_WINDOW; at++) {
		set_seen(stream, at, false);
		if (stream->rtx_ssrc && stream->gap_count < STREAM_ASK_MAX)
			stream->gaps[stream->gap_count++] = (StreamGap){ .sequence = at };
	}
	if (skipped >= STREAM_WINDOW)
		memset(stream->seen, 0, sizeof stream->seen);
}

/* A number from behind: it fills a gap, or was there before. */
static bool fill_gap(Stream *stream, uint64_t sequence)
{
	if (sequence + STREAM_WINDOW <= stream->highest || sequence < stream->first ||
		was_seen(stream, sequence)) {
		stream->counts.duplicates++;
		return false;
	}
	set_seen(stream, sequence, true);
	for (unsigned i = 0; i < stream->gap_count; i++)
		if (stream->gaps[i].sequence == sequence) {
			drop_gap(stream, i);
			break;
		}
	return true;
}

static void note_jitter(Stream *stream, uint32_t timestamp, int64_t now_us)
{
	uint32_t arrival = (uint32_t)(now_us * (stream->clock_rate / 1000) / 1000);
	uint32_t transit = arrival - timestamp;
	int32_t change = (int32_t)(transit - stream->transit);
	if (stream->counts.received)
		stream->jitter_q4 += (uint32_t)ABS(change) - ((stream->jitter_q4 + 8) >> 4);
	stream->transit = transit;
}

void stream_packet(
	Stream *stream, uint16_t sequence, uint32_t timestamp, size_t len, int64_t now_us)
{
	if (!stream->started) {
		stream->started = true;
		stream->first = ((uint64_t)1 << 16) + sequence;
		stream->highest = stream->first - 1;
	}
	uint64_t extended = rtp_extend(stream->highest, sequence);
	if (extended <= stream->highest) {
		if (!fill_gap(stream, extended))
			return;
		stream->counts.late++;
	} else {
		if (extended > stream->highest + 1)
			note_gap(stream, extended);
		set_seen(stream, extended, true);
		stream->highest = extended;
	}
	note_jitter(stream, timestamp, now_us);
	stream->counts.received++;
	stream->counts.bytes += len;
}

void stream_repair(Stream *stream, int32_t sequence, size_t len)
{
	if (!stream->started)
		return;
	if (sequence >= 0) {
		uint64_t extended = rtp_extend(stream->highest, (uint16_t)sequence);
		if (extended > stream->highest || !fill_gap(stream, extended))
			return;
	} else if (stream->gap_count) {
		drop_gap(stream, 0);
	}
	stream->counts.repaired++;
	stream->counts.received++;
	stream->counts.bytes += len;
}

unsigned stream_due(Stream *stream, uint16_t lost[STREAM_ASK_MAX], int64_t now_us)
{
	unsigned count = 0;
	for (unsigned i = 0; i < stream->gap_count;) {
		StreamGap *gap = &stream->gaps[i];
		if (gap->asked_us && now_us - gap->asked_us < STREAM_ASK_US) {
			i++;
			continue;
		}
		if (gap->tries == STREAM_TRIES) {
			drop_gap(stream, i);
			continue;
		}
		gap->tries++;
		gap->asked_us = now_us;
		lost[count++] = (uint16_t)gap->sequence;
		i++;
	}
	return count;
}

void stream_report(Stream *stream, RtcpReportBlock *block)
{
	uint64_t expected = stream->started ? stream->highest - stream->first + 1 : 0;
	uint64_t received = stream->counts.received;
	uint64_t expected_now = expected - stream->expected_before;
	uint64_t received_now = received - stream->received_before;
	*block = (RtcpReportBlock){ .ssrc = stream->ssrc,
		.highest = (uint32_t)stream->highest,
		.jitter = stream->jitter_q4 >> 4,
		.lost = (int32_t)(int64_t)(expected - received) };
	if (expected_now > received_now)
		block->fraction_lost =
			(uint8_t)MIN(((expected_now - received_now) << 8) / expected_now, 255);
	stream->expected_before = expected;
	stream->received_before = received;
}
