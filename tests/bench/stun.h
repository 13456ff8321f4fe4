/* stun.h - the STUN messages that our side of ICE needs (RFC 8489, RFC 8445 §7)
 *
 * Written by hand so that the server's libnice is not asked to judge itself. Pure functions. */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STUN_CHECK_MAX 256
#define STUN_TRANSACTION_LEN 12

typedef struct StunCheck {
	const char *username; /* THEIRS:OURS */
	const char *password; /* theirs */
	uint64_t tie_breaker;
	bool controlled; /* who answers an offer does not nominate */
	uint8_t transaction[STUN_TRANSACTION_LEN];
} StunCheck;

bool stun_is_message(const uint8_t *data, size_t len);
/* A binding request, which nominates unless we are controlled; its length, 0 if it does not fit. */
size_t stun_write_check(uint8_t *data, size_t size, const StunCheck *check);
/* A full agent checks back. Says yes to a request without judging it: it is our own comparison that
 * we would hurt. address: of IPv4, whence it came; password: ours. */
bool stun_is_request(const uint8_t *data, size_t len);
size_t stun_write_answer(uint8_t *data, size_t size, const uint8_t *request,
	const struct sockaddr_in *address, const char *password);
/* True if it is the success answer to this check, with a good MESSAGE-INTEGRITY. */
bool stun_is_answer(const uint8_t *data, size_t len, const StunCheck *check);
