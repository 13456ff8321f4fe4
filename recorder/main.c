/* main.c - diemcau-recorder: writes what the stages send, as it came, to the disk */
#include "common/config.h"
#include "common/daemon.h"
#include "desk.h"
#include <string.h>

#define TICK_MS 100
#define RESERVE_MB 512 /* the store lies on the same disk: its questions go before our packets */

typedef struct Recorder {
	Studio *studio;
	TapLine *line;
	Desk *desk;
	Finisher *finisher;
	int64_t clock_us; /* real time minus monotonic, read once: no step shows */
} Recorder;

static int64_t now_us(const Recorder *recorder)
{
	return g_get_monotonic_time() + recorder->clock_us;
}

static void on_take(const TakeState *take, const char *state, void *user)
{
	Recorder *recorder = user;
	desk_tell_take(recorder->desk, take->stage, take->name, state);
	if (strcmp(state, "ended") == 0)
		finisher_wake(recorder->finisher, now_us(recorder));
}

static void on_finished(const char *stage, const char *take, bool is_ready, void *user)
{
	Recorder *recorder = user;
	desk_tell_take(recorder->desk, stage, take, is_ready ? "ready" : "failed");
}

static void on_well(bool well, const char *reason, void *user)
{
	Recorder *recorder = user;
	desk_tell_well(recorder->desk, well, reason);
	daemon_status(well ? "ready" : reason);
	if (well) {
		tap_line_dial(recorder->line);
		return;
	}
	tap_line_hang_up(recorder->line);
	studio_away(recorder->studio);
}

static void on_ask(TapRecord *ask, void *user)
{
	Recorder *recorder = user;
	g_strlcpy(ask->hello.boot, studio_boot(recorder->studio), sizeof ask->hello.boot);
	ask->hello.next = studio_next(recorder->studio);
}

static void on_record(const TapRecord *record, void *user)
{
	Recorder *recorder = user;
	studio_take_in(recorder->studio, record, now_us(recorder));
}

static bool has_room(void *user)
{
	Recorder *recorder = user;
	return studio_has_room(recorder->studio);
}

static void on_lost(void *user)
{
	Recorder *recorder = user;
	g_message("tap: lost");
	studio_away(recorder->studio);
}

static gboolean on_tick(void *user)
{
	Recorder *recorder = user;
	tap_line_tick(recorder->line);
	studio_tick(recorder->studio, now_us(recorder));
	finisher_tick(recorder->finisher, now_us(recorder));
	return G_SOURCE_CONTINUE;
}

static bool on_term(void *user)
{
	return true; /* what runs is closed in studio_free(), and goes on at the next start */
}

/* Handed over, since our user may not be allowed to walk to it; else it lies beside this program.
 */
static char *finish_program(void)
{
	int fd = daemon_socket("finish", 0);
	if (fd >= 0)
		return g_strdup_printf("/proc/self/fd/%d", fd);
	g_autofree char *own = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *folder = g_path_get_dirname(own ? own : "./");
	return g_build_filename(folder, "diemcau-finish", NULL);
}

static int open_control(const char *run)
{
	g_autoptr(GError) error = NULL;
	int fd = daemon_socket("recorder", 0);
	if (fd >= 0)
		return fd;
	g_autofree char *path = g_build_filename(run, "recorder.sock", NULL);
	g_mkdir_with_parents(run, 0750);
	fd = channel_listen(path, &error);
	if (fd < 0)
		daemon_fail("%s", error->message);
	return fd;
}

int main(int argc, char **argv)
{
	static const StudioEvents studio_events = { on_take, on_well };
	static const FinisherEvents finisher_events = { on_finished };
	static const TapLineEvents line_events = { on_ask, on_record, has_room, on_lost };
	g_autoptr(GError) error = NULL;
	daemon_init("diemcau-recorder");
	const char *path = argc == 3 && !strcmp(argv[1], "--config") ? argv[2] : NULL;
	if (argc > 1 && !path)
		daemon_fail("only --config FILE is taken");

	g_autoptr(Config) config = config_read(path, &error);
	int reserve_mb, height;
	if (!config ||
		!config_integer(config, "recorder", "reserve_mb", 0, 1024 * 1024, RESERVE_MB,
			&reserve_mb, &error) ||
		!config_integer(config, "recorder", "height", 360, 720, 720, &height, &error))
		daemon_fail("%s", error->message);
	const char *data = config_string(config, "paths", "data", ".");
	const char *run = config_string(config, "paths", "run", "run");
	g_autofree char *root = g_build_filename(data, "recordings", NULL);
	const char *folder = config_string(config, "recorder", "folder", root);
	g_autofree char *tap = g_build_filename(run, "tap.sock", NULL);

	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	Recorder recorder = { .clock_us = g_get_real_time() - g_get_monotonic_time() };
	recorder.desk = desk_new(open_control(run));
	recorder.line = tap_line_new(tap, &line_events, &recorder);
	recorder.studio =
		studio_new(folder, (uint64_t)reserve_mb * 1024 * 1024, &studio_events, &recorder);
	g_autofree char *program = finish_program();
	recorder.finisher = finisher_new(
		program, folder, height < 720 ? 360 : 720, &finisher_events, &recorder);
	desk_set(recorder.desk, folder, recorder.studio, recorder.line, recorder.finisher);
	studio_open(recorder.studio, now_us(&recorder));
	unsigned tick = g_timeout_add(TICK_MS, on_tick, &recorder);
	daemon_run(loop, on_term, NULL, &recorder);
	g_source_remove(tick);
	tap_line_free(recorder.line);
	finisher_free(recorder.finisher);
	studio_free(recorder.studio);
	desk_free(recorder.desk);
	return 0;
}
