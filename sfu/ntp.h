/* ntp.h - the SFU's clock as sender reports tell it: 32.32 seconds since 1900 (RFC 3550 §4)
 *
 * Made from the monotonic clock and an offset read once, so that a step of the machine's clock
 * never shows in a stream. Any thread. */
#pragma once
#include <glib.h>
#include <stdint.h>

static inline uint64_t ntp_from_us(int64_t monotonic_us)
{
	static gint64 offset_us;
	static gsize once;
	if (g_once_init_enter(&once)) {
		offset_us = g_get_real_time() - g_get_monotonic_time() +
			    G_GINT64_CONSTANT(2208988800) * 1000000;
		g_once_init_leave(&once, 1);
	}
	uint64_t us = (uint64_t)(monotonic_us + offset_us);
	return (us / 1000000) << 32 | ((us % 1000000) << 32) / 1000000;
}
