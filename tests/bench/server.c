#include "server.h"
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The scheduler's own count: nanoseconds where utime has 10 ms. A thread that has ended is missing,
 * which the sfu's never do. */
static uint64_t sum_of_threads(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task", pid);
	g_autoptr(GDir) tasks = g_dir_open(path, 0, NULL);
	uint64_t sum = 0;
	const char *name;
	while (tasks && (name = g_dir_read_name(tasks))) {
		g_autofree char *file = g_build_filename(path, name, "schedstat", NULL);
		g_autofree char *text = NULL;
		if (g_file_get_contents(file, &text, NULL, NULL))
			sum += g_ascii_strtoull(text, NULL, 10);
	}
	return sum;
}

static bool read_ticks(ServerReading *reading, pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid);
	g_autofree char *text = NULL;
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return false;
	const char *after_name = strrchr(text, ')'); /* the name may hold anything */
	g_auto(GStrv) words = after_name ? g_strsplit(after_name + 1, " ", 30) : NULL;
	if (!words || g_strv_length(words) < 15)
		return false;
	reading->user_ticks = g_ascii_strtoull(words[12], NULL, 10);
	reading->sys_ticks = g_ascii_strtoull(words[13], NULL, 10);
	return true;
}

static uint64_t read_rss(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/statm", pid);
	g_autofree char *text = NULL;
	const char *second;
	if (!g_file_get_contents(path, &text, NULL, NULL) || !(second = strchr(text, ' ')))
		return 0;
	return g_ascii_strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool server_read_process(ServerReading *reading, pid_t pid)
{
	reading->has_process = read_ticks(reading, pid);
	reading->cpu_ns = sum_of_threads(pid);
	reading->rss_bytes = read_rss(pid);
	return reading->has_process;
}

/* Two lines: names, then numbers. */
void server_read_drops(ServerReading *reading)
{
	g_autofree char *text = NULL;
	if (!g_file_get_contents("/proc/net/snmp", &text, NULL, NULL))
		return;
	const char *names = strstr(text, "\nUdp: ");
	const char *numbers = names ? strstr(names + 1, "\nUdp: ") : NULL;
	if (!numbers)
		return;
	g_auto(GStrv) name = g_strsplit_set(names + 1, " \n", 32);
	g_auto(GStrv) number = g_strsplit_set(numbers + 1, " \n", 32);
	for (unsigned i = 0; name[i] && number[i]; i++)
		if (!strcmp(name[i], "RcvbufErrors"))
			reading->buffer_drops = g_ascii_strtoull(number[i], NULL, 10);
}

static bool read_metric(const char *text, const char *name, double *value)
{
	size_t len = strlen(name);
	for (const char *at = text; at && *at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, name, len) || at[len] != ' ')
			continue;
		*value = g_ascii_strtod(at + len, NULL);
		return true;
	}
	return false;
}

bool server_read_metrics(ServerReading *reading, const char *text)
{
	reading->has_metrics =
		read_metric(text, "diemcau_sfu_packets_out_total", &reading->packets_out) &&
		read_metric(text, "diemcau_sfu_messages_out_total", &reading->messages_out);
	read_metric(text, "diemcau_sfu_send_dropped_total", &reading->send_dropped);
	read_metric(text, "diemcau_sfu_rtx_out_total", &reading->rtx_out);
	read_metric(text, "diemcau_sfu_srtp_failed_total", &reading->srtp_failed);
	return reading->has_metrics;
}

ServerCost server_cost(const ServerReading *before, const ServerReading *after)
{
	double all_us = (double)(after->cpu_ns - before->cpu_ns) / 1000;
	double user = (double)(after->user_ticks - before->user_ticks);
	double sys = (double)(after->sys_ticks - before->sys_ticks);
	double share = user + sys > 0 ? user / (user + sys) : 0;
	return (ServerCost){ .user_us = all_us * share, .sys_us = all_us * (1 - share) };
}
