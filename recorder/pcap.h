/* pcap.h - RTP packets as a capture file that Wireshark and GStreamer's pcapparse open
 *
 * Nanosecond pcap, link type 101 (RAW): each packet stands behind a made-up IPv4 and UDP header,
 * from 192.0.2.1 to 192.0.2.2 (RFC 5737, addresses of nobody), its track in both ports, the low 16
 * bits of the tap's number in the IPv4 identification, which is how recovery knows what is on the
 * disk. Only appended to. Pure functions; any thread. */
#pragma once
#include "common/writer.h"
#include <stdio.h>

#define PCAP_HEADER_LEN 24
#define PCAP_RECORD_LEN 16
#define PCAP_PACKET_OVERHEAD (PCAP_RECORD_LEN + 20 + 8)
#define PCAP_SNAPLEN 65535

void pcap_write_header(Writer *out);
void pcap_write_packet(Writer *out, int64_t time_ns, uint64_t number, uint16_t port,
	const uint8_t *rtp, uint16_t len);

/* A packet found on the disk. */
typedef struct PcapSeen {
	int64_t time_ns;
	uint16_t ident, port;
	uint16_t rtp_sequence;
	uint32_t rtp_ssrc;
	const uint8_t *rtp; /* the whole RTP packet, borrowed for the call */
	uint16_t rtp_len;
} PcapSeen;

typedef void (*PcapEach)(const PcapSeen *seen, void *user);

/* Reads from the file's place on, which is `from` bytes into it (0: with its header), as long as
 * whole packets of ours come; each may be NULL. Returns how many bytes of the file are good: what
 * lies behind is torn. */
uint64_t pcap_scan(FILE *file, uint64_t from, PcapEach each, void *user);
