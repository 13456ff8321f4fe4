#include "floor_drain.h"
#include <errno.h>
#include <gio/gio.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32
#define SWEEP_US 1000
#define PATIENCE_US 100000

typedef struct Target {
	int fd;
	struct sockaddr_in address;
} Target;

struct Drain {
	unsigned count;
	int cpu;
	Target *targets;
	GThread *thread;
	atomic_bool stop;
	_Atomic uint64_t arrived;
};

bool bind_thread(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof set, &set);
}

static unsigned empty(int fd)
{
	char data[BATCH][16];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	for (unsigned i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ data[i], sizeof data[i] };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
	unsigned sum = 0;
	for (int got = BATCH; got == BATCH; sum += got > 0 ? (unsigned)got : 0)
		got = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
	return sum;
}

static gpointer run(gpointer user)
{
	Drain *drain = user;
	if (drain->cpu >= 0)
		bind_thread(drain->cpu);
	while (!atomic_load_explicit(&drain->stop, memory_order_relaxed)) {
		unsigned sum = 0;
		for (unsigned i = 0; i < drain->count; i++)
			sum += empty(drain->targets[i].fd);
		if (sum)
			atomic_fetch_add(&drain->arrived, sum);
		else
			g_usleep(SWEEP_US);
	}
	return NULL;
}

static bool target_open(Target *target)
{
	int size = 1 << 20;
	socklen_t len = sizeof target->address;
	target->address = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	target->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (target->fd < 0)
		return false;
	(void)setsockopt(target->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	(void)setsockopt(target->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	return !bind(target->fd, (struct sockaddr *)&target->address, len) &&
	       !getsockname(target->fd, (struct sockaddr *)&target->address, &len);
}

Drain *drain_new(unsigned count, int cpu, GError **error)
{
	g_autoptr(Drain) drain = g_new0(Drain, 1);
	drain->cpu = cpu;
	drain->targets = g_new0(Target, count);
	while (drain->count < count) {
		/* Counted first: a half-open one is closed as well. */
		if (!target_open(&drain->targets[drain->count++])) {
			g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
				"no socket %u to send to: %s", drain->count, g_strerror(errno));
			return NULL;
		}
	}
	drain->thread = g_thread_new("drain", run, drain);
	return g_steal_pointer(&drain);
}

void drain_free(Drain *drain)
{
	if (!drain)
		return;
	atomic_store(&drain->stop, true);
	if (drain->thread)
		g_thread_join(drain->thread);
	for (unsigned i = 0; i < drain->count; i++)
		if (drain->targets[i].fd >= 0)
			close(drain->targets[i].fd);
	g_free(drain->targets);
	g_free(drain);
}

const struct sockaddr_in *drain_address(const Drain *drain, unsigned index)
{
	return &drain->targets[index].address;
}

uint64_t drain_count(const Drain *drain)
{
	return atomic_load(&drain->arrived);
}

void drain_await(const Drain *drain, uint64_t count)
{
	uint64_t seen = drain_count(drain);
	for (int64_t since = g_get_monotonic_time();
		seen < count && g_get_monotonic_time() - since < PATIENCE_US;) {
		g_usleep(SWEEP_US / 4);
		if (drain_count(drain) == seen)
			continue;
		seen = drain_count(drain);
		since = g_get_monotonic_time();
	}
}
