#include "nat.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define DATAGRAM_MAX 65535
#define BATCH 64 /* datagrams between two looks at the other descriptors */
#define BUFFER (1024 * 1024)

typedef struct Client {
	Nat *nat;
	unsigned slot;
	uint64_t birth;
	Address address;
	int fd; /* -1 when the last rebinding failed */
	guint reading;
	int64_t used_us;
} Client;

struct Nat {
	Road *road;
	unsigned port;
	int fd;
	guint reading;
	Address to, from;
	Client *clients[NAT_CLIENTS_MAX];
	uint64_t births;
	bool on;
	NatStats stats;
	uint8_t datagram[DATAGRAM_MAX];
};

static int open_socket(const Address *local, const Address *to, GError **error)
{
	int size = BUFFER;
	int family = local->len ? local->at.ss_family : to->at.ss_family;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	}
	if (fd < 0 ||
		(local->len && bind(fd, (const struct sockaddr *)&local->at, local->len) < 0) ||
		(to && connect(fd, (const struct sockaddr *)&to->at, to->len) < 0)) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "UDP socket: %s",
			g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void put(Nat *nat, const Client *client, size_t len, Way way, int64_t now_us)
{
	unsigned headers = nat->to.at.ss_family == AF_INET6 ? 48 : 28;
	Parcel *parcel = g_rc_box_alloc(sizeof *parcel + len);
	*parcel = (Parcel){ .kind = PARCEL_DATAGRAM,
		.port = nat->port,
		.slot = client->slot,
		.birth = client->birth,
		.len = len };
	memcpy(parcel->data, nat->datagram, len);
	const LanePacket packet = { .data = parcel, .bytes = (unsigned)len + headers };
	lane_put(nat->road->lanes[way], &packet, now_us);
}

static gboolean on_answer(gint fd, GIOCondition condition, gpointer user)
{
	Client *client = user;
	Nat *nat = client->nat;
	int64_t now_us = g_get_monotonic_time();
	for (unsigned i = 0; i < BATCH; i++) {
		ssize_t len = recv(fd, nat->datagram, sizeof nat->datagram, 0);
		if (len < 0)
			break; /* nothing more, or a refusal of what was sent */
		client->used_us = now_us;
		if (nat->on)
			put(nat, client, (size_t)len, DOWN, now_us);
		else
			nat->stats.blocked++;
	}
	nat->road->moved(nat->road->user);
	return G_SOURCE_CONTINUE;
}

static void close_upstream(Client *client)
{
	if (client->fd < 0)
		return;
	g_source_remove(client->reading);
	close(client->fd);
	client->fd = -1;
}

static bool open_upstream(Client *client, GError **error)
{
	client->fd = open_socket(&client->nat->from, &client->nat->to, error);
	if (client->fd < 0)
		return false;
	client->reading = g_unix_fd_add(client->fd, G_IO_IN, on_answer, client);
	return true;
}

static void forget(Client *client)
{
	client->nat->clients[client->slot] = NULL;
	close_upstream(client);
	g_free(client);
}

static Client *add_client(Nat *nat, const Address *address, unsigned slot)
{
	Client *client = g_new0(Client, 1);
	client->nat = nat;
	client->slot = slot;
	client->birth = ++nat->births;
	client->address = *address;
	if (!open_upstream(client, NULL)) {
		g_free(client);
		return NULL;
	}
	nat->clients[slot] = client;
	return client;
}

/* The client with this address, or a new one; NULL when there is no place for one. */
static Client *client_of(Nat *nat, const Address *address)
{
	unsigned slot = NAT_CLIENTS_MAX;
	for (unsigned i = 0; i < NAT_CLIENTS_MAX; i++) {
		Client *client = nat->clients[i];
		if (!client)
			slot = MIN(slot, i);
		else if (client->address.len == address->len &&
			 !memcmp(&client->address.at, &address->at, address->len))
			return client;
	}
	return slot < NAT_CLIENTS_MAX ? add_client(nat, address, slot) : NULL;
}

static gboolean on_datagram(gint fd, GIOCondition condition, gpointer user)
{
	Nat *nat = user;
	int64_t now_us = g_get_monotonic_time();
	for (unsigned i = 0; i < BATCH; i++) {
		Address from = { .len = sizeof from.at };
		ssize_t len = recvfrom(fd, nat->datagram, sizeof nat->datagram, 0,
			(struct sockaddr *)&from.at, &from.len);
		if (len < 0)
			break;
		Client *client = nat->on ? client_of(nat, &from) : NULL;
		if (client) {
			client->used_us = now_us;
			put(nat, client, (size_t)len, UP, now_us);
		} else if (nat->on) {
			nat->stats.refused++;
		} else {
			nat->stats.blocked++;
		}
	}
	nat->road->moved(nat->road->user);
	return G_SOURCE_CONTINUE;
}

Nat *nat_new(Road *road, unsigned port, const Address *listen, const Address *to, GError **error)
{
	int fd = open_socket(listen, NULL, error);
	if (fd < 0)
		return NULL;
	Nat *nat = g_new0(Nat, 1);
	nat->road = road;
	nat->port = port;
	nat->fd = fd;
	nat->to = *to;
	nat->on = true;
	nat->reading = g_unix_fd_add(fd, G_IO_IN, on_datagram, nat);
	return nat;
}

void nat_free(Nat *nat)
{
	if (!nat)
		return;
	for (unsigned i = 0; i < NAT_CLIENTS_MAX; i++)
		if (nat->clients[i])
			forget(nat->clients[i]);
	g_source_remove(nat->reading);
	close(nat->fd);
	g_free(nat);
}

void nat_take(Nat *nat, const Parcel *parcel, Way way)
{
	const Client *client = nat->clients[parcel->slot];
	if (!client || client->birth != parcel->birth)
		return;
	if (way == UP && client->fd < 0)
		nat->stats.refused++;
	else if (way == UP)
		(void)!send(client->fd, parcel->data, parcel->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		(void)!sendto(nat->fd, parcel->data, parcel->len, MSG_DONTWAIT | MSG_NOSIGNAL,
			(const struct sockaddr *)&client->address.at, client->address.len);
}

/* The new one is opened before the old one closes, so that they have not the same port. */
static bool rebind(Client *client, GError **error)
{
	Client old = *client;
	bool fine = open_upstream(client, error);
	close_upstream(&old);
	return fine;
}

bool nat_rebind(Nat *nat, const Address *from, GError **error)
{
	bool fine = true;
	int probe = from ? open_socket(from, &nat->to, error) : -1;
	if (from && probe < 0)
		return false;
	if (from) {
		close(probe);
		nat->from = *from;
	}
	for (unsigned i = 0; i < NAT_CLIENTS_MAX; i++)
		if (nat->clients[i])
			fine = rebind(nat->clients[i], fine ? error : NULL) && fine;
	return fine;
}

void nat_set_on(Nat *nat, bool on)
{
	nat->on = on;
}

void nat_forget_idle(Nat *nat, int64_t now_us)
{
	for (unsigned i = 0; i < NAT_CLIENTS_MAX; i++)
		if (nat->clients[i] && now_us - nat->clients[i]->used_us > NAT_IDLE_US)
			forget(nat->clients[i]);
}

unsigned nat_clients(const Nat *nat)
{
	unsigned count = 0;
	for (unsigned i = 0; i < NAT_CLIENTS_MAX; i++)
		count += nat->clients[i] != NULL;
	return count;
}

const NatStats *nat_stats(const Nat *nat)
{
	return &nat->stats;
}

void nat_address(const Nat *nat, Address *address)
{
	address->len = sizeof address->at;
	g_assert(getsockname(nat->fd, (struct sockaddr *)&address->at, &address->len) == 0);
}
