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
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:s, s:b, s:b, s:b, s:o, s:s, s:I}",
		"seat", seat->id, "name", seat->name, "district", seat->district, "phone",
		seat->phone, "online", seat_is_online(seat), "receiving",
		seat->receive.is_connected, "transport",
		seat->receive.is_connected ? seat->receive.transport : "", "hand",
		seat->hand_ms != 0, "on_air", seat->on_air, "waiting", seat->candidate != NULL,
		"line", view_line(&seat->receive.rung), "check", preflight_verdict(&seat->checked),
		"checked", (json_int_t)seat->checked.at_ms);
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

json_t *view_line(const Rung *rung)
{
	if (!rung->why)
		return json_null();
	return json_pack("{s:i, s:s, s:I, s:i, s:o}", "rung", (int)rung->rung, "why", rung->why,
		"rate_bps", (json_int_t)rung->rate_bps, "loss_percent", (int)rung->loss_percent,
		"rtt_ms", rung->rtt_ms < 0 ? json_null() : json_integer(rung->rtt_ms));
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

json_t *view_receipt(const QuestionRow *row)
{
	return json_pack("{s:s, s:I, s:s}", "id", row->id, "number", (json_int_t)row->number,
		"state", question_state_name(row->state));
}

json_t *view_question(const Forum *forum, const QuestionRow *row)
{
	const Seat *seat = forum_find(forum, row->seat);
	return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I}", "id", row->id,
		"number", (json_int_t)row->number, "seat", row->seat, "site",
		seat ? seat->name : "", "source", row->is_by_link ? "ask" : "page", "name",
		row->name, "text", row->text, "state", question_state_name(row->state), "created",
		(json_int_t)row->created_ms, "changed", (json_int_t)row->changed_ms);
}

json_t *view_question_counts(const Forum *forum)
{
	json_t *counts = json_object();
	for (unsigned i = 0; i < QUESTION_STATES; i++)
		json_object_set_new(counts, question_state_name((QuestionState)i),
			json_integer(forum->questions[i]));
	return counts;
}

json_t *view_questions(const Forum *forum, const GPtrArray *rows, bool with_counts)
{
	json_t *list = json_array();
	for (unsigned i = 0; i < rows->len; i++)
		json_array_append_new(list, view_question(forum, rows->pdata[i]));
	json_t *page = json_pack("{s:o}", "questions", list);
	if (with_counts)
		json_object_set_new(page, "counts", view_question_counts(forum));
	return page;
}
