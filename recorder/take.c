#include "take.h"
#include "pcap.h"
#include <glib/gstdio.h>
#include <string.h>

#define NTP_UNIX_S 2208988800

struct Take {
	Disk *disk;
	TakeState *state;
	DiskFile *index, *pcap; /* pcap: NULL between parts */
	GString *lines;         /* of the index, not yet handed over */
	uint8_t *buffer;        /* of packets; NULL: empty */
	Writer packets;
	int64_t part_started_us;
	uint64_t part_bytes;
	uint64_t too_many;     /* packets of tracks for which there is no port */
	json_t *stage, *slots; /* as last written */
};

/* -- lines -- */

/* One line: kind and time come first, whatever stands in fields (stolen) behind. */
static void put_line(Take *take, const char *kind, int64_t t_us, json_t *fields)
{
	g_autofree char *rest = fields ? json_dumps(fields, JSON_COMPACT) : NULL;
	if (!rest)
		return; /* a word that is no UTF-8: signaling gives none */
	g_string_append_printf(take->lines, "{\"kind\":\"%s\",\"t_us\":%" G_GINT64_FORMAT "%s%s\n",
		kind, t_us, rest[1] == '}' ? "" : ",", rest + 1);
	take->state->last_us = MAX(take->state->last_us, t_us);
	json_decref(fields);
}

static json_t *numbered(json_t *fields, const TapRecord *record)
{
	if (record->number)
		json_object_set_new(fields, "n", json_integer((json_int_t)record->number));
	return fields;
}

static json_t *id_json(uint64_t track)
{
	char id[17];
	g_snprintf(id, sizeof id, "%016" G_GINT64_MODIFIER "x", track);
	return json_string(id);
}

static json_t *owner_json(const char *owner)
{
	return *owner ? json_string(owner) : json_null();
}

static json_t *stage_json(const TapRecord *record)
{
	json_t *on_air = json_array();
	for (unsigned i = 0; i < record->of_stage.count; i++)
		json_array_append_new(
			on_air, json_pack("{s:s,s:b}", "owner", record->of_stage.on_air[i], "muted",
					record->of_stage.muted[i]));
	return json_pack("{s:o,s:o,s:o}", "on_air", on_air, "main",
		owner_json(record->of_stage.main), "slides", owner_json(record->of_stage.slides));
}

static json_t *slots_json(const TapRecord *record)
{
	json_t *slots = json_object();
	for (unsigned i = 0; i < TAP_SLOTS; i++)
		json_object_set_new(slots, tap_slot_name(i), owner_json(record->slots[i]));
	return slots;
}

/* Written where it differs from what was written last. */
static void put_if_new(
	Take *take, json_t **last, const char *kind, json_t *now, const TapRecord *record)
{
	if (json_equal(*last, now)) {
		json_decref(now);
		return;
	}
	json_decref(*last);
	*last = json_copy(now);
	put_line(take, kind, record->time_ns / 1000, numbered(now, record));
}

static void put_track(Take *take, const TapRecord *record)
{
	TakeState *state = take->state;
	uint16_t port = take_state_port(state, record->track);
	if (port && !record->number)
		return; /* told again to whoever dials */
	if (!port)
		port = take_state_add(state, record->track);
	if (!port)
		return;
	json_t *fields = json_pack("{s:o,s:i,s:s,s:s,s:s,s:i,s:i,s:I}", "track",
		id_json(record->track), "port", (int)port, "owner", record->of_track.owner,
		"source", record->of_track.source, "codec", record->of_track.codec, "payload_type",
		(int)record->of_track.payload_type, "clock_rate", (int)record->of_track.clock_rate,
		"ssrc", (json_int_t)record->of_track.ssrc);
	put_line(take, "track", record->time_ns / 1000, numbered(fields, record));
}

static int64_t unix_us(uint64_t ntp)
{
	int64_t seconds = (int64_t)(ntp >> 32) - NTP_UNIX_S;
	return seconds * 1000000 + (int64_t)(((ntp & 0xffffffff) * 1000000) >> 32);
}

static void put_event(Take *take, const TapRecord *record)
{
	int64_t t_us = record->time_ns / 1000;
	json_t *fields;
	switch (record->type) {
	case TAP_TRACK:
		put_track(take, record);
		break;
	case TAP_QUIET:
	case TAP_ENDED:
		fields = json_pack("{s:o}", "track", id_json(record->track));
		put_line(take, record->type == TAP_QUIET ? "quiet" : "ended", t_us,
			numbered(fields, record));
		break;
	case TAP_REPORT:
		fields = json_pack("{s:o,s:I,s:I}", "track", id_json(record->track), "sender_us",
			(json_int_t)unix_us(record->report.ntp), "rtp",
			(json_int_t)record->report.rtp);
		put_line(take, "report", t_us, numbered(fields, record));
		break;
	case TAP_STAGE:
		put_if_new(take, &take->stage, "stage", stage_json(record), record);
		break;
	case TAP_SLOTS_NOW:
		put_if_new(take, &take->slots, "slots", slots_json(record), record);
		break;
	default:
		break;
	}
}

/* -- packets -- */

static void hand_packets(Take *take)
{
	if (!take->buffer)
		return;
	size_t len = writer_len(&take->packets);
	take->part_bytes += len;
	take->state->bytes += len;
	disk_append(take->pcap, g_steal_pointer(&take->buffer), len);
}

static void hand_lines(Take *take)
{
	if (!take->lines->len)
		return;
	gsize len = take->lines->len;
	disk_append(take->index, g_string_free(take->lines, FALSE), len);
	take->lines = g_string_new(NULL);
	disk_sync(take->index);
}

static void need_room(Take *take, size_t len)
{
	if (take->buffer && (size_t)(take->packets.end - take->packets.at) < len)
		take_flush(take);
	if (!take->buffer) {
		take->buffer = g_malloc(TAKE_BUFFER);
		take->packets = writer_of(take->buffer, TAKE_BUFFER);
	}
}

static void end_part(Take *take)
{
	hand_lines(take);
	hand_packets(take);
	disk_close(g_steal_pointer(&take->pcap));
}

static void begin_part(Take *take, const TapRecord *record)
{
	TakeState *state = take->state;
	end_part(take);
	state->part++;
	g_autofree char *path = g_strdup_printf("%s/%04u.pcap", state->folder, state->part);
	put_line(take, "part", record->time_ns / 1000,
		json_pack("{s:i,s:I}", "part", (int)state->part, "after",
			(json_int_t)record->number - 1));
	take->pcap = disk_file(take->disk, path);
	take->part_started_us = record->time_ns / 1000;
	take->part_bytes = 0;
	need_room(take, PCAP_HEADER_LEN);
	pcap_write_header(&take->packets);
}

static void put_packet(Take *take, const TapRecord *record)
{
	uint16_t port = take_state_port(take->state, record->track);
	int64_t age_us = record->time_ns / 1000 - take->part_started_us;
	if (!port) {
		take->too_many++;
		return;
	}
	if (!take->pcap || age_us >= TAKE_PART_US || age_us < -TAKE_PART_US)
		begin_part(take, record);
	need_room(take, PCAP_PACKET_OVERHEAD + record->packet.len);
	pcap_write_packet(&take->packets, record->time_ns, record->number, port, record->packet.rtp,
		record->packet.len);
	take->state->packets++;
	take->state->last_us = MAX(take->state->last_us, record->time_ns / 1000);
}

void take_add(Take *take, const TapRecord *record)
{
	uint64_t *last =
		record->type == TAP_PACKET ? &take->state->last_packet : &take->state->last_event;
	if (record->number && record->number <= *last)
		return; /* sent again, and here already */
	if (record->number)
		*last = record->number;
	if (record->type == TAP_PACKET)
		put_packet(take, record);
	else
		put_event(take, record);
}

bool take_gap(Take *take, const char *reason, uint64_t from, uint64_t to, uint64_t packets,
	int64_t now_us)
{
	if (from)
		from = MAX(from, take->state->last_packet + 1);
	if (from > to)
		return false;
	json_t *fields = json_pack("{s:s}", "reason", reason);
	if (from) {
		json_object_set_new(fields, "from", json_integer((json_int_t)from));
		json_object_set_new(fields, "to", json_integer((json_int_t)to));
	}
	if (packets)
		json_object_set_new(fields, "packets", json_integer((json_int_t)packets));
	put_line(take, "gap", now_us, fields);
	return true;
}

void take_flush(Take *take)
{
	/* Lines first, and synced: what names a part, a port, is there before the packets are. */
	hand_lines(take);
	hand_packets(take);
}

void take_checkpoint(Take *take, uint64_t upto, int64_t now_us)
{
	TakeState *state = take->state;
	if (take->pcap)
		disk_sync(take->pcap);
	json_t *fields = json_pack("{s:I,s:i,s:I,s:I,s:I}", "upto", (json_int_t)upto, "part",
		take->pcap ? (int)state->part : 0, "part_bytes", (json_int_t)take->part_bytes,
		"bytes", (json_int_t)state->bytes, "packets", (json_int_t)state->packets);
	put_line(take, "sync", now_us, fields);
	if (take->too_many)
		take_gap(take, "too many tracks", 0, 0, take->too_many, now_us);
	take->too_many = 0;
	take_flush(take);
}

/* -- life -- */

static Take *make(Disk *disk, TakeState *state)
{
	Take *take = g_new0(Take, 1);
	g_autofree char *index = g_build_filename(state->folder, "index.jsonl", NULL);
	take->disk = disk;
	take->state = state;
	take->lines = g_string_new(NULL);
	take->index = disk_file(disk, index);
	return take;
}

static void name_folder(TakeState *state, const char *root, int64_t now_us)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now_us / G_USEC_PER_SEC);
	g_autofree char *stamp = g_date_time_format(time, "%Y%m%dT%H%M%SZ");
	for (unsigned n = 1;; n++) {
		g_snprintf(state->name, sizeof state->name, n > 1 ? "%s-%u" : "%s", stamp, n);
		state->folder = g_build_filename(root, state->stage, state->name, NULL);
		if (!g_file_test(state->folder, G_FILE_TEST_EXISTS))
			return;
		g_free(state->folder);
	}
}

Take *take_new(Disk *disk, const char *root, const char *stage, const char *boot, uint64_t after,
	int64_t now_us)
{
	TakeState *state = take_state_new();
	g_strlcpy(state->stage, stage, sizeof state->stage);
	g_strlcpy(state->boot, boot, sizeof state->boot);
	state->started_us = now_us;
	state->last_packet = state->last_event = state->safe = after;
	name_folder(state, root, now_us);
	disk_folder(disk, state->folder);
	Take *take = make(disk, state);
	put_line(take, "take", now_us,
		json_pack("{s:i,s:s,s:s,s:s,s:I}", "version", 1, "stage", stage, "take",
			state->name, "boot", boot, "after", (json_int_t)after));
	return take;
}

Take *take_resume(Disk *disk, TakeState *state)
{
	return make(disk, state);
}

void take_free(Take *take)
{
	if (!take)
		return;
	take_flush(take);
	disk_close(take->pcap);
	disk_close(take->index);
	g_string_free(take->lines, TRUE);
	g_free(take->buffer);
	json_decref(take->stage);
	json_decref(take->slots);
	take_state_free(take->state);
	g_free(take);
}

void take_end(Take *take, const char *reason, uint64_t upto, int64_t now_us)
{
	end_part(take); /* synced before the line that says so */
	put_line(take, "end", now_us,
		json_pack("{s:s,s:I,s:I,s:I}", "reason", reason, "upto", (json_int_t)upto, "bytes",
			(json_int_t)take->state->bytes, "packets",
			(json_int_t)take->state->packets));
	take_free(take);
}

const TakeState *take_state(const Take *take)
{
	return take->state;
}

void take_boot(Take *take, const char *boot, const char *reason, int64_t now_us)
{
	TakeState *state = take->state;
	if (strcmp(state->boot, boot))
		state->last_packet = state->last_event = state->safe = 0;
	g_strlcpy(state->boot, boot, sizeof state->boot);
	put_line(take, "resume", now_us, json_pack("{s:s,s:s}", "boot", boot, "reason", reason));
}
