/* floor_drain.h - where the floor sends to: loopback sockets, emptied by a thread of their own
 *
 * The thread polls instead of sleeping on the sockets, so that no wake-up is charged to the sender;
 * its own time is not counted. */
#pragma once
#include <glib.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Drain Drain;

/* count sockets; the thread is bound to cpu unless that is negative. */
Drain *drain_new(unsigned count, int cpu, GError **error);
void drain_free(Drain *drain);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Drain, drain_free)

const struct sockaddr_in *drain_address(const Drain *drain, unsigned index);
/* Datagrams that have arrived so far. Any thread. */
uint64_t drain_count(const Drain *drain);
/* Until so many have arrived, or nothing more has for 100 ms. */
void drain_await(const Drain *drain, uint64_t count);

bool bind_thread(int cpu);
