#include "gate.h"
#include "house.h"
#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 32 /* then the loop serves others */
#define BACKLOG 1024

typedef struct Address {
	House house; /* the key: stands first */
	unsigned strangers;
	GQueue parked; /* Parked */
} Address;

typedef struct Parked {
	int fd;
	int64_t since_us;
} Parked;

struct Visitor {
	Gate *gate;
	Address *address; /* NULL once vouched for */
};

struct Gate {
	int listen_fd;
	GateLimits limits;
	GateAdmit admit;
	void *user;
	GHashTable *addresses; /* set of Address */
	unsigned visitors, parked, accept_source, tick;
};

static Address *address_of(Gate *gate, const struct sockaddr_storage *from)
{
	House house = house_of(from);
	Address *address = g_hash_table_lookup(gate->addresses, &house);
	if (!address) {
		address = g_new0(Address, 1);
		address->house = house;
		g_queue_init(&address->parked);
		g_hash_table_add(gate->addresses, address);
	}
	return address;
}

static void let_in(Gate *gate, Address *address, int fd)
{
	Visitor *visitor = g_new0(Visitor, 1);
	visitor->gate = gate;
	visitor->address = address;
	address->strangers++;
	gate->visitors++;
	gate->admit(fd, visitor, gate->user);
}

static int unpark(Gate *gate, Address *address)
{
	Parked *parked = g_queue_pop_head(&address->parked);
	int fd = parked->fd;
	g_free(parked);
	gate->parked--;
	return fd;
}

/* One stranger fewer: the next of this address comes in, or the address is forgotten. */
static void make_room(Gate *gate, Address *address)
{
	address->strangers--;
	if (address->parked.length && gate->visitors < gate->limits.visitors)
		let_in(gate, address, unpark(gate, address));
	else if (!address->strangers && !address->parked.length)
		g_hash_table_remove(gate->addresses, address);
}

static void arrive(Gate *gate, int fd, const struct sockaddr_storage *from)
{
	Address *address = address_of(gate, from);
	unsigned limit = gate->limits.strangers_per_address;
#ifdef GUARD_OFF_STRANGERS
	limit = G_MAXUINT;
#endif
	if (address->strangers < limit) {
		let_in(gate, address, fd);
		return;
	}
	if (gate->parked >= GATE_PARKED || address->parked.length >= GATE_PARKED_PER_ADDRESS) {
		close(fd);
		return;
	}
	Parked *parked = g_new0(Parked, 1);
	parked->fd = fd;
	parked->since_us = g_get_monotonic_time();
	g_queue_push_tail(&address->parked, parked);
	gate->parked++;
}

static gboolean on_readable(int listen_fd, GIOCondition condition, void *data)
{
	Gate *gate = data;
	for (unsigned i = 0; i < ACCEPTS_A_TURN; i++) {
		if (gate_is_full(gate)) {
			gate->accept_source = 0; /* gate_leave() or on_tick() starts it again */
			return G_SOURCE_REMOVE;
		}
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(
			listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			g_warning("gate: no descriptor left");
			gate->accept_source = 0;
			return G_SOURCE_REMOVE;
		}
		if (fd < 0)
			return G_SOURCE_CONTINUE;
		int on = 1;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		arrive(gate, fd, &from);
	}
	return G_SOURCE_CONTINUE;
}

static void accept_again(Gate *gate)
{
	if (!gate->accept_source && gate->listen_fd >= 0)
		gate->accept_source = g_unix_fd_add(gate->listen_fd, G_IO_IN, on_readable, gate);
}

/* Who has waited outside too long has gone home. */
static void expire(Gate *gate, Address *address, int64_t now_us)
{
	Parked *first;
	while ((first = g_queue_peek_head(&address->parked)) &&
		now_us - first->since_us > GATE_PARKED_US)
		close(unpark(gate, address));
}

static gboolean on_tick(void *data)
{
	Gate *gate = data;
	int64_t now_us = g_get_monotonic_time();
	GHashTableIter at;
	Address *address;
	g_hash_table_iter_init(&at, gate->addresses);
	while (g_hash_table_iter_next(&at, (void **)&address, NULL)) {
		expire(gate, address, now_us);
		if (!address->strangers && !address->parked.length)
			g_hash_table_iter_remove(&at);
	}
	if (gate->visitors < gate->limits.visitors)
		accept_again(gate);
	return G_SOURCE_CONTINUE;
}

Gate *gate_new(int listen_fd, const GateLimits *limits, GateAdmit admit, void *user)
{
	Gate *gate = g_new0(Gate, 1);
	gate->listen_fd = listen_fd;
	gate->limits = *limits;
	gate->admit = admit;
	gate->user = user;
	gate->addresses = g_hash_table_new_full(house_hash, house_equal, g_free, NULL);
	if (listen_fd >= 0)
		g_unix_set_fd_nonblocking(listen_fd, TRUE, NULL);
	accept_again(gate);
	gate->tick = g_timeout_add(1000, on_tick, gate);
	return gate;
}

void gate_close(Gate *gate)
{
	if (!gate->tick)
		return;
	if (gate->accept_source)
		g_source_remove(gate->accept_source);
	gate->accept_source = 0;
	g_source_remove(gate->tick);
	gate->tick = 0;
	if (gate->listen_fd >= 0)
		close(gate->listen_fd);
	gate->listen_fd = -1;
	GHashTableIter at;
	Address *address;
	g_hash_table_iter_init(&at, gate->addresses);
	while (g_hash_table_iter_next(&at, (void **)&address, NULL)) {
		while (address->parked.length)
			close(unpark(gate, address));
	}
}

void gate_free(Gate *gate)
{
	if (!gate)
		return;
	gate_close(gate);
	g_hash_table_unref(gate->addresses);
	g_free(gate);
}

void gate_take(Gate *gate, int fd)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	if (getpeername(fd, (struct sockaddr *)&from, &len) < 0)
		close(fd); /* its other end has gone already */
	else
		arrive(gate, fd, &from);
}

bool gate_is_full(const Gate *gate)
{
	return gate->visitors >= gate->limits.visitors;
}

void gate_vouch(Visitor *visitor)
{
	Address *address = g_steal_pointer(&visitor->address);
	if (address)
		make_room(visitor->gate, address);
}

void gate_leave(Visitor *visitor)
{
	if (!visitor)
		return;
	Gate *gate = visitor->gate;
	gate->visitors--;
	gate_vouch(visitor);
	g_free(visitor);
	accept_again(gate);
}

unsigned gate_visitors(const Gate *gate)
{
	return gate->visitors;
}

unsigned gate_parked(const Gate *gate)
{
	return gate->parked;
}

static int listen_on(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, off = 0;
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	int why = errno;
	close(fd);
	errno = why;
	return -1;
}

int gate_listen(int port, bool loopback, GError **error)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	four.sin_addr.s_addr = htonl(loopback ? INADDR_LOOPBACK : INADDR_ANY);
	int fd = loopback ? -1 : listen_on((struct sockaddr *)&six, sizeof(six));
	if (fd < 0 && (loopback || errno != EADDRINUSE)) /* a kernel without IPv6 */
		fd = listen_on((struct sockaddr *)&four, sizeof(four));
	if (fd < 0)
		g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno),
			"cannot listen on TCP port %d: %s", port, g_strerror(errno));
	return fd;
}
