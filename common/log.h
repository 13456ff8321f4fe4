/* log.h - where GLib's messages go: one line each to stderr
 *
 * `warning: subject: text`, or one JSON object a line with DIEMCAU_LOG_FORMAT=json. A line is one
 * write(2), so that lines of several threads and processes do not mix. */
#pragma once

/* name stands in each JSON line. Reads DIEMCAU_LOG_LEVEL and DIEMCAU_LOG_FORMAT. */
void log_init(const char *name);
