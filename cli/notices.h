/* notices.h - the socket on which one child speaks to its supervisor (sd_notify(3))
 *
 * An abstract datagram socket of a name the kernel chose; only what the child itself sent counts.
 */
#pragma once
#include <glib.h>
#include <sys/types.h>

#define NOTICE_FDS_MAX 16 /* descriptors beside one notice */

typedef struct Notices Notices;

typedef struct Notice {
	const char *text; /* lines KEY=VALUE, ends with NUL */
	int fds[NOTICE_FDS_MAX];
	unsigned fd_count; /* the callee closes them */
} Notice;

typedef void (*NoticeTake)(const Notice *notice, void *user);

Notices *notices_new(NoticeTake take, void *user, GError **error);
void notices_free(Notices *notices);
/* For NOTIFY_SOCKET. */
const char *notices_address(const Notices *notices);
/* Whom to believe from now on; 0 for nobody. */
void notices_set_sender(Notices *notices, pid_t pid);
