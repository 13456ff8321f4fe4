#include "tap_record.h"

static void write_head(Writer *out, TapType type, uint8_t flags, uint64_t number, int64_t time_ns)
{
	write_u8(out, (uint8_t)type);
	write_u8(out, flags);
	write_u64(out, number);
	write_u64(out, (uint64_t)time_ns);
}

uint8_t *tap_write_packet(
	Writer *out, uint64_t number, int64_t time_ns, uint64_t track, uint8_t flags, uint16_t len)
{
	write_u16(out, (uint16_t)(TAP_PACKET_OVERHEAD - 2 + len));
	write_head(out, TAP_PACKET, flags, number, time_ns);
	write_u64(out, track);
	return write_room(out, len);
}

static void write_word(Writer *out, const char *word)
{
	size_t len = strnlen(word, TAP_WORD_MAX);
	write_u8(out, (uint8_t)len);
	write_bytes(out, word, len);
}

static void write_stage(Writer *out, const TapRecord *record)
{
	uint8_t count = record->of_stage.count;
	if (count > TAP_ON_AIR_MAX)
		count = TAP_ON_AIR_MAX;
	write_word(out, record->stage);
	write_word(out, record->of_stage.main);
	write_word(out, record->of_stage.slides);
	write_u8(out, count);
	for (unsigned i = 0; i < count; i++) {
		write_u8(out, record->of_stage.muted[i]);
		write_word(out, record->of_stage.on_air[i]);
	}
}

static void write_body(Writer *out, const TapRecord *record)
{
	switch (record->type) {
	case TAP_ASK:
	case TAP_HELLO:
		write_u16(out, record->hello.version);
		write_u64(out, record->hello.next);
		write_word(out, record->hello.boot);
		break;
	case TAP_GAP:
		write_u64(out, record->gap.from);
		write_u64(out, record->gap.to);
		break;
	case TAP_DROPPED:
		write_u64(out, record->dropped);
		break;
	case TAP_PACKET:
		write_u64(out, record->track);
		write_bytes(out, record->packet.rtp, record->packet.len);
		break;
	case TAP_TRACK:
		write_u64(out, record->track);
		write_u32(out, record->of_track.ssrc);
		write_u32(out, record->of_track.clock_rate);
		write_u8(out, record->of_track.payload_type);
		write_word(out, record->stage);
		write_word(out, record->of_track.owner);
		write_word(out, record->of_track.source);
		write_word(out, record->of_track.codec);
		break;
	case TAP_QUIET:
	case TAP_ENDED:
		write_u64(out, record->track);
		break;
	case TAP_REPORT:
		write_u64(out, record->track);
		write_u64(out, record->report.ntp);
		write_u32(out, record->report.rtp);
		break;
	case TAP_STAGE:
		write_stage(out, record);
		break;
	case TAP_SLOTS_NOW:
		write_word(out, record->stage);
		for (unsigned i = 0; i < TAP_SLOTS; i++)
			write_word(out, record->slots[i]);
		break;
	case TAP_STAGE_GONE:
		write_word(out, record->stage);
		break;
	}
}

void tap_write(Writer *out, const TapRecord *record)
{
	uint8_t *len = write_room(out, 2);
	uint8_t *begin = out->at;
	write_head(out, record->type, record->flags, record->number, record->time_ns);
	write_body(out, record);
	if (!out->ok)
		return;
	size_t size = (size_t)(out->at - begin);
	len[0] = (uint8_t)(size >> 8);
	len[1] = (uint8_t)size;
}

static void read_word(Reader *in, char *word)
{
	uint8_t len = read_u8(in);
	const uint8_t *bytes = read_bytes(in, len);
	if (len > TAP_WORD_MAX || (bytes && memchr(bytes, 0, len)))
		in->ok = false;
	if (in->ok && len)
		memcpy(word, bytes, len);
	word[in->ok ? len : 0] = 0;
}

static void read_stage(Reader *in, TapRecord *record)
{
	read_word(in, record->stage);
	read_word(in, record->of_stage.main);
	read_word(in, record->of_stage.slides);
	record->of_stage.count = read_u8(in);
	if (record->of_stage.count > TAP_ON_AIR_MAX)
		in->ok = false;
	for (unsigned i = 0; in->ok && i < record->of_stage.count; i++) {
		record->of_stage.muted[i] = read_u8(in) != 0;
		read_word(in, record->of_stage.on_air[i]);
	}
}

static void read_body(Reader *in, TapRecord *record)
{
	switch (record->type) {
	case TAP_ASK:
	case TAP_HELLO:
		record->hello.version = read_u16(in);
		record->hello.next = read_u64(in);
		read_word(in, record->hello.boot);
		break;
	case TAP_GAP:
		record->gap.from = read_u64(in);
		record->gap.to = read_u64(in);
		break;
	case TAP_DROPPED:
		record->dropped = read_u64(in);
		break;
	case TAP_PACKET:
		record->track = read_u64(in);
		record->packet.len = (uint16_t)reader_left(in);
		record->packet.rtp = read_bytes(in, record->packet.len);
		if (record->packet.len > TAP_RTP_MAX)
			in->ok = false;
		break;
	case TAP_TRACK:
		record->track = read_u64(in);
		record->of_track.ssrc = read_u32(in);
		record->of_track.clock_rate = read_u32(in);
		record->of_track.payload_type = read_u8(in);
		read_word(in, record->stage);
		read_word(in, record->of_track.owner);
		read_word(in, record->of_track.source);
		read_word(in, record->of_track.codec);
		break;
	case TAP_QUIET:
	case TAP_ENDED:
		record->track = read_u64(in);
		break;
	case TAP_REPORT:
		record->track = read_u64(in);
		record->report.ntp = read_u64(in);
		record->report.rtp = read_u32(in);
		break;
	case TAP_STAGE:
		read_stage(in, record);
		break;
	case TAP_SLOTS_NOW:
		read_word(in, record->stage);
		for (unsigned i = 0; i < TAP_SLOTS; i++)
			read_word(in, record->slots[i]);
		break;
	case TAP_STAGE_GONE:
		read_word(in, record->stage);
		break;
	}
}

bool tap_read(Reader *in, TapRecord *record)
{
	if (!reader_left(in))
		return false;
	Reader part = read_part(in, read_u16(in));
	record->type = (TapType)read_u8(&part);
	record->flags = read_u8(&part);
	record->number = read_u64(&part);
	record->time_ns = (int64_t)read_u64(&part);
	record->track = 0;
	record->stage[0] = 0;
	if (part.ok)
		read_body(&part, record);
	if (!part.ok || record->time_ns < 0)
		in->ok = false;
	return in->ok;
}

const char *tap_slot_name(unsigned n)
{
	static const char *const names[TAP_SLOTS] = { "a0", "a1", "a2", "main", "slides" };
	return n < TAP_SLOTS ? names[n] : "";
}
