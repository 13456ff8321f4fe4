/* main.c - diemcau-load: hundreds of real viewers and some speakers in one cheap process
 *
 *     diemcau up --demo … | tee demo.json
 *     diemcau-load --demo demo.json --insecure --viewers 442
 *
 * A table on stderr, one line of JSON on stdout. docs/SIZING.md says how to read them. */
#include "hall.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define FILES_BESIDE 1024 /* HTTP connections and the rest */

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = 1;
}

static void raise_files(unsigned wanted)
{
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= wanted)
		return;
	files.rlim_cur = wanted;
	files.rlim_max = MAX(files.rlim_max, wanted); /* root may */
	if (setrlimit(RLIMIT_NOFILE, &files) == 0)
		return;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

static bool run(const Options *options, GError **error)
{
	g_autoptr(Hall) hall = hall_new(options, error);
	if (!hall || !hall_run(hall, &stop, error))
		return false;
	const Report *report = hall_report(hall);
	report_print(report);
	json_t *json = report_json(report);
	json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(8));
	json_decref(json);
	putchar('\n');
	return report->failed == 0 && report->unrest.restarts.failed == 0;
}

int main(int argc, char **argv)
{
	Options options;
	g_autoptr(GError) error = NULL;
	const struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	bool fine = options_read(&options, argc, argv, &error);
	if (fine) {
		raise_files((unsigned)options.viewers + FILES_BESIDE);
		fine = run(&options, &error);
	}
	if (error)
		fprintf(stderr, "diemcau-load: %s\n", error->message);
	options_clear(&options);
	return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
