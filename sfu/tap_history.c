#include "tap_history.h"

struct TapHistory {
	GQueue pages; /* of TapPage, oldest first */
	size_t bytes, bytes_max;
	int64_t keep_us;
	uint64_t next;
	uint64_t first; /* of what is being filled; 0: nothing is */
	Writer out;
	uint8_t filling[TAP_PAGE_MAX];
};

TapHistory *tap_history_new(size_t bytes_max, int64_t keep_us)
{
	TapHistory *history = g_new0(TapHistory, 1);
	history->bytes_max = bytes_max;
	history->keep_us = keep_us;
	history->next = 1;
	history->out = writer_of(history->filling, sizeof history->filling);
	return history;
}

void tap_history_free(TapHistory *history)
{
	if (!history)
		return;
	g_queue_clear_full(&history->pages, g_free);
	g_free(history);
}

static uint64_t take_number(TapHistory *history)
{
	if (!history->first)
		history->first = history->next;
	return history->next++;
}

/* The largest record is a stage of 64 on air, 4.5 KB. */
static void make_room(TapHistory *history, size_t len, int64_t now_us)
{
	if ((size_t)(history->out.end - history->out.at) < len)
		tap_history_seal(history, now_us);
}

uint64_t tap_history_add(TapHistory *history, TapRecord *record, int64_t now_us)
{
	make_room(history, sizeof *record, now_us);
	record->number = take_number(history);
	tap_write(&history->out, record);
	g_assert(history->out.ok);
	return record->number;
}

uint8_t *tap_history_add_packet(TapHistory *history, int64_t time_ns, uint64_t track, uint8_t flags,
	uint16_t len, int64_t now_us)
{
	make_room(history, TAP_PACKET_OVERHEAD + len, now_us);
	uint8_t *room =
		tap_write_packet(&history->out, take_number(history), time_ns, track, flags, len);
	g_assert(room);
	return room;
}

static void forget(TapHistory *history, int64_t now_us)
{
	TapPage *page;
	while ((page = g_queue_peek_head(&history->pages)) &&
		(history->bytes > history->bytes_max ||
			now_us - page->sealed_us > history->keep_us)) {
		history->bytes -= sizeof *page + page->len;
		g_free(g_queue_pop_head(&history->pages));
	}
}

void tap_history_seal(TapHistory *history, int64_t now_us)
{
	if (history->first) {
		size_t len = writer_len(&history->out);
		TapPage *page = g_malloc(sizeof *page + len);
		page->first = history->first;
		page->last = history->next - 1;
		page->sealed_us = now_us;
		page->len = len;
		memcpy(page->data, history->filling, len);
		g_queue_push_tail(&history->pages, page);
		history->bytes += sizeof *page + len;
		history->first = 0;
		history->out = writer_of(history->filling, sizeof history->filling);
	}
	forget(history, now_us);
}

uint64_t tap_history_next(const TapHistory *history)
{
	return history->next;
}

uint64_t tap_history_oldest(const TapHistory *history)
{
	const TapPage *page = history->pages.head ? history->pages.head->data : NULL;
	return page ? page->first : history->first ? history->first : history->next;
}

/* From the end: whoever keeps up wants the last one. */
const TapPage *tap_history_find(const TapHistory *history, uint64_t number)
{
	for (const GList *at = history->pages.tail; at; at = at->prev) {
		const TapPage *page = at->data;
		if (page->first <= number)
			return number <= page->last ? page : NULL;
	}
	return NULL;
}

size_t tap_history_bytes(const TapHistory *history)
{
	return history->bytes;
}
