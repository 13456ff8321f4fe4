#include "api.h"
#include "common/rpc.h"
#include "operator_side.h"
#include "seating.h"
#include "text.h"
#include <string.h>

#define LIST_SITES_MAX 5000                /* CSV_ROWS_MAX; each is up to 700 bytes */
#define LIST_IDLE_US (10 * G_USEC_PER_SEC) /* whoever sent the parts before has gone */

void operator_list_sites(Operator *door, ChannelCall *call, json_t *params)
{
	Forum *forum = operator_forum(door, call, params);
	if (!forum)
		return;
	g_autoptr(GPtrArray) sites = registry_sites(door->hub->registry, forum);
	json_int_t at = json_integer_value(json_object_get(params, "after"));
	Page page = { .rows = json_array() };
	for (at = MAX(at, 0); at < sites->len; at++) {
		if (!page_add(&page, api_site_row(door->hub, sites->pdata[at])))
			break;
	}
	channel_answer(call, json_pack("{s:s, s:o, s:I, s:b}", "title", forum->title, "sites",
				     page.rows, "after", at, "more", at < sites->len));
}

/* The list that this part belongs to; NULL, and the call refused, while another one comes in. */
static SiteList *list_of(Operator *door, ChannelCall *call, const char *id)
{
	int64_t now_us = g_get_monotonic_time();
	if (door->list && strcmp(door->list_id, id) != 0) {
		if (now_us - door->list_us < LIST_IDLE_US) {
			channel_refuse(call, RPC_REFUSED, "busy",
				"another list of sites is being imported: try again");
			return NULL;
		}
		g_clear_pointer(&door->list, site_list_free);
	}
	if (!door->list) {
		door->list = site_list_new();
		g_strlcpy(door->list_id, id, sizeof(door->list_id));
	}
	door->list_us = now_us;
	return door->list;
}

static void finish(Operator *door, ChannelCall *call, Forum *forum, bool is_dry, json_t *errors)
{
	SiteCounts counts;
	g_autoptr(SiteList) list = g_steal_pointer(&door->list);
	bool ok = site_list_apply(list, door->hub->registry, forum, is_dry,
		g_get_real_time() / 1000, &counts, errors);
	json_t *result =
		json_pack("{s:b, s:i, s:i, s:i, s:o}", "done", ok, "added", (int)counts.added,
			"updated", (int)counts.updated, "same", (int)counts.same, "errors", errors);
	if (ok && !is_dry) {
		g_info("forum %s: %u sites imported, %u brought up to date", forum->id,
			counts.added, counts.updated);
		hub_settle(door->hub, forum);
	}
	operator_commit(door, call, result);
}

void operator_import(Operator *door, ChannelCall *call, json_t *params)
{
	Forum *forum = operator_forum(door, call, params);
	if (!forum)
		return;
	const char *id = json_string_value(json_object_get(params, "import"));
	json_t *rows = json_object_get(params, "rows");
	if (!id_is_valid(id) || !json_is_array(rows)) {
		operator_refuse(call, "a part of a list needs its id and rows");
		return;
	}
	SiteList *list = list_of(door, call, id);
	if (!list)
		return;
	if (site_list_length(list) + json_array_size(rows) > LIST_SITES_MAX) {
		g_clear_pointer(&door->list, site_list_free);
		operator_refuse(call, "a list has at most 5000 sites");
		return;
	}
	json_t *errors = json_array(), *row;
	size_t i;
	json_array_foreach(rows, i, row) site_list_add(list, row, errors);
	if (json_is_true(json_object_get(params, "last")))
		finish(door, call, forum, json_is_true(json_object_get(params, "dry")), errors);
	else
		channel_answer(call, json_pack("{s:o}", "errors", errors));
}

/* By id, or by its name in the forum. */
static Site *find_site(Operator *door, ChannelCall *call, Forum *forum, const char *wanted)
{
	Site *found = registry_site(door->hub->registry, wanted);
	if (found && found->seat && found->seat->forum == forum)
		return found;
	found = NULL;
	g_autofree char *name = text_clean(wanted, false);
	g_autoptr(GPtrArray) sites = registry_sites(door->hub->registry, forum);
	for (unsigned i = 0; name && i < sites->len; i++) {
		Site *site = sites->pdata[i];
		if (strcmp(site->name, name) != 0)
			continue;
		if (found) {
			channel_refuse(call, RPC_REFUSED, "ambiguous",
				"several sites have that name: give the id, which 'diemcau site "
				"links FORUM --json' shows");
			return NULL;
		}
		found = site;
	}
	if (!found)
		channel_refuse(call, RPC_NOT_FOUND, "not-found",
			"the forum has no such site: 'diemcau site links FORUM' shows them");
	return found;
}

void operator_revoke(Operator *door, ChannelCall *call, json_t *params)
{
	const char *which = json_string_value(json_object_get(params, "which"));
	bool is_join = g_strcmp0(which, "join") == 0;
	if (!is_join && g_strcmp0(which, "ask") != 0) {
		operator_refuse(call, "the link to revoke is join or ask");
		return;
	}
	Forum *forum = operator_forum(door, call, params);
	if (!forum)
		return;
	Site *site =
		find_site(door, call, forum, json_string_value(json_object_get(params, "site")));
	if (!site)
		return;
	LinkKind kind = is_join ? LINK_JOIN : LINK_ASK;
	registry_revoke_link(door->hub->registry, site, kind);
	if (is_join)
		seating_expel(door->hub, site->seat, "revoked");
	g_info("site %s: %s link revoked by the operator", site->id, which);
	g_autofree char *url = api_site_url(door->hub, site, kind);
	operator_commit(door, call,
		json_pack("{s:s, s:s, s:s}", "site", site->id, "name", site->name, which, url));
}
