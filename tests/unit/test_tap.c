/* The tap: what a record is, what is kept of the stream, what a full queue does, what a caller
 * gets. */
#include "common/channel.h"
#include "seed.h"
#include "sfu/tap.h"
#include <glib/gstdio.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SECOND G_USEC_PER_SEC

/* -- records -- */

static void fill(TapRecord *record, TapType type)
{
	*record =
		(TapRecord){ .type = type, .flags = TAP_FLOWING, .number = 7, .time_ns = 1234567 };
	g_strlcpy(record->stage, "stage-one", sizeof record->stage);
	record->track = 0x1122334455667788;
}

static TapRecord *written_and_read(const TapRecord *record)
{
	static uint8_t data[TAP_PAGE_MAX];
	Writer out = writer_of(data, sizeof data);
	tap_write(&out, record);
	g_assert_true(out.ok);
	Reader in = reader_of(data, writer_len(&out));
	TapRecord *again = g_new0(TapRecord, 1);
	g_assert_true(tap_read(&in, again));
	g_assert_cmpuint(reader_left(&in), ==, 0);
	g_assert_false(tap_read(&in, again));
	g_assert_true(in.ok);
	/* Torn anywhere, it is no record, and nothing is read over its end. */
	for (size_t len = 1; len < writer_len(&out); len++) {
		g_autofree uint8_t *torn = g_memdup2(data, len);
		g_autofree TapRecord *none = g_new0(TapRecord, 1);
		in = reader_of(torn, len);
		g_assert_false(tap_read(&in, none));
	}
	return again;
}

static void test_record(void)
{
	g_autofree TapRecord *record = g_new0(TapRecord, 1);
	const uint8_t rtp[] = "twelve bytes and more";

	fill(record, TAP_PACKET);
	record->packet.rtp = rtp;
	record->packet.len = sizeof rtp;
	g_autofree TapRecord *packet = written_and_read(record);
	g_assert_cmpuint(packet->number, ==, 7);
	g_assert_cmpint(packet->time_ns, ==, 1234567);
	g_assert_cmpuint(packet->track, ==, record->track);
	g_assert_cmpmem(packet->packet.rtp, packet->packet.len, rtp, sizeof rtp);

	fill(record, TAP_TRACK);
	g_strlcpy(record->of_track.owner, "owner", sizeof(TapWord));
	g_strlcpy(record->of_track.source, "mic", sizeof(TapWord));
	g_strlcpy(record->of_track.codec, "opus", sizeof(TapWord));
	record->of_track.ssrc = 99;
	record->of_track.clock_rate = 48000;
	record->of_track.payload_type = 111;
	g_autofree TapRecord *track = written_and_read(record);
	g_assert_cmpstr(track->stage, ==, "stage-one");
	g_assert_cmpmem(&track->of_track, sizeof track->of_track, &record->of_track,
		sizeof track->of_track);

	memset(record, 0, sizeof *record);
	fill(record, TAP_STAGE);
	record->of_stage.count = TAP_ON_AIR_MAX;
	for (unsigned i = 0; i < TAP_ON_AIR_MAX; i++) {
		memset(record->of_stage.on_air[i], 'a' + (int)(i % 26), TAP_WORD_MAX);
		record->of_stage.muted[i] = i % 3 == 0;
	}
	g_autofree TapRecord *stage = written_and_read(record);
	g_assert_cmpmem(&stage->of_stage, sizeof stage->of_stage, &record->of_stage,
		sizeof record->of_stage);

	fill(record, TAP_REPORT);
	record->report.ntp = 0xe9f1c2d380000000;
	record->report.rtp = 4711;
	g_autofree TapRecord *report = written_and_read(record);
	g_assert_cmpuint(report->report.ntp, ==, 0xe9f1c2d380000000);
	g_assert_cmpuint(report->report.rtp, ==, 4711);
}

/* -- history -- */

static void add_packets(TapHistory *history, unsigned count, uint16_t len, int64_t now_us)
{
	for (unsigned i = 0; i < count; i++)
		memset(tap_history_add_packet(history, now_us * 1000, 1, 0, len, now_us), 0x80,
			len);
}

static void test_numbers(void)
{
	g_autoptr(TapHistory) history = tap_history_new(1024 * 1024, 10 * SECOND);
	g_assert_cmpuint(tap_history_next(history), ==, 1);
	g_assert_cmpuint(tap_history_oldest(history), ==, 1);
	add_packets(history, 100, 1000, SECOND);       /* more than a page */
	g_assert_null(tap_history_find(history, 100)); /* not sealed yet */
	tap_history_seal(history, SECOND);
	g_assert_cmpuint(tap_history_next(history), ==, 101);
	uint64_t expected = 1;
	while (expected < 101) {
		const TapPage *page = tap_history_find(history, expected);
		g_assert_nonnull(page);
		g_assert_cmpuint(page->first, ==, expected);
		g_assert_cmpuint(page->len, <=, TAP_PAGE_MAX);
		Reader in = reader_of(page->data, page->len);
		g_autofree TapRecord *record = g_new0(TapRecord, 1);
		while (tap_read(&in, record))
			g_assert_cmpuint(record->number, ==, expected++);
		g_assert_true(in.ok);
		g_assert_cmpuint(page->last, ==, expected - 1);
	}
	g_assert_null(tap_history_find(history, 101));
	g_assert_null(tap_history_find(history, 0));
}

static void test_bounded_in_time(void)
{
	g_autoptr(TapHistory) history = tap_history_new(1024 * 1024, 10 * SECOND);
	for (int64_t t = 0; t < 30; t++) {
		add_packets(history, 1, 100, t * SECOND);
		tap_history_seal(history, t * SECOND);
	}
	/* Those of 19 to 29 s: ten seconds and the one that is just ten old. */
	g_assert_cmpuint(tap_history_oldest(history), ==, 20);
	g_assert_null(tap_history_find(history, 19));
	g_assert_nonnull(tap_history_find(history, 20));
	tap_history_seal(history, 100 * SECOND);
	g_assert_cmpuint(tap_history_oldest(history), ==, tap_history_next(history));
	g_assert_cmpuint(tap_history_bytes(history), ==, 0);
}

static void test_bounded_in_bytes(void)
{
	g_autoptr(TapHistory) history = tap_history_new(256 * 1024, 10 * SECOND);
	for (unsigned i = 0; i < 1000; i++) {
		add_packets(history, 10, 1000, i);
		tap_history_seal(history, i);
		g_assert_cmpuint(tap_history_bytes(history), <=, 256 * 1024);
	}
	g_assert_cmpuint(tap_history_oldest(history), >, 9700);
	g_assert_cmpuint(tap_history_next(history), ==, 10001);
}

/* -- feed -- */

typedef struct Source1 {
	PacketPool *pool;
	Stats stats;
	ParamsMedia media;
	Track *track;
	uint16_t sequence;
} Source1;

static void source_set(Source1 *source)
{
	*source = (Source1){ .pool = packet_pool_new() };
	source->media.source = SOURCE_CAMERA;
	source->media.video = true;
	source->media.payload_type[CODEC_VP8] = 96;
	source->track = track_new("owner", &source->media);
	source->track->ssrc = 0x01020304;
}

static void source_clear(Source1 *source)
{
	track_free(source->track);
	packet_pool_free(source->pool);
}

static void give(Source1 *source, TapFeed *feed, uint16_t len)
{
	Packet *packet = packet_new(source->pool);
	packet->len = len;
	packet->arrived_us = g_get_monotonic_time();
	RtpOut out = { .timestamp = 1,
		.ssrc = source->track->ssrc,
		.sequence = source->sequence++,
		.payload_type = 96,
		.transport_cc = -1,
		.audio_level = -1,
		.orientation = -1 };
	uint16_t at;
	memset(packet->data, 0x5a, len);
	rtp_write(packet->data, sizeof packet->data, &out, &at);
	g_assert_true(rtp_read(&packet->rtp, packet->data, len));
	tap_feed_packet(feed, "stage-one", source->track, packet);
	packet_unref(packet);
}

static void test_full_feed(void)
{
	Source1 source;
	source_set(&source);
	TapFeed *feed = tap_feed_new(&source.stats);
	for (unsigned i = 0; i < 2 * TAP_FEED_PLACES; i++)
		give(&source, feed, 100);
	uint64_t taken = STATS_READ(&source.stats, tap_packets_total);
	uint64_t dropped = STATS_READ(&source.stats, tap_dropped_total);
	g_assert_cmpuint(taken + dropped, ==, 2 * TAP_FEED_PLACES);
	g_assert_cmpuint(taken, >=, TAP_FEED_PLACES - TAP_FEED_RESERVE - 2);
	g_assert_cmpuint(taken, <, TAP_FEED_PLACES);
	g_assert_cmpuint(tap_feed_dropped(feed), ==, dropped);
	g_assert_cmpuint(tap_feed_dropped(feed), ==, 0); /* told once */

	/* News still have room, and come behind what was there. */
	tap_feed_quiet(feed, source.track, 5);
	TapEntry entry;
	g_assert_true(tap_feed_take(feed, &entry));
	g_assert_cmpint(entry.record->type, ==, TAP_TRACK);
	g_free(entry.record);
	for (uint64_t i = 0; i < taken; i++) {
		g_assert_true(tap_feed_take(feed, &entry));
		g_assert_cmpuint(entry.packet->rtp.sequence, ==, i);
		packet_unref(entry.packet);
	}
	g_assert_true(tap_feed_take(feed, &entry));
	g_assert_cmpint(entry.record->type, ==, TAP_QUIET);
	g_free(entry.record);
	g_assert_false(tap_feed_take(feed, &entry));

	/* It goes on, and tells the track again. */
	give(&source, feed, 100);
	g_assert_true(tap_feed_take(feed, &entry));
	g_assert_cmpint(entry.record->type, ==, TAP_TRACK);
	g_free(entry.record);
	g_assert_true(tap_feed_take(feed, &entry));
	packet_unref(entry.packet);
	tap_feed_free(feed);
	source_clear(&source);
}

/* -- the tap over its socket -- */

typedef struct Line1 {
	char *folder, *path;
	Tap *tap;
	TapFeed *feed;
	Source1 source;
	GPtrArray *got; /* TapRecord, packets with their bytes */
} Line1;

static void line_set(Line1 *line, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	line->folder = g_dir_make_tmp("diemcau-tap-XXXXXX", NULL);
	line->path = g_build_filename(line->folder, "tap.sock", NULL);
	source_set(&line->source);
	line->tap = tap_new(channel_listen(line->path, &error), "boot-one", &error);
	g_assert_no_error(error);
	line->feed = tap_add_feed(line->tap, &line->source.stats);
	line->got = g_ptr_array_new_with_free_func(g_free);
}

static void line_clear(Line1 *line, gconstpointer data)
{
	tap_remove_feed(line->tap, line->feed);
	tap_free(line->tap);
	source_clear(&line->source);
	g_unlink(line->path);
	g_rmdir(line->folder);
	g_free(line->path);
	g_free(line->folder);
	g_ptr_array_unref(line->got);
}

static int dial(Line1 *line, const char *boot, uint64_t next)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_strlcpy(address.sun_path, line->path, sizeof address.sun_path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	uint8_t data[256];
	Writer out = writer_of(data, sizeof data);
	g_autofree TapRecord *ask = g_new0(TapRecord, 1);
	ask->type = TAP_ASK;
	ask->hello.version = TAP_VERSION;
	ask->hello.next = next;
	g_strlcpy(ask->hello.boot, boot, sizeof ask->hello.boot);
	tap_write(&out, ask);
	g_assert_cmpint(send(fd, data, writer_len(&out), 0), >, 0);
	g_ptr_array_set_size(line->got, 0);
	return fd;
}

/* One page, or false when none comes for 200 ms. */
static bool read_page(Line1 *line, int fd)
{
	static uint8_t page[65536];
	struct pollfd one = { fd, POLLIN, 0 };
	if (poll(&one, 1, 200) <= 0)
		return false;
	ssize_t len = recv(fd, page, sizeof page, 0);
	if (len <= 0)
		return false;
	Reader in = reader_of(page, (size_t)len);
	TapRecord record;
	while (tap_read(&in, &record)) {
		TapRecord *copy = g_memdup2(&record, sizeof record);
		copy->packet.rtp = record.type == TAP_PACKET ? NULL : copy->packet.rtp;
		g_ptr_array_add(line->got, copy);
	}
	g_assert_true(in.ok);
	return true;
}

static void read_all(Line1 *line, int fd)
{
	while (read_page(line, fd))
		;
}

/* How many packets came; their numbers must rise, and be without a hole unless a gap says so. */
static unsigned check_stream(Line1 *line, uint64_t *first, uint64_t *last)
{
	unsigned packets = 0;
	*first = *last = 0;
	for (unsigned i = 0; i < line->got->len; i++) {
		const TapRecord *record = line->got->pdata[i];
		if (record->type == TAP_GAP)
			*last = record->gap.to;
		if (!record->number)
			continue;
		if (*last)
			g_assert_cmpuint(record->number, ==, *last + 1);
		*first = *first ? *first : record->number;
		*last = record->number;
		packets += record->type == TAP_PACKET;
	}
	return packets;
}

static const TapRecord *find(Line1 *line, TapType type)
{
	for (unsigned i = 0; i < line->got->len; i++) {
		const TapRecord *record = line->got->pdata[i];
		if (record->type == type)
			return record;
	}
	return NULL;
}

static void test_resends(Line1 *line, gconstpointer data)
{
	uint64_t first, last;
	int fd = dial(line, "", 1);
	for (unsigned i = 0; i < 300; i++)
		give(&line->source, line->feed, 1000);
	read_all(line, fd);
	g_assert_cmpstr(find(line, TAP_HELLO)->hello.boot, ==, "boot-one");
	g_assert_cmpuint(check_stream(line, &first, &last), ==, 300);
	g_assert_cmpuint(first, ==, 1); /* the track's own record */
	g_assert_cmpuint(last, ==, 301);
	close(fd);

	/* While he is away the stream goes on. Then: from where he was, with what holds told
	 * before. */
	for (unsigned i = 0; i < 200; i++)
		give(&line->source, line->feed, 1000);
	g_usleep(50000); /* until the tap has them */
	fd = dial(line, "boot-one", 302);
	read_all(line, fd);
	const TapRecord *track = find(line, TAP_TRACK);
	g_assert_nonnull(track);
	g_assert_cmpuint(track->number, ==, 0);
	g_assert_cmpuint(track->flags & TAP_FLOWING, !=, 0);
	g_assert_null(find(line, TAP_GAP));
	check_stream(line, &first, &last);
	g_assert_cmpuint(first, <=, 302);
	g_assert_cmpuint(last, ==, 501);
	close(fd);

	/* Of another life: all that is kept. */
	fd = dial(line, "boot-two", 400);
	read_all(line, fd);
	g_assert_cmpuint(check_stream(line, &first, &last), ==, 500);
	g_assert_cmpuint(first, ==, 1);
	close(fd);
}

static void test_slow_caller(Line1 *line, gconstpointer data)
{
	uint64_t first, last;
	unsigned sent = 0, size = 1400;
	int fd = dial(line, "", 1);
	g_assert_true(read_page(line, fd)); /* then he reads no more */
	/* More than the history and his socket hold; the worker waits for nobody. */
	while (sent * size < TAP_HISTORY_BYTES + 8 * 1024 * 1024) {
		for (unsigned i = 0; i < 2000; i++, sent++)
			give(&line->source, line->feed, (uint16_t)size);
		g_usleep(15000); /* a tick of the tap */
	}
	g_assert_cmpuint(STATS_READ(&line->source.stats, tap_dropped_total), ==, 0);
	g_assert_cmpuint(atomic_load(&tap_stats(line->tap)->history_bytes), <=, TAP_HISTORY_BYTES);
	read_all(line, fd);
	uint64_t lost = 0;
	for (unsigned i = 0; i < line->got->len; i++) {
		const TapRecord *record = line->got->pdata[i];
		if (record->type == TAP_GAP)
			lost += record->gap.to - record->gap.from + 1;
	}
	g_assert_cmpuint(lost, >, 0);
	g_assert_cmpuint(check_stream(line, &first, &last) + lost, ==, sent);
	g_assert_cmpuint(atomic_load(&tap_stats(line->tap)->overrun_total), ==, lost);
	close(fd);
}

static void test_repaired(Line1 *line, gconstpointer data)
{
	int fd = dial(line, "", 1);
	/* As it comes from intake: an RTX header outside, the original's numbers in `rtp`. */
	Packet *packet = packet_new(line->source.pool);
	const uint8_t wire[] = { 0xa0, 0x80 | 97, 0, 9, 0, 0, 0, 5, 9, 9, 9, 9, /* RTX */
		0x12, 0x34, 0xde, 0xad, 0xbe, 0, 0, 3 };                        /* OSN, payload */
	memcpy(packet->data, wire, sizeof wire);
	packet->len = sizeof wire;
	g_assert_true(rtp_read(&packet->rtp, packet->data, packet->len));
	packet->rtp.sequence = 0x1234;
	packet->rtp.payload_at += 2;
	packet->rtp.payload_len -= 2;
	packet->rtp.ssrc = line->source.track->ssrc;
	packet->rtp.payload_type = 96;
	tap_feed_packet(line->feed, "stage-one", line->source.track, packet);
	packet_unref(packet);

	static uint8_t page[65536];
	const uint8_t original[] = { 0x80, 0x80 | 96, 0x12, 0x34, 0, 0, 0, 5, 1, 2, 3, 4, 0xde,
		0xad, 0xbe };
	bool found = false;
	for (unsigned i = 0; i < 20 && !found; i++) {
		ssize_t len = recv(fd, page, sizeof page, 0);
		g_assert_cmpint(len, >, 0);
		Reader in = reader_of(page, (size_t)len);
		TapRecord record;
		while (tap_read(&in, &record)) {
			if (record.type != TAP_PACKET)
				continue;
			g_assert_cmpmem(
				record.packet.rtp, record.packet.len, original, sizeof original);
			g_assert_cmpuint(record.flags & TAP_REPAIRED, !=, 0);
			found = true;
		}
	}
	g_assert_true(found);
	close(fd);
}

static void test_refuses(Line1 *line, gconstpointer data)
{
	/* What is no question ends the call; the tap serves on. */
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_strlcpy(address.sun_path, line->path, sizeof address.sun_path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char byte;
	g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	g_assert_cmpint(send(fd, "hello?", 6, 0), ==, 6);
	g_assert_cmpint(recv(fd, &byte, 1, 0), ==, 0);
	close(fd);
	fd = dial(line, "", 1);
	g_assert_true(read_page(line, fd));
	close(fd);
}

/* What a packet costs the worker: printed, not judged. */
static void test_cost(Line1 *line, gconstpointer data)
{
	Packet *packets[64];
	for (unsigned i = 0; i < 64; i++) {
		packets[i] = packet_new(line->source.pool);
		packets[i]->len = 1200;
		packets[i]->arrived_us = g_get_monotonic_time();
		memset(packets[i]->data, 0, 1200);
		packets[i]->rtp.ssrc = 0;
	}
	int64_t took_us = 0;
	for (unsigned turn = 0; turn < 1000; turn++) {
		int64_t began_us = g_get_monotonic_time();
		for (unsigned i = 0; i < 64; i++)
			tap_feed_packet(line->feed, "stage-one", line->source.track, packets[i]);
		took_us += g_get_monotonic_time() - began_us;
		if (turn % 50 == 49)
			g_usleep(12000);
	}
	g_test_message("%.1f ns a packet, %" G_GUINT64_FORMAT " dropped",
		(double)took_us * 1000 / 64000, STATS_READ(&line->source.stats, tap_dropped_total));
	for (unsigned i = 0; i < 64; i++)
		packet_unref(packets[i]);
}

#define OVER_SOCKET(path, func) g_test_add(path, Line1, NULL, line_set, func, line_clear)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tap/record/is-read-as-it-was-written", test_record);
	g_test_add_func("/tap/history/numbers-without-holes", test_numbers);
	g_test_add_func("/tap/history/forgets-after-its-time", test_bounded_in_time);
	g_test_add_func("/tap/history/forgets-above-its-bytes", test_bounded_in_bytes);
	g_test_add_func("/tap/feed/full-drops-and-counts-but-keeps-news", test_full_feed);
	OVER_SOCKET("/tap/resends-from-the-number-asked-for", test_resends);
	OVER_SOCKET("/tap/tells-a-slow-caller-what-he-lost", test_slow_caller);
	OVER_SOCKET("/tap/gives-repaired-packets-as-they-were", test_repaired);
	OVER_SOCKET("/tap/refuses-what-is-no-question", test_refuses);
	OVER_SOCKET("/tap/costs-the-worker-little", test_cost);
	return g_test_run();
}
