#include "worker.h"
#include <glib-unix.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct Worker {
	WorkerEvents events;
	void *user;
	pthread_t thread;
	pthread_mutex_t lock;      /* guards what follows, to `stop` */
	pthread_cond_t wake, rest; /* there is work; there is none */
	GPtrArray *queued;
	GPtrArray *finished;
	bool is_busy, stop;
	int wake_fd; /* tells the loop that something is finished */
	unsigned source;
};

static GPtrArray *take(GPtrArray **list)
{
	GPtrArray *taken = *list;
	*list = g_ptr_array_new();
	return taken;
}

static void *run(void *data)
{
	Worker *worker = data;
	pthread_mutex_lock(&worker->lock);
	for (;;) {
		while (!worker->queued->len && !worker->stop)
			pthread_cond_wait(&worker->wake, &worker->lock);
		if (!worker->queued->len)
			break;
		GPtrArray *batch = take(&worker->queued);
		worker->is_busy = true;
		pthread_mutex_unlock(&worker->lock);
		worker->events.work(batch, worker->user);
		pthread_mutex_lock(&worker->lock);
		for (unsigned i = 0; i < batch->len; i++)
			g_ptr_array_add(worker->finished, batch->pdata[i]);
		g_ptr_array_unref(batch);
		worker->is_busy = false;
		pthread_cond_signal(&worker->rest);
		uint64_t one = 1;
		/* An eventfd refuses only at 2^64 - 1, when the loop is told already. */
		(void)!write(worker->wake_fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&worker->lock);
	return NULL;
}

static void deliver(Worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	GPtrArray *finished = take(&worker->finished);
	pthread_mutex_unlock(&worker->lock);
	for (unsigned i = 0; i < finished->len; i++)
		worker->events.done(finished->pdata[i], worker->user);
	g_ptr_array_unref(finished);
}

static gboolean on_finished(int fd, GIOCondition condition, void *data)
{
	uint64_t count;
	(void)!read(fd, &count, sizeof(count));
	deliver(data);
	return G_SOURCE_CONTINUE;
}

Worker *worker_new(const char *name, const WorkerEvents *events, void *user)
{
	Worker *worker = g_new0(Worker, 1);
	worker->events = *events;
	worker->user = user;
	worker->queued = g_ptr_array_new();
	worker->finished = g_ptr_array_new();
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->wake, NULL);
	pthread_cond_init(&worker->rest, NULL);
	worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->wake_fd < 0)
		g_error("%s: no eventfd", name);
	worker->source = g_unix_fd_add(worker->wake_fd, G_IO_IN, on_finished, worker);
	if (pthread_create(&worker->thread, NULL, run, worker) != 0)
		g_error("%s: no thread", name);
	pthread_setname_np(worker->thread, name);
	return worker;
}

void worker_free(Worker *worker)
{
	if (!worker)
		return;
	pthread_mutex_lock(&worker->lock);
	worker->stop = true;
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	pthread_join(worker->thread, NULL);
	g_source_remove(worker->source);
	deliver(worker);
	close(worker->wake_fd);
	g_ptr_array_unref(worker->queued);
	g_ptr_array_unref(worker->finished);
	pthread_cond_destroy(&worker->wake);
	pthread_cond_destroy(&worker->rest);
	pthread_mutex_destroy(&worker->lock);
	g_free(worker);
}

void worker_drain(Worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	while (worker->queued->len || worker->is_busy)
		pthread_cond_wait(&worker->rest, &worker->lock);
	pthread_mutex_unlock(&worker->lock);
	deliver(worker);
}

void worker_post(Worker *worker, void *item)
{
	pthread_mutex_lock(&worker->lock);
	g_ptr_array_add(worker->queued, item);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
}
