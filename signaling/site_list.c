#include "site_list.h"
#include "text.h"
#include <string.h>

typedef struct Entry {
	unsigned line;
	char *name, *district, *province, *phone;
	Site *site; /* that it is; NULL: a new one */
} Entry;

struct SiteList {
	GPtrArray *entries;
	GHashTable *keys; /* key -> Entry */
	bool is_wrong;
};

static void free_entry(void *data)
{
	Entry *entry = data;
	g_free(entry->name);
	g_free(entry->district);
	g_free(entry->province);
	g_free(entry->phone);
	g_free(entry);
}

SiteList *site_list_new(void)
{
	SiteList *list = g_new0(SiteList, 1);
	list->entries = g_ptr_array_new_with_free_func(free_entry);
	list->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return list;
}

void site_list_free(SiteList *list)
{
	if (!list)
		return;
	g_hash_table_unref(list->keys);
	g_ptr_array_unref(list->entries);
	g_free(list);
}

/* What makes two sites the same one, however it is spelled. */
static char *key_of(const char *name, const char *district, const char *province)
{
	g_autofree char *text = g_strjoin("\n", name, district, province, NULL);
	return g_utf8_casefold(text, -1);
}

static void tell(SiteList *list, json_t *errors, unsigned line, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

static void tell(SiteList *list, json_t *errors, unsigned line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *message = g_strdup_vprintf(format, args);
	va_end(args);
	json_array_append_new(
		errors, json_pack("{s:i, s:s}", "line", (int)line, "message", message));
	list->is_wrong = true;
}

/* The text in one line; "" and told where it will not do. */
static char *read_text(
	SiteList *list, json_t *row, const char *key, size_t max, unsigned line, json_t *errors)
{
	const char *given = json_string_value(json_object_get(row, key));
	char *text = text_clean(given ? given : "", false);
	if (text && strlen(text) <= max)
		return text;
	tell(list, errors, line, text ? "the %s is longer than %zu bytes" : "the %s is no text",
		key, max);
	g_free(text);
	return g_strdup("");
}

void site_list_add(SiteList *list, json_t *row, json_t *errors)
{
	Entry *entry = g_new0(Entry, 1);
	unsigned line = (unsigned)json_integer_value(json_object_get(row, "line"));
	entry->line = line;
	entry->name = read_text(list, row, "name", SEAT_NAME_MAX, line, errors);
	entry->district = read_text(list, row, "district", SEAT_NAME_MAX, line, errors);
	entry->province = read_text(list, row, "province", SEAT_NAME_MAX, line, errors);
	entry->phone = read_text(list, row, "phone", SITE_PHONE_MAX, line, errors);
	g_ptr_array_add(list->entries, entry);

	g_autofree char *given = text_clean(json_string_value(json_object_get(row, "name")), false);
	if (!given || !*given) {
		tell(list, errors, line, "the name is missing");
		return;
	}
	char *key = key_of(entry->name, entry->district, entry->province);
	const Entry *before = g_hash_table_lookup(list->keys, key);
	if (before && *entry->name) {
		tell(list, errors, line, "is the same site as line %u: %s%s%s", before->line,
			entry->name, *entry->district ? ", " : "", entry->district);
		g_free(key);
	} else {
		g_hash_table_insert(list->keys, key, entry);
	}
}

unsigned site_list_length(const SiteList *list)
{
	return list->entries->len;
}

static GHashTable *index_of(Registry *registry, Forum *forum)
{
	GHashTable *index = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GPtrArray) sites = registry_sites(registry, forum);
	for (unsigned i = 0; i < sites->len; i++) {
		Site *site = sites->pdata[i];
		char *key = key_of(site->name, site->district, site->province);
		if (g_hash_table_contains(index, key))
			g_free(key);
		else
			g_hash_table_insert(index, key, site);
	}
	return index;
}

/* The site that entry is; one without a province (of an older list) is it, too. */
static Site *find(GHashTable *index, const Entry *entry)
{
	g_autofree char *key = key_of(entry->name, entry->district, entry->province);
	Site *site = g_hash_table_lookup(index, key);
	if (site || !*entry->province)
		return site;
	g_autofree char *bare = key_of(entry->name, entry->district, "");
	return g_hash_table_lookup(index, bare);
}

/* Each entry finds its site, and no two the same one. */
static unsigned match(SiteList *list, Registry *registry, Forum *forum)
{
	unsigned fresh = 0;
	g_autoptr(GHashTable) index = index_of(registry, forum);
	for (unsigned i = 0; i < list->entries->len; i++) {
		Entry *entry = list->entries->pdata[i];
		entry->site = find(index, entry);
		fresh += !entry->site;
		if (entry->site) {
			g_autofree char *key = key_of(
				entry->site->name, entry->site->district, entry->site->province);
			g_hash_table_remove(index, key);
		}
	}
	return fresh;
}

/* An empty phone in the list says nothing about the one that is known. */
static bool brings_news(const Site *site, const Entry *entry)
{
	return (*entry->phone && strcmp(site->phone, entry->phone) != 0) ||
	       (*entry->province && strcmp(site->province, entry->province) != 0);
}

static void update(Registry *registry, Site *site, const Entry *entry)
{
	g_autofree char *province = g_strdup(*entry->province ? entry->province : site->province);
	g_autofree char *phone = g_strdup(*entry->phone ? entry->phone : site->phone);
	registry_set_site(registry, site, province, phone);
	forum_touch(site->seat->forum, site->seat);
}

static void add(Registry *registry, Forum *forum, const Entry *entry, int64_t now_ms)
{
	Site *site = registry_add_site(
		registry, forum, entry->name, entry->district, entry->phone, now_ms);
	if (!site)
		return; /* site_list_apply() has counted them */
	if (*entry->province)
		registry_set_site(registry, site, entry->province, entry->phone);
	forum_touch(forum, site->seat);
}

bool site_list_apply(SiteList *list, Registry *registry, Forum *forum, bool is_dry, int64_t now_ms,
	SiteCounts *counts, json_t *errors)
{
	*counts = (SiteCounts){ 0 };
#ifndef GUARD_OFF_WHOLE_LIST
	if (list->is_wrong)
		return false;
#endif
	if (g_hash_table_size(forum->seats) + match(list, registry, forum) > FORUM_SEATS_MAX) {
		tell(list, errors, 0, "a forum has at most %d seats, and these would be more",
			FORUM_SEATS_MAX);
		return false;
	}
	for (unsigned i = 0; i < list->entries->len; i++) {
		const Entry *entry = list->entries->pdata[i];
		Site *site = entry->site;
		if (!site)
			counts->added++;
		else if (brings_news(site, entry))
			counts->updated++;
		else
			counts->same++;
		if (!is_dry && !site)
			add(registry, forum, entry, now_ms);
		else if (!is_dry && brings_news(site, entry))
			update(registry, site, entry);
	}
	return true;
}
