/* recordings.h - the recordings of a forum for those who may see them: lists, addresses, the files
 *
 * The recorder is asked each time; nothing of it is kept here. A file is opened beneath the
 * recordings folder by the two names of its id and by nothing else of the request. Main thread. */
#pragma once
#include "hub.h"
#include "params.h"
#include "server.h"

#define RECORDINGS_PATH "/recordings/"

/* Of this forum: [{id, state, reason, started, ended, length_ms, bytes, gaps, url?, expires?}];
 * NULL: the recorder is away. Borrowed. */
typedef void (*RecordingsListed)(json_t *rows, void *user);
void recordings_list(Hub *hub, Forum *forum, RecordingsListed listed, void *user);
/* {url, expires} of a recording of this forum; NULL when it is none. */
json_t *recordings_open(Hub *hub, const Forum *forum, const char *id);

/* GET of a list, by a token: `{recordings: […]}`. */
void recordings_answer_list(Hub *hub, Exchange *exchange, Forum *forum);
/* GET, HEAD of RECORDINGS_PATH…: the file, or a part of it, to whoever has a ticket. */
void recordings_answer_file(Hub *hub, Exchange *exchange, const Request *request);

void on_recording_list(Session *session, json_t *id, const Params *params);
void on_recording_open(Session *session, json_t *id, const Params *params);
