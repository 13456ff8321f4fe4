/* stun.h - the two STUN messages that a controlling ICE peer needs (RFC 8489, RFC 8445 §7)
 *
 * Written by hand so that the server's libnice is not asked to judge itself. Pure functions. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUN_CHECK_MAX 256
#define STUN_TRANSACTION_LEN 12

typedef struct StunCheck {
	const char *username; /* THEIRS:OURS */
	const char *password; /* theirs */
	uint64_t tie_breaker;
	uint8_t transaction[STUN_TRANSACTION_LEN];
} StunCheck;

bool stun_is_message(const uint8_t *data, size_t len);
/* A binding request that nominates; its length, 0 if it does not fit. */
size_t stun_write_check(uint8_t *data, size_t size, const StunCheck *check);
/* True if it is the success answer to this check, with a good MESSAGE-INTEGRITY. */
bool stun_is_answer(const uint8_t *data, size_t len, const StunCheck *check);
