/* daemon.h - the life of one daemon: sockets it was handed, readiness, watchdog, signals, log
 *
 * Speaks the systemd protocol (LISTEN_FDS with LISTEN_FDNAMES, NOTIFY_SOCKET, WATCHDOG_USEC), which
 * `diemcau up` speaks as well. Main thread only. */
#pragma once
#include <glib.h>
#include <stdbool.h>

/* Sets up the log: GLib messages to stderr, `warning: subject: text` lines, JSON lines when
 * DIEMCAU_LOG_FORMAT=json; level from DIEMCAU_LOG_LEVEL (warning, info (default), debug).
 * Ignores SIGPIPE, switches core dumps off, sets locale and prgname. */
void daemon_init(const char *name);

/* The socket handed to us under this name (close-on-exec is set), or -1. Several of one name:
 * index counts from 0. */
int daemon_socket(const char *name, unsigned index);

/* Runs the loop until SIGTERM or SIGINT. Says READY=1 first and WATCHDOG=1 from the loop at half the
 * interval asked for, so that a loop that hangs is found. on_term (may be NULL) is called when
 * asked to stop; the loop ends when it returns true, or later by daemon_stop(). on_reload (may be
 * NULL) is called on SIGHUP. */
void daemon_run(GMainLoop *loop, bool (*on_term)(void *user), void (*on_reload)(void *user),
	void *user);
void daemon_stop(void);

/* STATUS= text for the supervisor. */
void daemon_status(const char *text);

/* Gives the supervisor a copy of fd to keep: the next life of this daemon finds it by
 * daemon_socket(name, …). False when there is no supervisor or it did not take it. */
bool daemon_store(const char *name, int fd);

/* Prints `NAME: sentence` to stderr and exits with status 1: the end of a start that cannot be. */
void daemon_fail(const char *format, ...) G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN;
