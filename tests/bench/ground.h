/* ground.h - the one thread's epoll and the memory that all peers receive into
 *
 * Whoever has a descriptor embeds a Watch and is called when there is something to read. Nobody may
 * be freed from inside such a call; that is for the ticks, between two waits. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define GROUND_BATCH 8             /* messages taken from a socket at once */
#define GROUND_MESSAGE (64 * 1024) /* bytes of one: a whole GSO message when UDP_GRO is on */
#define GROUND_CONTROL 128
#define GROUND_EVENTS 64 /* descriptors served between two looks at the clock */

typedef struct Watch Watch;
struct Watch {
	void (*ready)(Watch *watch);
};

typedef struct Ground {
	int epoll_fd;
	struct mmsghdr messages[GROUND_BATCH];
	struct iovec parts[GROUND_BATCH];
	uint8_t control[GROUND_BATCH][GROUND_CONTROL];
	uint8_t *memory; /* GROUND_BATCH messages */
} Ground;

Ground *ground_new(GError **error);
void ground_free(Ground *ground);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ground, ground_free)

bool ground_add(Ground *ground, int fd, Watch *watch);
void ground_remove(Ground *ground, int fd);
/* Waits at most so long and serves up to GROUND_EVENTS descriptors. */
void ground_wait(Ground *ground, int64_t timeout_us);
/* Reads what a socket has into messages, up to GROUND_BATCH; how many, 0 for none. */
unsigned ground_receive(Ground *ground, int fd);
