#include "preflight_methods.h"
#include "hub.h"

/* Who asked, in case he has gone when the disk answers. */
typedef struct Reply {
	Hub *hub;
	uint64_t serial;
	json_t *id;
} Reply;

void on_preflight_report(Session *session, json_t *id, const Params *params)
{
	Hub *hub = session->hub;
	Seat *seat = session->seat;
	if (!bucket_take(
		    &seat->checking, PREFLIGHT_RATE, PREFLIGHT_BURST, g_get_monotonic_time())) {
		session_refuse(session, id, &REFUSE_TOO_FAST);
		return;
	}
	Preflight preflight = params->preflight;
	preflight.at_ms = g_get_real_time() / 1000;
	registry_add_preflight(hub->registry, seat, &preflight);
	g_autofree char *words = preflight_fault_words(&preflight);
	g_info("seat %s: checked its machine: %s", seat->id, *words ? words : "well");
	forum_touch(seat->forum, seat);
	hub_answer(hub, seat->forum, session, id, preflight_view(&preflight));
}

static void on_listed(bool ok, const GArray *rows, void *user)
{
	Reply *reply = user;
	Session *session = reply->hub->is_ending ? NULL : hub_session(reply->hub, reply->serial);
	if (session && !ok) {
		session_refuse(session, reply->id, &REFUSE_STORE);
	} else if (session) {
		json_t *list = json_array();
		for (unsigned i = 0; i < rows->len; i++)
			json_array_append_new(
				list, preflight_view(&g_array_index(rows, Preflight, i)));
		session_answer(session, reply->id, json_pack("{s:o}", "checks", list));
	}
	json_decref(reply->id);
	g_free(reply);
}

void on_preflight_list(Session *session, json_t *id, const Params *params)
{
	Seat *seat = forum_find(session->seat->forum, params->seat);
	if (!seat) {
		session_refuse(session, id, &REFUSE_NO_SEAT);
		return;
	}
	Reply *reply = g_new0(Reply, 1);
	reply->hub = session->hub;
	reply->serial = session->serial;
	reply->id = json_incref(id);
	store_list_preflights(session->hub->store, seat->id, on_listed, reply);
}
