#include "endpoint.h"
#include "clock.h"
#include "sfu/rtp.h"
#include "stun.h"
#include "target.h"
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <netdb.h>
#include <netinet/udp.h>
#include <string.h>
#include <unistd.h>

#define CHECK_US 200000    /* until the first is answered */
#define CONSENT_US 2500000 /* then; Chromium's own interval */
#define BUFFER (1024 * 1024)
#define SEND_MAX 64

struct Endpoint {
	Watch watch;
	const EndpointPlace *place;
	EndpointEvents events;
	void *user;
	int fd;
	bool opens, checked;
	char username[300], password[257], own_password[25];
	struct sockaddr_storage target;
	StunCheck check; /* the last that was sent */
	int64_t check_due_us;
	Handshake *handshake;
	uint8_t fingerprint[32];
	Guard *guard;
	const char *trouble;
};

static void send_datagram(const uint8_t *data, size_t len, void *user)
{
	Endpoint *endpoint = user;
	(void)!send(endpoint->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void send_check(Endpoint *endpoint, int64_t now_us)
{
	uint8_t data[STUN_CHECK_MAX];
	for (unsigned i = 0; i < STUN_TRANSACTION_LEN; i += 4) {
		uint32_t random = g_random_int();
		memcpy(endpoint->check.transaction + i, &random, 4);
	}
	size_t len = stun_write_check(data, sizeof data, &endpoint->check);
	send_datagram(data, len, endpoint);
	endpoint->check_due_us = now_us + (endpoint->checked ? CONSENT_US : CHECK_US);
}

static void take_state(Endpoint *endpoint, HandshakeState state)
{
	if (state == HANDSHAKE_FAILED)
		endpoint->trouble = "DTLS failed";
	if (state != HANDSHAKE_DONE || endpoint->guard)
		return;
	endpoint->guard = guard_new(handshake_keys(endpoint->handshake), endpoint->opens);
	if (endpoint->guard)
		endpoint->events.connected(endpoint->user);
	else
		endpoint->trouble = "libsrtp2 takes no session with these keys";
}

static void answer_check(Endpoint *endpoint, const uint8_t *request)
{
	uint8_t data[STUN_CHECK_MAX];
	if (endpoint->target.ss_family != AF_INET)
		return;
	size_t len = stun_write_answer(data, sizeof data, request,
		(const struct sockaddr_in *)&endpoint->target, endpoint->own_password);
	send_datagram(data, len, endpoint);
}

static void take_stun(Endpoint *endpoint, const uint8_t *data, size_t len)
{
	if (stun_is_request(data, len)) {
		answer_check(endpoint, data);
		return;
	}
	if (!stun_is_answer(data, len, &endpoint->check) || endpoint->checked)
		return;
	endpoint->checked = true;
	endpoint->check_due_us += CONSENT_US;
	endpoint->handshake = handshake_new(
		endpoint->place->dtls, endpoint->fingerprint, send_datagram, endpoint);
	take_state(endpoint, handshake_start(endpoint->handshake));
}

/* RFC 7983 */
static void take_datagram(Endpoint *endpoint, uint8_t *data, size_t len, int64_t arrived_us)
{
	if (rtp_is_rtp_or_rtcp(data, len)) {
		if (!endpoint->guard)
			return;
		if (rtp_is_rtcp(data, len))
			endpoint->events.rtcp(data, len, endpoint->user);
		else
			endpoint->events.rtp(data, len, arrived_us, endpoint->user);
	} else if (stun_is_message(data, len)) {
		take_stun(endpoint, data, len);
	} else if (endpoint->handshake) {
		take_state(endpoint, handshake_receive(endpoint->handshake, data, len));
	}
}

/* How long each datagram of a message is, and when the kernel had it. */
static void read_control(struct msghdr *header, size_t *segment, int64_t *arrived_us)
{
	for (struct cmsghdr *at = CMSG_FIRSTHDR(header); at; at = CMSG_NXTHDR(header, at)) {
		if (at->cmsg_level == SOL_UDP && at->cmsg_type == UDP_GRO) {
			int size;
			memcpy(&size, CMSG_DATA(at), sizeof size);
			if (size > 0)
				*segment = (size_t)size;
		} else if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec stamp;
			memcpy(&stamp, CMSG_DATA(at), sizeof stamp);
			*arrived_us = (int64_t)stamp.tv_sec * 1000000 + stamp.tv_nsec / 1000 -
				      clock_offset_us();
		}
	}
}

static void on_ready(Watch *watch)
{
	Endpoint *endpoint = (Endpoint *)watch;
	Ground *ground = endpoint->place->ground;
	unsigned count = ground_receive(ground, endpoint->fd);
	int64_t now_us = clock_us();
	for (unsigned i = 0; i < count; i++) {
		size_t len = ground->messages[i].msg_len, segment = len;
		uint8_t *data = ground->parts[i].iov_base;
		int64_t arrived_us = now_us;
		read_control(&ground->messages[i].msg_hdr, &segment, &arrived_us);
		for (size_t at = 0; at < len; at += segment)
			take_datagram(endpoint, data + at, MIN(segment, len - at), arrived_us);
	}
	if (endpoint->events.turn && count)
		endpoint->events.turn(endpoint->user);
}

static bool open_socket(Endpoint *endpoint, const struct sockaddr_storage *target, socklen_t len)
{
	static const int on = 1, buffer = BUFFER;
	endpoint->fd = socket(target->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (endpoint->fd < 0 || connect(endpoint->fd, (const struct sockaddr *)target, len) < 0)
		return false;
	setsockopt(endpoint->fd, SOL_UDP, UDP_GRO, &on, sizeof on);
	if (endpoint->opens)
		setsockopt(endpoint->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	if (setsockopt(endpoint->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
		setsockopt(endpoint->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	return ground_add(endpoint->place->ground, endpoint->fd, &endpoint->watch);
}

/* The first candidate that we may send to. */
static socklen_t choose(
	const EndpointPlace *place, const Answer *answer, struct sockaddr_storage *target)
{
	for (unsigned i = 0; i < answer->candidate_count; i++) {
		socklen_t len = target_read(
			target, answer->candidates[i].address, answer->candidates[i].port);
		if (len && (place->anywhere || target_is_local(target)))
			return len;
	}
	return 0;
}

Endpoint *endpoint_new(const EndpointPlace *place, const Offer *offer, const Answer *answer,
	bool opens, const EndpointEvents *events, void *user, GError **error)
{
	struct sockaddr_storage target;
	socklen_t len = choose(place, answer, &target);
	if (!len) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
			"no candidate is an address of this machine (--anywhere allows others)");
		return NULL;
	}
	Endpoint *endpoint = g_new0(Endpoint, 1);
	endpoint->watch.ready = on_ready;
	endpoint->place = place;
	endpoint->events = *events;
	endpoint->user = user;
	endpoint->opens = opens;
	memcpy(endpoint->fingerprint, answer->fingerprint, sizeof endpoint->fingerprint);
	g_snprintf(endpoint->username, sizeof endpoint->username, "%s:%s", answer->ufrag,
		offer->ufrag);
	g_strlcpy(endpoint->password, answer->pwd, sizeof endpoint->password);
	g_strlcpy(endpoint->own_password, offer->pwd, sizeof endpoint->own_password);
	endpoint->target = target;
	endpoint->check = (StunCheck){ .username = endpoint->username,
		.password = endpoint->password,
		.controlled = offer->answers,
		.tie_breaker = (uint64_t)g_random_int() << 32 | g_random_int() };
	if (!open_socket(endpoint, &target, len)) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "socket: %s",
			g_strerror(errno));
		endpoint_free(endpoint);
		return NULL;
	}
	send_check(endpoint, clock_us());
	return endpoint;
}

void endpoint_free(Endpoint *endpoint)
{
	if (!endpoint)
		return;
	if (endpoint->handshake)
		handshake_close(endpoint->handshake);
	handshake_free(endpoint->handshake);
	guard_free(endpoint->guard);
	if (endpoint->fd >= 0)
		close(endpoint->fd);
	g_free(endpoint);
}

char *endpoint_candidate(const Endpoint *endpoint)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof own;
	char address[INET6_ADDRSTRLEN], port[8];
	if (getsockname(endpoint->fd, (struct sockaddr *)&own, &len) < 0 ||
		getnameinfo((struct sockaddr *)&own, len, address, sizeof address, port,
			sizeof port, NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM))
		return NULL;
	return g_strdup_printf("candidate:1 1 udp 2130706431 %s %s typ host", address, port);
}

void endpoint_tick(Endpoint *endpoint, int64_t now_us)
{
	if (endpoint->trouble)
		return;
	if (now_us >= endpoint->check_due_us)
		send_check(endpoint, now_us);
	if (endpoint->handshake && !endpoint->guard)
		take_state(endpoint, handshake_tick(endpoint->handshake));
}

bool endpoint_is_connected(const Endpoint *endpoint)
{
	return endpoint->guard;
}

const char *endpoint_trouble(const Endpoint *endpoint)
{
	return endpoint->trouble;
}

Guard *endpoint_guard(Endpoint *endpoint)
{
	return endpoint->guard;
}

void endpoint_send_rtcp(Endpoint *endpoint, uint8_t *data, size_t len)
{
	if (endpoint->guard && guard_seal_rtcp(endpoint->guard, data, &len))
		send_datagram(data, len, endpoint);
}

void endpoint_send(Endpoint *endpoint, const struct iovec *packets, unsigned count)
{
	struct mmsghdr messages[SEND_MAX];
	g_assert(count <= SEND_MAX);
	for (unsigned i = 0; i < count; i++)
		messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = (struct iovec *)&packets[i],
							.msg_iovlen = 1 } };
	for (unsigned sent = 0; sent < count;) {
		int done = sendmmsg(
			endpoint->fd, messages + sent, count - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += done > 0 ? (unsigned)done : 1; /* what is not taken is lost */
	}
}
