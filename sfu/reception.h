/* reception.h - how well one incoming stream is received: the numbers of a report block (RFC 3550
 * §6.4, A.3, A.8)
 *
 * A plain value inside a Track; its worker's alone. Time is an argument. */
#pragma once
#include "rtcp.h"
#include <stdint.h>

typedef struct Reception {
	uint64_t first, highest; /* extended numbers */
	uint64_t received;
	uint64_t expected_before, received_before;
	int64_t transit;    /* timestamp units */
	uint32_t jitter_q4; /* 16 times the jitter */
	uint64_t last_sr_ntp;
	int64_t last_sr_us;
	bool started;
} Reception;

void reception_packet(Reception *reception, uint64_t sequence, uint32_t timestamp,
	uint32_t clock_rate, int64_t now_us);
void reception_sender_report(Reception *reception, uint64_t ntp, int64_t now_us);
/* Fills a block and starts the next interval. */
void reception_report(Reception *reception, uint32_t ssrc, int64_t now_us, RtcpReportBlock *block);
