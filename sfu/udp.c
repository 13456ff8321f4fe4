#include "udp.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define SOCKET_BUFFER (4 * 1024 * 1024) /* 40 ms of 442 viewers at 1.5 Mbit/s */

typedef union Control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
} Control;

struct Udp {
	int fd, family;
	bool gso, multihomed;
	Stats *stats;
	Packet *packets[UDP_BATCH]; /* waiting to be filled */
};

static void set(int fd, int level, int option, int value)
{
	/* Each is a gain where the kernel has it, and no loss where it has not. */
	(void)setsockopt(fd, level, option, &value, sizeof value);
}

Udp *udp_new(int fd, bool multihomed, Stats *stats)
{
	Udp *udp = g_new0(Udp, 1);
	struct sockaddr_storage own;
	socklen_t len = sizeof own;
	udp->fd = fd;
	udp->stats = stats;
	udp->multihomed = multihomed;
	udp->family = getsockname(fd, (struct sockaddr *)&own, &len) ? AF_INET : own.ss_family;

	set(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
	set(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	set(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER);
	set(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER);
	/* Saves the kernel making an IP identifier: 10 % of a send. */
	set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	if (udp->family == AF_INET6) {
		set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
		if (multihomed)
			set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	}
	if (multihomed)
		set(fd, IPPROTO_IP, IP_PKTINFO, 1);

	int segment = 0;
	len = sizeof segment;
	udp->gso = !getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, &len);
	return udp;
}

void udp_free(Udp *udp)
{
	if (!udp)
		return;
	for (unsigned i = 0; i < UDP_BATCH; i++)
		packet_unref(udp->packets[i]);
	close(udp->fd);
	g_free(udp);
}

int udp_fd(const Udp *udp)
{
	return udp->fd;
}

bool udp_has_gso(const Udp *udp)
{
	return udp->gso;
}

static void read_local(struct msghdr *message, uint8_t local_ip[16])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			memset(local_ip, 0, 10);
			memset(local_ip + 10, 0xff, 2);
			memcpy(local_ip + 12, &info.ipi_spec_dst, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof info);
			memcpy(local_ip, &info.ipi6_addr, 16);
		}
	}
}

bool udp_receive(Udp *udp, PacketPool *pool, UdpReceive receive, void *user)
{
	struct mmsghdr messages[UDP_BATCH];
	struct iovec parts[UDP_BATCH];
	struct sockaddr_storage from[UDP_BATCH];
	Control controls[UDP_BATCH];

	for (unsigned i = 0; i < UDP_BATCH; i++) {
		if (!udp->packets[i])
			udp->packets[i] = packet_new(pool);
		parts[i] = (struct iovec){ udp->packets[i]->data, RTP_PACKET_MAX };
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
			.msg_namelen = sizeof from[i],
			.msg_iov = &parts[i],
			.msg_iovlen = 1 };
		if (udp->multihomed) {
			messages[i].msg_hdr.msg_control = controls[i].room;
			messages[i].msg_hdr.msg_controllen = sizeof controls[i].room;
		}
	}
	int count = recvmmsg(udp->fd, messages, UDP_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < count; i++) {
		Address address;
		uint8_t local_ip[16] = { 0 };
		Packet *packet = udp->packets[i];
		if ((messages[i].msg_hdr.msg_flags & MSG_TRUNC) || !messages[i].msg_len ||
			!address_read(&address, (const struct sockaddr *)&from[i]))
			continue; /* the packet waits for the next batch */
		if (udp->multihomed)
			read_local(&messages[i].msg_hdr, local_ip);
		packet->len = (uint16_t)messages[i].msg_len;
		udp->packets[i] = NULL;
		receive(packet, &address, local_ip, user);
	}
	return count > 0;
}

static void write_control(
	const Udp *udp, const UdpMessage *message, struct msghdr *header, Control *control)
{
	bool gso = message->segments > 1;
	if (!gso && !message->has_local)
		return;

	memset(control, 0, sizeof *control);
	header->msg_control = control->room;
	header->msg_controllen = sizeof control->room;
	size_t len = 0;
	struct cmsghdr *c = CMSG_FIRSTHDR(header);
	if (gso) {
		c->cmsg_level = IPPROTO_UDP;
		c->cmsg_type = UDP_SEGMENT;
		c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
		memcpy(CMSG_DATA(c), &message->segment, sizeof(uint16_t));
		len += CMSG_SPACE(sizeof(uint16_t));
		c = CMSG_NXTHDR(header, c);
	}
	if (message->has_local && address_is_ipv4(&message->to) && c) {
		struct in_pktinfo info = { 0 };
		memcpy(&info.ipi_spec_dst, message->local_ip + 12, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof info);
		memcpy(CMSG_DATA(c), &info, sizeof info);
		len += CMSG_SPACE(sizeof info);
	} else if (message->has_local && c) {
		struct in6_pktinfo info = { 0 };
		memcpy(&info.ipi6_addr, message->local_ip, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof info);
		memcpy(CMSG_DATA(c), &info, sizeof info);
		len += CMSG_SPACE(sizeof info);
	}
	header->msg_controllen = len;
}

static bool is_full(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

/* That one address cannot be reached: drop and go on. */
static bool is_loss(int error)
{
	return error == ENETUNREACH || error == EHOSTUNREACH || error == EPERM ||
	       error == EMSGSIZE || error == ECONNREFUSED || error == EACCES ||
	       error == EADDRNOTAVAIL || error == ENETDOWN;
}

unsigned udp_send(Udp *udp, const UdpMessage *messages, unsigned count)
{
	struct mmsghdr headers[UDP_BATCH];
	struct iovec parts[UDP_BATCH];
	struct sockaddr_storage to[UDP_BATCH];
	Control controls[UDP_BATCH];

	g_assert(count <= UDP_BATCH);
	for (unsigned i = 0; i < count; i++) {
		parts[i] = (struct iovec){ (void *)(uintptr_t)messages[i].data, messages[i].len };
		headers[i].msg_hdr = (struct msghdr){ .msg_name = &to[i],
			.msg_namelen = address_write(&messages[i].to, udp->family, &to[i]),
			.msg_iov = &parts[i],
			.msg_iovlen = 1 };
		write_control(udp, &messages[i], &headers[i].msg_hdr, &controls[i]);
	}
	unsigned at = 0;
	while (at < count) {
		int sent = sendmmsg(udp->fd, headers + at, count - at, MSG_DONTWAIT);
		if (sent > 0) {
			STATS_ADD(udp->stats, messages_out_total, sent);
			at += (unsigned)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (is_full(errno)) {
			STATS_ADD(udp->stats, send_full_total, 1);
			break;
		}
		if ((errno == EIO || errno == EINVAL) && messages[at].segments > 1)
			udp->gso = false; /* the device cannot: single datagrams from now on */
		else if (!is_loss(errno))
			g_debug("udp: cannot send: %s", g_strerror(errno));
		STATS_ADD(udp->stats, send_dropped_total, messages[at].segments);
		at++;
	}
	return at;
}
