#include "node.h"
#include "dispatch.h"
#include "egress.h"
#include "known.h"
#include "sdp_ice.h"
#include "tap.h"
#include <openssl/rand.h>
#include <stdatomic.h>
#include <unistd.h>

#define STAGES_MAX 200
#define OPENING_MAX 512 /* peers on their way in: 512 handshakes of 78 KiB are 40 MiB (T-24) */
#define ALIVE_EVERY_S 1
#define EGRESS_EVERY_S 1
#define IP_BYTES 28   /* headers of IPv4 and UDP */
#define HANGS_AFTER 4 /* checks unanswered: a turn takes milliseconds */
#define ANNOUNCE_MAX (SDP_CANDIDATE_MAX / 2)

struct Node {
	char boot[23];
	DtlsServer *dtls;
	Mesh *mesh; /* NULL with one worker */
	Roster *rosters[MESH_WORKERS_MAX];
	_Atomic unsigned unanswered[MESH_WORKERS_MAX]; /* checks the worker has not come to yet */
	unsigned workers;
	Tap *tap; /* NULL: nothing is recorded */
	Dispatch *dispatch;
	Egress egress;
	unsigned alive_timer, egress_timer;
	NodeNotify notify;
	void *user;
	Known *known;
	SdpCandidate candidates[SDP_CANDIDATE_MAX];
	unsigned candidate_count;
	char **announce;
};

/* -- news from the workers -- */

static void on_peer(const char *id, uint64_t serial, TransportState state, const char *transport,
	const char *reason, void *user)
{
	Node *node = user;
	KnownPeer *known = known_peer_of(node->known, id, serial);
	if (!known)
		return;
	known->state = state;
	g_strlcpy(known->transport, transport, sizeof known->transport);
	g_info("peer %.8s: %s%s%s (%s)", known->id, known_state_name(state),
		transport[0] ? " over " : "", transport, reason);
	node->notify("peer.state",
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "boot", node->boot, "peer",
			known->id, "stage", known->stage, "owner", known->owner, "role",
			known_role_name(known->role), "state", known_state_name(state), "transport",
			transport, "reason", reason),
		node->user);
	if (state == TRANSPORT_CLOSED)
		known_remove_peer(node->known, id);
}

static void on_track(const char *id, uint64_t serial, Source source, bool flowing, void *user)
{
	Node *node = user;
	const KnownPeer *known = known_peer_of(node->known, id, serial);
	if (!known)
		return;
	node->notify("track.state",
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "boot", node->boot, "peer", known->id,
			"stage", known->stage, "owner", known->owner, "source", source_name(source),
			"flowing", flowing),
		node->user);
}

static void on_slots(const char *stage, const char *const owners[SLOT_COUNT], void *user)
{
	Node *node = user;
	json_t *slots = json_object();
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		json_object_set_new(slots, slot_name((SlotName)i),
			owners[i][0] ? json_string(owners[i]) : json_null());
	node->notify("stage.slots",
		json_pack("{s:s,s:s,s:o}", "boot", node->boot, "stage", stage, "slots", slots),
		node->user);
}

static void on_rung(const char *id, uint64_t serial, const RationNews *news, void *user)
{
	Node *node = user;
	KnownPeer *known = known_peer_of(node->known, id, serial);
	if (!known)
		return;
	known->line = *news;
	json_t *params = json_pack("{s:s,s:s,s:s,s:s}", "boot", node->boot, "peer", known->id,
		"stage", known->stage, "owner", known->owner);
	known_tell_line(params, news);
	node->notify("peer.rung", params, node->user);
}

/* -- life -- */

static void note_alive(void *user)
{
	_Atomic unsigned *unanswered = user;
	atomic_store(unanswered, 0);
}

/* The supervisor sees the control thread hang; a worker that hangs is seen here, and the process
 * makes room for a new one. */
static gboolean check_alive(void *user)
{
	Node *node = user;
	for (unsigned i = 0; i < node->workers; i++) {
		if (atomic_fetch_add(&node->unanswered[i], 1) >= HANGS_AFTER) {
			g_critical("worker %u: has done nothing for %d s: starting anew", i,
				HANGS_AFTER * ALIVE_EVERY_S);
			_exit(1);
		}
		roster_post(node->rosters[i], note_alive, &node->unanswered[i]);
	}
	return G_SOURCE_CONTINUE;
}

typedef struct Cap {
	Roster *roster;
	unsigned rung;
} Cap;

static void limit_all(void *user)
{
	g_autofree Cap *cap = user;
	roster_limit_all(cap->roster, cap->rung);
}

static gboolean look_at_egress(void *user)
{
	Node *node = user;
	uint64_t bytes = 0;
	for (unsigned i = 0; i < node->workers; i++) {
		const Stats *stats = roster_stats(node->rosters[i]);
		bytes += STATS_READ(stats, bytes_out_total) +
			 IP_BYTES * STATS_READ(stats, packets_out_total);
	}
	if (!egress_tick(&node->egress, bytes, g_get_monotonic_time()))
		return G_SOURCE_CONTINUE;
	g_message("sfu: %.0f of %.0f Mbit/s go out: nobody gets more than rung %u",
		(double)node->egress.rate_bps / 1e6, (double)node->egress.budget_bps / 1e6,
		node->egress.cap);
	for (unsigned i = 0; i < node->workers; i++) {
		Cap *cap = g_new0(Cap, 1);
		*cap = (Cap){ .roster = node->rosters[i], .rung = node->egress.cap };
		roster_post(cap->roster, limit_all, cap);
	}
	return G_SOURCE_CONTINUE;
}

static void set_candidates(Node *node, const NodeSettings *settings)
{
	node->announce = g_strdupv(settings->announce);
	for (char **address = node->announce; *address; address++) {
		if (node->candidate_count + 2 > 2 * ANNOUNCE_MAX)
			break;
		for (unsigned tcp = 0; tcp < 2; tcp++)
			node->candidates[node->candidate_count++] = (SdpCandidate){
				.address = *address,
				.port = (uint16_t)(tcp ? settings->tcp_port : settings->media_port),
				.tcp = tcp == 1,
			};
	}
	for (unsigned i = 0; i < node->candidate_count; i++) {
		const SdpCandidate *candidate = &node->candidates[i];
		if (sdp_ice_is_shunned(candidate))
			g_warning(
				"sfu: Chromium takes no media from %s port %u of %s: choose a port "
				"above 1023",
				candidate->tcp ? "TCP" : "UDP", candidate->port,
				candidate->address);
	}
}

static bool make_workers(Node *node, const NodeSettings *settings, GError **error)
{
	g_assert(settings->workers && settings->workers <= MESH_WORKERS_MAX);
	if (settings->workers > 1 && !(node->mesh = mesh_new(settings->workers, error)))
		return false;
	for (unsigned i = 0; i < settings->workers; i++) {
		node->rosters[i] = roster_new(i, &settings->sockets[i], node->dtls, node->mesh,
			node->tap, &dispatch_roster_events, node->dispatch, error);
		if (!node->rosters[i])
			return false;
		node->workers++;
	}
	return true;
}

Node *node_new(const NodeSettings *settings, NodeNotify notify, void *user, GError **error)
{
	static const DispatchEvents events = { on_peer, on_track, on_slots, on_rung };
	Node *node = g_new0(Node, 1);
	unsigned char random[16];
	node->notify = notify;
	node->user = user;
	node->known = known_new(settings->workers);
	if (RAND_bytes(random, sizeof random) != 1)
		g_error("no random numbers");
	for (unsigned i = 0; i < 11; i++)
		g_snprintf(node->boot + 2 * i, 3, "%02x", random[i]);
	set_candidates(node, settings);
	node->dispatch = dispatch_new(&events, node);
	if (!node->dispatch)
		g_set_error_literal(error, G_FILE_ERROR, G_FILE_ERROR_MFILE,
			"no descriptors left for news of the workers");
	else
		node->dtls = dtls_server_new(error);
	bool fine = node->dtls != NULL;
	if (fine && settings->tap_fd >= 0)
		fine = (node->tap = tap_new(settings->tap_fd, node->boot, error)) != NULL;
	if (!fine || !make_workers(node, settings, error)) {
		node_free(node);
		return NULL;
	}
	for (unsigned i = 0; i < node->workers; i++)
		roster_start(node->rosters[i], node->rosters, node->workers);
	node->alive_timer = g_timeout_add_seconds(ALIVE_EVERY_S, check_alive, node);
	egress_init(&node->egress, settings->egress_bps, g_get_monotonic_time());
	node->egress_timer = g_timeout_add_seconds(EGRESS_EVERY_S, look_at_egress, node);
	return node;
}

/* What the workers have posted to each other, until all is done. */
static void run_posts(Node *node)
{
	bool any = true;
	while (any) {
		any = false;
		for (unsigned i = 0; i < node->workers; i++)
			any |= roster_run_posts(node->rosters[i]);
	}
}

static void end_workers(Node *node)
{
	for (unsigned i = 0; i < node->workers; i++)
		roster_stop(node->rosters[i]);
	run_posts(node);
	for (unsigned i = 0; i < node->workers; i++)
		roster_close(node->rosters[i]);
	run_posts(node);
	mesh_free(node->mesh); /* its packets belong to the rosters' pools */
	for (unsigned i = 0; i < node->workers; i++)
		roster_free(node->rosters[i]);
}

void node_free(Node *node)
{
	if (!node)
		return;
	end_workers(node);
	tap_free(node->tap);
	if (node->alive_timer)
		g_source_remove(node->alive_timer);
	if (node->egress_timer)
		g_source_remove(node->egress_timer);
	dispatch_free(node->dispatch);
	dtls_server_free(node->dtls);
	known_free(node->known);
	g_strfreev(node->announce);
	g_free(node);
}

const char *node_boot(const Node *node)
{
	return node->boot;
}

/* -- peers -- */

typedef struct PutPeer {
	Roster *roster;
	Params *params;
	uint64_t serial;
	unsigned home;
} PutPeer;

static void put_peer(void *user)
{
	g_autofree PutPeer *put = user;
	roster_put_peer(put->roster, put->params, put->serial, put->home);
}

static json_t *peer_result(const NodePeer *ask, const Params *params, const char *answer)
{
	json_t *slots = json_array();
	for (unsigned i = 0; i < params->media_count; i++)
		json_array_append_new(
			slots, json_pack("{s:s,s:s}", "mid", params->media[i].mid,
				       params->role == ROLE_VIEWER ? "slot" : "source",
				       params->role == ROLE_VIEWER
					       ? slot_name(params->media[i].slot)
					       : source_name(params->media[i].source)));
	return json_pack("{s:s,s:I,s:s,s:o}", "peer", ask->id, "rev", ask->rev, "answer", answer,
		params->role == ROLE_VIEWER ? "slots" : "sources", slots);
}

static KnownPeer *remember(
	Node *node, const NodePeer *ask, unsigned worker, const Params *params, json_t *result)
{
	KnownPeer *peer =
		known_add_peer(node->known, ask->id, ask->stage, ask->owner, ask->role, worker);
	peer->rev = ask->rev;
	g_strlcpy(peer->word, params->media[0].video ? "video" : "audio", sizeof peer->word);
	g_strlcpy(peer->mid, params->media[0].mid, sizeof peer->mid);
	g_strlcpy(peer->remote_ufrag, params->ice.remote_ufrag, sizeof peer->remote_ufrag);
	peer->result = json_incref(result);
	return peer;
}

typedef struct Delete {
	Roster *roster;
	char id[PARAMS_ID_MAX + 1];
} Delete;

static void delete_peer(void *user)
{
	g_autofree Delete *delete = user;
	roster_delete_peer(delete->roster, delete->id);
}

static void post_delete(Node *node, unsigned worker, PostFunc func, const char *id)
{
	Delete *delete = g_new0(Delete, 1);
	delete->roster = node->rosters[worker];
	g_strlcpy(delete->id, id, sizeof delete->id);
	roster_post(delete->roster, func, delete);
}

/* A publisher goes to its stage's home; a viewer stays where he was, or goes where viewers are
 * fewest. */
static unsigned choose_worker(const Node *node, const NodePeer *ask, const KnownPeer *known)
{
	if (ask->role == ROLE_PUBLISHER)
		return known_stage(node->known, ask->stage)->home;
	if (known && known->role == ROLE_VIEWER && !strcmp(known->stage, ask->stage))
		return known->worker;
	return known_calmest(node->known);
}

json_t *node_put_peer(Node *node, const NodePeer *ask, NodeRefusal *refusal, GError **error)
{
	const KnownPeer *known = known_peer(node->known, ask->id);
	if (known && ask->rev <= known->rev)
		return json_incref(known->result);
	const KnownStage *stage = known_stage(node->known, ask->stage);
	if (!stage) {
		*refusal = NODE_NO_STAGE;
		return NULL;
	}
	if (!known && known_opening(node->known) >= OPENING_MAX) {
		*refusal = NODE_BUSY;
		return NULL;
	}
	if (!known && known_peers(node->known) >= ROSTER_PEERS_MAX) {
		*refusal = NODE_FULL;
		return NULL;
	}

	unsigned worker = choose_worker(node, ask, known);
	const Negotiate wanted = {
		.worker = worker,
		.id = ask->id,
		.stage = ask->stage,
		.owner = ask->owner,
		.role = ask->role,
		.offer = ask->offer,
		.sources = ask->sources,
		.source_count = ask->source_count,
		.fingerprint = dtls_server_fingerprint(node->dtls),
		.candidates = node->candidates,
		.candidate_count = node->candidate_count,
	};
	g_autofree Params *params = g_new0(Params, 1);
	g_autofree char *answer = NULL;
	if (!negotiate(&wanted, params, &answer, error)) {
		*refusal = NODE_BAD_OFFER;
		return NULL;
	}
	json_t *result = peer_result(ask, params, answer);
	PutPeer *put = g_new0(PutPeer, 1);
	*put = (PutPeer){ .roster = node->rosters[worker], .home = stage->home };
	if (known && known->worker != worker)
		post_delete(node, known->worker, delete_peer, ask->id);
	put->serial = remember(node, ask, worker, params, result)->serial;
	put->params = g_steal_pointer(&params);
	roster_post(put->roster, put_peer, put);
	return result;
}

typedef struct Restart {
	Roster *roster;
	char id[PARAMS_ID_MAX + 1];
	IceGeneration next;
} Restart;

static void restart_peer(void *user)
{
	g_autofree Restart *restart = user;
	roster_restart_peer(restart->roster, restart->id, &restart->next);
}

static char *fragment_of(const Node *node, const KnownPeer *known, const IceCredentials *ours)
{
	const SdpFragment fragment = {
		.word = known->word,
		.mid = known->mid,
		.ice_ufrag = ours->ufrag,
		.ice_pwd = ours->pwd,
		.candidates = node->candidates,
		.candidate_count = node->candidate_count,
	};
	return sdp_write_fragment(&fragment);
}

json_t *node_restart_peer(Node *node, const char *id, json_int_t rev, const char *fragment,
	NodeRefusal *refusal, GError **error)
{
	KnownPeer *known = known_peer(node->known, id);
	SdpIce theirs;
	if (!known) {
		*refusal = NODE_NO_PEER;
		return NULL;
	}
	if (!sdp_read_fragment(&theirs, fragment, strlen(fragment), error)) {
		*refusal = NODE_BAD_OFFER;
		return NULL;
	}
	if (rev <= known->rev && known->restarted)
		return json_incref(known->restarted);
	if (rev <= known->rev || !strcmp(theirs.ufrag, known->remote_ufrag))
		return json_pack("{s:s,s:I}", "peer", id, "rev", known->rev);

	Restart *restart = g_new0(Restart, 1);
	restart->roster = node->rosters[known->worker];
	g_strlcpy(restart->id, id, sizeof restart->id);
	g_strlcpy(restart->next.remote_ufrag, theirs.ufrag, sizeof restart->next.remote_ufrag);
	ice_credentials_make(&restart->next.local, known->worker);

	g_autofree char *ours = fragment_of(node, known, &restart->next.local);
	g_strlcpy(known->remote_ufrag, theirs.ufrag, sizeof known->remote_ufrag);
	known->rev = rev;
	json_decref(known->restarted);
	known->restarted = json_pack("{s:s,s:I,s:s}", "peer", id, "rev", rev, "fragment", ours);
	roster_post(restart->roster, restart_peer, restart);
	return json_incref(known->restarted);
}

typedef struct Limit {
	Roster *roster;
	char id[PARAMS_ID_MAX + 1];
	unsigned rung;
} Limit;

static void limit_peer(void *user)
{
	g_autofree Limit *limit = user;
	roster_limit_peer(limit->roster, limit->id, limit->rung);
}

bool node_limit_peer(Node *node, const char *id, unsigned rung)
{
	const KnownPeer *known = known_peer(node->known, id);
	if (!known || known->role != ROLE_VIEWER)
		return false;
	Limit *limit = g_new0(Limit, 1);
	*limit = (Limit){ .roster = node->rosters[known->worker], .rung = rung };
	g_strlcpy(limit->id, id, sizeof limit->id);
	roster_post(limit->roster, limit_peer, limit);
	return true;
}

void node_delete_peer(Node *node, const char *id)
{
	const KnownPeer *known = known_peer(node->known, id);
	if (!known)
		return;
	post_delete(node, known->worker, delete_peer, id);
	known_remove_peer(node->known, id);
}

/* -- stages -- */

typedef struct PutStage {
	Roster *roster;
	char id[PARAMS_ID_MAX + 1];
	StageWish wish;
} PutStage;

static void put_stage(void *user)
{
	g_autofree PutStage *put = user;
	roster_put_stage(put->roster, put->id, &put->wish);
}

json_int_t node_put_stage(Node *node, const char *id, json_int_t rev, const StageWish *wish)
{
	KnownStage *known = known_stage(node->known, id);
	if (known && rev <= known->rev)
		return known->rev;
	if (!known && known_stages(node->known) >= STAGES_MAX)
		return -1;
	if (!known)
		known = known_add_stage(node->known, id);
	known->rev = rev;
	PutStage *put = g_new0(PutStage, 1);
	put->roster = node->rosters[known->home];
	put->wish = *wish;
	g_strlcpy(put->id, id, sizeof put->id);
	roster_post(put->roster, put_stage, put);
	return rev;
}

static void delete_stage(void *user)
{
	g_autofree Delete *delete = user;
	roster_delete_stage(delete->roster, delete->id);
}

void node_delete_stage(Node *node, const char *id)
{
	if (!known_stage(node->known, id))
		return;
	for (unsigned i = 0; i < node->workers; i++)
		post_delete(node, i, delete_stage, id);
	known_remove_stage(node->known, id);
}

/* -- what is known -- */

json_t *node_dump(Node *node, const char *after)
{
	return known_dump(node->known, node->boot, after);
}

json_t *node_stats(Node *node)
{
	json_t *out = known_count(node->known);
	json_object_set_new(out, "rung_cap", json_integer(node->egress.cap));
#define STATS_TELL(name, help)                                                                     \
	uint64_t name = 0;                                                                         \
	for (unsigned i = 0; i < node->workers; i++)                                               \
		name += STATS_READ(roster_stats(node->rosters[i]), name);                          \
	json_object_set_new(out, #name, json_integer((json_int_t)name));
	STATS_COUNTERS(STATS_TELL)
#undef STATS_TELL
	if (node->tap) {
		const TapStats *tap = tap_stats(node->tap);
		json_object_set_new(out, "tap_callers", json_integer((json_int_t)tap->callers));
		json_object_set_new(
			out, "tap_history_bytes", json_integer((json_int_t)tap->history_bytes));
		json_object_set_new(
			out, "tap_records_total", json_integer((json_int_t)tap->next - 1));
		json_object_set_new(
			out, "tap_overrun_total", json_integer((json_int_t)tap->overrun_total));
	}
	return out;
}
