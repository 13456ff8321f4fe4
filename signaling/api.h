/* api.h - /api/v1: what scripts need of forums and sites
 *
 * A token opens its own forum and those that were made with it. Main thread. */
#pragma once
#include "hub.h"
#include "server.h"

void api_request(Hub *hub, Exchange *exchange, const Request *request);

/* What they tell of one forum, of one site with its links. New references. */
json_t *api_forum_row(const Forum *forum);
json_t *api_site_row(Hub *hub, const Site *site);
/* Addresses with their tokens, as `diemcau up --demo` prints them too. New references. */
json_t *api_forum_links(Hub *hub, Forum *forum);
char *api_site_url(Hub *hub, const Site *site, LinkKind kind);
