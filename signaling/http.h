/* http.h - which request goes where
 *
 * Pages, health, WHIP/WHEP, /api/v1; on the admin port the metrics. Main thread. */
#pragma once
#include "files.h"
#include "hub.h"

typedef struct Http {
	Hub *hub; /* borrowed, as all here */
	Files *files;
	Server *server; /* for its counts */
	struct Probe *probe;
} Http;

/* For ServerEvents.request; user is the Http. */
void http_request(Exchange *exchange, const Request *request, void *user);

/* The token of `Authorization: Bearer TOKEN`, borrowed; NULL without one. */
const char *http_bearer(const Request *request);
/* `{"error": {"reason", "message", "retry_ms"?}}`, with Retry-After where the refusal says when. */
void http_refuse(Exchange *exchange, unsigned status, const Refusal *refusal);
void http_json(Exchange *exchange, unsigned status, json_t *json); /* json stolen */
/* 405 with what is allowed instead. */
void http_refuse_method(Exchange *exchange, const char *allow);
/* The object of an application/json body (new reference); NULL when it is none. */
json_t *http_body(const Request *request);
/* The status a refusal becomes in HTTP. */
unsigned http_status(const Refusal *refusal);
