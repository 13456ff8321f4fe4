/* ntp.h - the SFU's clock as sender reports tell it: 32.32 seconds since 1900 (RFC 3550 §4)
 *
 * Made from the monotonic clock and an offset read once, so that a step of the machine's clock
 * never shows in a stream, and one for all threads and files. Any thread. */
#pragma once
#include <stdint.h>

uint64_t ntp_from_us(int64_t monotonic_us);
