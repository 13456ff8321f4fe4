#include "floor_send.h"
#include "sfu/seal.h"
#include <errno.h>
#include <gio/gio.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define BATCH 64
#define ROOM 8192  /* for a frame and an audio packet */
#define SOURCES 64 /* packets of the shared source, in turn */
#define HEADER 20  /* with a transport-wide sequence number */
#define PREFIX 6   /* a VP8 descriptor, which each viewer has of his own */
#define BURST (FLOOR_FRAME_PACKETS + 1)

typedef struct Destination {
	const struct sockaddr_in *to;
	Seal *seals[FLOOR_CRYPTOS]; /* NULL: in the clear, or not to be had */
	uint64_t video_index, audio_index;
	uint32_t video_ssrc, audio_ssrc;
	uint16_t transport_cc;
} Destination;

typedef union Control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(uint16_t))];
} Control;

struct FloorSend {
	int fd;
	unsigned count, tag_len;
	Destination *destinations;
	FloorSent sent;
	uint32_t timestamp;
	unsigned source; /* next of the sources */
	uint8_t sources[SOURCES][FLOOR_VIDEO_BYTES];

	unsigned messages, rooms;
	unsigned packets[BATCH]; /* of each message */
	struct mmsghdr headers[BATCH];
	struct iovec parts[BATCH];
	Control controls[BATCH];
	uint8_t memory[BATCH][ROOM];
};

static int open_socket(void)
{
	const struct sockaddr_in own = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int size = 4 << 20, probe = IP_PMTUDISC_PROBE;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof own))
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	(void)setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
	return fd;
}

FloorSend *floor_send_new(const Drain *drain, unsigned count, SrtpProfile profile, GError **error)
{
	static const char *const names[FLOOR_CRYPTOS] = { NULL, "evp", "ipsec-mb" };
	g_autoptr(FloorSend) send = g_new0(FloorSend, 1);
	send->fd = open_socket();
	if (send->fd < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
			"no socket to send from: %s", g_strerror(errno));
		return NULL;
	}
	send->tag_len = srtp_profile_tag_len(profile);
	send->count = count;
	send->destinations = g_new0(Destination, count);
	for (unsigned i = 0; i < count; i++) {
		Destination *d = &send->destinations[i];
		d->to = drain_address(drain, i);
		d->video_ssrc = g_random_int();
		d->audio_ssrc = g_random_int();
	}
	for (unsigned c = 0; c < FLOOR_CRYPTOS; c++) {
		if (!names[c] || !seal_choose(names[c], NULL))
			continue;
		for (unsigned i = 0; i < count; i++) {
			uint8_t key[SRTP_KEY_LEN] = { (uint8_t)i, (uint8_t)(i >> 8) };
			uint8_t salt[SRTP_SALT_MAX] = { 1 };
			send->destinations[i].seals[c] = seal_new(profile, key, salt);
		}
	}
	return g_steal_pointer(&send);
}

void floor_send_free(FloorSend *send)
{
	if (!send)
		return;
	for (unsigned i = 0; i < send->count; i++)
		for (unsigned c = 0; c < FLOOR_CRYPTOS; c++)
			seal_free(send->destinations[i].seals[c]);
	g_free(send->destinations);
	if (send->fd >= 0)
		close(send->fd);
	g_free(send);
}

bool floor_send_can(const FloorSend *send, FloorCrypto crypto)
{
	return crypto == FLOOR_CLEAR || send->destinations[0].seals[crypto];
}

FloorSent floor_send_sum(const FloorSend *send)
{
	return send->sent;
}

static void flush(FloorSend *send)
{
	for (unsigned at = 0; at < send->messages;) {
		int sent =
			sendmmsg(send->fd, send->headers + at, send->messages - at, MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			send->sent.refused += send->packets[at++];
			continue;
		}
		send->sent.messages += (unsigned)sent;
		for (int i = 0; i < sent; i++)
			send->sent.packets += send->packets[at++];
	}
	send->messages = send->rooms = 0;
}

/* segment: of more than one packet; they lie one behind the other. */
static void queue(FloorSend *send, const Destination *to, uint8_t *data, size_t len,
	unsigned packets, uint16_t segment)
{
	unsigned m = send->messages++;
	send->packets[m] = packets;
	send->parts[m] = (struct iovec){ data, len };
	send->headers[m].msg_hdr = (struct msghdr){ .msg_name = (void *)(uintptr_t)to->to,
		.msg_namelen = sizeof *to->to,
		.msg_iov = &send->parts[m],
		.msg_iovlen = 1 };
	if (packets == 1)
		return;
	Control *control = &send->controls[m];
	control->header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof segment),
		.cmsg_level = IPPROTO_UDP,
		.cmsg_type = UDP_SEGMENT };
	memcpy(CMSG_DATA(&control->header), &segment, sizeof segment);
	send->headers[m].msg_hdr.msg_control = control->room;
	send->headers[m].msg_hdr.msg_controllen = sizeof control->room;
}

static void put32(uint8_t *at, uint32_t value)
{
	value = GUINT32_TO_BE(value);
	memcpy(at, &value, sizeof value);
}

/* Header and job of the next packet at dst; its sealed length. */
static size_t prepare(FloorSend *send, Destination *to, bool video, bool last, const uint8_t *from,
	uint8_t *dst, SealJob *job)
{
	uint64_t index = video ? to->video_index++ : to->audio_index++;
	uint32_t ssrc = video ? to->video_ssrc : to->audio_ssrc;
	put32(dst, (0x9000u | (last ? 0x80u : 0) | (video ? 96 : 111)) << 16 | (uint16_t)index);
	put32(dst + 4, send->timestamp);
	put32(dst + 8, ssrc);
	put32(dst + 12, 0xbede0001u);
	put32(dst + 16, 0x31000000u | (uint32_t)to->transport_cc++ << 8);
	*job = (SealJob){ .dst = dst,
		.payload = from,
		.index = index,
		.ssrc = ssrc,
		.header_len = HEADER,
		.prefix_len = video ? PREFIX : 0 };
	job->payload_len = (uint16_t)((video ? FLOOR_VIDEO_BYTES : FLOOR_AUDIO_BYTES) - HEADER -
				      SEAL_TAG_MAX - job->prefix_len);
	return (size_t)HEADER + job->prefix_len + job->payload_len + send->tag_len;
}

static void seal_or_copy(Seal *seal, SealJob *jobs, unsigned count)
{
	if (seal) {
		seal_batch(seal, jobs, count);
		return;
	}
	for (unsigned i = 0; i < count; i++) {
		SealJob *job = &jobs[i];
		memcpy(job->dst + HEADER, job->prefix, job->prefix_len);
		memcpy(job->dst + HEADER + job->prefix_len, job->payload, job->payload_len);
	}
}

void floor_send_all(FloorSend *send, FloorCrypto crypto, bool gso, bool video, bool audio)
{
	unsigned video_count = video ? FLOOR_FRAME_PACKETS : 0, count = video_count + audio;
	send->timestamp += 3000;
	for (unsigned d = 0; d < send->count; d++) {
		Destination *to = &send->destinations[d];
		SealJob jobs[BURST];
		size_t lengths[BURST], len = 0;

		if (send->rooms == BATCH || send->messages + count > BATCH)
			flush(send);
		uint8_t *room = send->memory[send->rooms++];
		for (unsigned i = 0; i < count; i++) {
			lengths[i] = prepare(send, to, i < video_count, i + 1 == video_count,
				send->sources[(send->source + i) % SOURCES], room + len, &jobs[i]);
			len += lengths[i];
		}
		seal_or_copy(to->seals[crypto], jobs, count);
		if (gso) {
			queue(send, to, room, len, count, (uint16_t)lengths[0]);
			continue;
		}
		for (unsigned i = 0; i < count; i++)
			queue(send, to, jobs[i].dst, lengths[i], 1, 0);
	}
	flush(send);
	send->source += count;
}
