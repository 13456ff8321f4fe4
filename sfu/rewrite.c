#include "rewrite.h"
#include <glib.h>

#define REPLAY_SQUEEZE 5 /* 33 ms between pictures become 1 ms */
/* Parts of a second: so far the past may fall behind the time that passes … */
#define REPLAY_BEHIND 12
/* … and a layer behind the one before it. */
#define STEP_BEHIND 20

void rewrite_init(Rewrite *rewrite, uint64_t random)
{
	*rewrite = (Rewrite){
		.highest_out = random % 0x7ffe,
		.timestamp_out = (uint32_t)(random >> 16),
		.picture_out = (uint16_t)(random >> 48) & 0x7fff,
		.tl0_out = (uint8_t)(random >> 40),
	};
}

static RewriteSpan *current_span(Rewrite *rewrite)
{
	return &rewrite->spans[rewrite->current];
}

static RewriteSpan *next_span(Rewrite *rewrite)
{
	rewrite->current = (rewrite->current + 1) % REWRITE_SPANS;
	return current_span(rewrite);
}

/* The last timestamp, moved on by the time since it was sent; at least by one. */
static uint32_t timestamp_now(const Rewrite *rewrite, uint32_t clock_rate, int64_t now_us)
{
	uint32_t step = 0;
	if (rewrite->sent_us && now_us > rewrite->sent_us)
		step = (uint32_t)((uint64_t)(now_us - rewrite->sent_us) * clock_rate / 1000000);
	return rewrite->timestamp_out + MAX(step, 1);
}

/* Starts a span with this packet at that outgoing timestamp. */
static void start_span(Rewrite *rewrite, uint64_t source, const Packet *first, uint32_t timestamp)
{
	/* An unfinished frame leaves a gap of one, so that the decoder knows that it is (RFC 3550
	 * has no other way to say so). */
	uint64_t out_start = rewrite->highest_out + (rewrite->frame_open ? 2 : 1);

	*next_span(rewrite) = (RewriteSpan){
		.source = source,
		.out_start = out_start,
		.in_start = first->sequence,
		.sequence_offset = out_start - first->sequence,
		.timestamp_offset = timestamp - first->rtp.timestamp,
		.timestamp_in = first->rtp.timestamp,
		.picture_offset = (uint16_t)(rewrite->picture_out + 1 - first->vp8.picture_id),
		.tl0_offset = (uint8_t)(rewrite->tl0_out + 1 - first->vp8.tl0picidx),
		.keyidx_offset = (uint8_t)(rewrite->keyidx_out + 1 - first->vp8.keyidx),
	};
	rewrite->highest_in = first->sequence - 1;
	rewrite->timestamp_in = first->rtp.timestamp;
	rewrite->frame_open = rewrite->replaying = false;
}

void rewrite_switch(
	Rewrite *rewrite, uint64_t source, const Packet *first, uint32_t clock_rate, int64_t now_us)
{
	start_span(rewrite, source, first, timestamp_now(rewrite, clock_rate, now_us));
}

void rewrite_step(Rewrite *rewrite, uint64_t source, const Packet *first, uint32_t timestamp,
	uint32_t clock_rate, int64_t now_us)
{
	uint32_t by_time = timestamp_now(rewrite, clock_rate, now_us);
	uint32_t exact = rewrite_timestamp(rewrite, timestamp);
	int32_t ahead = (int32_t)(exact - rewrite->timestamp_out);
	int64_t apart = (int32_t)(exact - by_time);
	if (rewrite->replaying || ahead < -(int32_t)(clock_rate / STEP_BEHIND) ||
		ABS(apart) > clock_rate)
		exact = by_time;
	else if (ahead <= 0)
		exact = rewrite->timestamp_out + 1;
	start_span(rewrite, source, first, exact);
}

void rewrite_follow(Rewrite *rewrite, uint64_t source, const Packet *first)
{
	start_span(rewrite, source, first,
		first->rtp.timestamp + current_span(rewrite)->timestamp_offset);
}

static void apply(const RewriteSpan *span, const Packet *packet, Rewritten *out)
{
	out->sequence = packet->sequence + span->sequence_offset;
	int32_t since = (int32_t)(packet->rtp.timestamp - span->timestamp_in);
	out->timestamp = span->timestamp_in + (uint32_t)(since / (1 << span->squeeze)) +
			 span->timestamp_offset;
	out->picture_id = (packet->vp8.picture_id + span->picture_offset) & 0x7fff;
	out->tl0picidx = (uint8_t)(packet->vp8.tl0picidx + span->tl0_offset);
	out->keyidx = (packet->vp8.keyidx + span->keyidx_offset) & 0x1f;
}

void rewrite_replay(
	Rewrite *rewrite, uint64_t source, const Packet *first, uint32_t clock_rate, int64_t now_us)
{
	rewrite_switch(rewrite, source, first, clock_rate, now_us);
	RewriteSpan *span = current_span(rewrite);
	span->squeeze = REPLAY_SQUEEZE;
	rewrite->replaying = true;
	rewrite->replay_us = now_us;
	rewrite->replay_timestamp = first->rtp.timestamp + span->timestamp_offset;
}

/* What a stream without a hole since the replay began would have now. */
static uint32_t timestamp_since_replay(const Rewrite *rewrite, uint32_t clock_rate, int64_t now_us)
{
	uint64_t since_us = (uint64_t)MAX(now_us - rewrite->replay_us, 0);
	uint32_t due = rewrite->replay_timestamp + (uint32_t)(since_us * clock_rate / 1000000);
	bool rises = (int32_t)(due - rewrite->timestamp_out) > 0;
	return rises ? due : rewrite->timestamp_out + 1;
}

/* The same source from this packet on, at another timestamp. */
static void go_on_at(Rewrite *rewrite, const Packet *first, uint32_t timestamp, uint8_t squeeze)
{
	RewriteSpan span = *current_span(rewrite);
	span.out_start = first->sequence + span.sequence_offset;
	span.in_start = first->sequence;
	span.timestamp_in = first->rtp.timestamp;
	span.timestamp_offset = timestamp - first->rtp.timestamp;
	span.squeeze = squeeze;
	*next_span(rewrite) = span;
}

void rewrite_catch_up(Rewrite *rewrite, const Packet *first, uint32_t clock_rate, int64_t now_us)
{
	Rewritten squeezed;
	uint32_t due = timestamp_since_replay(rewrite, clock_rate, now_us);
	apply(current_span(rewrite), first, &squeezed);
	if ((int32_t)(due - squeezed.timestamp) > (int32_t)(clock_rate / REPLAY_BEHIND))
		go_on_at(rewrite, first, due, REPLAY_SQUEEZE);
}

void rewrite_live(Rewrite *rewrite, const Packet *first, uint32_t clock_rate, int64_t now_us)
{
	go_on_at(rewrite, first, timestamp_since_replay(rewrite, clock_rate, now_us), 0);
	rewrite->replaying = false;
}

bool rewrite_packet(Rewrite *rewrite, const Packet *packet, int64_t now_us, Rewritten *out)
{
	const RewriteSpan *span = current_span(rewrite);
	if (packet->sequence < span->in_start)
		return rewrite_again(rewrite, span->source, packet, out);

	apply(span, packet, out);
	if (packet->sequence > rewrite->highest_in) {
		rewrite->highest_in = packet->sequence;
		rewrite->highest_out = out->sequence;
		rewrite->timestamp_in = packet->rtp.timestamp;
		rewrite->timestamp_out = out->timestamp;
		rewrite->picture_out = out->picture_id;
		rewrite->tl0_out = out->tl0picidx;
		rewrite->keyidx_out = out->keyidx;
		rewrite->frame_open = packet->video && !packet->rtp.marker;
		rewrite->sent_us = now_us;
	}
	return true;
}

/* A span for what goes out behind this number, like the current one; that itself while none of it
 * has gone out. */
static RewriteSpan *span_behind(Rewrite *rewrite, uint64_t out)
{
	RewriteSpan *span = current_span(rewrite);
	if (span->out_start == out + 1)
		return span;
	RewriteSpan before = *span;
	span = next_span(rewrite);
	*span = before;
	span->out_start = out + 1;
	return span;
}

void rewrite_skip(Rewrite *rewrite, const Packet *packet)
{
	RewriteSpan *span = current_span(rewrite);
	if (packet->sequence != rewrite->highest_in + 1)
		return; /* its number already counts as a gap downstream */

	if (packet->rtp.marker)
		rewrite->frame_open = false; /* else a late packet could take the gap's number */
	uint64_t offset = span->sequence_offset - 1;
	span = span_behind(rewrite, rewrite->highest_out);
	span->sequence_offset = offset;
	span->in_start = packet->sequence + 1;
	rewrite->highest_in = packet->sequence;
}

void rewrite_leave_out(Rewrite *rewrite, const Packet *packet, bool begins)
{
	RewriteSpan *span = span_behind(rewrite, rewrite->highest_out);
	span->sequence_offset = rewrite->highest_out - packet->sequence;
	span->in_start = packet->sequence + 1;
	span->picture_offset -= begins;
	rewrite->highest_in = packet->sequence;
}

uint64_t rewrite_tail(Rewrite *rewrite)
{
	uint64_t sequence = rewrite->highest_out + 1;
	RewriteSpan *span = span_behind(rewrite, rewrite->highest_out);
	rewrite->highest_out = sequence;
	span->out_start = sequence + 1;
	span->in_start = rewrite->highest_in + 1;
	span->sequence_offset++;
	return sequence;
}

bool rewrite_find(const Rewrite *rewrite, uint16_t sequence, uint64_t *source, uint64_t *in)
{
	uint64_t out = rtp_extend(rewrite->highest_out, sequence);
	if (out > rewrite->highest_out)
		return false;

	for (unsigned back = 0; back < REWRITE_SPANS; back++) {
		const RewriteSpan *span =
			&rewrite->spans[(rewrite->current + REWRITE_SPANS - back) % REWRITE_SPANS];
		if (!span->source)
			return false;
		if (out >= span->out_start) {
			*source = span->source;
			*in = out - span->sequence_offset;
			return true;
		}
	}
	return false;
}

/* The span that held this packet: the newest of its source that starts at or before it. */
bool rewrite_again(const Rewrite *rewrite, uint64_t source, const Packet *packet, Rewritten *out)
{
	uint64_t end =
		UINT64_MAX; /* first outgoing number that is no longer of the span looked at */
	for (unsigned back = 0; back < REWRITE_SPANS; back++) {
		const RewriteSpan *span =
			&rewrite->spans[(rewrite->current + REWRITE_SPANS - back) % REWRITE_SPANS];
		if (!span->source)
			return false;
		if (span->source == source && packet->sequence >= span->in_start) {
			apply(span, packet, out);
			return out->sequence < end;
		}
		end = span->out_start;
	}
	return false;
}

uint32_t rewrite_timestamp(const Rewrite *rewrite, uint32_t timestamp_in)
{
	return timestamp_in + rewrite->spans[rewrite->current].timestamp_offset;
}
