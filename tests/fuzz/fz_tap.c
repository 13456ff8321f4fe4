/* fz_tap.c - pages of the tap: what was read is written and read again */
#include "common/tap_record.h"
#include "fuzz.h"

static bool is_known(TapType type)
{
	return type >= TAP_ASK && type <= TAP_STAGE_GONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[2 * TAP_PAGE_MAX];
	Reader in = reader_of(data, size);
	TapRecord *record = g_new0(TapRecord, 1), *second = g_new0(TapRecord, 1);
	while (tap_read(&in, record)) {
		if (!is_known(record->type))
			continue;
		Writer out = writer_of(again, sizeof again);
		tap_write(&out, record);
		g_assert(out.ok);
		Reader back = reader_of(again, writer_len(&out));
		g_assert(tap_read(&back, second) && !reader_left(&back));
		g_assert(second->type == record->type && second->number == record->number);
		g_assert(second->time_ns == record->time_ns && second->track == record->track);
		g_assert(!strcmp(second->stage, record->stage));
		if (record->type == TAP_PACKET) {
			g_assert(second->packet.len == record->packet.len);
			g_assert(!record->packet.len ||
				 !memcmp(second->packet.rtp, record->packet.rtp,
					 record->packet.len));
		}
		if (record->type == TAP_STAGE)
			g_assert(second->of_stage.count == record->of_stage.count);
	}
	g_free(record);
	g_free(second);
	return 0;
}
