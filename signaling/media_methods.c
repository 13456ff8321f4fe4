#include "media_methods.h"
#include "hub.h"
#include "seating.h"
#include <string.h>

typedef struct Offer {
	Hub *hub;
	uint64_t serial;
	json_t *id;
	bool is_publish;
} Offer;

static void enter(Session *session, json_t *id, const char *token, const char *device,
	const char *receive, const char *publish)
{
	Hub *hub = session->hub;
	Door door;
	const Refusal *refusal = registry_enter(hub->registry, token, &door);
	if (!refusal && door.kind == LINK_ASK)
		refusal = &REFUSE_ASK_LINK;
	else if (!refusal && (!door.seat || !strchr("jcm", door.kind)))
		refusal = &REFUSE_NOT_ALLOWED;
	if (refusal) {
		session_refuse(session, id, refusal);
		return;
	}
	socket_vouch(session->socket);

	/* What is kept of a device says nothing about it but whether it is the same. */
	g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, device, -1);
	char digest[ID_SIZE];
	g_strlcpy(digest, hash, sizeof(digest));
	json_t *result = NULL;
	refusal = seating_enter(session, door.seat, digest, receive, publish, &result);
	if (refusal)
		session_refuse(session, id, refusal);
	else
		hub_answer(hub, door.forum, session, id, result);
}

static void enter_late(Session *session, json_t *id, json_t *kept)
{
	enter(session, id, json_string_value(json_object_get(kept, "token")),
		json_string_value(json_object_get(kept, "device")),
		json_string_value(json_object_get(kept, "receive")),
		json_string_value(json_object_get(kept, "publish")));
}

void on_hello(Session *session, json_t *id, const Params *params)
{
	if (session->seat || session->is_entering) {
		session_refuse(session, id, &REFUSE_SEATED_ALREADY);
		return;
	}
	bool resumes = params->receive || params->publish;
	if (!resumes || media_is_synced(session->hub->media)) {
		enter(session, id, params->token, params->device, params->receive, params->publish);
		return;
	}
	/* Just started: whether its peers live on is known in a moment. */
	json_t *kept = json_pack("{s:s, s:s, s:s?, s:s?}", "token", params->token, "device",
		params->device, "receive", params->receive, "publish", params->publish);
	hub_enter_later(session->hub, session, id, kept, enter_late);
}

static const Refusal *place_peer(Session *session, const Offer *offer, const MediaAnswer *answer)
{
	Seat *seat = session->seat;
	if (offer->is_publish && !seat->on_air) {
		media_delete_peer(offer->hub->media, answer->peer);
		return &REFUSE_NOT_ON_STAGE;
	}
	SeatPeer *place = offer->is_publish ? &seat->publish : &seat->receive;
	hub_close_peer(offer->hub, place); /* another offer was answered in between */
	g_strlcpy(place->id, answer->peer, sizeof(place->id));
	place->rung = media_peer_rung(offer->hub->media, answer->peer);
	return NULL;
}

/* A fresh receive peer: the sfu knows of no limit, the page of no rung. */
static void begin_line(Hub *hub, Seat *seat)
{
	hub_limit(hub, seat);
	if (seat->receive.rung.why) /* told before its answer came */
		hub_tell_line(hub, seat);
}

static void on_answer(const MediaAnswer *answer, void *user)
{
	Offer *offer = user;
	Session *session = offer->hub->is_ending ? NULL : hub_session(offer->hub, offer->serial);
	const Refusal *refusal = answer->refusal;
	if (refusal && answer->detail)
		g_info("session %" G_GUINT64_FORMAT ": offer refused: %s", offer->serial,
			answer->detail);
	if (!session || !session->seat || session->is_waiting) {
		if (!refusal && !offer->hub->is_ending)
			media_delete_peer(offer->hub->media, answer->peer);
	} else {
		if (!refusal)
			refusal = place_peer(session, offer, answer);
		if (refusal) {
			session_refuse(session, offer->id, refusal);
		} else {
			json_t *result =
				json_pack("{s:s, s:s}", "peer", answer->peer, "sdp", answer->sdp);
			if (!offer->is_publish)
				json_object_set_new(result, "slots",
					answer->slots ? json_incref(answer->slots) : json_array());
			session_answer(session, offer->id, result);
			if (!offer->is_publish)
				begin_line(offer->hub, session->seat);
		}
	}
	json_decref(offer->id);
	g_free(offer);
}

static void put(Session *session, json_t *id, const Params *params, bool is_publish)
{
	Hub *hub = session->hub;
	Seat *seat = session->seat;
	if (!bucket_take(&session->offers, OFFER_RATE, OFFER_BURST, g_get_monotonic_time())) {
		session_refuse(session, id, &REFUSE_TOO_FAST);
		return;
	}
	if (!hub_stage_ready(hub, seat->forum)) {
		session_refuse(session, id, &REFUSE_MEDIA_AWAY);
		return;
	}
	hub_close_peer(hub, is_publish ? &seat->publish : &seat->receive);
	Offer *offer = g_new0(Offer, 1);
	offer->hub = hub;
	offer->serial = session->serial;
	offer->id = json_incref(id);
	offer->is_publish = is_publish;
	media_put_peer(hub->media, seat->forum->stage, seat->id, is_publish, params->sdp,
		json_incref(params->sources), on_answer, offer);
}

void on_receive_offer(Session *session, json_t *id, const Params *params)
{
	put(session, id, params, false);
}

void on_publish_offer(Session *session, json_t *id, const Params *params)
{
	if (session->seat->on_air)
		put(session, id, params, true);
	else
		session_refuse(session, id, &REFUSE_NOT_ON_STAGE);
}

static void on_restarted(const MediaAnswer *answer, void *user)
{
	Offer *offer = user;
	Session *session = offer->hub->is_ending ? NULL : hub_session(offer->hub, offer->serial);
	const Refusal *refusal = answer->refusal;
	if (!refusal && !answer->sdp)
		refusal = &REFUSE_BAD_OFFER; /* the credentials are not new */
	if (session && refusal)
		session_refuse(session, offer->id, refusal);
	else if (session)
		session_answer(session, offer->id, json_pack("{s:s}", "fragment", answer->sdp));
	json_decref(offer->id);
	g_free(offer);
}

static void restart(Session *session, json_t *id, const Params *params, const SeatPeer *peer)
{
	Hub *hub = session->hub;
	const Refusal *refusal = NULL;
	if (!bucket_take(&session->offers, OFFER_RATE, OFFER_BURST, g_get_monotonic_time()))
		refusal = &REFUSE_TOO_FAST;
	else if (!media_is_synced(hub->media))
		refusal = &REFUSE_MEDIA_AWAY;
	else if (!*peer->id)
		refusal = &REFUSE_NO_PEER;
	if (refusal) {
		session_refuse(session, id, refusal);
		return;
	}
	Offer *offer = g_new0(Offer, 1);
	offer->hub = hub;
	offer->serial = session->serial;
	offer->id = json_incref(id);
	media_restart_peer(hub->media, peer->id, params->fragment, on_restarted, offer);
}

void on_receive_restart(Session *session, json_t *id, const Params *params)
{
	restart(session, id, params, &session->seat->receive);
}

void on_publish_restart(Session *session, json_t *id, const Params *params)
{
	restart(session, id, params, &session->seat->publish);
}

static void close_own(Session *session, json_t *id, SeatPeer *peer)
{
	hub_close_peer(session->hub, peer);
	forum_touch(session->seat->forum, session->seat);
	hub_answer(session->hub, session->seat->forum, session, id, NULL);
}

void on_receive_close(Session *session, json_t *id, const Params *params)
{
	close_own(session, id, &session->seat->receive);
}

void on_publish_close(Session *session, json_t *id, const Params *params)
{
	close_own(session, id, &session->seat->publish);
}

void on_publish_set(Session *session, json_t *id, const Params *params)
{
	Seat *seat = session->seat;
	const Refusal *refusal =
		forum_set_sources(seat->forum, seat, params->mic, params->camera, params->screen);
	if (refusal)
		session_refuse(session, id, refusal);
	else
		hub_answer(session->hub, seat->forum, session, id, NULL);
}

void on_line_limit(Session *session, json_t *id, const Params *params)
{
	session->limit = (unsigned)params->rung;
	hub_limit(session->hub, session->seat);
	session_answer(session, id, NULL);
}
