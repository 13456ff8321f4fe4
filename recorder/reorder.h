/* reorder.h - packets of all tracks in the order of what they carry, though they came otherwise
 *
 * What comes is kept for a while and given out by its time, those of one moment (a picture) by
 * their sequence number, extended over its wraps; a packet that is there already, or whose turn is
 * over, is dropped and counted. Pure logic, bounded by the while and by REORDER_BYTES_MAX. One
 * thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define REORDER_WINDOW_US 2000000
#define REORDER_BYTES_MAX (64 * 1024 * 1024)

typedef struct ReorderItem {
	uint16_t port, len;
	uint64_t sequence; /* extended */
	int64_t time_us;   /* of what it carries */
	uint8_t rtp[];
} ReorderItem;

typedef struct Reorder Reorder;

Reorder *reorder_new(void);
void reorder_free(Reorder *reorder);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Reorder, reorder_free)

void reorder_add(Reorder *reorder, uint16_t port, uint16_t sequence, int64_t time_us,
	const uint8_t *rtp, uint16_t len);
/* The next one whose time is before before_us, or any while too much is kept; NULL when none is.
 * Freed by whoever takes it (g_free). */
ReorderItem *reorder_take(Reorder *reorder, int64_t before_us);
uint64_t reorder_doubles(const Reorder *reorder);
uint64_t reorder_late(const Reorder *reorder);
