/* registry.h - what exists: forums with their seats, the sites, the links that open them
 *
 * Everything of the store in memory, and the only caller of store_put_… and store_drop_…. Changes
 * are gathered; whoever made them commits. Main thread. */
#pragma once
#include "forum.h"
#include "link.h"
#include "store.h"

#define FORUMS_MAX 1000 /* one a day for three years; each costs little while nobody is in */

#define SITE_PHONE_MAX 40 /* bytes */

typedef struct Site {
	char id[ID_SIZE];
	char *name, *district, *province, *phone;
	unsigned join_generation, ask_generation;
	int64_t created_ms;
	Seat *seat; /* its place in the newest forum it is invited to */
} Site;

typedef struct Link {
	char id[ID_SIZE];
	LinkKind kind;
	Role role;
	char *name;
	unsigned generation;
	Forum *forum;
	Seat *seat; /* of chair and moderator links */
} Link;

/* A PeerConnection that came by WHIP (then with a seat) or WHEP. */
typedef struct HttpPeer {
	char id[ID_SIZE], owner[ID_SIZE];
	bool is_publisher;
	Forum *forum;
	Seat *seat;
} HttpPeer;

/* What a token opens. */
typedef struct Door {
	LinkKind kind;
	Forum *forum;
	Seat *seat; /* join, chair, moderator */
	Link *link; /* all but join and ask */
	Site *site; /* join and ask */
} Door;

typedef struct Registry Registry;

/* store and links are borrowed and outlive it. */
Registry *registry_open(Store *store, Links *links, GError **error);
void registry_free(Registry *registry);

/* NULL and *door filled in, or why not (bad-token, revoked). */
const Links *registry_links(const Registry *registry);
const Refusal *registry_enter(Registry *registry, const char *token, Door *door);

Forum *registry_forum(Registry *registry, const char *id);
Forum *registry_forum_of_stage(Registry *registry, const char *stage);
GPtrArray *registry_forums(Registry *registry); /* in the order they were made; borrowed */
Site *registry_site(Registry *registry, const char *id);
/* The sites of a forum in the order of invitation; free the array. */
GPtrArray *registry_sites(Registry *registry, Forum *forum);

/* A forum with its chair, moderator, WHIP, WHEP and API link; maker may be NULL. NULL when there
 * are FORUMS_MAX. */
Forum *registry_add_forum(
	Registry *registry, const char *title, const char *maker, bool is_demo, int64_t now_ms);
/* A site and its seat in the forum; NULL when it has FORUM_SEATS_MAX. */
Site *registry_add_site(Registry *registry, Forum *forum, const char *name, const char *district,
	const char *phone, int64_t now_ms);
/* What a newer list says of it; the province is not part of the seat. */
void registry_set_site(Registry *registry, Site *site, const char *province, const char *phone);
/* Both links of the site get a new generation. */
void registry_revoke(Registry *registry, Site *site);
/* One of them alone: join or ask. */
void registry_revoke_link(Registry *registry, Site *site, LinkKind kind);

/* What the site of this seat found; it is its last check from now on. */
void registry_add_preflight(Registry *registry, Seat *seat, const Preflight *preflight);

void registry_save_forum(Registry *registry, const Forum *forum);
void registry_save_seat(Registry *registry, const Seat *seat);

HttpPeer *registry_peer(Registry *registry, const char *id);
GHashTable *registry_peers(Registry *registry); /* id -> HttpPeer; borrowed */
/* With seat (already in the forum) a publisher, else a viewer under that owner. */
HttpPeer *registry_add_peer(
	Registry *registry, Forum *forum, const char *id, const char *owner, Seat *seat);
/* Also takes a publisher's seat out of its forum. */
void registry_drop_peer(Registry *registry, HttpPeer *peer);

/* The token of the forum's link of this kind, of a site's join or ask link. */
void registry_forum_token(Registry *registry, Forum *forum, LinkKind kind, char token[LINK_SIZE]);
void registry_site_token(
	Registry *registry, const Site *site, LinkKind kind, char token[LINK_SIZE]);
