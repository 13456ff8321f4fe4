#include "reception.h"

void reception_packet(Reception *reception, uint64_t sequence, uint32_t timestamp,
	uint32_t clock_rate, int64_t now_us)
{
	if (!reception->started) {
		reception->started = true;
		reception->first = sequence;
		reception->highest = sequence;
	}
	if (sequence > reception->highest)
		reception->highest = sequence;
	reception->received++;

	int64_t arrival = now_us * (int64_t)(clock_rate / 1000) / 1000;
	int64_t transit = (int32_t)((uint32_t)arrival - timestamp);
	if (reception->received > 1) {
		int64_t change = (int32_t)((uint32_t)transit - (uint32_t)reception->transit);
		if (change < 0)
			change = -change;
		reception->jitter_q4 += (uint32_t)change - ((reception->jitter_q4 + 8) >> 4);
	}
	reception->transit = transit;
}

void reception_sender_report(Reception *reception, uint64_t ntp, int64_t now_us)
{
	reception->last_sr_ntp = ntp;
	reception->last_sr_us = now_us;
}

void reception_report(Reception *reception, uint32_t ssrc, int64_t now_us, RtcpReportBlock *block)
{
	uint64_t expected = reception->started ? reception->highest - reception->first + 1 : 0;
	uint64_t expected_now = expected - reception->expected_before;
	uint64_t received_now = reception->received - reception->received_before;
	int64_t lost = (int64_t)expected - (int64_t)reception->received;

	*block = (RtcpReportBlock){ .ssrc = ssrc };
	if (expected_now > received_now)
		block->fraction_lost =
			(uint8_t)(((expected_now - received_now) << 8) / expected_now > 255
					  ? 255
					  : ((expected_now - received_now) << 8) / expected_now);
	block->lost = lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : (int32_t)lost;
	block->highest = (uint32_t)reception->highest;
	block->jitter = reception->jitter_q4 >> 4;
	if (reception->last_sr_ntp) {
		block->last_sr = (uint32_t)(reception->last_sr_ntp >> 16);
		block->delay_since_sr =
			(uint32_t)((now_us - reception->last_sr_us) * 65536 / 1000000);
	}
	reception->expected_before = expected;
	reception->received_before = reception->received;
}
