/* janus.h - a foreign server beside ours: Janus' videoroom over its HTTP API
 *
 * One session with a handle for each peer; its events come by one long poll. A speaker offers, a
 * viewer is offered to and answers. For comparison only, on this machine. */
#pragma once
#include "http.h"

typedef struct Janus Janus;
typedef struct JanusSeat JanusSeat;

/* sdp: the answer to a speaker, the offer to a viewer; NULL: why says what is wrong. */
typedef void (*JanusDone)(JanusSeat *seat, const char *sdp, const char *why, void *user);

/* url: of the API, "http://10.99.0.1:8088/janus". Nothing is sent before somebody joins. */
Janus *janus_new(Http *http, const char *url, unsigned room);
/* Forgets everybody without a word. Requests under way must be gone: http_free() comes first. */
void janus_free(Janus *janus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Janus, janus_free)

void janus_publish(Janus *janus, const char *offer, JanusDone done, void *user);
/* The first speaker, who has joined before. */
void janus_watch(Janus *janus, JanusDone done, void *user);
void janus_answer(JanusSeat *seat, const char *sdp);
/* Where we receive, and that there is no other place. */
void janus_trickle(JanusSeat *seat, const char *candidate);
/* Ends the session and with it all seats. */
void janus_leave(Janus *janus);
/* The long poll under way, which has no end of its own. */
unsigned janus_polls(const Janus *janus);
