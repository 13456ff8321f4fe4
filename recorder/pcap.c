#include "pcap.h"
#include "common/reader.h"

#define MAGIC_NS 0xa1b23c4d
#define LINK_RAW 101
#define IP_LEN 20
#define UDP_LEN 8
#define RTP_LEN_MIN 12

/* The order of bytes of the machines that read it. */
static void put_u32(Writer *out, uint32_t value)
{
	const uint8_t bytes[] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
		(uint8_t)(value >> 24) };
	write_bytes(out, bytes, sizeof bytes);
}

static uint32_t get_u32(Reader *in)
{
	const uint8_t *b = read_bytes(in, 4);
	return b ? (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0] : 0;
}

void pcap_write_header(Writer *out)
{
	put_u32(out, MAGIC_NS);
	put_u32(out, 2 | 4 << 16); /* version 2.4 */
	put_u32(out, 0);
	put_u32(out, 0);
	put_u32(out, PCAP_SNAPLEN);
	put_u32(out, LINK_RAW);
}

static uint16_t checksum(const uint8_t *header)
{
	uint32_t sum = 0;
	for (unsigned i = 0; i < IP_LEN; i += 2)
		sum += (uint32_t)(header[i] << 8 | header[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void write_ip(Writer *out, uint16_t ident, uint16_t len)
{
	uint8_t *header = write_room(out, IP_LEN);
	if (!header)
		return;
	Writer ip = writer_of(header, IP_LEN);
	write_u16(&ip, 0x4500);
	write_u16(&ip, (uint16_t)(IP_LEN + UDP_LEN + len));
	write_u16(&ip, ident);
	write_u16(&ip, 0x4000); /* not in fragments */
	write_u16(&ip, 64 << 8 | 17);
	write_u16(&ip, 0);
	write_u32(&ip, 0xc0000201);
	write_u32(&ip, 0xc0000202);
	uint16_t sum = checksum(header);
	header[10] = (uint8_t)(sum >> 8);
	header[11] = (uint8_t)sum;
}

void pcap_write_packet(Writer *out, int64_t time_ns, uint64_t number, uint16_t port,
	const uint8_t *rtp, uint16_t len)
{
	uint32_t whole = IP_LEN + UDP_LEN + (uint32_t)len;
	put_u32(out, (uint32_t)(time_ns / 1000000000));
	put_u32(out, (uint32_t)(time_ns % 1000000000));
	put_u32(out, whole);
	put_u32(out, whole);
	write_ip(out, (uint16_t)number, len);
	write_u16(out, port);
	write_u16(out, port);
	write_u16(out, (uint16_t)(UDP_LEN + len));
	write_u16(out, 0); /* no checksum: RFC 768 allows it over IPv4 */
	write_bytes(out, rtp, len);
}

static bool read_header(FILE *file)
{
	uint8_t data[PCAP_HEADER_LEN], ours[PCAP_HEADER_LEN];
	Writer out = writer_of(ours, sizeof ours);
	pcap_write_header(&out);
	return fread(data, 1, sizeof data, file) == sizeof data && !memcmp(data, ours, sizeof ours);
}

/* One packet; false for a torn or foreign one. A page of zeros, as a power cut leaves them behind
 * what was written, is one. */
static bool read_packet(
	FILE *file, uint8_t data[PCAP_RECORD_LEN + PCAP_SNAPLEN], PcapSeen *seen, uint64_t *len)
{
	if (fread(data, 1, PCAP_RECORD_LEN, file) != PCAP_RECORD_LEN)
		return false;
	Reader in = reader_of(data, PCAP_RECORD_LEN);
	uint32_t seconds = get_u32(&in), rest = get_u32(&in);
	uint32_t kept = get_u32(&in), whole = get_u32(&in);
	if (kept != whole || kept < IP_LEN + UDP_LEN + RTP_LEN_MIN || kept > PCAP_SNAPLEN ||
		rest > 999999999 || fread(data, 1, kept, file) != kept)
		return false;

	in = reader_of(data, kept);
	uint16_t first = read_u16(&in), ip_len = read_u16(&in);
	seen->ident = read_u16(&in);
	read_skip(&in, IP_LEN - 6);
	seen->port = read_u16(&in);
	uint16_t to = read_u16(&in), udp_len = read_u16(&in);
	read_skip(&in, 4);
	seen->rtp_sequence = read_u16(&in);
	read_skip(&in, 4);
	seen->rtp_ssrc = read_u32(&in);
	seen->time_ns = (int64_t)seconds * 1000000000 + rest;
	seen->rtp = data + IP_LEN + UDP_LEN;
	seen->rtp_len = (uint16_t)(kept - IP_LEN - UDP_LEN);
	*len = PCAP_RECORD_LEN + kept;
	return in.ok && first == 0x4500 && ip_len == kept && udp_len == kept - IP_LEN &&
	       to == seen->port && checksum(data) == 0;
}

uint64_t pcap_scan(FILE *file, uint64_t from, PcapEach each, void *user)
{
	uint8_t data[PCAP_RECORD_LEN + PCAP_SNAPLEN];
	uint64_t good = from, len;
	PcapSeen seen;
	if (!from && !read_header(file))
		return 0;
	if (!from)
		good = PCAP_HEADER_LEN;
	while (read_packet(file, data, &seen, &len)) {
		good += len;
		if (each)
			each(&seen, user);
	}
	return good;
}
