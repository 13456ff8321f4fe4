#include "finisher.h"
#include "catalogue.h"
#include <glib.h>
#include <signal.h>
#include <sys/wait.h>

#define EAGER_US 10000000 /* after an end: until when its last line must be on the disk */
#define EAGER_STEP_US 500000

struct Finisher {
	char *program, *root, *height, *registry;
	FinisherEvents events;
	void *user;
	GPid child;
	unsigned watch;
	char *folder, *at; /* of the child */
	int64_t look_us, eager_us, now_us;
};

Finisher *finisher_new(const char *program, const char *root, unsigned height,
	const FinisherEvents *events, void *user)
{
	Finisher *finisher = g_new0(Finisher, 1);
	finisher->program = g_strdup(program);
	finisher->root = g_strdup(root);
	finisher->height = g_strdup_printf("%u", height);
	/* GStreamer's list of its plugins: a user without a home would make it anew each time. */
	finisher->registry = g_build_filename(root, ".gstreamer", NULL);
	finisher->events = *events;
	finisher->user = user;
	finisher->at = g_strdup("");
	return finisher;
}

static void forget_child(Finisher *finisher)
{
	g_spawn_close_pid(finisher->child);
	finisher->child = 0;
	finisher->watch = 0;
	g_clear_pointer(&finisher->folder, g_free);
	g_free(finisher->at);
	finisher->at = g_strdup("");
}

void finisher_free(Finisher *finisher)
{
	if (!finisher)
		return;
	if (finisher->child) {
		g_source_remove(finisher->watch);
		kill(finisher->child, SIGKILL);
		waitpid(finisher->child, NULL, 0);
		forget_child(finisher);
	}
	g_free(finisher->program);
	g_free(finisher->root);
	g_free(finisher->height);
	g_free(finisher->registry);
	g_free(finisher->at);
	g_free(finisher);
}

/* The exit statuses of finish.c, for the screen. */
static const char *sentence_of(int status)
{
	if (!WIFEXITED(status))
		return "chương trình dựng bản ghi bị dừng đột ngột";
	switch (WEXITSTATUS(status)) {
	case 3:
		return "không đọc được dữ liệu đã ghi";
	case 5:
		return "ổ đĩa đã đầy";
	default:
		return "không dựng được bản ghi";
	}
}

static void tell(Finisher *finisher, bool is_ready)
{
	g_auto(GStrv) names = g_strsplit(finisher->at, ".", 2);
	g_message("take %s: %s", names[1], is_ready ? "ready" : "cannot be finished");
	finisher->events.done(names[0], names[1], is_ready, finisher->user);
}

static void on_ended(GPid pid, int status, void *user)
{
	Finisher *finisher = user;
	g_autofree char *before = NULL;
	unsigned tries;
	bool has_failed;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		tell(finisher, true);
		finisher->look_us = finisher->now_us;
	} else {
		const char *reason = sentence_of(status);
		bool is_full = WIFEXITED(status) && WEXITSTATUS(status) == 5;
		catalogue_read_tries(finisher->folder, &tries, &has_failed, &before);
		tries += !is_full; /* with room again it goes on */
		has_failed = tries >= FINISHER_TRIES;
		g_warning("take %s: finishing failed (status %d, try %u)", finisher->at, status,
			tries);
		catalogue_write_tries(finisher->folder, tries, has_failed, reason);
		finisher->look_us =
			finisher->now_us + (is_full ? FINISHER_LOOK_US : FINISHER_AGAIN_US);
		if (has_failed)
			tell(finisher, false);
	}
	forget_child(finisher);
}

static void start(Finisher *finisher, char *folder)
{
	char *argv[] = { finisher->program, folder, finisher->height, NULL };
	g_auto(GStrv) environment = g_get_environ();
	g_autoptr(GError) error = NULL;
	environment = g_environ_setenv(environment, "GST_REGISTRY", finisher->registry, TRUE);
	environment = g_environ_unsetenv(environment, "NOTIFY_SOCKET");
	if (!g_spawn_async(NULL, argv, environment,
		    G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
			    G_SPAWN_LEAVE_DESCRIPTORS_OPEN, /* to be run by one; all close on exec
							     */
		    NULL, NULL, &finisher->child, &error)) {
		g_warning("finisher: %s", error->message);
		g_free(folder);
		finisher->look_us = finisher->now_us + FINISHER_LOOK_US;
		return;
	}
	g_autofree char *stage_path = g_path_get_dirname(folder);
	g_autofree char *stage = g_path_get_basename(stage_path);
	g_autofree char *take = g_path_get_basename(folder);
	g_free(finisher->at);
	finisher->at = g_strconcat(stage, ".", take, NULL);
	finisher->folder = folder;
	finisher->watch = g_child_watch_add(finisher->child, on_ended, finisher);
	g_message("take %s: being finished", take);
}

void finisher_wake(Finisher *finisher, int64_t now_us)
{
	finisher->eager_us = now_us + EAGER_US;
	finisher->look_us = MIN(finisher->look_us, now_us + EAGER_STEP_US);
}

void finisher_tick(Finisher *finisher, int64_t now_us)
{
	finisher->now_us = now_us;
	if (finisher->child || now_us < finisher->look_us)
		return;
	bool is_eager = now_us < finisher->eager_us;
	finisher->look_us = now_us + (is_eager ? EAGER_STEP_US : FINISHER_LOOK_US);
	char *folder = catalogue_find_work(finisher->root);
	if (folder)
		start(finisher, folder);
}

const char *finisher_at(const Finisher *finisher)
{
	return finisher->at;
}
