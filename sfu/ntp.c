#include "ntp.h"
#include <glib.h>
#include <pthread.h>

#define EPOCH_S G_GINT64_CONSTANT(2208988800) /* 1900 to 1970 */

static int64_t offset_us;

static void read_offset(void)
{
	offset_us = g_get_real_time() - g_get_monotonic_time() + EPOCH_S * 1000000;
}

uint64_t ntp_from_us(int64_t monotonic_us)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT; /* TSan reads it, not GLib's */
	pthread_once(&once, read_offset);
	uint64_t us = (uint64_t)(monotonic_us + offset_us);
	return (us / 1000000) << 32 | ((us % 1000000) << 32) / 1000000;
}
