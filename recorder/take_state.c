#include "take_state.h"
#include <string.h>

TakeState *take_state_new(void)
{
	TakeState *state = g_new0(TakeState, 1);
	state->ports = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	state->next_port = TAKE_PORT_FIRST;
	return state;
}

void take_state_free(TakeState *state)
{
	if (!state)
		return;
	g_hash_table_unref(state->ports);
	g_free(state->folder);
	g_free(state);
}

uint16_t take_state_port(const TakeState *state, uint64_t track)
{
	return (uint16_t)GPOINTER_TO_UINT(g_hash_table_lookup(state->ports, &track));
}

static void set_port(TakeState *state, uint64_t track, uint16_t port)
{
	g_hash_table_insert(state->ports, g_memdup2(&track, sizeof track), GUINT_TO_POINTER(port));
	if (port >= state->next_port)
		state->next_port = port <= TAKE_PORT_LAST - 2 ? (uint16_t)(port + 2) : 0;
}

uint16_t take_state_add(TakeState *state, uint64_t track)
{
	uint16_t port = state->next_port;
	if (port)
		set_port(state, track, port);
	return port;
}

static uint64_t number(json_t *line, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(line, key));
	return value > 0 ? (uint64_t)value : 0;
}

static bool copy(char *into, size_t size, json_t *line, const char *key)
{
	const char *text = json_string_value(json_object_get(line, key));
	return text && g_strlcpy(into, text, size) < size;
}

static bool learn_take(TakeState *state, json_t *line)
{
	state->started_us = (int64_t)number(line, "t_us");
	state->safe = state->last_event = number(line, "after");
	return copy(state->stage, sizeof state->stage, line, "stage") &&
	       copy(state->name, sizeof state->name, line, "take") &&
	       copy(state->boot, sizeof state->boot, line, "boot");
}

static bool learn_track(TakeState *state, json_t *line)
{
	uint64_t port = number(line, "port"), track = 0;
	const char *id = json_string_value(json_object_get(line, "track"));
	if (!id || !g_ascii_string_to_unsigned(id, 16, 1, UINT64_MAX, &track, NULL) ||
		port < TAKE_PORT_FIRST || port > TAKE_PORT_LAST)
		return false;
	set_port(state, track, (uint16_t)port);
	return true;
}

bool take_state_learn(TakeState *state, json_t *line)
{
	const char *kind = json_string_value(json_object_get(line, "kind"));
	bool fine = kind && number(line, "t_us");
	if (!fine)
		return false;
	if (!strcmp(kind, "take")) {
		fine = learn_take(state, line);
	} else if (!strcmp(kind, "track")) {
		fine = learn_track(state, line);
	} else if (!strcmp(kind, "part")) {
		state->part = (unsigned)number(line, "part");
		state->part_number = number(line, "after");
		state->part_synced = 0;
	} else if (!strcmp(kind, "sync")) {
		state->safe = number(line, "upto");
		state->bytes = number(line, "bytes");
		state->packets = number(line, "packets");
		if (state->part == number(line, "part") && state->part) {
			state->part_synced = number(line, "part_bytes");
			state->part_number = state->safe;
		}
	} else if (!strcmp(kind, "resume")) {
		/* Another life of the sfu counts from one again. */
		TapWord boot = "";
		fine = copy(boot, sizeof boot, line, "boot");
		if (fine && strcmp(boot, state->boot))
			state->last_packet = state->last_event = state->safe = 0;
		memcpy(state->boot, boot, sizeof boot);
	} else if (!strcmp(kind, "end")) {
		state->ended = true;
		state->safe = MAX(state->safe, number(line, "upto"));
	}
	state->last_event = MAX(state->last_event, number(line, "n"));
	state->last_us = MAX(state->last_us, (int64_t)number(line, "t_us"));
	return fine;
}
