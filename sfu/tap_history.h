/* tap_history.h - the last seconds of the tap's stream, numbered, as the pages that are sent
 *
 * A record gets its number here and stands in a page; a page, once sealed, is never changed and is
 * sent as it is, the first time and again. Bounded in time and bytes. Owned by the Tap, its thread
 * alone; time is an argument. */
#pragma once
#include "common/tap_record.h"
#include <glib.h>

#define TAP_HISTORY_US 10000000
/* 10 s of 26 Mbit/s: ten senders of 2.5. Beyond it the oldest go before their time. */
#define TAP_HISTORY_BYTES (32u * 1024 * 1024)

typedef struct TapHistory TapHistory;

typedef struct TapPage {
	uint64_t first, last; /* numbers in it, without holes */
	int64_t sealed_us;
	size_t len;
	uint8_t data[];
} TapPage;

TapHistory *tap_history_new(size_t bytes_max, int64_t keep_us);
void tap_history_free(TapHistory *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TapHistory, tap_history_free)

/* Numbers the record and adds it; its number. */
uint64_t tap_history_add(TapHistory *history, TapRecord *record, int64_t now_us);
/* The same for a packet: room for its len RTP bytes, to be filled at once. */
uint8_t *tap_history_add_packet(TapHistory *history, int64_t time_ns, uint64_t track, uint8_t flags,
	uint16_t len, int64_t now_us);
/* What was added becomes a page, if anything was; forgets what is too old or too much. */
void tap_history_seal(TapHistory *history, int64_t now_us);

/* The number the next record gets; 1 at first. */
uint64_t tap_history_next(const TapHistory *history);
/* The lowest number still kept in a sealed page; tap_history_next() when there is none. */
uint64_t tap_history_oldest(const TapHistory *history);
/* The sealed page that holds this number, borrowed until the next call; NULL: forgotten, not yet
 * sealed or not yet given. */
const TapPage *tap_history_find(const TapHistory *history, uint64_t number);
size_t tap_history_bytes(const TapHistory *history);
