#include "child.h"
#include "notices.h"
#include "spawn.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STORED_NAME_MAX 64

struct Child {
	char *name;
	char *program;
	const Person *person;
	const ChildEvents *events;
	void *user;
	Notices *notices;
	GArray *handed; /* of Handed: own sockets (borrowed), then stored ones (ours) */
	unsigned own;   /* how many are the former */
	pid_t pid;      /* 0 while none runs */
	bool was_ready; /* ever */
	bool is_ready;  /* this life */
	bool stopping;
	gint64 started_us;
	unsigned delay_ms; /* before the next restart */
	GSource *timer;    /* one at a time: start, watchdog or restart */
};

static void set_timer(Child *child, unsigned delay_ms, GSourceFunc run)
{
	if (child->timer) {
		g_source_destroy(child->timer);
		g_source_unref(child->timer);
		child->timer = NULL;
	}
	if (!run)
		return;
	child->timer = g_timeout_source_new(delay_ms);
	g_source_set_callback(child->timer, run, child, NULL);
	g_source_attach(child->timer, NULL);
}

/* --- what it stores --- */

static bool name_is_sound(const char *name, size_t len)
{
	if (!len || len > STORED_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!g_ascii_isalnum(name[i]) && !strchr("._-", name[i]))
			return false;
	}
	return true;
}

static void store_remove(Child *child, const char *name)
{
	for (unsigned i = child->handed->len; i-- > child->own;) {
		Handed *stored = &g_array_index(child->handed, Handed, i);
		if (g_str_equal(stored->name, name)) {
			handed_clear(stored);
			g_array_remove_index(child->handed, i);
		}
	}
}

/* The value of KEY=… in a notice, in buffer; NULL without. */
static const char *value_of(const Notice *notice, const char *key, char *buffer, size_t size)
{
	size_t key_len = strlen(key);
	for (const char *line = notice->text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, key_len) != 0 || line[key_len] != '=')
			continue;
		const char *value = line + key_len + 1;
		size_t len = strcspn(value, "\n");
		if (len >= size)
			return NULL;
		memcpy(buffer, value, len);
		buffer[len] = '\0';
		return buffer;
	}
	return NULL;
}

static bool says(const Notice *notice, const char *key)
{
	char buffer[8];
	return g_strcmp0(value_of(notice, key, buffer, sizeof(buffer)), "1") == 0;
}

static void take_stored(Child *child, const Notice *notice)
{
	char buffer[STORED_NAME_MAX + 1];
	const char *name = value_of(notice, "FDNAME", buffer, sizeof(buffer));
	bool sound = name && name_is_sound(name, strlen(name));
	if (says(notice, "FDSTOREREMOVE") && sound)
		store_remove(child, name);
	bool keep = says(notice, "FDSTORE") && sound;
	for (unsigned i = 0; i < notice->fd_count; i++) {
		if (keep && child->handed->len - child->own < STORE_MAX) {
			Handed stored = { g_strdup(name), notice->fds[i] };
			g_array_append_val(child->handed, stored);
		} else {
			g_warning(
				"child %s: a descriptor it wants stored is not taken", child->name);
			close(notice->fds[i]);
		}
	}
}

/* --- its life --- */

static gboolean on_silent(gpointer user)
{
	Child *child = user;
	g_warning("child %s: silent for %d s, killed", child->name, WATCHDOG_US / 1000000);
	set_timer(child, 0, NULL);
	child_kill(child);
	return G_SOURCE_REMOVE;
}

static gboolean on_start_timeout(gpointer user)
{
	Child *child = user;
	g_warning("child %s: not ready after %d s, killed", child->name, START_TIMEOUT_MS / 1000);
	set_timer(child, 0, NULL);
	child_kill(child);
	return G_SOURCE_REMOVE;
}

static void take_ready(Child *child)
{
	child->is_ready = true;
	set_timer(child, WATCHDOG_US / 1000, on_silent);
	if (child->was_ready) {
		g_message("child %s: ready again", child->name);
		return;
	}
	child->was_ready = true;
	child->events->ready(child->user);
}

static void on_notice(const Notice *notice, void *user)
{
	Child *child = user;
	char status[256];
	if (value_of(notice, "STATUS", status, sizeof(status)))
		g_debug("child %s: %s", child->name, status);
	take_stored(child, notice);
	if (child->stopping)
		return;
	if (says(notice, "READY") && !child->is_ready)
		take_ready(child);
	else if (says(notice, "WATCHDOG") && child->is_ready)
		set_timer(child, WATCHDOG_US / 1000, on_silent);
}

static gboolean on_restart(gpointer user)
{
	Child *child = user;
	g_autoptr(GError) error = NULL;
	set_timer(child, 0, NULL);
	if (!child_start(child, &error)) {
		g_warning("child %s: %s", child->name, error->message);
		child->delay_ms = MIN(child->delay_ms * 2, RESTART_LAST_MS);
		set_timer(child, child->delay_ms, on_restart);
	}
	return G_SOURCE_REMOVE;
}

static void restart_later(Child *child)
{
	if (g_get_monotonic_time() - child->started_us >= LIVED_US || !child->delay_ms)
		child->delay_ms = RESTART_FIRST_MS;
	else
		child->delay_ms = MIN(child->delay_ms * 2, RESTART_LAST_MS);
	set_timer(child, child->delay_ms, on_restart);
}

bool child_start(Child *child, GError **error)
{
	const Spawn spawn = {
		.program = child->program,
		.person = child->person,
		.handed = (const Handed *)(void *)child->handed->data,
		.handed_count = child->handed->len,
		.notify_address = notices_address(child->notices),
		.watchdog_us = WATCHDOG_US,
	};
	child->is_ready = false;
	child->started_us = g_get_monotonic_time();
	child->pid = spawn_start(&spawn, error);
	notices_set_sender(child->notices, child->pid);
	if (!child->pid)
		return false;
	set_timer(child, START_TIMEOUT_MS, on_start_timeout);
	return true;
}

static char *describe(const Child *child, int code, int status)
{
	if (code == CLD_EXITED)
		return g_strdup_printf("%s ended with status %d", child->name, status);
	return g_strdup_printf(
		"%s was ended by signal %d (%s)", child->name, status, g_strsignal(status));
}

bool child_is(const Child *child, pid_t pid)
{
	return child->pid == pid;
}

void child_ended(Child *child, int code, int status)
{
	child->pid = 0;
	child->is_ready = false;
	notices_set_sender(child->notices, 0);
	set_timer(child, 0, NULL);
	if (child->stopping)
		return;

	g_autofree char *end = describe(child, code, status);
	if (child->was_ready) {
		restart_later(child);
		g_warning("child %s, starts again in %u ms", end, child->delay_ms);
		return;
	}
	child->stopping = true;
	g_autofree char *sentence = g_strdup_printf("%s before it was ready", end);
	/* Status 1 is daemon_fail(): it has said its sentence. */
	bool said = code == CLD_EXITED && status == 1;
	child->events->failed(said ? NULL : sentence, child->user);
}

void child_stop(Child *child)
{
	child->stopping = true;
	set_timer(child, 0, NULL);
	if (child->pid)
		kill(child->pid, SIGTERM);
}

void child_kill(Child *child)
{
	if (child->pid) {
		kill(-child->pid, SIGKILL);
		kill(child->pid, SIGKILL);
	}
}

void child_reload(Child *child)
{
	if (child->pid && child->is_ready)
		kill(child->pid, SIGHUP);
}

bool child_runs(const Child *child)
{
	return child->pid != 0;
}

Child *child_new(const char *name, const char *program, const char *const *socket_names,
	GArray *sockets, const Person *person, const ChildEvents *events, void *user,
	GError **error)
{
	Child *child = g_new0(Child, 1);
	child->name = g_strdup(name);
	child->program = g_strdup(program);
	child->person = person;
	child->events = events;
	child->user = user;
	child->handed = g_array_new(FALSE, FALSE, sizeof(Handed));
	for (unsigned i = 0; i < sockets->len; i++) {
		const Handed *socket = &g_array_index(sockets, Handed, i);
		if (g_strv_contains(socket_names, socket->name))
			g_array_append_val(child->handed, *socket);
	}
	child->own = child->handed->len;
	child->notices = notices_new(on_notice, child, error);
	if (!child->notices) {
		child_free(child);
		return NULL;
	}
	return child;
}

void child_free(Child *child)
{
	if (!child)
		return;
	set_timer(child, 0, NULL);
	notices_free(child->notices);
	for (unsigned i = child->own; i < child->handed->len; i++)
		handed_clear(&g_array_index(child->handed, Handed, i));
	g_array_unref(child->handed);
	g_free(child->program);
	g_free(child->name);
	g_free(child);
}
