#include "janus.h"
#include <jansson.h>
#include <string.h>

#define PLUGIN "janus.plugin.videoroom"

struct JanusSeat {
	Janus *janus;
	uint64_t handle;
	char *url, *offer; /* offer: NULL of a viewer */
	JanusDone done;    /* NULL once it was called */
	void *user;
};

struct Janus {
	Http *http;
	char *url, *session; /* session: its URL, once there is one */
	unsigned room;
	uint64_t feed; /* of the first speaker */
	bool asked, polling, left;
	GPtrArray *seats;
};

static void seat_free(JanusSeat *seat)
{
	g_free(seat->url);
	g_free(seat->offer);
	g_free(seat);
}

Janus *janus_new(Http *http, const char *url, unsigned room)
{
	Janus *janus = g_new0(Janus, 1);
	janus->http = http;
	janus->url = g_strdup(url);
	janus->room = room;
	janus->seats = g_ptr_array_new_with_free_func((GDestroyNotify)seat_free);
	return janus;
}

void janus_free(Janus *janus)
{
	if (!janus)
		return;
	g_ptr_array_unref(janus->seats);
	g_free(janus->url);
	g_free(janus->session);
	g_free(janus);
}

static void tell(JanusSeat *seat, const char *sdp, const char *why)
{
	JanusDone done = g_steal_pointer(&seat->done);
	if (done)
		done(seat, sdp, why, seat->user);
}

static void post(Janus *janus, const char *url, json_t *body, HttpDone done, void *user)
{
	json_object_set_new(body, "transaction", json_string("load"));
	char *text = json_dumps(body, JSON_COMPACT);
	http_post_json(janus->http, url, text, done, user);
	free(text);
	json_decref(body);
}

/* What every answer of Janus begins with. Free with json_decref; NULL and why when it is none. */
static json_t *read_answer(const HttpAnswer *answer, const char **why)
{
	json_t *root = answer->status == 200 ? json_loads(answer->body, 0, NULL) : NULL;
	json_t *error = json_object_get(root, "error");
	*why = NULL;
	if (!root)
		*why = answer->error ? answer->error : "Janus' answer is no JSON";
	else if (error)
		*why = "Janus refused"; /* its own words are freed with the answer */
	if (error)
		g_clear_pointer(&root, json_decref);
	return root;
}

static uint64_t id_of(json_t *root)
{
	return (uint64_t)json_integer_value(json_object_get(json_object_get(root, "data"), "id"));
}

/* -- events -- */

static void poll_events(Janus *janus);

static void take_event(Janus *janus, json_t *event)
{
	uint64_t sender = (uint64_t)json_integer_value(json_object_get(event, "sender"));
	json_t *data = json_object_get(json_object_get(event, "plugindata"), "data");
	const char *error = json_string_value(json_object_get(data, "error"));
	const char *sdp = json_string_value(json_object_get(json_object_get(event, "jsep"), "sdp"));
	for (unsigned i = 0; i < janus->seats->len && (sdp || error); i++) {
		JanusSeat *seat = janus->seats->pdata[i];
		if (seat->handle != sender)
			continue;
		if (seat->offer && !janus->feed)
			janus->feed = (uint64_t)json_integer_value(json_object_get(data, "id"));
		tell(seat, sdp, error);
		return;
	}
}

static void on_events(const HttpAnswer *answer, void *user)
{
	Janus *janus = user;
	json_t *root = answer->status == 200 ? json_loads(answer->body, 0, NULL) : NULL;
	size_t i;
	json_t *event;
	janus->polling = false;
	json_array_foreach(root, i, event) take_event(janus, event);
	json_decref(root);
	if (!janus->left)
		poll_events(janus);
}

static void poll_events(Janus *janus)
{
	g_autofree char *url = g_strconcat(janus->session, "?maxev=10", NULL);
	janus->polling = true;
	http_get(janus->http, url, on_events, janus);
}

/* -- joining: session, handle, message -- */

static void on_ack(const HttpAnswer *answer, void *user)
{
	const char *why;
	json_t *root = read_answer(answer, &why);
	if (!root)
		tell(user, NULL, why);
	json_decref(root);
}

static json_t *message(json_t *body, const char *type, const char *sdp)
{
	json_t *root = json_pack("{s:s,s:o}", "janus", "message", "body", body);
	if (sdp)
		json_object_set_new(root, "jsep", json_pack("{s:s,s:s}", "type", type, "sdp", sdp));
	return root;
}

static json_t *join_of(const JanusSeat *seat)
{
	const Janus *janus = seat->janus;
	if (seat->offer)
		return json_pack("{s:s,s:s,s:i}", "request", "joinandconfigure", "ptype",
			"publisher", "room", (int)janus->room);
	return json_pack("{s:s,s:s,s:i,s:[{s:I}]}", "request", "join", "ptype", "subscriber",
		"room", (int)janus->room, "streams", "feed", (json_int_t)janus->feed);
}

static void on_attached(const HttpAnswer *answer, void *user)
{
	JanusSeat *seat = user;
	Janus *janus = seat->janus;
	const char *why;
	json_t *root = read_answer(answer, &why);
	if (!root) {
		tell(seat, NULL, why);
		return;
	}
	seat->handle = id_of(root);
	seat->url = g_strdup_printf("%s/%" G_GUINT64_FORMAT, janus->session, seat->handle);
	json_decref(root);
	post(janus, seat->url, message(join_of(seat), "offer", seat->offer), on_ack, seat);
}

static void attach(JanusSeat *seat)
{
	post(seat->janus, seat->janus->session,
		json_pack("{s:s,s:s}", "janus", "attach", "plugin", PLUGIN), on_attached, seat);
}

static void on_session(const HttpAnswer *answer, void *user)
{
	Janus *janus = user;
	const char *why;
	json_t *root = read_answer(answer, &why);
	if (root)
		janus->session = g_strdup_printf("%s/%" G_GUINT64_FORMAT, janus->url, id_of(root));
	json_decref(root);
	if (janus->session)
		poll_events(janus);
	for (unsigned i = 0; i < janus->seats->len; i++) {
		JanusSeat *seat = janus->seats->pdata[i];
		if (janus->session)
			attach(seat);
		else
			tell(seat, NULL, why);
	}
}

static void join(Janus *janus, const char *offer, JanusDone done, void *user)
{
	JanusSeat *seat = g_new0(JanusSeat, 1);
	*seat = (JanusSeat){ .janus = janus, .offer = g_strdup(offer), .done = done, .user = user };
	g_ptr_array_add(janus->seats, seat);
	if (janus->session)
		attach(seat);
	else if (!janus->asked)
		post(janus, janus->url, json_pack("{s:s}", "janus", "create"), on_session, janus);
	janus->asked = true;
}

void janus_publish(Janus *janus, const char *offer, JanusDone done, void *user)
{
	join(janus, offer, done, user);
}

void janus_watch(Janus *janus, JanusDone done, void *user)
{
	join(janus, NULL, done, user);
}

void janus_answer(JanusSeat *seat, const char *sdp)
{
	post(seat->janus, seat->url, message(json_pack("{s:s}", "request", "start"), "answer", sdp),
		on_ack, seat);
}

void janus_trickle(JanusSeat *seat, const char *candidate)
{
	post(seat->janus, seat->url,
		json_pack("{s:s,s:{s:s?,s:s,s:i}}", "janus", "trickle", "candidate", "candidate",
			candidate, "sdpMid", "0", "sdpMLineIndex", 0),
		on_ack, seat);
}

static void on_left(const HttpAnswer *answer, void *user)
{
}

void janus_leave(Janus *janus)
{
	if (janus->left || !janus->session)
		return;
	janus->left = true;
	post(janus, janus->session, json_pack("{s:s}", "janus", "destroy"), on_left, janus);
}

unsigned janus_polls(const Janus *janus)
{
	return janus && janus->polling;
}
