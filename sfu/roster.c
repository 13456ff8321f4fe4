#include "roster.h"
#include "gate.h"
#include "mesh.h"
#include "tap.h"
#include "tap_news.h"
#include <sys/epoll.h>

#define VIEWER_TICKS 20 /* a viewer is looked after each twentieth tick: 100 ms */
#define GATE_TICKS 200

/* A peer and what the roster knows of it. */
typedef struct Entry {
	Peer *peer;
	Roster *roster;
	Share *share; /* of a viewer away from its stage's home, else NULL */
	uint64_t serial;
	bool closed;                       /* freed at the end of the turn */
	char ufrags[2][ICE_UFRAG_LEN + 1]; /* ours, as they stand in by_ufrag; "" for none */
} Entry;

struct Roster {
	Gear gear;
	unsigned index;
	Roster *const *mates; /* of all workers, this one as well */
	Stats stats;
	RosterEvents events;
	void *user;
	Udp *udp;
	Gate *gate;
	WorkerWatch *mesh_watch;
	GHashTable *by_id;    /* id → Entry, owned */
	GHashTable *by_ufrag; /* ours → Entry, borrowed; two of a peer while its ICE restarts */
	GHashTable *stages;   /* id → Stage, owned: those at home here */
	GHashTable *shares;   /* stage id → Share, owned: those with viewers here alone */
	Mirrors *mirrors;
	uint64_t serials;                /* of shares */
	GPtrArray *publishers, *viewers; /* Entry *, for the ticks */
	unsigned ticks;
	bool any_closed;
	Tap *tap;
};

static Entry *entry_of(Roster *roster, const char *id)
{
	return g_hash_table_lookup(roster->by_id, id);
}

static Peer *find_peer(const char *ufrag, void *user)
{
	Roster *roster = user;
	Entry *entry = g_hash_table_lookup(roster->by_ufrag, ufrag);
	if (!entry) {
		/* Its answer went out when the peer was posted to us: the check may be quicker. */
		worker_run_posts(roster->gear.worker);
		entry = g_hash_table_lookup(roster->by_ufrag, ufrag);
	}
	return entry && !entry->closed ? entry->peer : NULL;
}

static void note_ufrag(Entry *entry, const char *ufrag)
{
	char *place = entry->ufrags[entry->ufrags[0][0] != 0];
	g_assert(!place[0]);
	g_strlcpy(place, ufrag, sizeof entry->ufrags[0]);
	g_hash_table_insert(entry->roster->by_ufrag, place, entry);
}

static GPtrArray *order_of(const Entry *entry)
{
	Roster *roster = entry->roster;
	return peer_viewer(entry->peer) ? roster->viewers : roster->publishers;
}

static void forget_ufrag(Entry *entry, const char *ufrag)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(entry->ufrags); i++) {
		char *place = entry->ufrags[i];
		if (!place[0] || strcmp(place, ufrag))
			continue;
		g_hash_table_remove(entry->roster->by_ufrag, place);
		place[0] = '\0';
		return;
	}
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

static void on_rung(Peer *peer, void *user)
{
	Entry *entry = user;
	Roster *roster = entry->roster;
	RationNews news = ration_news(viewer_ration(peer_viewer(peer)));
	roster->events.rung(peer_params(peer), entry->serial, &news, roster->user);
}

static void on_ufrag_gone(Peer *peer, const char *ufrag, void *user)
{
	forget_ufrag(user, ufrag);
}

static void on_slots(Stage *stage, const char *const owners[SLOT_COUNT], void *user)
{
	Roster *roster = user;
	tap_news_slots(
		roster->gear.tap, stage_id(stage), owners, worker_now_us(roster->gear.worker));
	roster->events.slots(stage_id(stage), owners, roster->user);
}

/* -- what rosters post to each other -- */

typedef struct Mail {
	Roster *to;
	char stage[PARAMS_ID_MAX + 1];
	unsigned from;
	uint64_t number; /* a share's serial or a track's id */
} Mail;

static void post_mail(Roster *to, PostFunc func, const Mail *mail)
{
	Mail *copy = g_new(Mail, 1);
	*copy = *mail;
	copy->to = to;
	roster_post(to, func, copy);
}

static void post_about(Share *share, PostFunc func, uint64_t number, Roster *roster)
{
	Mail mail = { .from = roster->index, .number = number };
	g_strlcpy(mail.stage, share_stage(share), sizeof mail.stage);
	post_mail(roster->mates[share_home(share)], func, &mail);
}

static void take_join(void *user)
{
	g_autofree Mail *mail = user;
	Stage *stage = g_hash_table_lookup(mail->to->stages, mail->stage);
	if (stage)
		spread_join(stage_spread(stage), mail->from, mail->number,
			worker_now_us(mail->to->gear.worker));
}

static void take_leave(void *user)
{
	g_autofree Mail *mail = user;
	Stage *stage = g_hash_table_lookup(mail->to->stages, mail->stage);
	if (stage)
		spread_leave(stage_spread(stage), mail->from, mail->number);
}

static void take_keyframe_wish(void *user)
{
	g_autofree Mail *mail = user;
	Stage *stage = g_hash_table_lookup(mail->to->stages, mail->stage);
	Track *track = stage ? spread_track(stage_spread(stage), mail->number) : NULL;
	if (track)
		track_want_keyframe(track, worker_now_us(mail->to->gear.worker));
}

static void on_wish(Share *share, uint64_t track, void *user)
{
	post_about(share, take_keyframe_wish, track, user);
}

typedef struct NewsMail {
	Roster *to;
	SpreadNews *news;
} NewsMail;

static void take_news(void *user)
{
	g_autofree NewsMail *mail = user;
	Share *share = g_hash_table_lookup(mail->to->shares, mail->news->stage);
	if (share && share_serial(share) == mail->news->serial)
		share_news(share, mail->news, worker_now_us(mail->to->gear.worker));
	spread_news_free(mail->news);
}

static void on_tell(unsigned worker, SpreadNews *news, void *user)
{
	Roster *roster = user;
	NewsMail *mail = g_new(NewsMail, 1);
	*mail = (NewsMail){ .to = roster->mates[worker], .news = news };
	roster_post(mail->to, take_news, mail);
}

/* -- what the mesh brings -- */

static void take_from_mesh(unsigned from, uint64_t track, Packet *packet, void *user)
{
	Roster *roster = user;
	int64_t now_us = worker_now_us(roster->gear.worker);
	if (!track) {
		gate_take(roster->gate, packet, from);
		return;
	}
	/* A new track's news may still lie in the postbox. */
	if (!share_packet(roster->mirrors, track, packet, now_us) &&
		worker_run_posts(roster->gear.worker))
		share_packet(roster->mirrors, track, packet, now_us);
	packet_unref(packet);
}

static void on_mesh(uint32_t events, void *user)
{
	Roster *roster = user;
	mesh_take(roster->gear.mesh, roster->index, take_from_mesh, roster);
}

/* -- life -- */

static void drop_empty_share(Roster *roster, Share *share)
{
	if (share_any_peer(share))
		return;
	post_about(share, take_leave, share_serial(share), roster);
	g_hash_table_remove(roster->shares, share_stage(share));
}

static void entry_free(void *data)
{
	Entry *entry = data;
	Roster *roster = entry->roster;
	forget_ufrag(entry, entry->ufrags[0]);
	forget_ufrag(entry, entry->ufrags[1]);
	g_ptr_array_remove_fast(order_of(entry), entry);
	tap_news_peer_gone(roster->gear.tap, entry->peer, worker_now_us(roster->gear.worker));
	if (entry->share)
		share_remove(entry->share, entry->peer);
	if (peer_stage(entry->peer))
		stage_remove(
			peer_stage(entry->peer), entry->peer, worker_now_us(roster->gear.worker));
	peer_free(entry->peer); /* its slots let go of the share's mirrors */
	if (entry->share)
		drop_empty_share(roster, entry->share);
	g_free(entry);
}

static void sweep_those(Roster *roster, GPtrArray *entries)
{
	for (unsigned i = entries->len; i-- > 0;) {
		Entry *entry = entries->pdata[i];
		if (entry->closed)
			g_hash_table_remove(roster->by_id, peer_params(entry->peer)->id);
	}
}

static void sweep(Roster *roster)
{
	if (!roster->any_closed)
		return;
	roster->any_closed = false;
	sweep_those(roster, roster->viewers);
	sweep_those(roster, roster->publishers);
}

static void tick_peer(void *entry, int64_t now_us)
{
	peer_tick(((Entry *)entry)->peer, now_us);
}

static void on_tick(int64_t now_us, void *user)
{
	Roster *roster = user;
	GHashTableIter iter;
	void *stage, *share;
	unsigned turn = roster->ticks++ % VIEWER_TICKS;
	lobby_tick(roster->gear.lobby);
	for (unsigned i = 0; i < roster->publishers->len; i++)
		tick_peer(roster->publishers->pdata[i], now_us);
	for (unsigned i = turn; i < roster->viewers->len; i += VIEWER_TICKS)
		tick_peer(roster->viewers->pdata[i], now_us);
	if (turn == 0) {
		g_hash_table_iter_init(&iter, roster->stages);
		while (g_hash_table_iter_next(&iter, NULL, &stage))
			stage_tick(stage, now_us);
	}
	g_hash_table_iter_init(&iter, roster->shares);
	while (g_hash_table_iter_next(&iter, NULL, &share))
		share_tick(share, now_us);
	if (roster->ticks % GATE_TICKS == 0)
		gate_tick(roster->gate, now_us);
}

static void on_settle(int64_t now_us, void *user)
{
	Roster *roster = user;
	GHashTableIter iter;
	void *stage, *share;
	/* Before our own viewers are served: the others work meanwhile. */
	if (roster->gear.mesh)
		mesh_wake(roster->gear.mesh, roster->index);
	g_hash_table_iter_init(&iter, roster->stages);
	while (g_hash_table_iter_next(&iter, NULL, &stage))
		stage_settle(stage, now_us);
	g_hash_table_iter_init(&iter, roster->shares);
	while (g_hash_table_iter_next(&iter, NULL, &share))
		share_settle(share, now_us);
	sweep(roster);
	outbox_flush(roster->gear.outbox);
}

Roster *roster_new(unsigned index, const RosterSockets *sockets, DtlsServer *dtls, Mesh *mesh,
	Tap *tap, const RosterEvents *events, void *user, GError **error)
{
	Worker *worker = worker_new(index, error);
	if (!worker)
		return NULL;

	Roster *roster = g_new0(Roster, 1);
	roster->index = index;
	roster->events = *events;
	roster->user = user;
	roster->tap = tap;
	roster->udp = udp_new(sockets->udp, sockets->multihomed, &roster->stats);
	roster->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
	roster->by_ufrag = g_hash_table_new(g_str_hash, g_str_equal);
	roster->stages =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)stage_free);
	roster->shares =
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)share_free);
	roster->mirrors = mirrors_new();
	roster->publishers = g_ptr_array_new();
	roster->viewers = g_ptr_array_new();
	roster->gear = (Gear){ .worker = worker,
		.dtls = dtls,
		.stats = &roster->stats,
		.tap = tap_add_feed(tap, &roster->stats),
		.pool = packet_pool_new(),
		.lobby = lobby_new(transport_handshake, g_get_monotonic_time),
		.outbox = outbox_new(roster->udp, &roster->stats),
		.mesh = mesh,
		.rung_cap = RATION_TOP };
	roster->gate = gate_new(
		&roster->gear, roster->udp, sockets->tcp, sockets->door, find_peer, roster);
	if (mesh)
		roster->mesh_watch =
			worker_watch(worker, mesh_fd(mesh, index), EPOLLIN, on_mesh, roster);
	return roster;
}

void roster_start(Roster *roster, Roster *const *mates, unsigned count)
{
	static const WorkerEvents events = { on_tick, on_settle };
	Gate *gates[MESH_WORKERS_MAX];
	for (unsigned i = 0; i < count; i++)
		gates[i] = mates[i]->gate;
	gate_meet(roster->gate, gates, count);
	roster->mates = mates;
	worker_start(roster->gear.worker, &events, roster);
}

void roster_stop(Roster *roster)
{
	worker_stop(roster->gear.worker);
}

void roster_close(Roster *roster)
{
	g_hash_table_remove_all(roster->by_id);
	g_hash_table_remove_all(roster->stages);
	/* Its packets may belong to another roster's pool. */
	tap_remove_feed(roster->tap, g_steal_pointer(&roster->gear.tap));
	g_clear_pointer(&roster->gear.lobby, lobby_free);
	outbox_flush(roster->gear.outbox);
}

bool roster_run_posts(Roster *roster)
{
	return worker_run_posts(roster->gear.worker);
}

void roster_free(Roster *roster)
{
	if (!roster)
		return;
	g_hash_table_unref(roster->by_id);
	g_hash_table_unref(roster->by_ufrag);
	g_hash_table_unref(roster->stages);
	g_hash_table_unref(roster->shares);
	mirrors_free(roster->mirrors);
	g_ptr_array_unref(roster->publishers);
	g_ptr_array_unref(roster->viewers);
	worker_unwatch(roster->mesh_watch);
	gate_free(roster->gate);
	lobby_free(roster->gear.lobby);
	outbox_free(roster->gear.outbox);
	udp_free(roster->udp);
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
	static const StageEvents events = { on_slots, on_tell };
	Stage *stage = g_hash_table_lookup(roster->stages, id);
	if (!stage) {
		stage = stage_new(&roster->gear, id, &events, roster);
		g_hash_table_insert(roster->stages, g_strdup(id), stage);
	}
	return stage;
}

static Share *take_share(Roster *roster, const char *id, unsigned home)
{
	Share *share = g_hash_table_lookup(roster->shares, id);
	if (!share) {
		share = share_new(&roster->gear, roster->mirrors, id, home, ++roster->serials,
			on_wish, roster);
		g_hash_table_insert(roster->shares, g_strdup(id), share);
		post_about(share, take_join, share_serial(share), roster);
	}
	return share;
}

void roster_put_peer(Roster *roster, Params *params, uint64_t serial, unsigned home)
{
	static const PeerEvents events = { on_state, on_packet, on_flowing, on_rung,
		on_ufrag_gone };
	int64_t now_us = worker_now_us(roster->gear.worker);
	roster_delete_peer(roster, params->id);

	Entry *entry = g_new0(Entry, 1);
	entry->roster = roster;
	entry->serial = serial;
	entry->peer = peer_new(&roster->gear, params, &events, entry);
	g_hash_table_insert(roster->by_id, g_strdup(params->id), entry);
	note_ufrag(entry, params->ice.local.ufrag);
	g_ptr_array_add(order_of(entry), entry);
	if (home == roster->index) {
		stage_add(take_stage(roster, params->stage), entry->peer, now_us);
	} else {
		g_assert(peer_viewer(entry->peer));
		entry->share = take_share(roster, params->stage, home);
		share_add(entry->share, entry->peer, now_us);
	}
}

void roster_restart_peer(Roster *roster, const char *id, const IceGeneration *next)
{
	Entry *entry = entry_of(roster, id);
	if (!entry || entry->closed)
		return;
	peer_restart(entry->peer, next);
	note_ufrag(entry, next->local.ufrag);
}

void roster_limit_peer(Roster *roster, const char *id, unsigned rung)
{
	Entry *entry = entry_of(roster, id);
	if (entry && !entry->closed && peer_viewer(entry->peer))
		viewer_limit(peer_viewer(entry->peer), rung);
}

void roster_limit_all(Roster *roster, unsigned rung)
{
	roster->gear.rung_cap = rung;
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
	Share *share;
	Peer *peer;
	while (stage && (peer = stage_any_peer(stage)))
		roster_delete_peer(roster, peer_params(peer)->id);
	if (stage) {
		g_hash_table_remove(roster->stages, id);
		tap_news_stage_gone(roster->gear.tap, id, worker_now_us(roster->gear.worker));
	}
	/* A share goes with its last viewer. */
	while ((share = g_hash_table_lookup(roster->shares, id)))
		roster_delete_peer(roster, peer_params(share_any_peer(share))->id);
}
