/* usher.h - shows each connection of the one port to its room: HTTPS or media
 *
 * Accepts, looks at the first bytes without taking them (first_bytes.h) and hands the socket on, so
 * that whoever gets it reads from its beginning. What is neither goes to HTTPS, which knows how to
 * refuse it. Who has not said enough waits, within the limits below: one more sends the oldest away
 * (of his house, or of all). A browser's first bytes follow its connection at once, so it is the
 * silent who go. Main thread. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define USHER_WAITING_MAX 256               /* a descriptor each */
#define USHER_WAITING_PER_HOUSE 64          /* all sites of a district behind one address */
#define USHER_WAIT_US (10 * G_USEC_PER_SEC) /* as tcp.h gives a line until its first check */

typedef struct Usher Usher;

typedef struct UsherEvents {
	/* The descriptor is taken over. */
	void (*https)(int fd, void *user);
	void (*media)(int fd, void *user);
	/* As long as it is, nobody is accepted; asked again at the next tick. */
	bool (*is_full)(void *user);
} UsherEvents;

typedef struct UsherCounts {
	unsigned waiting;
	uint64_t silent_total; /* sent away before they had said enough */
} UsherCounts;

/* Accepts on listen_fd, taken over. clock_us: monotonic. */
Usher *usher_new(int listen_fd, const UsherEvents *events, void *user, int64_t (*clock_us)(void));
/* Accepts nobody any more; who waits is sent away. */
void usher_close(Usher *usher);
void usher_free(Usher *usher);
/* Sends away who has waited too long. About once a second. */
void usher_tick(Usher *usher);
void usher_counts(const Usher *usher, UsherCounts *counts);
