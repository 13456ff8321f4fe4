/* site_list.h - a list of sites on its way into a forum: judged row by row, taken whole or not at
 * all
 *
 * What the operator imports. A site that the forum has already (same name, district and province)
 * is the same site: its phone is brought up to date, its links stay. So the same list twice changes
 * nothing. Main thread. */
#pragma once
#include "registry.h"
#include <jansson.h>

typedef struct SiteList SiteList;

typedef struct SiteCounts {
	unsigned added, updated, same;
} SiteCounts;

SiteList *site_list_new(void);
void site_list_free(SiteList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SiteList, site_list_free)

/* Judges one row, {line, name, district?, province?, phone?}, and keeps it. Each thing that is
 * wrong is appended to errors as {line, message}. */
void site_list_add(SiteList *list, json_t *row, json_t *errors);
unsigned site_list_length(const SiteList *list);
/* Counts what it brings, and unless is_dry brings it: settle and commit afterwards. False, with
 * nothing changed and the reason in errors, when a row was wrong or the forum has no room. */
bool site_list_apply(SiteList *list, Registry *registry, Forum *forum, bool is_dry, int64_t now_ms,
	SiteCounts *counts, json_t *errors);
