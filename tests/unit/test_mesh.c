/* The rings between workers: nothing lost but what is counted, nothing out of order, nobody waits.
 */
#include "seed.h"
#include "sfu/mesh.h"
#include <poll.h>
#include <pthread.h>

#define ITEMS 1000000

typedef struct Way {
	Mesh *mesh;
	PacketPool *pool;
	guint32 seed;
	uint64_t refused; /* items that found the ring full */
	uint64_t next;    /* that the consumer waits for, or a later one */
	uint64_t taken;
	_Atomic bool over;
} Way;

static void *produce(void *user)
{
	Way *way = user;
	g_autoptr(GRand) random = g_rand_new_with_seed(way->seed);
	for (uint64_t number = 1; number <= ITEMS; number++) {
		Packet *packet = packet_new(way->pool);
		packet->sequence = number;
		way->refused += !mesh_put(way->mesh, 0, 1, MESH_MEDIA, number, packet);
		packet_unref(packet);
		if (g_rand_int_range(random, 0, 100) == 0)
			mesh_wake(way->mesh, 0);
	}
	mesh_wake(way->mesh, 0);
	way->over = true;
	return NULL;
}

static void on_item(unsigned from, uint64_t track, Packet *packet, void *user)
{
	Way *way = user;
	g_assert_cmpuint(from, ==, 0);
	g_assert_cmpuint(track, >=, way->next);
	g_assert_cmpuint(packet->sequence, ==, track);
	way->next = track + 1;
	way->taken++;
	packet_unref(packet);
}

/* Sleeps until the bell rings, as a worker does: a wake that was missed would hang here. */
static void test_two_threads(void)
{
	g_autoptr(GRand) random = seeded_random();
	Way way = {
		.mesh = mesh_new(2, NULL), .pool = packet_pool_new(), .seed = g_rand_int(random)
	};
	pthread_t producer;
	pthread_create(&producer, NULL, produce, &way);
	for (bool last = false; !last;) {
		struct pollfd bell = { .fd = mesh_fd(way.mesh, 1), .events = POLLIN };
		last = way.over; /* before the last look */
		g_assert_cmpint(poll(&bell, 1, last ? 0 : 5000), >=, 0);
		g_assert_true(last || bell.revents || way.over);
		mesh_take(way.mesh, 1, on_item, &way);
		if (g_rand_int_range(random, 0, 200) == 0)
			g_usleep(2000); /* falls behind */
	}
	pthread_join(producer, NULL);
	g_test_message("%" G_GUINT64_FORMAT " found it full", way.refused);
	g_assert_cmpuint(way.taken + way.refused, ==, ITEMS);
	g_assert_cmpuint(way.taken, >, 0);
	mesh_free(way.mesh);
	packet_pool_free(way.pool);
}

static unsigned put_until_full(Mesh *mesh, PacketPool *pool, MeshKind kind)
{
	unsigned count = 0;
	for (bool fine = true; fine; count += fine) {
		Packet *packet = packet_new(pool);
		fine = mesh_put(mesh, 0, 2, kind, 1, packet);
		packet_unref(packet);
	}
	return count;
}

static void count_item(unsigned from, uint64_t track, Packet *packet, void *user)
{
	unsigned *count = user;
	++*count;
	packet_unref(packet);
}

static void test_full(void)
{
	Mesh *mesh = mesh_new(3, NULL);
	PacketPool *pool = packet_pool_new();
	unsigned count = 0;
	for (unsigned turn = 0; turn < 3; turn++) {
		g_assert_cmpuint(put_until_full(mesh, pool, MESH_STRANGE), ==, MESH_RING / 4);
		g_assert_cmpuint(put_until_full(mesh, pool, MESH_ROUTED), ==, MESH_RING / 2);
		g_assert_cmpuint(put_until_full(mesh, pool, MESH_MEDIA), ==, MESH_RING / 4);
		count = 0;
		mesh_take(mesh, 2, count_item, &count);
		g_assert_cmpuint(count, ==, MESH_RING);
	}
	mesh_take(mesh, 1, count_item, &count);
	g_assert_cmpuint(count, ==, MESH_RING);
	put_until_full(mesh, pool, MESH_MEDIA); /* freed with what is in it */
	mesh_free(mesh);
	packet_pool_free(pool);
}

static bool rings(const Mesh *mesh, unsigned worker)
{
	struct pollfd bell = { .fd = mesh_fd(mesh, worker), .events = POLLIN };
	return poll(&bell, 1, 0) == 1;
}

static void test_bell(void)
{
	Mesh *mesh = mesh_new(3, NULL);
	PacketPool *pool = packet_pool_new();
	Packet *packet = packet_new(pool);
	unsigned count = 0;
	g_assert_true(mesh_put(mesh, 0, 1, MESH_MEDIA, 1, packet));
	g_assert_false(rings(mesh, 1));
	mesh_wake(mesh, 0);
	g_assert_true(rings(mesh, 1));
	g_assert_false(rings(mesh, 2));
	g_assert_true(mesh_put(mesh, 2, 1, MESH_MEDIA, 1, packet));
	mesh_wake(mesh, 2);
	mesh_take(mesh, 1, count_item, &count);
	g_assert_cmpuint(count, ==, 2);
	g_assert_false(rings(mesh, 1));
	mesh_wake(mesh, 0);
	g_assert_false(rings(mesh, 1));
	packet_unref(packet);
	mesh_free(mesh);
	packet_pool_free(pool);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mesh/a-million-items-keep-their-order", test_two_threads);
	g_test_add_func("/mesh/a-full-ring-refuses-strangers-first", test_full);
	g_test_add_func("/mesh/rings-once-for-a-turn", test_bell);
	return g_test_run();
}
