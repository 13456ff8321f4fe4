#include "when.h"
#include <glib.h>

#define VIETNAM_S (7 * 3600)

static char *format(int64_t utc_ms, const char *pattern)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(utc_ms / 1000 + VIETNAM_S);
	return time ? g_date_time_format(time, pattern) : g_strdup("?");
}

char *when_text(int64_t utc_ms)
{
	return format(utc_ms, "%Y-%m-%d %H:%M:%S");
}

char *when_name(int64_t utc_ms)
{
	return format(utc_ms, "%Y%m%d-%H%M%S");
}
