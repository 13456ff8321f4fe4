/* dtls_clear.h - the part of a DTLS handshake that is in the clear, before OpenSSL sees it
 *
 * Anybody who knows a peer's address can forge it, so only what an honest client would send now is
 * let through, and a hello only with our cookie (RFC 6347 §4.2.1): one who cannot hear us does not
 * know it. Measured without it: one well-formed hello forged between our answer to the peer's check
 * and its own hello ended the join. Pure functions over bytes, any thread; for dtls.c alone. */
#pragma once
#include "common/reader.h"
#include "common/writer.h"

#define RECORD_HEADER 13
#define MESSAGE_HEADER 12
#define COOKIE_LEN 16
#define VERIFY_REQUEST_LEN (RECORD_HEADER + MESSAGE_HEADER + 3 + COOKIE_LEN)
/* OpenSSL keeps room for each message it has a fragment of, and would for 100 KB. Four come in the
 * clear: a hello is about 1.5 KB (post-quantum key share), a certificate 0.3 to 1.5 KB. So a peer
 * makes us keep 16 KiB of a handshake at most (T-02). */
#define MESSAGE_MAX (4 * 1024)

enum { RECORD_CHANGE_CIPHER = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };
enum { MESSAGE_CLIENT_HELLO = 1 };

typedef struct Record {
	uint8_t type;
	uint16_t version, epoch;
	uint64_t number;     /* epoch (16 bits) and sequence (48), as on the wire */
	const uint8_t *body; /* borrowed */
	size_t len;
} Record;

/* What a handshake record of epoch 0 is. */
typedef enum ClearKind {
	CLEAR_BAD,
	CLEAR_HELLO_BARE,   /* begin of a hello, without our cookie */
	CLEAR_HELLO_COOKIE, /* begin of a hello, with it */
	CLEAR_HELLO_REST,   /* later fragment of a hello */
	CLEAR_FLIGHT,       /* certificate, key exchange, proof: what follows our answer */
} ClearKind;

/* The next record of a datagram. False at the end, and where the bytes are no record. */
bool record_read(Reader *in, Record *record);
/* With its number; what does not fit makes out false. */
void record_write(Writer *out, const Record *record);

/* *hello_len: the length of the whole hello that a CLEAR_HELLO_… is of. */
ClearKind clear_kind(const Record *record, const uint8_t cookie[COOKIE_LEN], size_t *hello_len);
/* HelloVerifyRequest: shorter than any hello it answers. */
void write_verify_request(
	uint8_t out[VERIFY_REQUEST_LEN], uint64_t number, const uint8_t cookie[COOKIE_LEN]);
