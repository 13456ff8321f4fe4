/* params.h - the parameters of each method, read from outside and bounded
 *
 * One struct for all methods: a method's reader fills in its own members. Strings are borrowed
 * from the message. A value, on the stack of whoever reads. */
#pragma once
#include "preflight.h"
#include "question.h"
#include <jansson.h>
#include <stdbool.h>

#define PARAMS_SDP_MAX (60 * 1024) /* what fits a message */
#define PARAMS_DEVICE_MAX 64
#define PARAMS_SOURCES_MAX 3 /* mic, camera, screen */
#define PARAMS_MID_MAX 16
#define PARAMS_RECORDING_MAX 100
#define PARAMS_LIMIT_MAX 50 /* questions a page: STORE_PAGE_MAX */

typedef struct Params {
	const char *token, *device;
	const char *receive, *publish; /* hello: peers to resume; NULL for none */
	const char *sdp, *fragment;
	json_t *sources;  /* owned: [{mid, source}] with nothing else in it */
	const char *seat; /* NULL where it may be null or left out */
	bool mic, camera, screen, muted;
	const char *key, *text, *name; /* question.ask: text and name as they came */
	const char *question;
	QuestionState state;
	const char *recording;
	Preflight preflight; /* preflight.report: all but at_ms */
	bool has_state;
	json_int_t after, limit;
	json_int_t rung;
} Params;

/* False, and *what says why, in static text. */
typedef bool ParamsReader(json_t *json, Params *params, const char **what);
ParamsReader params_nothing, params_hello, params_offer, params_restart, params_publish, params_set,
	params_seat, params_own_or_seat, params_seat_or_null, params_mute, params_ask, params_mine,
	params_list, params_state, params_recording, params_limit, params_preflight;
void params_clear(Params *params);
