/* when.h - times for people: stored in UTC, shown in Vietnam's
 *
 * UTC+7 since 1975 and without summer time, so no database of time zones is needed. */
#pragma once
#include <stdint.h>

/* `2026-11-27 19:47:32`; free with g_free. */
char *when_text(int64_t utc_ms);
/* The same for the name of a file: `20261127-194732`. */
char *when_name(int64_t utc_ms);
