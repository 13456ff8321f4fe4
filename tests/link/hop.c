#include "hop.h"
#include "nat.h"
#include "proxy.h"
#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <jansson.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define FREE_PORT_TRIES 16 /* until one is free for UDP and TCP */
#define SWEEP_S 10

typedef struct Port {
	Nat *nat;
	Proxy *proxy;
} Port;

struct Hop {
	Road road;
	uint32_t seed;
	Port ports[ROAD_PORTS_MAX];
	unsigned port_count;
	int timer;
	guint due, sweep;
	unsigned rebindings;
	int64_t late_us; /* the latest that something came out after it was due */
};

/* An absolute time in the past rings at once. */
static void set_timer(void *user)
{
	Hop *hop = user;
	int64_t next_us =
		MIN(lane_next_us(hop->road.lanes[UP]), lane_next_us(hop->road.lanes[DOWN]));
	struct itimerspec when = { 0 };
	if (next_us != LANE_NEVER_US)
		when.it_value = (struct timespec){ .tv_sec = next_us / 1000000,
			.tv_nsec = next_us % 1000000 * 1000 };
	g_assert(timerfd_settime(hop->timer, TFD_TIMER_ABSTIME, &when, NULL) == 0);
}

static void deliver(Hop *hop, Way way)
{
	LanePacket packet;
	int64_t now_us = g_get_monotonic_time();
	while (lane_take(hop->road.lanes[way], &packet, now_us)) {
		const Parcel *parcel = packet.data;
		const Port *port = &hop->ports[parcel->port];
		hop->late_us = MAX(hop->late_us, now_us - packet.due_us);
		if (parcel->kind == PARCEL_DATAGRAM)
			nat_take(port->nat, parcel, way);
		else
			proxy_take(port->proxy, parcel, way);
		g_rc_box_release(packet.data);
	}
}

static void look(Hop *hop)
{
	for (unsigned i = 0; i < hop->port_count; i++)
		if (hop->ports[i].proxy)
			proxy_look(hop->ports[i].proxy);
	set_timer(hop);
}

static gboolean on_due(gint fd, GIOCondition condition, gpointer user)
{
	Hop *hop = user;
	uint64_t rings;
	(void)!read(fd, &rings, sizeof rings);
	deliver(hop, UP);
	deliver(hop, DOWN);
	look(hop);
	return G_SOURCE_CONTINUE;
}

static gboolean on_sweep(gpointer user)
{
	Hop *hop = user;
	for (unsigned i = 0; i < hop->port_count; i++)
		nat_forget_idle(hop->ports[i].nat, g_get_monotonic_time());
	return G_SOURCE_CONTINUE;
}

Hop *hop_new(uint32_t seed)
{
	Hop *hop = g_new0(Hop, 1);
	GRand *random = g_rand_new_with_seed(seed);
	hop->seed = seed;
	hop->road.lanes[UP] = lane_new(g_rand_int(random));
	hop->road.lanes[DOWN] = lane_new(g_rand_int(random));
	hop->road.moved = set_timer;
	hop->road.user = hop;
	g_rand_free(random);
	hop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	g_assert(hop->timer >= 0);
	hop->due = g_unix_fd_add_full(G_PRIORITY_HIGH, hop->timer, G_IO_IN, on_due, hop, NULL);
	hop->sweep = g_timeout_add_seconds(SWEEP_S, on_sweep, hop);
	return hop;
}

static void close_port(Port *port)
{
	nat_free(port->nat);
	proxy_free(port->proxy);
	*port = (Port){ 0 };
}

void hop_free(Hop *hop)
{
	if (!hop)
		return;
	for (unsigned i = 0; i < hop->port_count; i++)
		close_port(&hop->ports[i]);
	g_source_remove(hop->sweep);
	g_source_remove(hop->due);
	close(hop->timer);
	lane_free(hop->road.lanes[UP]);
	lane_free(hop->road.lanes[DOWN]);
	g_free(hop);
}

static bool open_port(
	Hop *hop, Port *port, const Address *listen, const Address *to, bool tcp, GError **error)
{
	Address chosen;
	port->nat = nat_new(&hop->road, hop->port_count, listen, to, error);
	if (!port->nat)
		return false;
	nat_address(port->nat, &chosen);
	if (tcp)
		port->proxy = proxy_new(&hop->road, hop->port_count, &chosen, to, error);
	if (!tcp || port->proxy)
		return true;
	close_port(port);
	return false;
}

static bool is_any_port(const Address *address)
{
	return address->at.ss_family == AF_INET6
		       ? !((const struct sockaddr_in6 *)&address->at)->sin6_port
		       : !((const struct sockaddr_in *)&address->at)->sin_port;
}

bool hop_add(Hop *hop, const Address *listen, const Address *to, bool tcp, GError **error)
{
	if (hop->port_count == ROAD_PORTS_MAX) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "too many ports");
		return false;
	}
	Port *port = &hop->ports[hop->port_count];
	bool fine = open_port(hop, port, listen, to, tcp, error);
	for (unsigned i = 0; !fine && is_any_port(listen) && i < FREE_PORT_TRIES; i++) {
		g_clear_error(error);
		fine = open_port(hop, port, listen, to, tcp, error);
	}
	hop->port_count += fine;
	return fine;
}

void hop_address(const Hop *hop, unsigned port, Address *address)
{
	g_assert(port < hop->port_count);
	nat_address(hop->ports[port].nat, address);
}

static void change_shape(Hop *hop, const Step *step, Way way, int64_t now_us)
{
	LaneShape shape = *lane_shape(hop->road.lanes[way]);
	step_change(step, &shape);
	lane_set_shape(hop->road.lanes[way], &shape, now_us);
}

static bool read_address(const char *text, Address *address)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address->at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->at;
	memset(address, 0, sizeof *address);
	v4->sin_family = AF_INET;
	address->len = sizeof *v4;
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
		return true;
	v6->sin6_family = AF_INET6;
	address->len = sizeof *v6;
	return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
}

static bool change_address(Hop *hop, const char *ip, GError **error)
{
	Address given;
	const Address *from = *ip && read_address(ip, &given) ? &given : NULL;
	for (unsigned i = 0; i < hop->port_count; i++) {
		if (!nat_rebind(hop->ports[i].nat, from, error))
			return false;
		if (hop->ports[i].proxy)
			proxy_rebind(hop->ports[i].proxy, from);
	}
	hop->rebindings++;
	return true;
}

static void apply_way(Hop *hop, const Step *step, Way way, int64_t now_us)
{
	if (step->kind == STEP_OUTAGE)
		lane_stop(hop->road.lanes[way], now_us + step->duration_us, now_us);
	else
		change_shape(hop, step, way, now_us);
}

static void apply_switch(Hop *hop, const Step *step)
{
	for (unsigned i = 0; i < hop->port_count; i++) {
		if (step->kind == STEP_UDP)
			nat_set_on(hop->ports[i].nat, step->on);
		else if (hop->ports[i].proxy)
			proxy_set_on(hop->ports[i].proxy, step->on);
	}
}

bool hop_apply(Hop *hop, const Step *step, GError **error)
{
	bool fine = true;
	int64_t now_us = g_get_monotonic_time();
	if (step->kind == STEP_ADDRESS)
		fine = change_address(hop, step->address, error);
	else if (step->kind == STEP_UDP || step->kind == STEP_TCP)
		apply_switch(hop, step);
	if (step->ways & STEP_UP)
		apply_way(hop, step, UP, now_us);
	if (step->ways & STEP_DOWN)
		apply_way(hop, step, DOWN, now_us);
	look(hop);
	return fine;
}

static json_t *lane_json(Lane *lane)
{
	const LaneStats *stats = lane_stats(lane);
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "in",
		(json_int_t)stats->in, "in_bytes", (json_int_t)stats->in_bytes, "delivered",
		(json_int_t)stats->delivered, "delivered_bytes", (json_int_t)stats->delivered_bytes,
		"lost", (json_int_t)stats->lost, "queue_dropped", (json_int_t)stats->queue_dropped,
		"outage_dropped", (json_int_t)stats->outage_dropped, "duplicated",
		(json_int_t)stats->duplicated, "reordered", (json_int_t)stats->reordered, "stalled",
		(json_int_t)stats->stalled, "queue_ms",
		(double)lane_queue_us(lane, g_get_monotonic_time()) / 1000);
}

char *hop_stats(Hop *hop)
{
	uint64_t refused = 0, blocked = 0, reset = 0;
	unsigned clients = 0, connections = 0;
	for (unsigned i = 0; i < hop->port_count; i++) {
		const Port *port = &hop->ports[i];
		clients += nat_clients(port->nat);
		refused += nat_stats(port->nat)->refused;
		blocked += nat_stats(port->nat)->blocked;
		if (!port->proxy)
			continue;
		connections += proxy_connections(port->proxy);
		refused += proxy_stats(port->proxy)->refused;
		reset += proxy_stats(port->proxy)->reset;
	}
	json_t *json = json_pack("{s:I,s:i,s:i,s:i,s:I,s:I,s:I,s:I,s:o,s:o}", "seed",
		(json_int_t)hop->seed, "clients", (int)clients, "connections", (int)connections,
		"rebindings", (int)hop->rebindings, "refused", (json_int_t)refused, "blocked",
		(json_int_t)blocked, "reset", (json_int_t)reset, "late_us",
		(json_int_t)hop->late_us, "up", lane_json(hop->road.lanes[UP]), "down",
		lane_json(hop->road.lanes[DOWN]));
	char *text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(8));
	json_decref(json);
	return text;
}
