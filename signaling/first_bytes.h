/* first_bytes.h - what a TCP connection speaks, judged by the bytes it begins with
 *
 * On the one port there are TLS (a handshake record: RFC 8446 §5.1) and ICE-TCP, which begins with
 * a frame of RFC 4571 around a binding request (RFC 8489 §5). Pure; no byte is consumed. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define FIRST_BYTES_ENOUGH 10     /* frame, type, length and cookie: these decide about anything */
#define FIRST_BYTES_CHECK_MAX 548 /* the longest check that fits every path: RFC 8489 §6.1 */

typedef enum FirstBytes {
	FIRST_BYTES_SHORT, /* these may become TLS or ICE-TCP: wait for more */
	FIRST_BYTES_TLS,
	FIRST_BYTES_ICE,
	FIRST_BYTES_OTHER /* plain HTTP, say: neither, whatever follows */
} FirstBytes;

FirstBytes first_bytes_judge(const uint8_t *data, size_t len);
