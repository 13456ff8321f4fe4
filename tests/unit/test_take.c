/* From the tap's stream to files: captures, index, when a take begins and ends, what a kill leaves.
 */
#include "recorder/pcap.h"
#include "recorder/recovery.h"
#include "recorder/studio.h"
#include "seed.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND ((int64_t)G_USEC_PER_SEC)
#define START_US (INT64_C(1795779301) * SECOND) /* 2026-11-27 11:35:01 UTC */
#define MIC UINT64_C(0xa1)
#define CAMERA UINT64_C(0xb2)

/* -- pcap -- */

typedef struct Seen {
	GArray *seen;
} Seen;

static void on_seen(const PcapSeen *seen, void *user)
{
	g_array_append_vals(user, seen, 1);
}

static void test_pcap(void)
{
	uint8_t data[4096], rtp[100] = { 0x80, 96, 0, 0, 0, 0, 0, 0, 0xca, 0xfe, 0xba, 0xbe };
	size_t ends[4];
	Writer out = writer_of(data, sizeof data);
	pcap_write_header(&out);
	g_assert_cmpuint(writer_len(&out), ==, PCAP_HEADER_LEN);
	ends[0] = PCAP_HEADER_LEN;
	for (uint16_t i = 1; i < 4; i++) {
		rtp[3] = (uint8_t)i;
		pcap_write_packet(&out, START_US * 1000 + i, 70000u + i, (uint16_t)(40000 + 2 * i),
			rtp, (uint16_t)(20 * i));
		ends[i] = writer_len(&out);
		g_assert_cmpuint(ends[i] - ends[i - 1], ==, PCAP_PACKET_OVERHEAD + 20u * i);
	}
	/* Cut at each byte: as many packets as are whole, and where they end. */
	for (size_t len = 1; len <= writer_len(&out); len++) {
		g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(PcapSeen));
		FILE *file = fmemopen(data, len, "r");
		uint64_t good = pcap_scan(file, 0, on_seen, seen);
		fclose(file);
		unsigned whole = 0;
		while (whole < 3 && ends[whole + 1] <= len)
			whole++;
		g_assert_cmpuint(seen->len, ==, whole);
		g_assert_cmpuint(good, ==, len < PCAP_HEADER_LEN ? 0 : ends[whole]);
		for (unsigned i = 0; i < whole; i++) {
			const PcapSeen *one = &g_array_index(seen, PcapSeen, i);
			g_assert_cmpint(one->time_ns, ==, START_US * 1000 + i + 1);
			g_assert_cmpuint(one->ident, ==, (uint16_t)(70001 + i));
			g_assert_cmpuint(one->port, ==, 40002 + 2 * i);
			g_assert_cmpuint(one->rtp_sequence, ==, i + 1);
			g_assert_cmpuint(one->rtp_ssrc, ==, 0xcafebabe);
		}
	}
	/* A page of zeros behind, as a power cut leaves it, is no packet; nor is a changed header.
	 */
	memset(data + ends[3], 0, 512);
	FILE *file = fmemopen(data, ends[3] + 512, "r");
	g_assert_cmpuint(pcap_scan(file, 0, NULL, NULL), ==, ends[3]);
	fclose(file);
	data[ends[1] + PCAP_RECORD_LEN + 5] ^= 1;
	file = fmemopen(data, ends[3], "r");
	g_assert_cmpuint(pcap_scan(file, 0, NULL, NULL), ==, ends[1]);
	fclose(file);
}

/* -- a studio over a made-up stream -- */

typedef struct Rig {
	char *root;
	Studio *studio;
	GPtrArray *stream; /* of TapRecord with rtp of their own; the sfu's history */
	const char *boot;
	int64_t now_us;
	unsigned begun, ended, unwell, well;
	uint64_t numbers;
	uint16_t sequences[2];
} Rig;

static void on_take(const TakeState *take, const char *state, void *user)
{
	Rig *rig = user;
	rig->begun += !strcmp(state, "recording");
	rig->ended += !strcmp(state, "ended");
}

static void on_well(bool well, const char *reason, void *user)
{
	Rig *rig = user;
	g_assert_cmpint(well, ==, !*reason);
	rig->well += well;
	rig->unwell += !well;
	if (!well)
		studio_away(rig->studio);
}

static void record_free(void *data)
{
	TapRecord *record = data;
	if (record->type == TAP_PACKET)
		g_free((void *)(uintptr_t)record->packet.rtp);
	g_free(record);
}

static void rig_set(Rig *rig, gconstpointer data)
{
	g_autofree char *pattern = g_build_filename(
		g_file_test("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir(),
		"diemcau-take-XXXXXX", NULL);
	*rig = (Rig){ .boot = "boot-one", .now_us = START_US };
	rig->root = g_strdup(g_mkdtemp(pattern));
	rig->stream = g_ptr_array_new_with_free_func(record_free);
}

static void remove_tree(const char *path)
{
	g_autoptr(GDir) listing = g_dir_open(path, 0, NULL);
	for (const char *name; listing && (name = g_dir_read_name(listing));) {
		g_autofree char *inner = g_build_filename(path, name, NULL);
		if (g_file_test(inner, G_FILE_TEST_IS_DIR))
			remove_tree(inner);
		else
			g_unlink(inner);
	}
	g_rmdir(path);
}

static void stop(Rig *rig)
{
	g_clear_pointer(&rig->studio, studio_free);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static void rig_clear(Rig *rig, gconstpointer data)
{
	stop(rig);
	remove_tree(rig->root);
	g_free(rig->root);
	g_ptr_array_unref(rig->stream);
}

static void open_studio(Rig *rig)
{
	static const StudioEvents events = { on_take, on_well };
	rig->studio = studio_new(rig->root, 0, &events, rig);
	studio_open(rig->studio, rig->now_us);
}

static TapRecord *make(Rig *rig, TapType type, uint64_t track)
{
	TapRecord *record = g_new0(TapRecord, 1);
	record->type = type;
	record->track = track;
	record->time_ns = rig->now_us * 1000;
	g_strlcpy(record->stage, "stage-one", sizeof record->stage);
	return record;
}

/* Into the sfu's history, and to the studio if it is linked. */
static void say(Rig *rig, TapRecord *record)
{
	record->number = ++rig->numbers;
	g_ptr_array_add(rig->stream, record);
	if (rig->studio)
		studio_take_in(rig->studio, record, rig->now_us);
}

static void say_track(Rig *rig, uint64_t id)
{
	TapRecord *record = make(rig, TAP_TRACK, id);
	record->flags = TAP_FLOWING;
	g_strlcpy(record->of_track.owner, "seat-one", sizeof(TapWord));
	g_strlcpy(record->of_track.source, id == MIC ? "mic" : "camera", sizeof(TapWord));
	g_strlcpy(record->of_track.codec, id == MIC ? "opus" : "vp8", sizeof(TapWord));
	record->of_track.clock_rate = id == MIC ? 48000 : 90000;
	record->of_track.payload_type = id == MIC ? 111 : 96;
	say(rig, record);
}

static void say_packet(Rig *rig, uint64_t id)
{
	uint16_t sequence = rig->sequences[id == CAMERA]++;
	uint8_t rtp[40] = { 0x80, id == MIC ? 111 : 96, (uint8_t)(sequence >> 8),
		(uint8_t)sequence };
	rtp[11] = (uint8_t)id;
	TapRecord *record = make(rig, TAP_PACKET, id);
	record->packet.rtp = g_memdup2(rtp, sizeof rtp);
	record->packet.len = sizeof rtp;
	say(rig, record);
}

/* The sfu answers a call: hello, what holds, and its history from the number asked for; one that
 * began anew has none. */
static void link_up(Rig *rig)
{
	bool goes_on = !strcmp(studio_boot(rig->studio), rig->boot);
	uint64_t next = goes_on ? studio_next(rig->studio) : 1;
	TapRecord *hello = make(rig, TAP_HELLO, 0);
	g_strlcpy(hello->hello.boot, rig->boot, sizeof hello->hello.boot);
	studio_take_in(rig->studio, hello, rig->now_us);
	g_free(hello);
	for (unsigned i = 0; i < rig->stream->len; i++) {
		TapRecord held = *(TapRecord *)rig->stream->pdata[i];
		held.number = 0;
		if (held.type == TAP_TRACK || held.type == TAP_STAGE)
			studio_take_in(rig->studio, &held, rig->now_us);
	}
	for (unsigned i = 0; i < rig->stream->len; i++) {
		const TapRecord *record = rig->stream->pdata[i];
		/* A page begins before what was asked for. */
		if (record->number + 3 >= next)
			studio_take_in(rig->studio, record, rig->now_us);
	}
}

static void pass(Rig *rig, int64_t by_us)
{
	rig->now_us += by_us;
	studio_tick(rig->studio, rig->now_us);
	while (g_main_context_iteration(NULL, FALSE))
		;
}

/* Until all is on the disk that was said so far. */
static void settle(Rig *rig)
{
	pass(rig, SECOND);
	for (unsigned i = 0; studio_synced(rig->studio) < rig->numbers; i++) {
		g_assert_cmpuint(i, <, 5000);
		g_usleep(1000);
		while (g_main_context_iteration(NULL, FALSE))
			;
	}
}

static void begin_stage(Rig *rig)
{
	TapRecord *stage = make(rig, TAP_STAGE, 0);
	stage->of_stage.count = 1;
	g_strlcpy(stage->of_stage.on_air[0], "seat-one", sizeof(TapWord));
	say(rig, stage);
	say_track(rig, MIC);
	say_track(rig, CAMERA);
}

static void talk(Rig *rig, unsigned packets)
{
	for (unsigned i = 0; i < packets; i++)
		say_packet(rig, i % 3 ? CAMERA : MIC);
}

/* -- what lies on the disk -- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Folders of takes, by name; free with g_ptr_array_unref. */
static GPtrArray *takes_of(const char *root)
{
	GPtrArray *takes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *stage = g_build_filename(root, "stage-one", NULL);
	g_autoptr(GDir) listing = g_dir_open(stage, 0, NULL);
	for (const char *name; listing && (name = g_dir_read_name(listing));)
		g_ptr_array_add(takes, g_build_filename(stage, name, NULL));
	g_ptr_array_sort(takes, by_name);
	return takes;
}

static GArray *packets_of(const char *take)
{
	GArray *seen = g_array_new(FALSE, FALSE, sizeof(PcapSeen));
	for (unsigned part = 1;; part++) {
		g_autofree char *path = g_strdup_printf("%s/%04u.pcap", take, part);
		struct stat there;
		FILE *file = fopen(path, "re");
		if (!file && part > 20)
			return seen;
		if (!file)
			continue; /* one that was cut to nothing */
		fstat(fileno(file), &there);
		g_assert_cmpuint(pcap_scan(file, 0, on_seen, seen), ==, (uint64_t)there.st_size);
		fclose(file);
	}
}

/* Each track's packets are there once, in order, from first to the last said; first: of each. */
static void check_whole(Rig *rig, const char *take)
{
	g_autoptr(GArray) seen = packets_of(take);
	unsigned next[2] = { 0, 0 };
	uint16_t ports[2] = { 0, 0 };
	for (unsigned i = 0; i < seen->len; i++) {
		const PcapSeen *one = &g_array_index(seen, PcapSeen, i);
		unsigned which = one->rtp_ssrc == CAMERA;
		g_assert_cmpuint(one->rtp_sequence, ==, next[which]++);
		ports[which] = ports[which] ? ports[which] : one->port;
		g_assert_cmpuint(one->port, ==, ports[which]); /* one track, one port */
	}
	g_assert_cmpuint(next[0], ==, rig->sequences[0]);
	g_assert_cmpuint(next[1], ==, rig->sequences[1]);
	g_assert_cmpuint(ports[0], !=, ports[1]);
}

static char *index_of(const char *take)
{
	g_autofree char *path = g_build_filename(take, "index.jsonl", NULL);
	char *text = NULL;
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static unsigned count_in(const char *text, const char *word)
{
	unsigned count = 0;
	for (const char *at = text; (at = strstr(at, word)); at++)
		count++;
	return count;
}

static char *only_take(Rig *rig)
{
	g_autoptr(GPtrArray) takes = takes_of(rig->root);
	g_assert_cmpuint(takes->len, ==, 1);
	return g_strdup(takes->pdata[0]);
}

/* -- the life of a take -- */

static void test_life(Rig *rig, gconstpointer data)
{
	open_studio(rig);
	link_up(rig);
	begin_stage(rig);
	pass(rig, SECOND);
	g_assert_cmpuint(rig->begun, ==, 0); /* on air, and nothing flows yet */
	talk(rig, 30);
	g_assert_cmpuint(rig->begun, ==, 1);
	TapRecord *report = make(rig, TAP_REPORT, MIC);
	report->report.ntp = (UINT64_C(2208988800) + 1795779301) << 32 | 0x80000000;
	report->report.rtp = 4711;
	say(rig, report);
	settle(rig);
	/* Nothing for nine seconds, and it goes on. */
	say(rig, make(rig, TAP_QUIET, MIC));
	say(rig, make(rig, TAP_QUIET, CAMERA));
	pass(rig, 9 * SECOND);
	g_assert_cmpuint(rig->ended, ==, 0);
	say_track(rig, MIC);
	say_track(rig, CAMERA);
	talk(rig, 30);
	pass(rig, 100 * SECOND);
	g_assert_cmpuint(rig->ended, ==, 0);
	/* Gone for ten: ended. */
	say(rig, make(rig, TAP_ENDED, MIC));
	say(rig, make(rig, TAP_ENDED, CAMERA));
	pass(rig, 10 * SECOND);
	g_assert_cmpuint(rig->ended, ==, 1);
	stop(rig);

	g_autofree char *take = only_take(rig);
	g_assert_true(g_str_has_suffix(take, "/20261127T113502Z"));
	check_whole(rig, take);
	g_autofree char *index = index_of(take);
	g_assert_nonnull(strstr(index, "\"track\":\"00000000000000a1\",\"port\":400"));
	g_assert_nonnull(
		strstr(index, "\"owner\":\"seat-one\",\"source\":\"mic\",\"codec\":\"opus\""));
	g_assert_nonnull(strstr(index, "\"sender_us\":1795779301500000,\"rtp\":4711"));
	g_assert_cmpuint(count_in(index, "\"kind\":\"quiet\""), ==, 2);
	g_assert_cmpuint(count_in(index, "\"kind\":\"end\""), ==, 1);
	g_assert_cmpuint(count_in(index, "\"kind\":\"gap\""), ==, 0);

	/* It is over: another start finds nothing to go on with, and what the sfu still keeps of it
	 * begins no other. */
	open_studio(rig);
	link_up(rig);
	pass(rig, 100 * SECOND);
	g_assert_cmpuint(rig->begun, ==, 1);
}

static void test_parts(Rig *rig, gconstpointer data)
{
	open_studio(rig);
	link_up(rig);
	begin_stage(rig);
	for (unsigned i = 0; i < 130; i++) {
		talk(rig, 4);
		pass(rig, SECOND);
	}
	stop(rig);
	g_autofree char *take = only_take(rig);
	g_autofree char *third = g_build_filename(take, "0003.pcap", NULL);
	g_autofree char *fourth = g_build_filename(take, "0004.pcap", NULL);
	g_assert_true(g_file_test(third, G_FILE_TEST_EXISTS));
	g_assert_false(g_file_test(fourth, G_FILE_TEST_EXISTS));
	check_whole(rig, take);
}

static void test_sfu_restart(Rig *rig, gconstpointer data)
{
	open_studio(rig);
	link_up(rig);
	begin_stage(rig);
	talk(rig, 30);
	settle(rig);
	/* Another life of the sfu, numbers from one, other tracks; nobody is back for 20 s. */
	studio_away(rig->studio);
	pass(rig, 60 * SECOND); /* while it is away no take ends */
	g_assert_cmpuint(rig->ended, ==, 0);
	g_ptr_array_set_size(rig->stream, 0);
	rig->boot = "boot-two";
	rig->numbers = 0;
	link_up(rig);
	pass(rig, 20 * SECOND);
	begin_stage(rig);
	talk(rig, 30);
	settle(rig);
	g_assert_cmpuint(rig->ended, ==, 0);
	stop(rig);
	g_autofree char *take = only_take(rig);
	check_whole(rig, take);
	g_autofree char *index = index_of(take);
	g_assert_nonnull(strstr(index, "\"kind\":\"gap\""));
	g_assert_nonnull(strstr(index, "\"reason\":\"sfu started anew\""));
}

static void test_gap(Rig *rig, gconstpointer data)
{
	open_studio(rig);
	link_up(rig);
	begin_stage(rig);
	talk(rig, 3);
	/* Numbers that the take has on the disk are not missing there (6 is its last). */
	TapRecord *gap = make(rig, TAP_GAP, 0);
	gap->gap.from = 2;
	gap->gap.to = 6;
	studio_take_in(rig->studio, gap, rig->now_us);
	gap->gap.from = 4;
	gap->gap.to = 99;
	studio_take_in(rig->studio, gap, rig->now_us);
	rig->numbers = 99;
	g_free(gap);
	TapRecord *dropped = make(rig, TAP_DROPPED, 0);
	dropped->dropped = 12;
	say(rig, dropped);
	settle(rig);
	stop(rig);
	g_autofree char *take = only_take(rig);
	g_autofree char *index = index_of(take);
	g_assert_nonnull(strstr(index, "\"from\":7,\"to\":99"));
	g_assert_cmpuint(count_in(index, "\"kind\":\"gap\""), ==, 2);
	g_assert_nonnull(strstr(index, "\"packets\":12"));
}

static void test_hostile_stage(Rig *rig, gconstpointer data)
{
	static const char *const names[] = { "../../etc", "", ".", "a/b", "..", "a b" };
	open_studio(rig);
	link_up(rig);
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		TapRecord *track = make(rig, TAP_TRACK, 100 + i);
		track->flags = TAP_FLOWING;
		g_strlcpy(track->stage, names[i], sizeof track->stage);
		say(rig, track);
		say_packet(rig, 100 + i);
	}
	settle(rig);
	g_assert_cmpuint(rig->begun, ==, 0);
	/* An id of ours may begin with any of its letters. */
	TapRecord *track = make(rig, TAP_TRACK, MIC);
	track->flags = TAP_FLOWING;
	g_strlcpy(track->stage, "-_9tzZTXFh7_XaBYVoSo0Q", sizeof track->stage);
	say(rig, track);
	say_packet(rig, MIC);
	g_assert_cmpuint(rig->begun, ==, 1);
}

/* -- ends that nobody chose -- */

static void copy_cut(const char *from, const char *to, size_t len)
{
	g_autofree char *text = NULL;
	gsize whole;
	if (!g_file_get_contents(from, &text, &whole, NULL))
		return;
	g_assert_cmpuint(len, <=, whole);
	FILE *file = fopen(to, "we");
	g_assert_cmpuint(fwrite(text, 1, len, file), ==, len);
	fclose(file);
}

static size_t size_of(const char *path)
{
	struct stat there;
	return stat(path, &there) < 0 ? 0 : (size_t)there.st_size;
}

/* The disk as a kill left it: these many bytes of index and part. Then a start, a resend, an end.
 */
static void try_cut(Rig *rig, const char *take, size_t index_len, size_t pcap_len)
{
	Rig again = *rig;
	g_autofree char *root = g_strconcat(rig->root, "-cut", NULL);
	g_autofree char *name = g_path_get_basename(take);
	g_autofree char *folder = g_build_filename(root, "stage-one", name, NULL);
	const char *const files[] = { "index.jsonl", "0001.pcap" };
	const size_t lens[] = { index_len, pcap_len };
	g_mkdir_with_parents(folder, 0750);
	for (unsigned i = 0; i < 2; i++) {
		g_autofree char *from = g_build_filename(take, files[i], NULL);
		g_autofree char *to = g_build_filename(folder, files[i], NULL);
		if (lens[i])
			copy_cut(from, to, lens[i]);
	}
	again.root = root;
	open_studio(&again);
	link_up(&again);
	stop(&again);
	g_autoptr(GPtrArray) takes = takes_of(root);
	/* Without one whole line of its index it begins anew, in a folder of its own. */
	if (takes->len != 1)
		g_assert_cmpuint(index_len, <, 150);
	check_whole(&again, takes->pdata[takes->len - 1]);
	g_autofree char *index = index_of(takes->pdata[takes->len - 1]);
	g_assert_cmpuint(count_in(index, "\"kind\":\"report\""), ==, 1);
	g_assert_cmpuint(count_in(index, "\"kind\":\"gap\""), ==, 0);
	remove_tree(root);
}

static void test_every_cut(Rig *rig, gconstpointer data)
{
	size_t index_at[3], pcap_at[3];
	open_studio(rig);
	link_up(rig);
	begin_stage(rig);
	g_autofree char *take = NULL;
	for (unsigned step = 0; step < 3; step++) {
		talk(rig, 6);
		if (step == 1) {
			TapRecord *report = make(rig, TAP_REPORT, MIC);
			report->report.ntp = UINT64_C(4000000000) << 32;
			say(rig, report);
		}
		settle(rig);
		if (!take)
			take = only_take(rig);
		g_autofree char *index = g_build_filename(take, "index.jsonl", NULL);
		g_autofree char *pcap = g_build_filename(take, "0001.pcap", NULL);
		index_at[step] = size_of(index);
		pcap_at[step] = size_of(pcap);
	}
	stop(rig);
	g_autofree char *text = index_of(take);
	/* In the order in which they were written: lines, packets, the line of the sync. */
	for (unsigned step = 0; step < 2; step++) {
		size_t before = step ? index_at[step - 1] : 0;
		size_t packets_before = step ? pcap_at[step - 1] : 0;
		size_t sync =
			(size_t)(g_strrstr_len(text, (gssize)index_at[step], "{\"kind\":\"sync\"") -
				 text);
		for (size_t at = before; at <= sync; at++)
			try_cut(rig, take, at, packets_before);
		for (size_t at = packets_before; at <= pcap_at[step]; at++)
			try_cut(rig, take, sync, at);
		for (size_t at = sync; at <= index_at[step]; at++)
			try_cut(rig, take, at, pcap_at[step]);
	}
}

static void test_stale(Rig *rig, gconstpointer data)
{
	open_studio(rig);
	link_up(rig);
	begin_stage(rig);
	talk(rig, 6);
	settle(rig);
	stop(rig);
	/* An hour later it is ended, and the next packet begins another. */
	rig->now_us += 3600 * SECOND;
	rig->boot = "boot-two";
	rig->numbers = 0;
	g_ptr_array_set_size(rig->stream, 0);
	open_studio(rig);
	link_up(rig);
	begin_stage(rig);
	talk(rig, 6);
	settle(rig);
	stop(rig);
	g_autoptr(GPtrArray) takes = takes_of(rig->root);
	g_assert_cmpuint(takes->len, ==, 2);
	g_autofree char *index = index_of(takes->pdata[0]);
	g_assert_nonnull(strstr(index, "\"kind\":\"end\""));
}

/* A file that may not grow stands for a disk that is full. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

/* Between a fault and the word of it nothing more goes behind what is torn. */
static void test_nothing_behind_a_fault(Rig *rig, gconstpointer data)
{
	static const DiskEvents events = { NULL, NULL };
	g_autofree char *path = g_build_filename(rig->root, "file", NULL);
	signal(SIGXFSZ, SIG_IGN);
	Disk *disk = disk_new(0, &events, NULL);
	DiskFile *file = disk_file(disk, path);
	limit_files(1000);
	disk_append(file, g_malloc0(4096), 4096);
	while (disk_waiting(disk))
		g_usleep(1000);
	g_usleep(10000);
	limit_files(RLIM_INFINITY);
	disk_append(file, g_malloc0(4096), 4096);
	disk_close(file);
	disk_reset(disk);
	/* Afterwards it writes again. */
	file = disk_file(disk, path);
	disk_append(file, g_malloc0(10), 10);
	disk_close(file);
	disk_free(disk);
	g_assert_cmpuint(size_of(path), ==, 1010);
}

static void test_disk_full(Rig *rig, gconstpointer data)
{
	signal(SIGXFSZ, SIG_IGN);
	open_studio(rig);
	link_up(rig);
	begin_stage(rig);
	talk(rig, 30);
	settle(rig);
	limit_files(5000); /* in the middle of a packet */
	talk(rig, 120);
	for (unsigned i = 0; i < 100 && !rig->unwell; i++) {
		pass(rig, SECOND / 10);
		g_usleep(2000);
	}
	g_assert_cmpuint(rig->unwell, ==, 1);
	g_assert_false(studio_is_well(rig->studio));
	g_assert_cmpuint(strlen(studio_reason(rig->studio)), >, 0);
	/* What comes now is kept by the sfu alone. */
	talk(rig, 30);
	limit_files(RLIM_INFINITY);
	pass(rig, SECOND / 10);
	pass(rig, 3 * SECOND);
	g_assert_true(studio_is_well(rig->studio));
	link_up(rig);
	talk(rig, 30);
	settle(rig);
	stop(rig);
	g_autofree char *take = only_take(rig);
	check_whole(rig, take);
	g_assert_cmpuint(rig->ended, ==, 0);
}

/* After a sync that failed only what was synced counts: the rest is taken from the sfu again. */
static void test_distrust(Rig *rig, gconstpointer data)
{
	open_studio(rig);
	link_up(rig);
	begin_stage(rig);
	talk(rig, 30);
	settle(rig);
	g_autofree char *take = only_take(rig);
	g_autofree char *pcap = g_build_filename(take, "0001.pcap", NULL);
	g_autofree char *index = g_build_filename(take, "index.jsonl", NULL);
	size_t packets = size_of(pcap), lines = size_of(index);
	talk(rig, 30);
	say(rig, make(rig, TAP_QUIET, MIC));
	pass(rig, SECOND / 10);
	stop(rig);
	g_assert_cmpuint(size_of(pcap), >, packets);
	g_assert_cmpuint(size_of(index), >, lines);
	g_autoptr(TakeState) state = recovery_read(take, RECOVERY_SYNCED);
	g_assert_cmpuint(size_of(pcap), ==, packets);
	g_assert_cmpuint(size_of(index), ==, lines);
	g_assert_cmpuint(state->last_packet, ==, state->safe);
	g_assert_cmpuint(state->last_event, <=, state->safe);
}

static void say_nothing(const char *domain, GLogLevelFlags level, const char *text, void *user)
{
}

#define OVER_DISK(path, func) g_test_add(path, Rig, NULL, rig_set, func, rig_clear)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_log_set_always_fatal(G_LOG_FATAL_MASK); /* warnings are what some of this is about */
	g_log_set_default_handler(say_nothing, NULL);
	g_test_add_func("/take/pcap/whole-packets-survive-a-cut-at-any-byte", test_pcap);
	OVER_DISK("/take/begins-with-the-first-packet-and-ends-when-empty", test_life);
	OVER_DISK("/take/parts-are-a-minute-long", test_parts);
	OVER_DISK("/take/goes-on-after-the-sfu-started-anew", test_sfu_restart);
	OVER_DISK("/take/names-what-is-missing", test_gap);
	OVER_DISK("/take/no-stage-names-a-folder-elsewhere", test_hostile_stage);
	OVER_DISK("/take/loses-nothing-wherever-a-kill-cuts-it", test_every_cut);
	OVER_DISK("/take/one-left-open-long-ago-is-ended", test_stale);
	OVER_DISK("/take/nothing-is-written-behind-a-fault", test_nothing_behind_a_fault);
	OVER_DISK("/take/a-full-disk-stops-it-visibly-and-it-goes-on", test_disk_full);
	OVER_DISK("/take/a-failed-sync-is-not-believed", test_distrust);
	return g_test_run();
}
