#include "gate.h"
#include "door.h"
#include "mesh.h"
#include <sys/epoll.h>

/* All that waits is read before anything is sent: publishers first. */
#define UDP_BATCHES_A_TURN 16
#define HANDED_AGE_US 500000 /* a datagram that waited longer for its worker is of no use */

struct Gate {
	Gear *gear;
	unsigned index;
	Gate *mates[MESH_WORKERS_MAX]; /* of all workers, this one as well */
	unsigned mate_count;
	GateLookup lookup;
	void *user;
	Udp *udp;
	Tcp *tcp;   /* NULL: there are no lines */
	Door *door; /* NULL: none come by the HTTPS port */
	Ice *ice;
	WorkerWatch *udp_watch;
};

/* -- what gates post to each other -- */

typedef struct RouteMail {
	Gate *to;
	unsigned owner;
	Address address;
} RouteMail;

/* The kernel gives us datagrams from there, but they are that worker's: its check said so. */
static void take_route(void *user)
{
	g_autofree RouteMail *mail = user;
	path_table_add_route(mail->to->gear->paths, &mail->address, mail->owner);
}

static void take_route_back(void *user)
{
	g_autofree RouteMail *mail = user;
	path_table_remove_route(mail->to->gear->paths, &mail->address, mail->owner);
}

static void tell_route(Gate *gate, unsigned via, PostFunc func, const Address *address)
{
	RouteMail *mail = g_new(RouteMail, 1);
	*mail = (RouteMail){ .to = gate->mates[via], .owner = gate->index, .address = *address };
	worker_post(mail->to->gear->worker, func, mail);
}

/* A path that checks come by through another worker's socket: what follows comes there as well. */
static void note_way(Gate *gate, Path *path, unsigned via)
{
	if (!path || via == gate->index || path->via & 1u << via)
		return;
	path->via |= 1u << via;
	tell_route(gate, via, take_route, &path->remote);
}

static void on_path_leaves(const Path *path, void *user)
{
	Gate *gate = user;
	for (unsigned via = 0; via < gate->mate_count; via++)
		if (path->via & 1u << via)
			tell_route(gate, via, take_route_back, &path->remote);
}

typedef struct LineMail {
	Gate *to;
	TcpParcel parcel;
} LineMail;

static void take_line(void *user)
{
	g_autofree LineMail *mail = user;
	tcp_unpack(mail->to->tcp, &mail->parcel);
}

/* -- checks -- */

/* One look-up while a check is judged. */
typedef struct Asked {
	const Gate *gate;
	Peer *peer;
} Asked;

static const char *look_up(const char *ufrag, const char **remote_ufrag, void *user)
{
	Asked *asked = user;
	asked->peer = asked->gate->lookup(ufrag, asked->gate->user);
	if (!asked->peer)
		return NULL;
	const IceGeneration *ice = peer_ice(asked->peer, ufrag);
	if (!ice)
		return NULL;
	*remote_ufrag = ice->remote_ufrag;
	return ice->local.pwd;
}

static void send_reply(Gate *gate, const IceCheck *check, const Address *from,
	const uint8_t local_ip[16], TcpLine *line)
{
	Path path = { .remote = *from, .line = line };
	memcpy(path.local_ip, local_ip, sizeof path.local_ip);
	path.has_local = memcmp(local_ip, (uint8_t[16]){ 0 }, 16) != 0;
	outbox_copy(gate->gear->outbox, &path, check->reply, check->reply_len);
}

/* True if the datagram was STUN. via: the worker whose socket it came to. */
static bool take_stun(Gate *gate, const uint8_t *data, size_t len, const Address *from,
	const uint8_t local_ip[16], TcpLine *line, unsigned via)
{
	Asked asked = { .gate = gate };
	struct sockaddr_storage address;
	IceCheck check;
	if (!ice_is_stun(data, len))
		return false;

	address_write(from, address_is_ipv4(from) ? AF_INET : AF_INET6, &address);
	switch (ice_read(
		gate->ice, data, len, (struct sockaddr *)&address, look_up, &asked, &check)) {
	case ICE_CHECK:
		note_way(gate, peer_check(asked.peer, &check, from, local_ip, line), via);
		return true;
	case ICE_CONFLICT:
		send_reply(gate, &check, from, local_ip, line);
		return true;
	case ICE_DROP:
		STATS_ADD(gate->gear->stats, stun_dropped_total, 1);
		return true;
	default:
		return false;
	}
}

/* The other worker that a check names; -1 if it is ours, or nobody's. */
static int other_worker(const Gate *gate, const uint8_t *data, size_t len)
{
	int asked = gate->mate_count > 1 ? ice_worker_asked(data, len) : -1;
	return asked < (int)gate->mate_count && asked != (int)gate->index ? asked : -1;
}

/* -- UDP -- */

static void hand_over(Gate *gate, unsigned to, MeshKind kind, Packet *packet, const Address *from,
	const uint8_t local_ip[16])
{
	packet->from = *from;
	memcpy(packet->local_ip, local_ip, sizeof packet->local_ip);
	if (mesh_put(gate->gear->mesh, gate->index, to, kind, 0, packet))
		STATS_ADD(gate->gear->stats, handed_over_total, 1);
	else
		STATS_ADD(gate->gear->stats, ring_full_total, 1);
	packet_unref(packet);
}

static void drop_unknown(Gate *gate, Packet *packet)
{
	STATS_ADD(gate->gear->stats, unknown_dropped_total, 1);
	packet_unref(packet);
}

static void on_udp(Packet *packet, const Address *from, const uint8_t local_ip[16], void *user)
{
	Gate *gate = user;
	packet->arrived_us = worker_now_us(gate->gear->worker);
	int other = other_worker(gate, packet->data, packet->len);
	if (other >= 0) {
		hand_over(gate, (unsigned)other, MESH_STRANGE, packet, from, local_ip);
		return;
	}
	if (take_stun(gate, packet->data, packet->len, from, local_ip, NULL, gate->index)) {
		packet_unref(packet);
		return;
	}
	Path *path = path_table_find(gate->gear->paths, from);
	if (!path)
		drop_unknown(gate, packet);
	else if (path->peer)
		transport_datagram(peer_transport(path->peer), path, packet);
	else
		hand_over(gate, path->worker, MESH_ROUTED, packet, from, local_ip);
}

static void on_udp_ready(uint32_t events, void *user)
{
	Gate *gate = user;
	for (unsigned i = 0; i < UDP_BATCHES_A_TURN; i++)
		if (!udp_receive(gate->udp, gate->gear->pool, on_udp, gate))
			return;
}

void gate_take(Gate *gate, Packet *packet, unsigned via)
{
	int64_t now_us = worker_now_us(gate->gear->worker);
	packet->arrived_us = MIN(packet->arrived_us, now_us);
	if (now_us - packet->arrived_us > HANDED_AGE_US) {
		STATS_ADD(gate->gear->stats, ring_full_total, 1);
		packet_unref(packet);
		return;
	}
	if (take_stun(
		    gate, packet->data, packet->len, &packet->from, packet->local_ip, NULL, via)) {
		packet_unref(packet);
		return;
	}
	Path *path = path_table_find(gate->gear->paths, &packet->from);
	if (path && path->peer)
		transport_datagram(peer_transport(path->peer), path, packet);
	else
		drop_unknown(gate, packet); /* closed meanwhile */
}

/* -- TCP -- */

/* True: the line went on to the worker that its first check names. */
static bool move_line(Gate *gate, TcpLine *line, const uint8_t *data, size_t len)
{
	int other = tcp_line_owner(line) ? -1 : other_worker(gate, data, len);
	if (other < 0)
		return false;
	LineMail *mail = g_new(LineMail, 1);
	if (!tcp_line_pack(line, data, len, &mail->parcel)) {
		g_free(mail);
		return false;
	}
	mail->to = gate->mates[other];
	worker_post(mail->to->gear->worker, take_line, mail);
	return true;
}

static void on_tcp(TcpLine *line, uint8_t *data, size_t len, void *user)
{
	static const uint8_t no_ip[16];
	Gate *gate = user;
	if (move_line(gate, line, data, len))
		return;
	if (take_stun(gate, data, len, tcp_line_remote(line), no_ip, line, gate->index))
		return;
	Path *path = tcp_line_owner(line);
	if (!path) {
		STATS_ADD(gate->gear->stats, unknown_dropped_total, 1);
		return;
	}
	Packet *packet = packet_new(gate->gear->pool);
	packet->len = (uint16_t)len;
	packet->arrived_us = worker_now_us(gate->gear->worker);
	memcpy(packet->data, data, len);
	transport_datagram(peer_transport(path->peer), path, packet);
}

static void on_tcp_closed(TcpLine *line, void *user)
{
	Path *path = tcp_line_owner(line);
	if (path)
		transport_line_closed(peer_transport(path->peer), line);
}

static void on_door(int fd, void *user)
{
	Gate *gate = user;
	tcp_take(gate->tcp, fd);
}

/* -- life -- */

Gate *gate_new(Gear *gear, Udp *udp, int tcp_fd, int door_fd, GateLookup lookup, void *user)
{
	static const TcpEvents tcp_events = { on_tcp, on_tcp_closed };
	Gate *gate = g_new0(Gate, 1);
	gate->gear = gear;
	gate->index = worker_index(gear->worker);
	gate->lookup = lookup;
	gate->user = user;
	gate->udp = udp;
	gate->ice = ice_new();
	gear->paths = path_table_new(on_path_leaves, gate);
	gate->udp_watch = worker_watch(gear->worker, udp_fd(udp), EPOLLIN, on_udp_ready, gate);
	if (tcp_fd >= 0 || door_fd >= 0 || gear->mesh)
		gate->tcp = tcp_new(gear->worker, tcp_fd, &tcp_events, gate);
	if (door_fd >= 0)
		gate->door = door_new(gear->worker, door_fd, gear->stats, on_door, gate);
	return gate;
}

void gate_free(Gate *gate)
{
	if (!gate)
		return;
	worker_unwatch(gate->udp_watch);
	door_free(gate->door);
	tcp_free(gate->tcp);
	ice_free(gate->ice);
	path_table_free(gate->gear->paths);
	g_free(gate);
}

void gate_meet(Gate *gate, Gate *const *gates, unsigned count)
{
	memcpy(gate->mates, gates, count * sizeof *gates);
	gate->mate_count = count;
}

void gate_tick(Gate *gate, int64_t now_us)
{
	if (gate->tcp)
		tcp_tick(gate->tcp, now_us);
	if (gate->door)
		door_tick(gate->door);
}
