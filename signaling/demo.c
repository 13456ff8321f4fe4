#include "demo.h"
#include "api.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = { "Xã Nghi Lộc", "Phường Vinh Tân", "Xã Đô Lương",
	"Xã Quỳnh Lưu", "Phường Cửa Lò", "Xã Thanh Chương", "Xã Con Cuông", "Xã Tương Dương",
	"Xã Kỳ Sơn", "Xã Quế Phong" };
static const char *const districts[] = { "Vùng đồng bằng", "Thành phố", "Vùng trung du",
	"Vùng ven biển", "Vùng ven biển", "Vùng trung du", "Vùng núi", "Vùng núi", "Vùng biên giới",
	"Vùng núi" };

static Forum *find(Hub *hub)
{
	GPtrArray *forums = registry_forums(hub->registry);
	for (unsigned i = 0; i < forums->len; i++) {
		Forum *forum = forums->pdata[i];
		if (forum->is_demo)
			return forum;
	}
	return NULL;
}

static bool write_line(const char *path, const char *text, GError **error)
{
	g_autofree char *fresh = g_strconcat(path, ".new", NULL);
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	size_t len = strlen(line);
	bool ok = fd >= 0 && write(fd, line, len) == (ssize_t)len;
	if (fd >= 0)
		close(fd);
	if (ok && rename(fresh, path) == 0)
		return true;
	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(errno), "%s: %s", path,
		g_strerror(errno));
	return false;
}

static void on_written(bool ok, void *user)
{
	*(int *)user = ok;
}

bool demo_make(Hub *hub, unsigned sites, const char *path, GError **error)
{
	int64_t now_ms = g_get_real_time() / 1000;
	Forum *forum = find(hub);
	if (!forum)
		forum = registry_add_forum(
			hub->registry, "Hội nghị thử nghiệm", NULL, true, now_ms);
	g_autoptr(GPtrArray) present = registry_sites(hub->registry, forum);
	for (unsigned i = present->len; i < sites; i++) {
		unsigned round = i / G_N_ELEMENTS(names), which = i % G_N_ELEMENTS(names);
		g_autofree char *name = round ? g_strdup_printf("%s %u", names[which], round + 1)
					      : g_strdup(names[which]);
		g_autofree char *phone = g_strdup_printf("0900 000 %03u", i + 1);
		Site *site = registry_add_site(
			hub->registry, forum, name, districts[which], phone, now_ms);
		g_ptr_array_add(present, site);
	}
	int written = -1;
	hub_commit(hub, on_written, &written);
	while (written < 0)
		g_main_context_iteration(NULL, TRUE);

	json_t *links = api_forum_links(hub, forum);
	json_t *urls = json_array();
	for (unsigned i = 0; i < sites; i++) {
		g_autofree char *url = api_site_url(hub, present->pdata[i], LINK_JOIN);
		json_array_append_new(urls, json_string(url));
	}
	json_object_set_new(links, "sites", urls);
	char *text = json_dumps(links, JSON_COMPACT);
	json_decref(links);
	bool ok = written && write_line(path, text, error);
	if (!written)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOSPC,
			"the demo forum cannot be written to the store");
	free(text);
	return ok;
}
