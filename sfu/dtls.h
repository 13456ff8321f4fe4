/* dtls.h - the DTLS server of one peer, up to its SRTP keys; the wall round OpenSSL's DTLS
 *
 * Takes a ClientHello split over two datagrams (both browsers send one), keeps datagram edges by an
 * own BIO, checks the peer's certificate against the fingerprint of its SDP before any key leaves
 * (RFC 8122, RFC 5763). Forged records never end a handshake or a session (T-04): a hello counts
 * only with a cookie that whoever cannot hear us does not know, alerts in the clear are ignored, bad
 * records dropped. One DtlsServer a process (immutable, any thread), one Dtls per
 * peer, touched by its worker alone. */
#pragma once
#include "srtp_profile.h"
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DTLS_MTU 1200

typedef struct DtlsServer DtlsServer;
typedef struct Dtls Dtls;

typedef struct DtlsFingerprint {
	uint8_t sha256[32];
} DtlsFingerprint;

/* Makes a P-256 certificate good for a year. */
DtlsServer *dtls_server_new(GError **error);
void dtls_server_free(DtlsServer *server);
/* "AB:CD:…" for a=fingerprint:sha-256, borrowed. */
const char *dtls_server_fingerprint(const DtlsServer *server);

typedef enum DtlsState { DTLS_HANDSHAKE, DTLS_CONNECTED, DTLS_FAILED, DTLS_CLOSED } DtlsState;

/* Sends one datagram. Called from inside dtls_receive, dtls_tick and dtls_close only. */
typedef void (*DtlsSend)(const uint8_t *data, size_t len, void *user);

Dtls *dtls_new(DtlsServer *server, const DtlsFingerprint *expected, DtlsSend send, void *user);
void dtls_free(Dtls *dtls);

/* True if these bytes are one datagram of well-formed DTLS records (RFC 6347 §4.1: type, version,
 * length) that may be shown to OpenSSL at all. Cheap; any thread. */
bool dtls_check(const uint8_t *data, size_t len);

/* One datagram from a validated path. Returns the state after it. */
DtlsState dtls_receive(Dtls *dtls, const uint8_t *data, size_t len);
/* Microseconds until dtls_tick() is due; -1 for never. */
int64_t dtls_timeout_us(Dtls *dtls);
/* Sends the last flight again if it is due. DTLS_FAILED after the library's last try. */
DtlsState dtls_tick(Dtls *dtls);
DtlsState dtls_state(const Dtls *dtls);

/* The keys; false before DTLS_CONNECTED or when no profile of ours was agreed. */
bool dtls_keys(Dtls *dtls, SrtpKeys *keys);
/* Sends close_notify. */
void dtls_close(Dtls *dtls);
/* After the first authentic SRTCP from the peer the handshake's memory can go (49 KB a peer): the
 * state stays DTLS_CONNECTED, later records are dropped, dtls_close() then sends nothing. */
void dtls_forget_handshake(Dtls *dtls);
