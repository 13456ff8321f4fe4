#include "report.h"
#include <stdio.h>

uint64_t report_lost(const Report *report)
{
	const StreamCounts *counts = &report->counts;
	uint64_t mended = counts->late + counts->repaired;
	return counts->missing > mended ? counts->missing - mended : 0;
}

static double per(double sum, double count)
{
	return count > 0 ? sum / count : 0;
}

static double segments_per_message(const Report *report)
{
	return per(report->end.packets_out - report->start.packets_out,
		report->end.messages_out - report->start.messages_out);
}

static bool has_cost(const Report *report)
{
	return report->start.has_process && report->end.has_process && report->delivered;
}

static double rss_per_viewer(const Report *report)
{
	return per((double)report->end.rss_bytes - (double)report->before_joining.rss_bytes,
		report->joined);
}

static void print_times(const char *what, const Histogram *times)
{
	fprintf(stderr,
		"  %-22s p50 %8.2f ms   p95 %8.2f   p99 %8.2f   max %8.2f   (%" G_GUINT64_FORMAT
		")\n",
		what, (double)histogram_quantile(times, 0.5) / 1000,
		(double)histogram_quantile(times, 0.95) / 1000,
		(double)histogram_quantile(times, 0.99) / 1000, (double)times->max / 1000,
		times->count);
}

static void print_arrival(const Report *report)
{
	fprintf(stderr,
		"viewers %u joined, %u failed, %u there all the time, %u left and came\n"
		"  packets expected       %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT
		" each), received %" G_GUINT64_FORMAT ", %.1f Mbit/s\n"
		"  arrival of a viewer    min %.4f %%   p1 %.4f %%   median %.4f %%\n"
		"  gaps %" G_GUINT64_FORMAT ", repaired %" G_GUINT64_FORMAT
		", out of order %" G_GUINT64_FORMAT ", lost %" G_GUINT64_FORMAT
		", duplicates %" G_GUINT64_FORMAT "\n"
		"  opened with libsrtp2   %" G_GUINT64_FORMAT " good, %" G_GUINT64_FORMAT " bad\n",
		report->joined, report->failed, report->steady, report->unrest.churned,
		report->expected, report->expected_each, report->received,
		(double)report->counts.bytes * 8 / 1e6 / report->seconds, 100 * report->ratio_min,
		100 * report->ratio_p1, 100 * report->ratio_median, report->counts.missing,
		report->counts.repaired, report->counts.late, report_lost(report),
		report->counts.duplicates, report->opened, report->not_opened);
}

static void print_server(const Report *report)
{
	if (has_cost(report)) {
		ServerCost cost = server_cost(&report->start, &report->end);
		double packets = (double)report->delivered;
		fprintf(stderr,
			"server: %.2f us a delivered packet (user %.2f, sys %.2f), %.1f %% of a "
			"core; "
			"%.1f MiB before, %.1f after, %.1f KiB a viewer\n",
			(cost.user_us + cost.sys_us) / packets, cost.user_us / packets,
			cost.sys_us / packets, (cost.user_us + cost.sys_us) / 1e4 / report->seconds,
			(double)report->before_joining.rss_bytes / 1048576,
			(double)report->end.rss_bytes / 1048576, rss_per_viewer(report) / 1024);
	}
	if (report->end.has_metrics)
		fprintf(stderr,
			"server: %.0f packets out in %.0f messages: %.2f a message; %.0f dropped, "
			"%.0f sent again, %.0f failed to open\n",
			report->end.packets_out - report->start.packets_out,
			report->end.messages_out - report->start.messages_out,
			segments_per_message(report),
			report->end.send_dropped - report->start.send_dropped,
			report->end.rtx_out - report->start.rtx_out,
			report->end.srtp_failed - report->start.srtp_failed);
}

/* A share of drops that is ours and not the server's cannot be told from the counter. */
static void print_drops(const Report *report)
{
	uint64_t joining = report->start.buffer_drops - report->before_joining.buffer_drops;
	uint64_t measured = report->end.buffer_drops - report->start.buffer_drops;
	if (joining || measured)
		fprintf(stderr,
			"kernel: %" G_GUINT64_FORMAT " datagrams dropped at full buffers joining, "
			"%" G_GUINT64_FORMAT " measuring, the server's or ours\n",
			joining, measured);
}

void report_print(const Report *report)
{
	const Audience *audience = report->audience;
	print_arrival(report);
	print_times("forwarding delay", &audience->delay);
	fprintf(stderr,
		"joining took %.1f s, %" G_GUINT64_FORMAT
		" answers said wait; since each join was due:\n",
		report->join_s, audience->asked_to_wait);
	print_times("answer", &audience->answered);
	print_times("connected", &audience->connected);
	print_times("first packet", &audience->first_packet);
	print_times("first keyframe", &audience->first_picture);
	if (audience->returned.count) {
		fprintf(stderr, "came back, since the last packet before:\n");
		print_times("first packet again", &audience->returned);
	}
	fprintf(stderr,
		"publishers: %" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT
		" packets (sound + picture), %" G_GUINT64_FORMAT " sent again, %" G_GUINT64_FORMAT
		" keyframes, %" G_GUINT64_FORMAT " PLIs, at most %" G_GUINT64_FORMAT " a second\n",
		report->sent.mic_packets, report->sent.camera_packets, report->sent.repeated,
		report->sent.keyframes, report->sent.plis, report->sent.worst_plis_per_s);
	if (report->unrest.burst)
		fprintf(stderr,
			"%" G_GUINT64_FORMAT " viewers asked for a keyframe within a second: "
			"speakers were asked %" G_GUINT64_FORMAT " times in it, %" G_GUINT64_FORMAT
			" times after it\n",
			report->unrest.burst, report->unrest.burst_plis,
			report->unrest.burst_plis_after);
	if (report->unrest.churned_publishers)
		fprintf(stderr,
			"speakers left and came back %u times: what should arrive is not known\n",
			report->unrest.churned_publishers);
	if (report->options->churn_restarts) {
		fprintf(stderr,
			"ICE restarts: %u asked for, %u done, %u failed; since each was due:\n",
			report->unrest.restarts.asked, report->unrest.restarts.done,
			report->unrest.restarts.failed);
		print_times("first answered check", &report->unrest.restarts.times);
	}
	print_server(report);
	print_drops(report);
	fprintf(stderr,
		"load: user %.1f s, sys %.1f s of %.1f s; own timer at worst %.1f ms late "
		"measuring, %.1f ms in all%s\n",
		report->own_user_s, report->own_sys_s, report->seconds,
		(double)report->latest_measured_us / 1000, (double)report->latest_us / 1000,
		report->latest_measured_us > REPORT_LATE_US
			? ": TOO LATE, this run says nothing of delay"
			: "");
}

static json_t *times_json(const Histogram *times)
{
	return json_pack("{s:I,s:f,s:f,s:f,s:f}", "count", (json_int_t)times->count, "p50",
		(double)histogram_quantile(times, 0.5) / 1000, "p95",
		(double)histogram_quantile(times, 0.95) / 1000, "p99",
		(double)histogram_quantile(times, 0.99) / 1000, "max", (double)times->max / 1000);
}

static json_t *server_json(const Report *report)
{
	json_t *server = json_object();
	if (has_cost(report)) {
		ServerCost cost = server_cost(&report->start, &report->end);
		double packets = (double)report->delivered;
		json_object_set_new(
			server, "us_per_packet", json_real((cost.user_us + cost.sys_us) / packets));
		json_object_set_new(
			server, "user_us_per_packet", json_real(cost.user_us / packets));
		json_object_set_new(server, "sys_us_per_packet", json_real(cost.sys_us / packets));
		json_object_set_new(server, "core_percent",
			json_real((cost.user_us + cost.sys_us) / 1e4 / report->seconds));
		json_object_set_new(server, "rss_before_bytes",
			json_integer((json_int_t)report->before_joining.rss_bytes));
		json_object_set_new(
			server, "rss_after_bytes", json_integer((json_int_t)report->end.rss_bytes));
		json_object_set_new(
			server, "rss_bytes_per_viewer", json_real(rss_per_viewer(report)));
	}
	if (report->end.has_metrics) {
		json_object_set_new(server, "packets_out",
			json_real(report->end.packets_out - report->start.packets_out));
		json_object_set_new(
			server, "segments_per_message", json_real(segments_per_message(report)));
		json_object_set_new(server, "send_dropped",
			json_real(report->end.send_dropped - report->start.send_dropped));
	}
	json_object_set_new(server, "buffer_drops",
		json_integer((json_int_t)(report->end.buffer_drops - report->start.buffer_drops)));
	return server;
}

json_t *report_json(const Report *report)
{
	const Audience *audience = report->audience;
	json_t *viewers = json_pack("{s:i,s:i,s:i,s:i,s:f}", "joined", (int)report->joined,
		"failed", (int)report->failed, "steady", (int)report->steady, "churned",
		(int)report->unrest.churned, "join_s", report->join_s);
	json_t *packets = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "expected",
		(json_int_t)report->expected, "received", (json_int_t)report->received, "delivered",
		(json_int_t)report->delivered, "gaps", (json_int_t)report->counts.missing,
		"repaired", (json_int_t)report->counts.repaired, "late",
		(json_int_t)report->counts.late, "lost", (json_int_t)report_lost(report),
		"duplicates", (json_int_t)report->counts.duplicates, "mbps",
		(double)report->counts.bytes * 8 / 1e6 / report->seconds);
	json_t *arrival = json_pack("{s:f,s:f,s:f}", "min", report->ratio_min, "p1",
		report->ratio_p1, "median", report->ratio_median);
	json_t *joining = json_pack("{s:o,s:o,s:o,s:o,s:I}", "answer_ms",
		times_json(&audience->answered), "connected_ms", times_json(&audience->connected),
		"first_packet_ms", times_json(&audience->first_packet), "first_keyframe_ms",
		times_json(&audience->first_picture), "asked_to_wait",
		(json_int_t)audience->asked_to_wait);
	json_object_set_new(viewers, "returned_ms", times_json(&audience->returned));
	json_t *publishers = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "sound_packets",
		(json_int_t)report->sent.mic_packets, "picture_packets",
		(json_int_t)report->sent.camera_packets, "repeated",
		(json_int_t)report->sent.repeated, "keyframes", (json_int_t)report->sent.keyframes,
		"plis", (json_int_t)report->sent.plis, "plis_per_s_max",
		(json_int_t)report->sent.worst_plis_per_s);
	json_object_set_new(
		publishers, "churned", json_integer((json_int_t)report->unrest.churned_publishers));
	json_object_set_new(
		publishers, "failed", json_integer((json_int_t)report->unrest.failed_publishers));
	if (report->unrest.burst)
		json_object_set_new(publishers, "burst",
			json_pack("{s:I,s:I,s:I}", "viewers", (json_int_t)report->unrest.burst,
				"plis", (json_int_t)report->unrest.burst_plis, "plis_after",
				(json_int_t)report->unrest.burst_plis_after));
	const Restarts *counted = &report->unrest.restarts;
	json_t *restarts = json_pack("{s:i,s:i,s:i,s:o}", "asked", (int)counted->asked, "done",
		(int)counted->done, "failed", (int)counted->failed, "check_ms",
		times_json(&counted->times));
	json_t *load = json_pack("{s:f,s:f,s:f,s:f,s:b}", "user_s", report->own_user_s, "sys_s",
		report->own_sys_s, "late_ms", (double)report->latest_measured_us / 1000,
		"late_ms_in_all", (double)report->latest_us / 1000, "too_late",
		report->latest_measured_us > REPORT_LATE_US);
	return json_pack("{s:f,s:o,s:o,s:o,s:{s:I,s:I},s:o,s:o,s:o,s:o,s:o,s:o}", "seconds",
		report->seconds, "viewers", viewers, "packets", packets, "arrival", arrival, "srtp",
		"ok", (json_int_t)report->opened, "failed", (json_int_t)report->not_opened,
		"delay_ms", times_json(&audience->delay), "joining", joining, "publishers",
		publishers, "restarts", restarts, "server", server_json(report), "load", load);
}
