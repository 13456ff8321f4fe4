/* floor.c - diemcau-floor: what sending to many sites costs when nothing else is done
 *
 * The floor under the sfu: header, seal and sendmmsg in one loop, to sockets that are emptied, so
 * that a measured sfu can be held against it. Modes take turns in slices of 660 ms, which hold 20
 * frames and 33 audio packets for each destination, so that a busy moment of the machine hits all
 * alike. */
#include "floor_seal.h"
#include "floor_send.h"
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define SLICE_MS 660
#define FRAME_MS 33
#define AUDIO_MS 20
#define SLICES_MAX 1000

typedef struct Mode {
	const char *name;
	FloorCrypto crypto;
	bool gso;
	bool quick;  /* what the sfu does, and no more: also in a quick run */
	int hold_ms; /* an audio packet waits so long for a frame to ride with; -1: never */
} Mode;

static const Mode modes[] = {
	{ "clear, gso", FLOOR_CLEAR, true, false, -1 },
	{ "evp, gso", FLOOR_EVP, true, false, -1 },
	{ "evp, gso, audio rides within 5 ms", FLOOR_EVP, true, true, 5 },
	{ "evp, gso, audio rides within 33 ms", FLOOR_EVP, true, false, FRAME_MS },
	{ "ipsec-mb, gso", FLOOR_IPSEC_MB, true, false, -1 },
	{ "ipsec-mb, gso, audio rides within 5 ms", FLOOR_IPSEC_MB, true, true, 5 },
	{ "ipsec-mb, gso, audio rides within 33 ms", FLOOR_IPSEC_MB, true, false, FRAME_MS },
	{ "clear, sendmmsg", FLOOR_CLEAR, false, false, -1 },
	{ "evp, sendmmsg", FLOOR_EVP, false, false, -1 },
	{ "ipsec-mb, sendmmsg", FLOOR_IPSEC_MB, false, false, -1 },
};

typedef struct Slice {
	double cpu_us, user_us, system_us; /* the last two as the kernel samples them */
	FloorSent sent;
	uint64_t arrived;
} Slice;

static int destinations = 442;
static double seconds = 5;
static gboolean flat, paced, cm, bench, quick;

static double us_of(struct timeval time)
{
	return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static double thread_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void wait_until(const struct timespec *start, unsigned ms)
{
	struct timespec at = *start;
	at.tv_nsec += (long)ms * 1000000;
	at.tv_sec += at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
		;
}

/* What is due at this millisecond goes out. waiting: an audio packet that has been held back. */
static void send_due(FloorSend *send, const Mode *mode, unsigned ms, bool *waiting)
{
	bool video = ms % FRAME_MS == 0, audio = ms % AUDIO_MS == 0;
	unsigned next_frame = (ms + FRAME_MS - 1) / FRAME_MS * FRAME_MS;

	if (audio && *waiting) { /* one may ride, not two */
		floor_send_all(send, mode->crypto, mode->gso, false, true);
		*waiting = false;
	}
	if (audio && next_frame < SLICE_MS && (int)(next_frame - ms) <= mode->hold_ms)
		*waiting = true;
	else if (audio)
		floor_send_all(send, mode->crypto, mode->gso, false, true);
	if (video) {
		floor_send_all(send, mode->crypto, mode->gso, true, *waiting);
		*waiting = false;
	}
}

/* Paced, going to sleep and waking up between ticks counts; flat out, waiting for the sockets to be
 * emptied does not. */
static Slice run_slice(FloorSend *send, const Drain *drain, const Mode *mode)
{
	struct timespec start;
	struct rusage before, after;
	const FloorSent sent = floor_send_sum(send);
	const uint64_t arrived = drain_count(drain);
	bool waiting = false;
	Slice slice = { 0 };

	getrusage(RUSAGE_THREAD, &before);
	clock_gettime(CLOCK_MONOTONIC, &start);
	double began = thread_us();
	for (unsigned ms = 0; ms < SLICE_MS; ms++) {
		if (ms % FRAME_MS && ms % AUDIO_MS)
			continue;
		if (!flat) {
			wait_until(&start, ms);
			send_due(send, mode, ms, &waiting);
			continue;
		}
		double tick = thread_us();
		send_due(send, mode, ms, &waiting);
		slice.cpu_us += thread_us() - tick;
		drain_await(drain, arrived + floor_send_sum(send).packets - sent.packets);
	}
	if (!flat)
		slice.cpu_us = thread_us() - began;
	getrusage(RUSAGE_THREAD, &after);

	FloorSent sum = floor_send_sum(send);
	slice.sent = (FloorSent){ sum.packets - sent.packets, sum.messages - sent.messages,
		sum.refused - sent.refused };
	drain_await(drain, arrived + slice.sent.packets);
	slice.arrived = drain_count(drain) - arrived;
	slice.user_us = us_of(after.ru_utime) - us_of(before.ru_utime);
	slice.system_us = us_of(after.ru_stime) - us_of(before.ru_stime);
	return slice;
}

static int by_cpu(const void *a, const void *b)
{
	double x = ((const Slice *)a)->cpu_us, y = ((const Slice *)b)->cpu_us;
	return (x > y) - (x < y);
}

static void print_head(void)
{
	fprintf(stderr, "%-41s %-22s %6s %6s %7s %8s %9s\n", "mode", "us/packet (least-most)",
		"user", "sys", "core", "segments", "arrived");
}

/* One line of the table, the same as JSON. All slices of a mode send equally many packets. */
static json_t *report(const Mode *mode, Slice *slices, unsigned count)
{
	FloorSent sum = { 0 };
	uint64_t arrived = 0;
	double user = 0, system = 0;
	for (unsigned i = 0; i < count; i++) {
		sum.packets += slices[i].sent.packets;
		sum.messages += slices[i].sent.messages;
		sum.refused += slices[i].sent.refused;
		arrived += slices[i].arrived;
		user += slices[i].user_us;
		system += slices[i].system_us;
	}
	user /= MAX(user + system, 1);
	qsort(slices, count, sizeof *slices, by_cpu);
	double packets = (double)sum.packets / count, median = slices[count / 2].cpu_us;
	double us = median / packets;
	double core = 100 * median / (SLICE_MS * 1000.0);
	double segments = (double)sum.packets / (double)MAX(sum.messages, 1);
	double percent = 100 * (double)arrived / (double)(sum.packets + sum.refused);

	fprintf(stderr, "%-41s %7.3f (%.3f-%.3f)  %6.3f %6.3f %6.1f%% %8.2f %8.3f%%\n", mode->name,
		us, slices[0].cpu_us / packets, slices[count - 1].cpu_us / packets, us * user,
		us * (1 - user), core, segments, percent);
	return json_pack("{ss sf sf sf sf sf sf sf sI sI sI}", "mode", mode->name, "us_per_packet",
		us, "least", slices[0].cpu_us / packets, "most", slices[count - 1].cpu_us / packets,
		"user_us", us * user, "core_percent", core, "segments_per_message", segments,
		"arrived_percent", percent, "packets", (json_int_t)sum.packets, "messages",
		(json_int_t)sum.messages, "refused", (json_int_t)sum.refused);
}

static bool runs(const FloorSend *send, const Mode *mode)
{
	return (mode->quick || !quick) && floor_send_can(send, mode->crypto);
}

static json_t *run_modes(FloorSend *send, const Drain *drain)
{
	static Slice slices[G_N_ELEMENTS(modes)][SLICES_MAX];
	unsigned count = (unsigned)CLAMP(seconds * 1000 / SLICE_MS, 1, SLICES_MAX);
	for (unsigned turn = 0; turn <= count; turn++) { /* the first one warms up */
		for (unsigned m = 0; m < G_N_ELEMENTS(modes); m++)
			if (runs(send, &modes[m]))
				slices[m][turn ? turn - 1 : 0] = run_slice(send, drain, &modes[m]);
	}
	json_t *rows = json_array();
	print_head();
	for (unsigned m = 0; m < G_N_ELEMENTS(modes); m++)
		if (runs(send, &modes[m]))
			json_array_append_new(rows, report(&modes[m], slices[m], count));
	return rows;
}

/* The processor we are on stays ours, the first other one empties the sockets; -1 if there is none.
 */
static int choose_processors(void)
{
	cpu_set_t allowed;
	int own = sched_getcpu(), other = -1;
	if (own < 0 || sched_getaffinity(0, sizeof allowed, &allowed))
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE && other < 0; cpu++)
		if (cpu != own && CPU_ISSET(cpu, &allowed))
			other = cpu;
	return other >= 0 && bind_thread(own) ? other : -1;
}

static json_t *run_floor(GError **error)
{
	struct rlimit files;
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	int cpu = choose_processors();
	if (cpu < 0)
		fprintf(stderr, "only one processor: emptying the sockets disturbs the sending\n");
	g_autoptr(Drain) drain = drain_new((unsigned)destinations, cpu, error);
	if (!drain)
		return NULL;
	g_autoptr(FloorSend) send = floor_send_new(drain, (unsigned)destinations,
		cm ? SRTP_PROFILE_AES128_CM_SHA1_80 : SRTP_PROFILE_AEAD_AES_128_GCM, error);
	if (!send)
		return NULL;
	fprintf(stderr, "%d destinations, %s, %s; CPU time of the sending thread\n", destinations,
		cm ? "AES-CM with SHA1-80" : "AES-GCM", flat ? "flat out" : "paced");
	return json_pack("{si ss ss so}", "destinations", destinations, "profile",
		cm ? "cm-sha1-80" : "gcm", "pace", flat ? "flat" : "real", "modes",
		run_modes(send, drain));
}

int main(int argc, char **argv)
{
	const GOptionEntry entries[] = { { "destinations", 'n', 0, G_OPTION_ARG_INT, &destinations,
						 "sockets to send to (442)", "N" },
		{ "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &seconds, "for each mode (5)", "S" },
		{ "paced", 0, 0, G_OPTION_ARG_NONE, &paced, "in real time (default)", NULL },
		{ "flat", 0, 0, G_OPTION_ARG_NONE, &flat, "as fast as it goes", NULL },
		{ "cm", 0, 0, G_OPTION_ARG_NONE, &cm, "AES-CM with SHA1-80 instead of AES-GCM",
			NULL },
		{ "quick", 0, 0, G_OPTION_ARG_NONE, &quick,
			"only the modes that the sfu is held against", NULL },
		{ "bench", 0, 0, G_OPTION_ARG_NONE, &bench, "only sealing, nothing sent", NULL },
		{ NULL } };
	g_autoptr(GError) error = NULL;
	g_autoptr(GOptionContext) context = g_option_context_new("- the least that sending costs");
	g_option_context_add_main_entries(context, entries, NULL);
	json_t *result = NULL;
	if (g_option_context_parse(context, &argc, &argv, &error)) {
		if (flat && paced)
			g_set_error_literal(&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
				"paced or flat, not both");
		else if (destinations < 1 || destinations > 20000)
			g_set_error_literal(&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
				"from 1 to 20000 destinations");
		else
			result = bench ? floor_seal() : run_floor(&error);
	}
	if (!result) {
		fprintf(stderr, "diemcau-floor: %s\n", error->message);
		return 1;
	}
	json_dumpf(result, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(result);
	return 0;
}
