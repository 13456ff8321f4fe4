/* disk.h - the one thread that writes: appends, syncs, closes, in the order it was asked
 *
 * Asking never waits, so that a slow or frozen disk never holds up the loop. The first fault stops
 * everything: what is queued is dropped, `failed` is called once, and nothing is written until
 * disk_reset(). A file whose sync failed is never synced again: after an EIO the kernel may have
 * thrown its pages away. Made and called on the main thread; its events come on that thread's
 * default context. The lock is held for a few instructions. */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Disk Disk;
typedef struct DiskFile DiskFile;

typedef struct DiskEvents {
	/* What was asked before the mark with this value is on the disk. */
	void (*reached)(uint64_t mark, void *user);
	/* error: errno; path: of what it happened to. */
	void (*failed)(int error, const char *path, void *user);
} DiskEvents;

/* reserve: bytes that must stay free on the disk; asked for before each sync. 0 for none. */
Disk *disk_new(uint64_t reserve, const DiskEvents *events, void *user);
/* Does what was asked first. */
void disk_free(Disk *disk);

/* Makes a folder (with those above it) and syncs the one it lies in. */
void disk_folder(Disk *disk, const char *path);
/* A file to append to, made if it is not there. */
DiskFile *disk_file(Disk *disk, const char *path);
/* data: taken over (g_free). */
void disk_append(DiskFile *file, void *data, size_t len);
/* fdatasync(2). */
void disk_sync(DiskFile *file);
/* Closes and frees it. NULL is fine. */
void disk_close(DiskFile *file);
void disk_mark(Disk *disk, uint64_t mark);

/* Bytes asked for and not yet written. */
size_t disk_waiting(Disk *disk);
/* After `failed`, when all files are closed: writes again. */
void disk_reset(Disk *disk);
/* Whether the disk of path has the reserve, and a quarter more, free: only then is it worth
 * beginning again. */
bool disk_has_room(Disk *disk, const char *path);
