#include "mesh.h"
#include <errno.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CACHE_LINE 64

typedef struct Item {
	uint64_t track;
	Packet *packet;
} Item;

/* Numbers count on for ever and wrap; the place is their remainder. */
typedef struct Ring {
	_Alignas(CACHE_LINE) _Atomic uint32_t taken; /* written by the consumer */
	_Alignas(CACHE_LINE) _Atomic uint32_t put;   /* written by the producer, as what follows */
	uint32_t taken_seen;                         /* older than `taken`, or equal */
	bool fresh;                                  /* put since the last wake */
	_Alignas(CACHE_LINE) Item items[MESH_RING];
} Ring;

typedef struct Bell {
	_Alignas(CACHE_LINE) _Atomic bool rung; /* and not heard yet: no need to ring again */
	int fd;
} Bell;

struct Mesh {
	unsigned workers;
	Bell bells[MESH_WORKERS_MAX];
	Ring *rings[MESH_WORKERS_MAX][MESH_WORKERS_MAX]; /* from, to */
};

Mesh *mesh_new(unsigned workers, GError **error)
{
	g_assert(workers <= MESH_WORKERS_MAX);
	Mesh *mesh = g_aligned_alloc0(1, sizeof *mesh, CACHE_LINE);
	mesh->workers = workers;
	for (unsigned to = 0; to < workers; to++)
		mesh->bells[to].fd = -1;
	for (unsigned to = 0; to < workers; to++) {
		mesh->bells[to].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (mesh->bells[to].fd < 0) {
			g_set_error(error, G_FILE_ERROR, (int)g_file_error_from_errno(errno),
				"no descriptors left for the workers: %s", g_strerror(errno));
			mesh_free(mesh);
			return NULL;
		}
		for (unsigned from = 0; from < workers; from++)
			if (from != to)
				mesh->rings[from][to] =
					g_aligned_alloc0(1, sizeof(Ring), CACHE_LINE);
	}
	return mesh;
}

static void drop(unsigned from, uint64_t track, Packet *packet, void *user)
{
	packet_unref(packet);
}

void mesh_free(Mesh *mesh)
{
	if (!mesh)
		return;
	for (unsigned to = 0; to < mesh->workers; to++) {
		mesh_take(mesh, to, drop, NULL);
		for (unsigned from = 0; from < mesh->workers; from++)
			g_aligned_free(mesh->rings[from][to]);
		if (mesh->bells[to].fd >= 0)
			close(mesh->bells[to].fd);
	}
	g_aligned_free(mesh);
}

bool mesh_put(Mesh *mesh, unsigned from, unsigned to, MeshKind kind, uint64_t track, Packet *packet)
{
	Ring *ring = mesh->rings[from][to];
	uint32_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
	uint32_t most = MESH_RING - (uint32_t)kind;
	if (put - ring->taken_seen >= most) {
		ring->taken_seen = atomic_load_explicit(&ring->taken, memory_order_acquire);
		if (put - ring->taken_seen >= most)
			return false;
	}
	ring->items[put % MESH_RING] = (Item){ .track = track, .packet = packet_ref(packet) };
	atomic_store_explicit(&ring->put, put + 1, memory_order_release);
	ring->fresh = true;
	return true;
}

void mesh_wake(Mesh *mesh, unsigned from)
{
	const uint64_t one = 1;
	for (unsigned to = 0; to < mesh->workers; to++) {
		Ring *ring = mesh->rings[from][to];
		if (!ring || !ring->fresh)
			continue;
		ring->fresh = false;
		if (!atomic_exchange(&mesh->bells[to].rung, true))
			(void)!write(mesh->bells[to].fd, &one, sizeof one);
	}
}

int mesh_fd(const Mesh *mesh, unsigned worker)
{
	return mesh->bells[worker].fd;
}

static void take_ring(Ring *ring, unsigned from, MeshTake take, void *user)
{
	uint32_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
	uint32_t put = atomic_load_explicit(&ring->put, memory_order_acquire);
	while (taken != put) {
		Item item = ring->items[taken % MESH_RING];
		atomic_store_explicit(&ring->taken, ++taken, memory_order_release);
		take(from, item.track, item.packet, user);
	}
}

void mesh_take(Mesh *mesh, unsigned worker, MeshTake take, void *user)
{
	uint64_t count;
	(void)!read(mesh->bells[worker].fd, &count, sizeof count);
	/* Before the rings are read: whoever puts after that rings again. */
	atomic_exchange(&mesh->bells[worker].rung, false);
	for (unsigned from = 0; from < mesh->workers; from++)
		if (mesh->rings[from][worker])
			take_ring(mesh->rings[from][worker], from, take, user);
}
