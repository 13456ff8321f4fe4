/* http.h - WHIP and WHEP requests, a bounded number at once; the wall round libcurl
 *
 * Requests beyond the limit wait in order. The callback comes from the ground's wait or from
 * http_tick(), never from inside a call here. No proxy is ever asked. */
#pragma once
#include "ground.h"

#define HTTP_BODY_MAX (256 * 1024)
#define HTTP_TIMEOUT_S 40 /* longer than the 30 s of a long poll */

typedef struct HttpAnswer {
	long status; /* 0: no answer, error says why */
	const char *error;
	const char *body, *location; /* "" if there is none */
	unsigned retry_after_s;
} HttpAnswer;

typedef void (*HttpDone)(const HttpAnswer *answer, void *user);

typedef struct Http Http;
/* fresh: a connection of its own for each request, as every site has. */
Http *http_new(Ground *ground, unsigned parallel, bool check_certificate, bool fresh);
/* Drops what is under way without calling back. */
void http_free(Http *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Http, http_free)

/* token may be NULL. */
void http_post_sdp(
	Http *http, const char *url, const char *token, const char *sdp, HttpDone done, void *user);
/* Trickle ICE (RFC 8840) for the peer at url, whichever its ICE session is now: If-Match: *. */
void http_patch_fragment(
	Http *http, const char *url, const char *token, const char *fragment, HttpDone done, void *user);
void http_post_json(Http *http, const char *url, const char *json, HttpDone done, void *user);
void http_delete(Http *http, const char *url, const char *token, HttpDone done, void *user);
void http_get(Http *http, const char *url, HttpDone done, void *user);
/* This user's requests run to their end, and nobody hears how. */
void http_forget(Http *http, const void *user);
void http_tick(Http *http);
/* Requests that are not answered yet. */
unsigned http_pending(const Http *http);
