#include "worker.h"
#include "postbox.h"
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64

struct WorkerWatch {
	Worker *worker;
	int fd;
	WorkerReady ready; /* NULL once unwatched */
	void *user;
	WorkerWatch *next; /* among the dead, until the turn ends */
};

struct Worker {
	unsigned index;
	int epoll, timer;
	Postbox *posts;
	pthread_t thread;
	bool running, stopping;
	int64_t now_us;
	WorkerEvents events;
	void *user;
	WorkerWatch *posts_watch, *timer_watch, *dead;
};

static void on_posts(uint32_t events, void *user)
{
	Worker *worker = user;
	postbox_run(worker->posts);
}

static void on_timer(uint32_t events, void *user)
{
	Worker *worker = user;
	uint64_t count;
	(void)!read(worker->timer, &count, sizeof count);
	if (worker->events.tick)
		worker->events.tick(worker->now_us, worker->user);
}

Worker *worker_new(unsigned index, GError **error)
{
	Worker *worker = g_new0(Worker, 1);
	worker->index = index;
	worker->epoll = epoll_create1(EPOLL_CLOEXEC);
	worker->posts = postbox_new();
	worker->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (worker->epoll < 0 || !worker->posts || worker->timer < 0) {
		g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno),
			"no descriptors left for a worker: %s", g_strerror(errno));
		worker_free(worker);
		return NULL;
	}
	const struct itimerspec every = { .it_value = { .tv_nsec = WORKER_TICK_US * 1000 },
		.it_interval = { .tv_nsec = WORKER_TICK_US * 1000 } };
	timerfd_settime(worker->timer, 0, &every, NULL);
	worker->now_us = g_get_monotonic_time();
	worker->posts_watch =
		worker_watch(worker, postbox_fd(worker->posts), EPOLLIN, on_posts, worker);
	worker->timer_watch = worker_watch(worker, worker->timer, EPOLLIN, on_timer, worker);
	return worker;
}

static void bury(Worker *worker)
{
	while (worker->dead) {
		WorkerWatch *watch = worker->dead;
		worker->dead = watch->next;
		g_free(watch);
	}
}

void worker_free(Worker *worker)
{
	if (!worker)
		return;
	g_assert(!worker->running);
	worker_unwatch(worker->posts_watch);
	worker_unwatch(worker->timer_watch);
	bury(worker);
	if (worker->epoll >= 0)
		close(worker->epoll);
	if (worker->timer >= 0)
		close(worker->timer);
	postbox_free(worker->posts);
	g_free(worker);
}

static void *run(void *user)
{
	Worker *worker = user;
	struct epoll_event ready[EVENTS_PER_TURN];

	while (!worker->stopping) {
		int count = epoll_wait(worker->epoll, ready, EVENTS_PER_TURN, -1);
		worker->now_us = g_get_monotonic_time();
		for (int i = 0; i < count; i++) {
			WorkerWatch *watch = ready[i].data.ptr;
			if (watch->ready)
				watch->ready(ready[i].events, watch->user);
		}
		if (worker->events.settle)
			worker->events.settle(worker->now_us, worker->user);
		bury(worker);
	}
	return NULL;
}

void worker_start(Worker *worker, const WorkerEvents *events, void *user)
{
	worker->events = *events;
	worker->user = user;
	worker->running = true;
	int error = pthread_create(&worker->thread, NULL, run, worker);
	if (error)
		g_error("worker %u: no thread: %s", worker->index, g_strerror(error));
	g_autofree char *name = g_strdup_printf("worker-%u", worker->index);
	pthread_setname_np(worker->thread, name);
}

static void stop(void *user)
{
	Worker *worker = user;
	worker->stopping = true;
}

void worker_stop(Worker *worker)
{
	if (!worker->running)
		return;
	worker_post(worker, stop, worker);
	pthread_join(worker->thread, NULL);
	worker->running = false;
}

unsigned worker_index(const Worker *worker)
{
	return worker->index;
}

int64_t worker_now_us(const Worker *worker)
{
	return worker->now_us;
}

void worker_post(Worker *worker, PostFunc func, void *user)
{
	postbox_post(worker->posts, func, user);
}

bool worker_run_posts(Worker *worker)
{
	return postbox_run(worker->posts);
}

WorkerWatch *worker_watch(Worker *worker, int fd, uint32_t events, WorkerReady ready, void *user)
{
	WorkerWatch *watch = g_new0(WorkerWatch, 1);
	*watch = (WorkerWatch){ .worker = worker, .fd = fd, .ready = ready, .user = user };
	struct epoll_event event = { .events = events, .data.ptr = watch };
	if (epoll_ctl(worker->epoll, EPOLL_CTL_ADD, fd, &event))
		g_warning("worker %u: cannot watch a descriptor: %s", worker->index,
			g_strerror(errno));
	return watch;
}

void worker_watch_change(WorkerWatch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };
	epoll_ctl(watch->worker->epoll, EPOLL_CTL_MOD, watch->fd, &event);
}

void worker_unwatch(WorkerWatch *watch)
{
	if (!watch || !watch->ready)
		return;
	epoll_ctl(watch->worker->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watch->ready = NULL;
	watch->next = watch->worker->dead;
	watch->worker->dead = watch;
}
