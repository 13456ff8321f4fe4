/* rtcp.h - reads and writes compound and reduced-size RTCP (RFC 3550 §6, RFC 4585, RFC 5104, RFC 5506)
 *
 * Pure functions over bytes; any thread. */
#pragma once
#include "common/writer.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RtcpReportBlock {
	uint32_t ssrc;            /* of the stream reported on */
	uint8_t fraction_lost;    /* of 256 */
	int32_t lost;             /* 24 bit, signed */
	uint32_t highest;         /* extended sequence */
	uint32_t jitter;          /* timestamp units */
	uint32_t last_sr, delay_since_sr;
} RtcpReportBlock;

typedef struct RtcpSenderInfo {
	uint32_t ssrc;
	uint64_t ntp;             /* 32.32 seconds since 1900 */
	uint32_t rtp;
	uint32_t packets, bytes;
} RtcpSenderInfo;

/* Called for each thing found, in order; members may be NULL. Borrowed for the call. */
typedef struct RtcpEvents {
	void (*sender_report)(const RtcpSenderInfo *info, void *user);
	void (*report_block)(uint32_t from, const RtcpReportBlock *block, void *user);
	void (*nack)(uint32_t from, uint32_t ssrc, const uint16_t *lost, unsigned count, void *user);
	void (*pli)(uint32_t from, uint32_t ssrc, void *user);
	void (*fir)(uint32_t from, uint32_t ssrc, uint8_t number, void *user);
	void (*remb)(uint32_t from, uint64_t rate_bps, void *user);
	/* the FCI of a transport-wide feedback, for twcc_read() */
	void (*transport_cc)(uint32_t from, const uint8_t *fci, size_t len, void *user);
	void (*bye)(uint32_t ssrc, void *user);
} RtcpEvents;

#define RTCP_NACK_MAX 512 /* lost numbers told of one message; the rest is left */

/* Reads all packets of a datagram. False: malformed somewhere; what came before was told. */
bool rtcp_read(const uint8_t *data, size_t len, const RtcpEvents *events, void *user);

/* Writers append one packet each; see writer_len() and ok. */
void rtcp_write_sr(Writer *out, const RtcpSenderInfo *info, const RtcpReportBlock *blocks,
	unsigned count);
void rtcp_write_rr(Writer *out, uint32_t from, const RtcpReportBlock *blocks, unsigned count);
void rtcp_write_sdes_cname(Writer *out, uint32_t ssrc, const char *cname);
void rtcp_write_pli(Writer *out, uint32_t from, uint32_t ssrc);
void rtcp_write_nack(Writer *out, uint32_t from, uint32_t ssrc, const uint16_t *lost,
	unsigned count);
void rtcp_write_remb(Writer *out, uint32_t from, uint64_t rate_bps, const uint32_t *ssrcs,
	unsigned count);
void rtcp_write_bye(Writer *out, uint32_t ssrc);
