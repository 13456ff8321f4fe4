/* What comes through the door is one TCP line of our own people, or it is closed. */
#include "common/channel.h"
#include "lines.h"
#include "sfu/door.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

typedef struct Bed {
	char *folder, *path;
	Worker *worker;
	Door *door;
	Stats stats;
	GAsyncQueue *taken; /* descriptors, plus one */
} Bed;

static void on_take(int fd, void *user)
{
	Bed *bed = user;
	g_async_queue_push(bed->taken, GINT_TO_POINTER(fd + 1));
}

static void bed_start(Bed *bed)
{
	static const WorkerEvents events = { NULL, NULL };
	worker_start(bed->worker, &events, bed);
}

static void bed_set(Bed *bed)
{
	*bed = (Bed){ .folder = g_dir_make_tmp("diemcau-door-XXXXXX", NULL) };
	bed->path = g_build_filename(bed->folder, "door.sock", NULL);
	bed->taken = g_async_queue_new();
	bed->worker = worker_new(0, NULL);
	bed->door =
		door_new(bed->worker, channel_listen(bed->path, NULL), &bed->stats, on_take, bed);
}

static void bed_clear(Bed *bed)
{
	worker_stop(bed->worker);
	door_free(bed->door);
	worker_free(bed->worker);
	g_assert_null(g_async_queue_try_pop(bed->taken));
	g_async_queue_unref(bed->taken);
	g_unlink(bed->path);
	g_rmdir(bed->folder);
	g_free(bed->path);
	g_free(bed->folder);
}

static int await_taken(Bed *bed)
{
	void *found = g_async_queue_timeout_pop(bed->taken, PATIENCE_MS * 1000);
	g_assert_nonnull(found);
	return GPOINTER_TO_INT(found) - 1;
}

static void test_takes(void)
{
	Bed bed;
	bed_set(&bed);
	bed_start(&bed);
	int door = lines_knock(bed.path), ours;
	int browser = lines_pair(&ours);
	lines_say(browser, "hello", 5);
	lines_pass(door, 1, &ours, 1);
	close(ours);

	int line = await_taken(&bed);
	struct sockaddr_in from, own;
	socklen_t len = sizeof from;
	char text[8] = "";
	g_assert_cmpint(getpeername(line, (struct sockaddr *)&from, &len), ==, 0);
	g_assert_cmpint(getsockname(browser, (struct sockaddr *)&own, &len), ==, 0);
	g_assert_cmpuint(from.sin_port, ==, own.sin_port);
	g_assert_cmpint(recv(line, text, sizeof text, 0), ==, 5);
	g_assert_cmpstr(text, ==, "hello");
	g_assert_true(fcntl(line, F_GETFD) & FD_CLOEXEC);
	g_assert_true(fcntl(line, F_GETFL) & O_NONBLOCK);
	g_assert_false(lines_ends(door, 0));
	close(line);
	g_assert_true(lines_ends(browser, PATIENCE_MS)); /* nobody else holds it */
	close(browser);
	close(door);
	bed_clear(&bed);
	g_assert_cmpuint(bed.stats.lines_taken_total, ==, 1);
	g_assert_cmpuint(bed.stats.lines_refused_total, ==, 0);
}

/* What a caller sent before its end is taken, however much it is. */
static void test_last_words(void)
{
	enum { LINES = 100 };
	Bed bed;
	bed_set(&bed);
	int door = lines_knock(bed.path), browsers[LINES];
	for (unsigned i = 0; i < LINES; i++) {
		int ours;
		browsers[i] = lines_pair(&ours);
		lines_pass(door, 1, &ours, 1);
		close(ours);
	}
	close(door);
	bed_start(&bed);
	for (unsigned i = 0; i < LINES; i++) {
		close(await_taken(&bed));
		g_assert_true(lines_ends(browsers[i], PATIENCE_MS));
		close(browsers[i]);
	}
	bed_clear(&bed);
	g_assert_cmpuint(bed.stats.lines_refused_total, ==, 0);
}

/* Sends it; the caller is closed, and so is each descriptor: the pipe's other end sees it. */
static void refused(Bed *bed, size_t len, int *fds, unsigned count, int pipe_end)
{
	int door = lines_knock(bed->path);
	lines_pass(door, len, fds, count);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
	if (!lines_ends(door, PATIENCE_MS))
		g_error("a message of %zu bytes and %u descriptors was not refused", len, count);
	struct pollfd end = { .fd = pipe_end };
	if (pipe_end >= 0)
		g_assert_cmpint(poll(&end, 1, PATIENCE_MS), ==, 1);
	close(door);
}

static int pipe_of(int *other)
{
	int fds[2];
	g_assert_cmpint(pipe(fds), ==, 0);
	*other = fds[0];
	return fds[1];
}

static void test_refuses(void)
{
	Bed bed;
	bed_set(&bed);
	bed_start(&bed);
	int fds[8], other, port, ours;

	refused(&bed, 1, NULL, 0, -1);
	for (unsigned count = 1; count <= 8; count++) { /* one that is no socket; too many */
		int reader = -1;
		for (unsigned i = 0; i < count; i++) {
			if (i)
				fds[i] = dup(fds[0]);
			else
				fds[0] = pipe_of(&reader);
		}
		refused(&bed, 1, fds, count, reader);
		close(reader);
	}
	int browser = lines_pair(&ours);
	fds[0] = dup(ours);
	fds[1] = pipe_of(&other);
	refused(&bed, 1, fds, 2, other); /* the first is a line */
	close(other);
	fds[0] = dup(ours);
	refused(&bed, 2, fds, 1, -1);
	fds[0] = ours;
	refused(&bed, 3, fds, 1, -1);
	g_assert_true(lines_ends(browser, PATIENCE_MS));
	close(browser);
	fds[0] = lines_listen(&port);
	refused(&bed, 1, fds, 1, -1);
	fds[0] = socket(AF_INET, SOCK_DGRAM, 0);
	refused(&bed, 1, fds, 1, -1);
	fds[0] = lines_knock(bed.path);
	refused(&bed, 1, fds, 1, -1);

	int door = lines_knock(bed.path); /* and the next one is served */
	browser = lines_pair(&ours);
	lines_pass(door, 1, &ours, 1);
	close(ours);
	close(await_taken(&bed));
	close(browser);
	close(door);
	bed_clear(&bed);
	g_assert_cmpuint(bed.stats.lines_taken_total, ==, 1);
	g_assert_cmpuint(bed.stats.lines_refused_total, ==, 15);
}

static void test_other_user(void)
{
	if (geteuid() != 0) {
		g_test_skip("needs root");
		return;
	}
	Bed bed;
	bed_set(&bed);
	g_assert_cmpint(chmod(bed.folder, 0755), ==, 0);
	g_assert_cmpint(chmod(bed.path, 0666), ==, 0);
	/* Who connects counts, not who sends; the worker does not run yet. */
	g_assert_cmpint(seteuid(65534), ==, 0);
	int stranger = lines_knock(bed.path);
	g_assert_cmpint(seteuid(0), ==, 0);
	int ours, browser = lines_pair(&ours);
	lines_pass(stranger, 1, &ours, 1);
	close(ours);
	bed_start(&bed);
	g_assert_true(lines_ends(stranger, PATIENCE_MS));
	g_assert_true(lines_ends(browser, PATIENCE_MS));
	close(stranger);
	close(browser);
	bed_clear(&bed);
	g_assert_cmpuint(bed.stats.lines_taken_total, ==, 0);
}

static void on_turn(void *user)
{
	g_async_queue_push(user, user);
}

/* What has happened by now is done by the worker. */
static void await_turn(Bed *bed)
{
	for (unsigned i = 0; i < 2;
		i++) { /* what was ready before it is, with the first at the latest */
		worker_post(bed->worker, on_turn, bed->taken);
		g_assert_nonnull(g_async_queue_timeout_pop(bed->taken, PATIENCE_MS * 1000));
	}
}

static void test_places(void)
{
	Bed bed;
	bed_set(&bed);
	bed_start(&bed);
	int callers[DOOR_CALLERS_MAX + 1];
	for (unsigned round = 0; round < 3; round++) { /* places are free again */
		for (unsigned i = 0; i <= DOOR_CALLERS_MAX; i++)
			callers[i] = lines_knock(bed.path);
		g_assert_true(lines_ends(callers[DOOR_CALLERS_MAX], PATIENCE_MS));
		for (unsigned i = 0; i < DOOR_CALLERS_MAX; i++)
			g_assert_false(lines_ends(callers[i], 0));
		for (unsigned i = 0; i <= DOOR_CALLERS_MAX; i++)
			close(callers[i]);
		await_turn(&bed);
	}
	bed_clear(&bed);
	g_assert_cmpuint(bed.stats.lines_refused_total, ==, 3);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/door/takes-a-line-with-its-first-bytes", test_takes);
	g_test_add_func("/door/takes-what-was-sent-before-the-end", test_last_words);
	g_test_add_func("/door/refuses-what-is-no-line", test_refuses);
	g_test_add_func("/door/refuses-another-user", test_other_user);
	g_test_add_func("/door/has-so-many-places", test_places);
	return g_test_run();
}
