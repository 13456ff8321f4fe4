#include "registry.h"
#include <string.h>

struct Registry {
	Store *store;
	Links *links;
	GPtrArray *forums;
	GHashTable *forums_by_id, *forums_by_stage; /* borrowed from forums */
	GHashTable *sites, *doors, *peers;          /* id -> Site, Link, HttpPeer */
	GPtrArray *mains;                           /* while reading: char* or NULL, one a forum */
};

static void free_forum(void *forum)
{
	forum_free(forum);
}

static void free_site(void *data)
{
	Site *site = data;
	g_free(site->name);
	g_free(site->district);
	g_free(site->province);
	g_free(site->phone);
	g_free(site);
}

static void free_link(void *data)
{
	Link *link = data;
	g_free(link->name);
	g_free(link);
}

static Forum *keep_forum(Registry *registry, Forum *forum)
{
	g_ptr_array_add(registry->forums, forum);
	g_hash_table_insert(registry->forums_by_id, forum->id, forum);
	g_hash_table_insert(registry->forums_by_stage, forum->stage, forum);
	return forum;
}

static Site *keep_site(Registry *registry, const SiteRow *row)
{
	Site *site = g_new0(Site, 1);
	g_strlcpy(site->id, row->id, sizeof(site->id));
	site->name = g_strdup(row->name);
	site->district = g_strdup(row->district);
	site->province = g_strdup(row->province ? row->province : "");
	site->phone = g_strdup(row->phone);
	site->join_generation = row->join_generation;
	site->ask_generation = row->ask_generation;
	site->created_ms = row->created_ms;
	g_hash_table_insert(registry->sites, site->id, site);
	return site;
}

static void keep_invitation(
	Registry *registry, Forum *forum, Site *site, const char *id, unsigned number)
{
	Seat *seat = seat_new(id, SEAT_OF_SITE, ROLE_SITE, site->name);
	g_free(seat->district);
	g_free(seat->phone);
	seat->district = g_strdup(site->district);
	seat->phone = g_strdup(site->phone);
	forum_add(forum, seat);
	forum->invited = MAX(forum->invited, number);
	forum->newest_ms = MAX(forum->newest_ms, site->created_ms);
	site->seat = seat;
}

static void keep_link(Registry *registry, Forum *forum, const LinkRow *row)
{
	Link *link = g_new0(Link, 1);
	g_strlcpy(link->id, row->id, sizeof(link->id));
	link->kind = (LinkKind)row->kind;
	link->role = row->role;
	link->name = g_strdup(row->name);
	link->generation = row->generation;
	link->forum = forum;
	if (link->kind == LINK_CHAIR || link->kind == LINK_MODERATOR) {
		link->seat = seat_new(row->id, SEAT_OF_STAFF, row->role, row->name);
		forum_add(forum, link->seat);
	}
	g_hash_table_insert(registry->doors, link->id, link);
}

static HttpPeer *keep_peer(
	Registry *registry, Forum *forum, const char *id, const char *owner, Seat *seat)
{
	HttpPeer *peer = g_new0(HttpPeer, 1);
	g_strlcpy(peer->id, id, sizeof(peer->id));
	g_strlcpy(peer->owner, owner, sizeof(peer->owner));
	peer->forum = forum;
	peer->seat = seat;
	peer->is_publisher = seat != NULL;
	g_hash_table_insert(registry->peers, peer->id, peer);
	return peer;
}

/* Reading the store: rows come kind by kind, so what a row refers to is there or never will be. */

static void read_forum(const ForumRow *row, void *user)
{
	Registry *registry = user;
	Forum *forum = forum_new(row->id, row->stage, row->title);
	forum->rev = (uint64_t)row->rev;
	forum->created_ms = row->created_ms;
	forum->is_demo = row->is_demo;
	g_strlcpy(forum->maker, row->maker ? row->maker : "", sizeof(forum->maker));
	keep_forum(registry, forum);
	g_ptr_array_add(registry->mains, g_strdup(row->main));
}

static void read_site(const SiteRow *row, void *user)
{
	keep_site(user, row);
}

static void read_invitation(const InvitationRow *row, void *user)
{
	Registry *registry = user;
	Forum *forum = registry_forum(registry, row->forum);
	Site *site = registry_site(registry, row->site);
	if (forum && site)
		keep_invitation(registry, forum, site, row->seat, row->number);
}

static void read_link(const LinkRow *row, void *user)
{
	Registry *registry = user;
	Forum *forum = registry_forum(registry, row->forum);
	if (forum)
		keep_link(registry, forum, row);
}

static void read_peer(const PeerRow *row, void *user)
{
	Registry *registry = user;
	Forum *forum = registry_forum(registry, row->forum);
	if (!forum)
		return;
	Seat *seat = NULL;
	if (row->kind == LINK_WHIP) {
		seat = seat_new(row->seat, SEAT_OF_ENCODER, ROLE_SPEAKER, row->name);
		forum_add(forum, seat);
	}
	keep_peer(registry, forum, row->id, row->seat, seat);
}

static void read_seat(const SeatRow *row, void *user)
{
	Registry *registry = user;
	Forum *forum = registry_forum(registry, row->forum);
	Seat *seat = forum ? forum_find(forum, row->id) : NULL;
	if (!seat)
		return;
	g_strlcpy(seat->device, row->device ? row->device : "", sizeof(seat->device));
	seat->on_air = row->air_order > 0;
	seat->air_order = (uint64_t)row->air_order;
	seat->screen_order = (uint64_t)row->screen_order;
	seat->hand_order = (uint64_t)row->hand_order;
	seat->hand_ms = row->hand_ms;
	seat->muted = row->muted;
	seat->mic = row->mic;
	seat->camera = row->camera;
}

static void read_question_count(const char *id, QuestionState state, unsigned count, void *user)
{
	Forum *forum = registry_forum(user, id);
	if (forum)
		forum->questions[state] = count;
}

static void read_preflight(const char *id, const char *seat_id, const Preflight *row, void *user)
{
	Forum *forum = registry_forum(user, id);
	Seat *seat = forum ? forum_find(forum, seat_id) : NULL;
	if (seat)
		seat->checked = *row;
}

Registry *registry_open(Store *store, Links *links, GError **error)
{
	static const StoreReader reader = { read_forum, read_site, read_invitation, read_link,
		read_peer, read_seat, read_question_count, read_preflight };
	Registry *registry = g_new0(Registry, 1);
	registry->store = store;
	registry->links = links;
	registry->forums = g_ptr_array_new_with_free_func(free_forum);
	registry->forums_by_id = g_hash_table_new(g_str_hash, g_str_equal);
	registry->forums_by_stage = g_hash_table_new(g_str_hash, g_str_equal);
	registry->sites = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_site);
	registry->doors = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_link);
	registry->peers = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	registry->mains = g_ptr_array_new_with_free_func(g_free);
	if (!store_read(store, &reader, registry, error)) {
		g_ptr_array_unref(registry->mains);
		registry_free(registry);
		return NULL;
	}
	for (unsigned i = 0; i < registry->forums->len; i++)
		forum_restore(registry->forums->pdata[i], registry->mains->pdata[i]);
	g_ptr_array_unref(registry->mains);
	return registry;
}

void registry_free(Registry *registry)
{
	if (!registry)
		return;
	g_hash_table_unref(registry->peers);
	g_hash_table_unref(registry->doors);
	g_hash_table_unref(registry->sites);
	g_hash_table_unref(registry->forums_by_stage);
	g_hash_table_unref(registry->forums_by_id);
	g_ptr_array_unref(registry->forums);
	g_free(registry);
}

static const Refusal *refusal_of(LinkVerdict verdict)
{
	switch (verdict) {
	case LINK_GOOD:
		return NULL;
	case LINK_REVOKED:
		return &REFUSE_REVOKED;
	default:
		return &REFUSE_BAD_TOKEN;
	}
}

const Refusal *registry_enter(Registry *registry, const char *token, Door *door)
{
	char id[ID_SIZE];
	*door = (Door){ 0 };
	if (!link_read(token, &door->kind, id))
		return &REFUSE_BAD_TOKEN;

	if (door->kind == LINK_JOIN || door->kind == LINK_ASK) {
		door->site = registry_site(registry, id);
		if (!door->site || !door->site->seat)
			return &REFUSE_BAD_TOKEN;
		door->seat = door->site->seat;
		door->forum = door->seat->forum;
		return refusal_of(links_check(registry->links, token,
			door->kind == LINK_JOIN ? door->site->join_generation
						: door->site->ask_generation));
	}
	door->link = g_hash_table_lookup(registry->doors, id);
	if (!door->link || door->link->kind != door->kind)
		return &REFUSE_BAD_TOKEN;
	door->seat = door->link->seat;
	door->forum = door->link->forum;
	return refusal_of(links_check(registry->links, token, door->link->generation));
}

const Links *registry_links(const Registry *registry)
{
	return registry->links;
}

Forum *registry_forum(Registry *registry, const char *id)
{
	return id ? g_hash_table_lookup(registry->forums_by_id, id) : NULL;
}

Forum *registry_forum_of_stage(Registry *registry, const char *stage)
{
	return g_hash_table_lookup(registry->forums_by_stage, stage);
}

GPtrArray *registry_forums(Registry *registry)
{
	return registry->forums;
}

Site *registry_site(Registry *registry, const char *id)
{
	return id ? g_hash_table_lookup(registry->sites, id) : NULL;
}

static int compare_sites(const void *a, const void *b)
{
	const Site *x = *(Site *const *)a, *y = *(Site *const *)b;
	if (x->created_ms != y->created_ms)
		return x->created_ms < y->created_ms ? -1 : 1;
	return g_utf8_collate(x->name, y->name);
}

GPtrArray *registry_sites(Registry *registry, Forum *forum)
{
	GPtrArray *sites = g_ptr_array_new();
	GHashTableIter at;
	Site *site;
	g_hash_table_iter_init(&at, registry->sites);
	while (g_hash_table_iter_next(&at, NULL, (void **)&site)) {
		if (site->seat && site->seat->forum == forum)
			g_ptr_array_add(sites, site);
	}
	g_ptr_array_sort(sites, compare_sites);
	return sites;
}

static void add_link(Registry *registry, Forum *forum, LinkKind kind, Role role, const char *name)
{
	char id[ID_SIZE];
	id_make(id);
	LinkRow row = {
		.id = id, .forum = forum->id, .name = name, .kind = (char)kind, .role = role
	};
	keep_link(registry, forum, &row);
	store_put_link(registry->store, &row);
}

Forum *registry_add_forum(
	Registry *registry, const char *title, const char *maker, bool is_demo, int64_t now_ms)
{
	if (registry->forums->len >= FORUMS_MAX)
		return NULL;
	char id[ID_SIZE], stage[ID_SIZE];
	id_make(id);
	id_make(stage);
	Forum *forum = keep_forum(registry, forum_new(id, stage, title));
	forum->is_demo = is_demo;
	forum->created_ms = now_ms;
	g_strlcpy(forum->maker, maker ? maker : "", sizeof(forum->maker));
	registry_save_forum(registry, forum);
	add_link(registry, forum, LINK_CHAIR, ROLE_CHAIR, "Chủ trì");
	add_link(registry, forum, LINK_MODERATOR, ROLE_MODERATOR, "Thư ký");
	add_link(registry, forum, LINK_WHIP, ROLE_SPEAKER, "Máy phát");
	add_link(registry, forum, LINK_WHEP, ROLE_VIEWER, "Máy thu");
	add_link(registry, forum, LINK_API, ROLE_ADMIN, "API");
	return forum;
}

static void save_site(Registry *registry, const Site *site)
{
	SiteRow row = { .id = site->id,
		.name = site->name,
		.district = site->district,
		.phone = site->phone,
		.province = site->province,
		.join_generation = site->join_generation,
		.ask_generation = site->ask_generation,
		.created_ms = site->created_ms };
	store_put_site(registry->store, &row);
}

Site *registry_add_site(Registry *registry, Forum *forum, const char *name, const char *district,
	const char *phone, int64_t now_ms)
{
	if (g_hash_table_size(forum->seats) >= FORUM_SEATS_MAX)
		return NULL;
	char id[ID_SIZE], seat[ID_SIZE];
	id_make(id);
	id_make(seat);
	/* One after the other even within a millisecond, so that their order holds. */
	SiteRow row = { .id = id,
		.name = name,
		.district = district,
		.phone = phone,
		.created_ms = MAX(now_ms, forum->newest_ms + 1) };
	InvitationRow invitation = {
		.seat = seat, .forum = forum->id, .site = id, .number = forum->invited + 1
	};
	Site *site = keep_site(registry, &row);
	keep_invitation(registry, forum, site, seat, invitation.number);
	save_site(registry, site);
	store_put_invitation(registry->store, &invitation);
	return site;
}

void registry_set_site(Registry *registry, Site *site, const char *province, const char *phone)
{
	g_free(site->province);
	g_free(site->phone);
	site->province = g_strdup(province);
	site->phone = g_strdup(phone);
	if (site->seat) {
		g_free(site->seat->phone);
		site->seat->phone = g_strdup(phone);
	}
	save_site(registry, site);
}

void registry_revoke_link(Registry *registry, Site *site, LinkKind kind)
{
	if (kind == LINK_ASK)
		site->ask_generation++;
	else
		site->join_generation++;
	save_site(registry, site);
}

void registry_revoke(Registry *registry, Site *site)
{
	site->join_generation++;
	site->ask_generation++;
	save_site(registry, site);
}

void registry_save_forum(Registry *registry, const Forum *forum)
{
	ForumRow row = { .id = forum->id,
		.title = forum->title,
		.stage = forum->stage,
		.main = forum->main ? forum->main->id : NULL,
		.maker = *forum->maker ? forum->maker : NULL,
		.rev = (int64_t)forum->rev,
		.created_ms = forum->created_ms,
		.is_demo = forum->is_demo };
	store_put_forum(registry->store, &row);
}

void registry_save_seat(Registry *registry, const Seat *seat)
{
	if (!seat->on_air && !seat->hand_ms && !*seat->device) {
		store_drop_seat(registry->store, seat->id);
		return;
	}
	SeatRow row = { .id = seat->id,
		.forum = seat->forum->id,
		.device = *seat->device ? seat->device : NULL,
		.air_order = (int64_t)seat->air_order,
		.screen_order = (int64_t)seat->screen_order,
		.hand_order = (int64_t)seat->hand_order,
		.hand_ms = seat->hand_ms,
		.muted = seat->muted,
		.mic = seat->mic,
		.camera = seat->camera };
	store_put_seat(registry->store, &row);
}

void registry_add_preflight(Registry *registry, Seat *seat, const Preflight *preflight)
{
	seat->checked = *preflight;
	store_add_preflight(registry->store, seat->id, preflight);
}

HttpPeer *registry_peer(Registry *registry, const char *id)
{
	return id ? g_hash_table_lookup(registry->peers, id) : NULL;
}

GHashTable *registry_peers(Registry *registry)
{
	return registry->peers;
}

HttpPeer *registry_add_peer(
	Registry *registry, Forum *forum, const char *id, const char *owner, Seat *seat)
{
	PeerRow row = { .id = id,
		.forum = forum->id,
		.seat = owner,
		.name = seat ? seat->name : "",
		.kind = seat ? LINK_WHIP : LINK_WHEP };
	store_put_peer(registry->store, &row);
	return keep_peer(registry, forum, id, owner, seat);
}

void registry_drop_peer(Registry *registry, HttpPeer *peer)
{
	store_drop_peer(registry->store, peer->id);
	if (peer->seat) {
		store_drop_seat(registry->store, peer->seat->id);
		forum_remove(peer->forum, peer->seat);
	}
	g_hash_table_remove(registry->peers, peer->id);
}

void registry_forum_token(Registry *registry, Forum *forum, LinkKind kind, char token[LINK_SIZE])
{
	GHashTableIter at;
	Link *link;
	*token = '\0';
	g_hash_table_iter_init(&at, registry->doors);
	while (g_hash_table_iter_next(&at, NULL, (void **)&link)) {
		if (link->forum == forum && link->kind == kind) {
			links_write(registry->links, kind, link->id, link->generation, token);
			return;
		}
	}
}

void registry_site_token(Registry *registry, const Site *site, LinkKind kind, char token[LINK_SIZE])
{
	links_write(registry->links, kind, site->id,
		kind == LINK_JOIN ? site->join_generation : site->ask_generation, token);
}
