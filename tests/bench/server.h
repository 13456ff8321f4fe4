/* server.h - what the server under load costs, read from /proc and from its metrics
 *
 * Plain values; two readings make a difference. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct ServerReading {
	bool has_process, has_metrics;
	uint64_t cpu_ns;                /* of all its threads */
	uint64_t user_ticks, sys_ticks; /* how that divides */
	uint64_t rss_bytes;
	uint64_t buffer_drops; /* of this network namespace: full receive buffers, ours too */
	double packets_out, messages_out, send_dropped, rtx_out, srtp_failed;
} ServerReading;

/* False when there is no such process. */
bool server_read_process(ServerReading *reading, pid_t pid);
/* Datagrams that the kernel had no room for, of whichever process. */
void server_read_drops(ServerReading *reading);
/* Prometheus text. False when it holds none of ours. */
bool server_read_metrics(ServerReading *reading, const char *text);

typedef struct ServerCost {
	double user_us, sys_us; /* of CPU */
} ServerCost;

ServerCost server_cost(const ServerReading *before, const ServerReading *after);
