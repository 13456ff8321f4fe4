/* finish.c - diemcau-finish FOLDER [HEIGHT]: makes recording.webm of a take that has ended
 *
 * The recorder starts it, beside everything else and with the least priority. It may crash: nothing
 * it touches is needed by anybody, and the raw take stays. The file appears whole under its name or
 * not at all; recording.json beside it says how long it is and what is missing. Exit status 0 when
 * it is there, else why not (finisher.c has the sentences). */
#include "encoder.h"
#include "render.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define STANDSTILL_S 300 /* without a second of the recording done: something hangs */

enum { UNREADABLE = 3 };

static void on_progress(unsigned seconds)
{
	alarm(STANDSTILL_S);
}

/* Everything else on the machine goes first. Where it is not allowed it runs as it may. */
static void stand_back(void)
{
	const struct sched_param none = { 0 };
	(void)setpriority(PRIO_PROCESS, 0, 19);
	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static bool sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static int fail(const char *path)
{
	int error = errno;
	g_warning("finish: %s: %s", path, g_strerror(error));
	return error == ENOSPC || error == EDQUOT ? ENCODER_DISK_FULL : ENCODER_FAILED;
}

static bool write_report(const char *path, const RenderReport *report, unsigned height)
{
	json_t *json = json_pack("{s:i,s:I,s:I,s:i,s:i,s:O,s:I,s:I,s:I,s:I,s:s}", "version", 1,
		"started_us", (json_int_t)report->start_us, "length_us",
		(json_int_t)report->length_us, "width", (int)(height * 16 / 9), "height",
		(int)height, "gaps", report->gaps, "packets", (json_int_t)report->packets,
		"doubles", (json_int_t)report->doubles, "late", (json_int_t)report->late,
		"pictures", (json_int_t)report->pictures, "unread",
		report->unread ? report->unread : "");
	bool ok = json_dump_file(json, path, JSON_INDENT(2)) == 0;
	json_decref(json);
	return ok && sync_path(path, O_RDONLY);
}

int main(int argc, char **argv)
{
	unsigned height = argc > 2 ? (unsigned)atoi(argv[2]) : 720;
	if (argc < 2 || (height != 360 && height != 720)) {
		g_printerr("usage: diemcau-finish FOLDER [360|720]\n");
		return 2;
	}
	stand_back();
	alarm(STANDSTILL_S);
	umask(0027);
	/* Looking at its plugins for the first time, GStreamer runs code of theirs, and one of
	 * them changes the folder that our paths begin in. */
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	gst_init(NULL, NULL);
	if (here < 0 || fchdir(here) != 0)
		return fail(".");
	close(here);
	g_autofree char *index = g_build_filename(argv[1], "index.jsonl", NULL);
	g_autofree char *fresh = g_build_filename(argv[1], "recording.webm.new", NULL);
	g_autofree char *done = g_build_filename(argv[1], "recording.webm", NULL);
	g_autofree char *beside = g_build_filename(argv[1], "recording.json", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(Plan) plan = plan_read(index, &error);
	if (!plan) {
		g_warning("finish: %s", error->message);
		return UNREADABLE;
	}
	RenderReport report;
	if (!render(plan, argv[1], fresh, height, on_progress, &report, &error)) {
		g_warning("finish: %s", error->message);
		return ENCODER_FAILED;
	}
	if (!report.packets) {
		g_warning("finish: %s holds no packets", argv[1]);
		return UNREADABLE;
	}
	/* The report first: with the file's name everything is there. */
	if (!sync_path(fresh, O_RDWR) || !write_report(beside, &report, height) ||
		rename(fresh, done) != 0 || !sync_path(argv[1], O_RDONLY | O_DIRECTORY))
		return fail(done);
	json_decref(report.gaps);
	return 0;
}
