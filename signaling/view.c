#include "view.h"

static json_t *seat_id(const Seat *seat)
{
	return seat ? json_string(seat->id) : json_null();
}

static json_t *view_on_air(const Seat *seat)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:b}", "seat", seat->id, "name",
		seat->name, "role", role_name(seat->role), "muted", seat->muted, "mic", seat->mic,
		"camera", seat->camera, "screen", seat->screen_order != 0);
}

json_t *view_stage(const Forum *forum)
{
	json_t *on_air = json_array();
	for (unsigned i = 0; i < forum->on_air->len; i++)
		json_array_append_new(on_air, view_on_air(forum->on_air->pdata[i]));
	return json_pack("{s:I, s:o, s:o, s:o}", "rev", (json_int_t)forum->rev, "main",
		seat_id(forum->main), "slides", seat_id(forum->slides), "on_air", on_air);
}

json_t *view_queue(const Forum *forum)
{
	json_t *queue = json_array();
	for (unsigned i = 0; i < forum->queue->len; i++) {
		const Seat *seat = forum->queue->pdata[i];
		json_array_append_new(
			queue, json_pack("{s:s, s:s, s:I}", "seat", seat->id, "name", seat->name,
				       "since", (json_int_t)seat->hand_ms));
	}
	return queue;
}

json_t *view_site(const Seat *seat)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:b, s:b, s:b}", "seat", seat->id,
		"name", seat->name, "district", seat->district, "phone", seat->phone, "online",
		seat_is_online(seat), "receiving", seat->receive.is_connected, "transport",
		seat->receive.is_connected ? seat->receive.transport : "", "hand",
		seat->hand_ms != 0, "on_air", seat->on_air, "waiting", seat->candidate != NULL);
}

json_t *view_sites(const Forum *forum)
{
	json_t *sites = json_array();
	GHashTableIter at;
	Seat *seat;
	g_hash_table_iter_init(&at, forum->seats);
	while (g_hash_table_iter_next(&at, NULL, (void **)&seat)) {
		if (seat->origin == SEAT_OF_SITE)
			json_array_append_new(sites, view_site(seat));
	}
	return sites;
}

json_t *view_seat(const Seat *seat)
{
	return json_pack("{s:b, s:b, s:b, s:i}", "on_air", seat->on_air, "muted", seat->muted,
		"hand", seat->hand_ms != 0, "place", (int)forum_place(seat->forum, seat));
}

json_t *view_stage_put(const Forum *forum)
{
	json_t *on_air = json_array();
	json_t *muted = json_array();
	for (unsigned i = 0; i < forum->on_air->len; i++) {
		const Seat *seat = forum->on_air->pdata[i];
		json_array_append_new(on_air, json_string(seat->id));
		if (seat->muted)
			json_array_append_new(muted, json_string(seat->id));
	}
	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o}", "stage", forum->stage, "rev",
		(json_int_t)forum->rev, "on_air", on_air, "muted", muted, "main",
		seat_id(forum->main), "slides", seat_id(forum->slides));
}
