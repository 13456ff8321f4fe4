/* twcc.h - transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01)
 *
 * TwccLog: what one publisher's packets arrived as, and the feedback to send it (each 100 ms), without
 * which a browser never sends more than its first 300 kbit/s. twcc_read(): the feedback of a viewer.
 * A TwccLog belongs to a peer and its worker. No clock is read here. */
#pragma once
#include "common/writer.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TWCC_LOG_SIZE 1024 /* packets between two feedbacks; 100 ms of 8 Mbit/s is about 90 */

typedef struct TwccLog TwccLog;
TwccLog *twcc_log_new(void);
void twcc_log_free(TwccLog *log);
/* One packet came. Duplicates and numbers far outside the window are dropped. */
void twcc_log_add(TwccLog *log, uint16_t number, int64_t now_us);
/* Appends one whole RTCP transport-cc packet over what came since the last; false if there is nothing
 * to tell. Call again until false: one packet covers a bounded range. */
bool twcc_log_write(TwccLog *log, Writer *out, uint32_t from, uint32_t ssrc);

typedef struct TwccArrival {
	uint16_t number;
	bool received;
	int32_t delta_us; /* since the packet received before it in this feedback, 250 us steps; the
	                   * first: since reference_ms */
} TwccArrival;

typedef struct TwccFeedback {
	int32_t reference_ms; /* 24 bit of 64 ms steps, signed, in ms */
	uint8_t count;        /* the feedback's own number */
	unsigned length;
	TwccArrival arrivals[1024];
} TwccFeedback;

/* Reads an FCI. False: malformed, or more than fits. */
bool twcc_read(TwccFeedback *out, const uint8_t *fci, size_t len);
