#include "backup.h"
#include <glib/gstdio.h>

typedef enum State { NONE, WORKING, DONE, FAILED } State;

struct Backup {
	Store *store;
	char *path, *trouble;
	State state;
	unsigned timer;
};

Backup *backup_new(Store *store, const char *path)
{
	Backup *backup = g_new0(Backup, 1);
	backup->store = store;
	backup->path = g_strdup(path);
	g_unlink(path);
	return backup;
}

static void forget(Backup *backup)
{
	if (backup->timer)
		g_source_remove(backup->timer);
	backup->timer = 0;
	g_clear_pointer(&backup->trouble, g_free);
	g_unlink(backup->path);
	backup->state = NONE;
}

void backup_free(Backup *backup)
{
	if (!backup)
		return;
	store_stop_copy(backup->store);
	forget(backup);
	g_free(backup->path);
	g_free(backup);
}

static gboolean on_old(gpointer user)
{
	Backup *backup = user;
	backup->timer = 0;
	g_warning("backup: nobody has fetched it, removed");
	forget(backup);
	return G_SOURCE_REMOVE;
}

static void on_copied(const char *trouble, void *user)
{
	Backup *backup = user;
	backup->state = trouble ? FAILED : DONE;
	backup->trouble = g_strdup(trouble);
	if (trouble)
		g_warning("backup: %s", trouble);
	else
		backup->timer = g_timeout_add_seconds(BACKUP_KEPT_S, on_old, backup);
}

bool backup_start(Backup *backup)
{
	if (backup->state == WORKING)
		return false;
	forget(backup);
	if (!store_copy(backup->store, backup->path, on_copied, backup))
		return false;
	backup->state = WORKING;
	return true;
}

json_t *backup_state(const Backup *backup)
{
	static const char *const names[] = { "none", "working", "done", "failed" };
	return json_pack("{s:s, s:i, s:s}", "state", names[backup->state], "percent",
		(int)store_copy_percent(backup->store), "message",
		backup->trouble ? backup->trouble : "");
}

void backup_end(Backup *backup)
{
	if (backup->state != WORKING)
		forget(backup);
}
