#include "roster.h"
#include "tap.h"
#include "tap_news.h"
#include <sys/epoll.h>

#define VIEWER_TICKS 20       /* a viewer is looked after each twentieth tick: 100 ms */
#define UDP_BATCHES_A_TURN 16 /* all that waits is read before anything is sent: publishers first */

/* A peer and what the roster knows of it. */
typedef struct Entry {
	Peer *peer;
	Roster *roster;
	uint64_t serial;
	bool closed; /* freed at the end of the turn */
} Entry;

struct Roster {
	Gear gear;
	Stats stats;
	RosterEvents events;
	void *user;
	Udp *udp;
	Tcp *tcp;
	Ice *ice;
	WorkerWatch *udp_watch;
	GHashTable *by_id;    /* id → Entry, owned */
	GHashTable *by_ufrag; /* ours → Entry, borrowed */
	GHashTable *stages;   /* id → Stage, owned */
	GPtrArray *order;     /* Entry *, for the ticks */
	unsigned ticks;
	bool any_closed;
	Tap *tap;
};

static Entry *entry_of(Roster *roster, const char *id)
{
	return g_hash_table_lookup(roster->by_id, id);
}

/* -- what peers tell -- */

static void on_state(Peer *peer, TransportState state, const char *reason, void *user)
{
	Entry *entry = user;
	Roster *roster = entry->roster;
	if (state == TRANSPORT_CLOSED) {
		entry->closed = true;
		roster->any_closed = true;
	}
	roster->events.peer(peer_params(peer), entry->serial, state,
		transport_kind(peer_transport(peer)), reason, roster->user);
}

static void on_packet(Peer *peer, Track *track, Packet *packet, void *user)
{
	Entry *entry = user;
	Roster *roster = entry->roster;
	stage_packet(peer_stage(peer), track, packet, worker_now_us(roster->gear.worker));
	tap_feed_packet(roster->gear.tap, stage_id(peer_stage(peer)), track, packet);
}

static void on_flowing(Peer *peer, Track *track, void *user)
{
	Entry *entry = user;
	Roster *roster = entry->roster;
	int64_t now_us = worker_now_us(roster->gear.worker);
	stage_flowing(peer_stage(peer), now_us);
	if (!track->flowing)
		tap_feed_quiet(roster->gear.tap, track, now_us);
	roster->events.track(
		peer_params(peer), entry->serial, track->source, track->flowing, roster->user);
}

static void on_slots(Stage *stage, const char *const owners[SLOT_COUNT], void *user)
{
	Roster *roster = user;
	tap_news_slots(
		roster->gear.tap, stage_id(stage), owners, worker_now_us(roster->gear.worker));
	roster->events.slots(stage_id(stage), owners, roster->user);
}

/* -- datagrams -- */

static const char *look_up(const char *ufrag, const char **remote_ufrag, void *user)
{
	Roster *roster = user;
	Entry *entry = g_hash_table_lookup(roster->by_ufrag, ufrag);
	if (!entry) {
		/* Its answer went out when the peer was posted to us: the check may be quicker. */
		worker_run_posts(roster->gear.worker);
		entry = g_hash_table_lookup(roster->by_ufrag, ufrag);
	}
	if (!entry || entry->closed)
		return NULL;
	const Params *params = peer_params(entry->peer);
	*remote_ufrag = params->remote_ufrag;
	return params->local.pwd;
}

static void send_reply(Roster *roster, const IceCheck *check, const Address *from,
	const uint8_t local_ip[16], TcpLine *line)
{
	Path path = { .remote = *from, .line = line };
	memcpy(path.local_ip, local_ip, sizeof path.local_ip);
	path.has_local = memcmp(local_ip, (uint8_t[16]){ 0 }, 16) != 0;
	outbox_copy(roster->gear.outbox, &path, check->reply, check->reply_len);
}

/* True if the datagram was STUN. */
static bool take_stun(Roster *roster, const uint8_t *data, size_t len, const Address *from,
	const uint8_t local_ip[16], TcpLine *line)
{
	struct sockaddr_storage address;
	IceCheck check;
	if (!ice_is_stun(data, len))
		return false;

	address_write(from, address_is_ipv4(from) ? AF_INET : AF_INET6, &address);
	switch (ice_read(
		roster->ice, data, len, (struct sockaddr *)&address, look_up, roster, &check)) {
	case ICE_CHECK: {
		Entry *entry = g_hash_table_lookup(roster->by_ufrag, check.ufrag);
		transport_check(peer_transport(entry->peer), &check, from, local_ip, line);
		return true;
	}
	case ICE_CONFLICT:
		send_reply(roster, &check, from, local_ip, line);
		return true;
	case ICE_DROP:
		STATS_ADD(&roster->stats, stun_dropped_total, 1);
		return true;
	default:
		return false;
	}
}

static void on_udp(Packet *packet, const Address *from, const uint8_t local_ip[16], void *user)
{
	Roster *roster = user;
	if (take_stun(roster, packet->data, packet->len, from, local_ip, NULL)) {
		packet_unref(packet);
		return;
	}
	Path *path = path_table_find(roster->gear.paths, from);
	if (!path) {
		STATS_ADD(&roster->stats, unknown_dropped_total, 1);
		packet_unref(packet);
		return;
	}
	transport_datagram(peer_transport(path->peer), path, packet);
}

static void on_udp_ready(uint32_t events, void *user)
{
	Roster *roster = user;
	for (unsigned i = 0; i < UDP_BATCHES_A_TURN; i++)
		if (!udp_receive(roster->udp, roster->gear.pool, on_udp, roster))
			return;
}

static void on_tcp(TcpLine *line, uint8_t *data, size_t len, void *user)
{
	static const uint8_t no_ip[16];
	Roster *roster = user;
	if (take_stun(roster, data, len, tcp_line_remote(line), no_ip, line))
		return;
	Path *path = tcp_line_owner(line);
	if (!path) {
		STATS_ADD(&roster->stats, unknown_dropped_total, 1);
		return;
	}
	Packet *packet = packet_new(roster->gear.pool);
	packet->len = (uint16_t)len;
	memcpy(packet->data, data, len);
	transport_datagram(peer_transport(path->peer), path, packet);
}

static void on_tcp_closed(TcpLine *line, void *user)
{
	Path *path = tcp_line_owner(line);
	if (path)
		transport_line_closed(peer_transport(path->peer), line);
}

/* -- life -- */

static void entry_free(void *data)
{
	Entry *entry = data;
	Roster *roster = entry->roster;
	g_hash_table_remove(roster->by_ufrag, peer_params(entry->peer)->local.ufrag);
	g_ptr_array_remove_fast(roster->order, entry);
	tap_news_peer_gone(roster->gear.tap, entry->peer, worker_now_us(roster->gear.worker));
	if (peer_stage(entry->peer))
		stage_remove(
			peer_stage(entry->peer), entry->peer, worker_now_us(roster->gear.worker));
	peer_free(entry->peer);
	g_free(entry);
}

static void sweep(Roster *roster)
{
	if (!roster->any_closed)
		return;
	roster->any_closed = false;
	for (unsigned i = roster->order->len; i-- > 0;) {
		Entry *entry = roster->order->pdata[i];
		if (entry->closed)
			g_hash_table_remove(roster->by_id, peer_params(entry->peer)->id);
	}
}

static void on_tick(int64_t now_us, void *user)
{
	Roster *roster = user;
	unsigned turn = roster->ticks++ % VIEWER_TICKS;
	lobby_tick(roster->gear.lobby);
	for (unsigned i = 0; i < roster->order->len; i++) {
		Entry *entry = roster->order->pdata[i];
		if (!peer_viewer(entry->peer) || i % VIEWER_TICKS == turn)
			peer_tick(entry->peer, now_us);
	}
	if (turn == 0) {
		GHashTableIter iter;
		void *stage;
		g_hash_table_iter_init(&iter, roster->stages);
		while (g_hash_table_iter_next(&iter, NULL, &stage))
			stage_tick(stage, now_us);
	}
	if (roster->tcp && roster->ticks % 200 == 0)
		tcp_tick(roster->tcp, now_us);
}

static void on_settle(int64_t now_us, void *user)
{
	Roster *roster = user;
	GHashTableIter iter;
	void *stage;
	g_hash_table_iter_init(&iter, roster->stages);
	while (g_hash_table_iter_next(&iter, NULL, &stage))
		stage_settle(stage, now_us);
	sweep(roster);
	outbox_flush(roster->gear.outbox);
}

Roster *roster_new(unsigned index, const RosterSockets *sockets, DtlsServer *dtls, Tap *tap,
	const RosterEvents *events, void *user, GError **error)
{
	static const TcpEvents tcp_events = { on_tcp, on_tcp_closed };
	Worker *worker = worker_new(index, error);
	if (!worker)
		return NULL;

	Roster *roster = g_new0(Roster, 1);
	roster->events = *events;
	roster->user = user;
	roster->tap = tap;
	roster->udp = udp_new(sockets->udp, sockets->multihomed, &roster->stats);
	roster->ice = ice_new();
	roster->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
	roster->by_ufrag = g_hash_table_new(g_str_hash, g_str_equal);
	roster->stages =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)stage_free);
	roster->order = g_ptr_array_new();
	roster->gear = (Gear){ .worker = worker,
		.dtls = dtls,
		.stats = &roster->stats,
		.tap = tap_add_feed(tap, &roster->stats),
		.pool = packet_pool_new(),
		.paths = path_table_new(),
		.lobby = lobby_new(transport_handshake, g_get_monotonic_time),
		.outbox = outbox_new(roster->udp, &roster->stats) };
	roster->udp_watch =
		worker_watch(worker, udp_fd(roster->udp), EPOLLIN, on_udp_ready, roster);
	if (sockets->tcp >= 0)
		roster->tcp = tcp_new(worker, sockets->tcp, &tcp_events, roster);
	return roster;
}

void roster_start(Roster *roster)
{
	static const WorkerEvents events = { on_tick, on_settle };
	worker_start(roster->gear.worker, &events, roster);
}

void roster_free(Roster *roster)
{
	if (!roster)
		return;
	worker_stop(roster->gear.worker);
	g_hash_table_unref(roster->by_id);
	outbox_flush(roster->gear.outbox);
	g_hash_table_unref(roster->by_ufrag);
	g_hash_table_unref(roster->stages);
	g_ptr_array_unref(roster->order);
	tap_remove_feed(roster->tap, roster->gear.tap);
	worker_unwatch(roster->udp_watch);
	tcp_free(roster->tcp);
	ice_free(roster->ice);
	lobby_free(roster->gear.lobby);
	outbox_free(roster->gear.outbox);
	udp_free(roster->udp);
	path_table_free(roster->gear.paths);
	packet_pool_free(roster->gear.pool);
	worker_free(roster->gear.worker);
	g_free(roster);
}

void roster_post(Roster *roster, PostFunc func, void *user)
{
	worker_post(roster->gear.worker, func, user);
}

Stats *roster_stats(Roster *roster)
{
	return &roster->stats;
}

static Stage *take_stage(Roster *roster, const char *id)
{
	Stage *stage = g_hash_table_lookup(roster->stages, id);
	if (!stage) {
		stage = stage_new(&roster->gear, id, on_slots, roster);
		g_hash_table_insert(roster->stages, g_strdup(id), stage);
	}
	return stage;
}

void roster_put_peer(Roster *roster, Params *params, uint64_t serial)
{
	static const PeerEvents events = { on_state, on_packet, on_flowing };
	roster_delete_peer(roster, params->id);

	Entry *entry = g_new0(Entry, 1);
	entry->roster = roster;
	entry->serial = serial;
	entry->peer = peer_new(&roster->gear, params, &events, entry);
	g_hash_table_insert(roster->by_id, g_strdup(params->id), entry);
	g_hash_table_insert(roster->by_ufrag, (char *)peer_params(entry->peer)->local.ufrag, entry);
	g_ptr_array_add(roster->order, entry);
	stage_add(
		take_stage(roster, params->stage), entry->peer, worker_now_us(roster->gear.worker));
}

void roster_delete_peer(Roster *roster, const char *id)
{
	if (entry_of(roster, id))
		g_hash_table_remove(roster->by_id, id);
}

void roster_put_stage(Roster *roster, const char *id, const StageWish *wish)
{
	int64_t now_us = worker_now_us(roster->gear.worker);
	tap_news_stage(roster->gear.tap, id, wish, now_us);
	stage_wish(take_stage(roster, id), wish, now_us);
}

void roster_delete_stage(Roster *roster, const char *id)
{
	Stage *stage = g_hash_table_lookup(roster->stages, id);
	Peer *peer;
	if (!stage)
		return;
	while ((peer = stage_any_peer(stage)))
		roster_delete_peer(roster, peer_params(peer)->id);
	g_hash_table_remove(roster->stages, id);
	tap_news_stage_gone(roster->gear.tap, id, worker_now_us(roster->gear.worker));
}
