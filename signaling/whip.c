#include "whip.h"
#include "http.h"
#include <string.h>

#define SDP_TYPE "application/sdp"
#define FRAGMENT_TYPE "application/trickle-ice-sdpfrag" /* RFC 8840 §9 */

/* A request's path, taken apart. */
typedef struct Target {
	bool is_whip;
	char forum[ID_SIZE], peer[ID_SIZE]; /* peer is empty for the endpoint */
} Target;

typedef struct Offer {
	Hub *hub;
	Exchange *exchange;
	bool is_whip;
	char forum[ID_SIZE], owner[ID_SIZE], peer[ID_SIZE];
	char *sdp;
} Offer;

static bool read_target(const char *path, Target *target)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", 5); /* "", whip, FORUM, PEER */
	unsigned count = g_strv_length(parts);
	if (count < 3 || count > 4)
		return false;
	target->is_whip = strcmp(parts[1], "whip") == 0;
	*target->peer = '\0';
	if (!id_is_valid(parts[2]) || (count == 4 && !id_is_valid(parts[3])))
		return false;
	g_strlcpy(target->forum, parts[2], sizeof(target->forum));
	if (count == 4)
		g_strlcpy(target->peer, parts[3], sizeof(target->peer));
	return true;
}

/* RFC 8866 §5: lines of `x=…`, beginning with v=0, at least one medium. What they mean is the
 * sfu's to judge. */
static bool is_sdp(const char *text, size_t len)
{
	if (!g_str_has_prefix(text, "v=0") || strlen(text) != len ||
		!g_utf8_validate(text, -1, NULL))
		return false;
	bool has_media = false;
	for (const char *line = text; *line;) {
		if (!g_ascii_islower(line[0]) || line[1] != '=')
			return false;
		has_media = has_media || line[0] == 'm';
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return has_media;
}

static const char *allowed(const Target *target)
{
	return *target->peer ? "PATCH, DELETE, OPTIONS" : "POST, OPTIONS";
}

static bool is_type(const Request *request, const char *type)
{
	size_t len = strcspn(request->content_type, "; \t");
	return len == strlen(type) && !g_ascii_strncasecmp(request->content_type, type, len);
}

/* RFC 9725 §4.3.1: the tag changes with each ICE restart. */
static char *tag_of(Hub *hub, const char *peer)
{
	return g_strdup_printf(
		"\"%s-%" G_GUINT64_FORMAT "\"", peer, media_peer_rev(hub->media, peer));
}

static void answer_options(Exchange *exchange, const Target *target)
{
	if (*target->peer)
		exchange_header(exchange, "accept-patch", FRAGMENT_TYPE);
	else
		exchange_header(exchange, "accept-post", SDP_TYPE);
	exchange_header(exchange, "access-control-allow-methods", allowed(target));
	exchange_header(
		exchange, "access-control-allow-headers", "authorization, content-type, if-match");
	exchange_header(exchange, "access-control-max-age", "86400");
	exchange_answer(exchange, 204, NULL, NULL);
}

static void offer_free(Offer *offer)
{
	g_free(offer->sdp);
	g_free(offer);
}

static void on_committed(bool ok, void *user)
{
	Offer *offer = user;
	if (!ok) {
		HttpPeer *peer = offer->hub->is_ending
					 ? NULL
					 : registry_peer(offer->hub->registry, offer->peer);
		if (peer) {
			media_delete_peer(offer->hub->media, offer->peer);
			hub_end_http_peer(offer->hub, peer);
		}
		http_refuse(offer->exchange, 500, &REFUSE_STORE);
	} else {
		g_autofree char *location = g_strdup_printf(
			"/%s/%s/%s", offer->is_whip ? "whip" : "whep", offer->forum, offer->peer);
		g_autofree char *tag = tag_of(offer->hub, offer->peer);
		exchange_header(offer->exchange, "location", location);
		exchange_header(offer->exchange, "etag", tag);
		exchange_answer_text(offer->exchange, 201, SDP_TYPE, offer->sdp);
	}
	offer_free(offer);
}

/* The encoder's place on stage. NULL with the reason when there is none. */
static Seat *make_seat(Hub *hub, Forum *forum, const char *id, const Refusal **refusal)
{
	unsigned number = 1;
	GHashTableIter at;
	HttpPeer *peer;
	g_hash_table_iter_init(&at, registry_peers(hub->registry));
	while (g_hash_table_iter_next(&at, NULL, (void **)&peer))
		number += peer->forum == forum && peer->is_publisher;
	g_autofree char *name = g_strdup_printf("Máy phát %u", number);
	Seat *seat = seat_new(id, SEAT_OF_ENCODER, ROLE_SPEAKER, name);
	forum_add(forum, seat);
	*refusal = forum_go_on_air(forum, seat);
	if (!*refusal)
		return seat;
	forum_remove(forum, seat);
	return NULL;
}

static void on_answer(const MediaAnswer *answer, void *user)
{
	Offer *offer = user;
	Hub *hub = offer->hub;
	const Refusal *refusal = hub->is_ending ? &REFUSE_MEDIA_AWAY : answer->refusal;
	if (refusal && answer->detail)
		g_info("%s: offer refused: %s", offer->is_whip ? "whip" : "whep", answer->detail);
	Forum *forum = refusal ? NULL : registry_forum(hub->registry, offer->forum);
	Seat *seat = NULL;
	if (!refusal && offer->is_whip)
		seat = make_seat(hub, forum, offer->owner, &refusal);
	if (refusal) {
		if (!hub->is_ending)
			media_delete_peer(hub->media, answer->peer);
		http_refuse(offer->exchange, http_status(refusal), refusal);
		offer_free(offer);
		return;
	}
	if (seat)
		g_strlcpy(seat->publish.id, answer->peer, sizeof(seat->publish.id));
	g_strlcpy(offer->peer, answer->peer, sizeof(offer->peer));
	offer->sdp = g_strdup(answer->sdp);
	registry_add_peer(hub->registry, forum, answer->peer, offer->owner, seat);
	hub_settle(hub, forum);
	hub_commit(hub, on_committed, offer);
}

static bool is_full(Hub *hub, Forum *forum, bool is_whip)
{
	if (is_whip)
		return forum->on_air->len >= STAGE_MAX;
	unsigned players = 0;
	GHashTableIter at;
	HttpPeer *peer;
	g_hash_table_iter_init(&at, registry_peers(hub->registry));
	while (g_hash_table_iter_next(&at, NULL, (void **)&peer))
		players += peer->forum == forum && !peer->is_publisher;
	return players >= WHEP_MAX;
}

static void answer_post(
	Hub *hub, Exchange *exchange, const Request *request, Forum *forum, bool is_whip)
{
	const Refusal *refusal = NULL;
	unsigned status = 0;
	if (!is_type(request, SDP_TYPE))
		status = 415, refusal = &REFUSE_BAD_PARAMS;
	else if (!is_sdp(request->body, request->body_len))
		status = 400, refusal = &REFUSE_BAD_PARAMS;
	else if (is_full(hub, forum, is_whip))
		status = 503, refusal = is_whip ? &REFUSE_STAGE_FULL : &REFUSE_ROOM_FULL;
	else if (!hub_stage_ready(hub, forum))
		status = 503, refusal = &REFUSE_MEDIA_AWAY;
	if (refusal) {
		http_refuse(exchange, status, refusal);
		return;
	}
	Offer *offer = g_new0(Offer, 1);
	offer->hub = hub;
	offer->exchange = exchange;
	offer->is_whip = is_whip;
	g_strlcpy(offer->forum, forum->id, sizeof(offer->forum));
	id_make(offer->owner);
	media_put_peer(hub->media, forum->stage, offer->owner, is_whip, request->body, NULL,
		on_answer, offer);
}

typedef struct Patch {
	Hub *hub;
	Exchange *exchange;
} Patch;

static void on_restarted(const MediaAnswer *answer, void *user)
{
	g_autofree Patch *patch = user;
	const Refusal *refusal = patch->hub->is_ending ? &REFUSE_MEDIA_AWAY : answer->refusal;
	if (refusal) {
		/* Here malformed is all that is wrong with it. */
		http_refuse(patch->exchange,
			refusal == &REFUSE_BAD_OFFER ? 400 : http_status(refusal), refusal);
		return;
	}
	g_autofree char *tag = tag_of(patch->hub, answer->peer);
	exchange_header(patch->exchange, "etag", tag);
	if (answer->sdp)
		exchange_answer_text(patch->exchange, 200, FRAGMENT_TYPE, answer->sdp);
	else /* candidates of a peer that we find by its checks */
		exchange_answer(patch->exchange, 204, NULL, NULL);
}

/* RFC 9110 §13.1.1, by strong comparison. */
static bool matches(const char *if_match, const char *tag)
{
	g_auto(GStrv) tags = g_strsplit(if_match, ",", 0);
	for (unsigned i = 0; tags[i]; i++) {
		const char *one = g_strstrip(tags[i]);
		if (!strcmp(one, "*") || !strcmp(one, tag))
			return true;
	}
	return false;
}

/* New ICE credentials of the peer restart its ICE; with those it has, it tells of candidates. */
static void answer_patch(Hub *hub, Exchange *exchange, const Request *request, const HttpPeer *peer)
{
	g_autofree char *tag = tag_of(hub, peer->id);
	const Refusal *refusal = NULL;
	unsigned status = 0;
	if (!is_type(request, FRAGMENT_TYPE)) {
		exchange_header(exchange, "accept-patch", FRAGMENT_TYPE);
		status = 415, refusal = &REFUSE_BAD_PARAMS;
	} else if (!*request->if_match) {
		status = 428, refusal = &REFUSE_NO_IF_MATCH;
	} else if (!matches(request->if_match, tag)) {
		status = 412, refusal = &REFUSE_OLD_TAG;
	} else if (strlen(request->body) != request->body_len ||
		   !g_utf8_validate(request->body, -1, NULL)) {
		status = 400, refusal = &REFUSE_BAD_PARAMS;
	} else if (!media_is_synced(hub->media)) {
		status = 503, refusal = &REFUSE_MEDIA_AWAY;
	}
	if (refusal) {
		http_refuse(exchange, status, refusal);
		return;
	}
	Patch *patch = g_new0(Patch, 1);
	*patch = (Patch){ .hub = hub, .exchange = exchange };
	media_restart_peer(hub->media, peer->id, request->body, on_restarted, patch);
}

/* The peer that is named, if it came this way; else 404 is answered. */
static HttpPeer *find_peer(Hub *hub, Exchange *exchange, const Forum *forum, const Target *target)
{
	HttpPeer *peer = registry_peer(hub->registry, target->peer);
	if (peer && peer->forum == forum && peer->is_publisher == target->is_whip)
		return peer;
	http_refuse(exchange, 404, &REFUSE_NO_PEER);
	return NULL;
}

static void on_deleted(bool ok, void *user)
{
	Exchange *exchange = user;
	if (ok)
		exchange_answer(exchange, 200, NULL, NULL);
	else
		http_refuse(exchange, 500, &REFUSE_STORE);
}

static void answer_delete(Hub *hub, Exchange *exchange, Forum *forum, HttpPeer *peer)
{
	media_delete_peer(hub->media, peer->id);
	hub_end_http_peer(hub, peer);
	hub_settle(hub, forum);
	hub_commit(hub, on_deleted, exchange);
}

void whip_request(Hub *hub, Exchange *exchange, const Request *request)
{
	Target target;
	exchange_header(exchange, "access-control-allow-origin", "*");
	exchange_header(exchange, "access-control-expose-headers",
		"location, etag, retry-after, accept-post, accept-patch");
	if (!read_target(request->path, &target)) {
		http_refuse(exchange, 404, &REFUSE_NO_FORUM);
		return;
	}
	if (strcmp(request->method, "OPTIONS") == 0) {
		answer_options(exchange, &target);
		return;
	}
	bool posts = !*target.peer && strcmp(request->method, "POST") == 0;
	bool patches = *target.peer && strcmp(request->method, "PATCH") == 0;
	bool deletes = *target.peer && strcmp(request->method, "DELETE") == 0;
	if (!posts && !patches && !deletes) {
		http_refuse_method(exchange, allowed(&target));
		return;
	}
	const char *token = http_bearer(request);
	if (!token) {
		http_refuse(exchange, 401, &REFUSE_BAD_TOKEN);
		return;
	}
	Forum *forum = registry_forum(hub->registry, target.forum);
	if (!forum) {
		http_refuse(exchange, 404, &REFUSE_NO_FORUM);
		return;
	}
	Door door;
	const Refusal *refusal = registry_enter(hub->registry, token, &door);
	if (!refusal &&
		(door.kind != (target.is_whip ? LINK_WHIP : LINK_WHEP) || door.forum != forum))
		refusal = &REFUSE_NOT_ALLOWED;
	if (refusal) {
		http_refuse(exchange, 403, refusal);
		return;
	}
	exchange_vouch(exchange);
	HttpPeer *peer = posts ? NULL : find_peer(hub, exchange, forum, &target);
	if (posts)
		answer_post(hub, exchange, request, forum, target.is_whip);
	else if (peer && patches)
		answer_patch(hub, exchange, request, peer);
	else if (peer)
		answer_delete(hub, exchange, forum, peer);
}
