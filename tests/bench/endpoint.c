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
#define LINGER_US 100000   /* an old socket is still read: for what was on its way to it */
#define BUFFER (1024 * 1024)
#define SEND_MAX 64

/* One socket, and the credentials under which it is checked. */
typedef struct Way {
	Watch watch;
	Endpoint *endpoint;
	int fd; /* -1: closed */
	bool checked;
	char username[300], password[257], own_password[25];
	StunCheck check; /* the last that was sent */
	int64_t check_due_us;
} Way;

struct Endpoint {
	const EndpointPlace *place;
	EndpointEvents events;
	void *user;
	bool opens;
	struct sockaddr_storage target;
	socklen_t target_len;
	Way ways[2];
	Way *way;   /* by which all is sent */
	Way *other; /* a restart's, which is checked; or the one before, until its time is over */
	bool restarting;
	int64_t restart_until_us, linger_until_us;
	Handshake *handshake;
	uint8_t fingerprint[32];
	Guard *guard;
	const char *trouble;
};

static void send_by(const Way *way, const uint8_t *data, size_t len)
{
	(void)!send(way->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void send_datagram(const uint8_t *data, size_t len, void *user)
{
	send_by(((Endpoint *)user)->way, data, len);
}

static void send_check(Way *way, int64_t now_us)
{
	uint8_t data[STUN_CHECK_MAX];
	for (unsigned i = 0; i < STUN_TRANSACTION_LEN; i += 4) {
		uint32_t random = g_random_int();
		memcpy(way->check.transaction + i, &random, 4);
	}
	size_t len = stun_write_check(data, sizeof data, &way->check);
	send_by(way, data, len);
	way->check_due_us = now_us + (way->checked ? CONSENT_US : CHECK_US);
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

static void answer_check(const Way *way, const uint8_t *request)
{
	uint8_t data[STUN_CHECK_MAX];
	const struct sockaddr_storage *target = &way->endpoint->target;
	if (target->ss_family != AF_INET)
		return;
	size_t len = stun_write_answer(
		data, sizeof data, request, (const struct sockaddr_in *)target, way->own_password);
	send_by(way, data, len);
}

/* The restart's way has become the way. */
static void change_over(Endpoint *endpoint)
{
	Way *old = endpoint->way;
	endpoint->way = endpoint->other;
	endpoint->other = old;
	endpoint->restarting = false;
	endpoint->linger_until_us = clock_us() + LINGER_US;
	if (endpoint->events.restarted)
		endpoint->events.restarted(endpoint->user);
}

static void take_stun(Way *way, const uint8_t *data, size_t len)
{
	Endpoint *endpoint = way->endpoint;
	if (stun_is_request(data, len)) {
		answer_check(way, data);
		return;
	}
	if (!stun_is_answer(data, len, &way->check) || way->checked)
		return;
	way->checked = true;
	way->check_due_us += CONSENT_US;
	if (endpoint->handshake) {
		change_over(endpoint);
		return;
	}
	endpoint->handshake = handshake_new(
		endpoint->place->dtls, endpoint->fingerprint, send_datagram, endpoint);
	take_state(endpoint, handshake_start(endpoint->handshake));
}

/* RFC 7983 */
static void take_datagram(Way *way, uint8_t *data, size_t len, int64_t arrived_us)
{
	Endpoint *endpoint = way->endpoint;
	if (rtp_is_rtp_or_rtcp(data, len)) {
		if (!endpoint->guard)
			return;
		if (rtp_is_rtcp(data, len))
			endpoint->events.rtcp(data, len, endpoint->user);
		else
			endpoint->events.rtp(data, len, arrived_us, endpoint->user);
	} else if (stun_is_message(data, len)) {
		take_stun(way, data, len);
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

/* False: there was nothing. */
static bool read_way(Way *way)
{
	Endpoint *endpoint = way->endpoint;
	Ground *ground = endpoint->place->ground;
	unsigned count = ground_receive(ground, way->fd);
	int64_t now_us = clock_us();
	for (unsigned i = 0; i < count; i++) {
		size_t len = ground->messages[i].msg_len, segment = len;
		uint8_t *data = ground->parts[i].iov_base;
		int64_t arrived_us = now_us;
		read_control(&ground->messages[i].msg_hdr, &segment, &arrived_us);
		for (size_t at = 0; at < len; at += segment)
			take_datagram(way, data + at, MIN(segment, len - at), arrived_us);
	}
	if (endpoint->events.turn && count)
		endpoint->events.turn(endpoint->user);
	return count;
}

static void on_ready(Watch *watch)
{
	Way *way = (Way *)watch;
	if (way->fd >= 0) /* else it was closed by an event of the same wait */
		read_way(way);
}

static bool open_socket(Way *way)
{
	static const int on = 1, buffer = BUFFER;
	Endpoint *endpoint = way->endpoint;
	const struct sockaddr *target = (const struct sockaddr *)&endpoint->target;
	way->fd = socket(target->sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (way->fd < 0 || connect(way->fd, target, endpoint->target_len) < 0)
		return false;
	setsockopt(way->fd, SOL_UDP, UDP_GRO, &on, sizeof on);
	if (endpoint->opens)
		setsockopt(way->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
	if (setsockopt(way->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
		setsockopt(way->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	return ground_add(endpoint->place->ground, way->fd, &way->watch);
}

static void close_way(Way *way)
{
	if (way->fd >= 0)
		close(way->fd);
	way->fd = -1;
}

/* Sends the first check. */
static bool open_way(Way *way, const Offer *offer, const Answer *answer, GError **error)
{
	g_snprintf(way->username, sizeof way->username, "%s:%s", answer->ufrag, offer->ufrag);
	g_strlcpy(way->password, answer->pwd, sizeof way->password);
	g_strlcpy(way->own_password, offer->pwd, sizeof way->own_password);
	way->checked = false;
	way->check = (StunCheck){ .username = way->username,
		.password = way->password,
		.controlled = offer->answers,
		.tie_breaker = (uint64_t)g_random_int() << 32 | g_random_int() };
	if (!open_socket(way)) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "socket: %s",
			g_strerror(errno));
		close_way(way);
		return false;
	}
	send_check(way, clock_us());
	return true;
}

/* Reads what is there and closes it. */
static void retire(Way *way)
{
	while (way->fd >= 0 && read_way(way))
		;
	close_way(way);
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
	socklen_t target_len = choose(place, answer, &target);
	if (!target_len) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
			"no candidate is an address of this machine (--anywhere allows others)");
		return NULL;
	}
	Endpoint *endpoint = g_new0(Endpoint, 1);
	endpoint->place = place;
	endpoint->events = *events;
	endpoint->user = user;
	endpoint->opens = opens;
	memcpy(endpoint->fingerprint, answer->fingerprint, sizeof endpoint->fingerprint);
	endpoint->target = target;
	endpoint->target_len = target_len;
	for (unsigned i = 0; i < G_N_ELEMENTS(endpoint->ways); i++)
		endpoint->ways[i] =
			(Way){ .watch.ready = on_ready, .endpoint = endpoint, .fd = -1 };
	endpoint->way = &endpoint->ways[0];
	endpoint->other = &endpoint->ways[1];
	if (!open_way(endpoint->way, offer, answer, error)) {
		endpoint_free(endpoint);
		return NULL;
	}
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
	for (unsigned i = 0; i < G_N_ELEMENTS(endpoint->ways); i++)
		close_way(&endpoint->ways[i]);
	g_free(endpoint);
}

bool endpoint_restart(Endpoint *endpoint, const Offer *offer, const Answer *answer, GError **error)
{
	g_assert(endpoint->guard && !endpoint->restarting);
	retire(endpoint->other);
	if (!open_way(endpoint->other, offer, answer, error))
		return false;
	endpoint->restarting = true;
	endpoint->restart_until_us = clock_us() + ENDPOINT_RESTART_US;
	return true;
}

char *endpoint_candidate(const Endpoint *endpoint)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof own;
	char address[INET6_ADDRSTRLEN], port[8];
	if (getsockname(endpoint->way->fd, (struct sockaddr *)&own, &len) < 0 ||
		getnameinfo((struct sockaddr *)&own, len, address, sizeof address, port,
			sizeof port, NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM))
		return NULL;
	return g_strdup_printf("candidate:1 1 udp 2130706431 %s %s typ host", address, port);
}

void endpoint_tick(Endpoint *endpoint, int64_t now_us)
{
	if (endpoint->trouble)
		return;
	Way *checked = endpoint->restarting ? endpoint->other : endpoint->way;
	if (now_us >= checked->check_due_us)
		send_check(checked, now_us);
	if (endpoint->restarting && now_us >= endpoint->restart_until_us)
		endpoint->trouble = "no check of an ICE restart was answered in time";
	if (!endpoint->restarting && now_us >= endpoint->linger_until_us)
		retire(endpoint->other);
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
		int done = sendmmsg(endpoint->way->fd, messages + sent, count - sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += done > 0 ? (unsigned)done : 1; /* what is not taken is lost */
	}
}
