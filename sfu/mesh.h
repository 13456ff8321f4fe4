/* mesh.h - the ways between workers: a bounded ring from each one to each other
 *
 * Carries references to packets: media from a stage's home to the workers that have viewers of it,
 * and datagrams to the worker they belong to. One producer and one consumer a ring, C11 atomics, no
 * lock: a full ring takes no more and nobody waits. Whoever takes is woken once, by the end of the
 * turn in which something was put. Made before the workers run, freed when none runs. */
#pragma once
#include "packet.h"
#include <glib.h>

#define MESH_WORKERS_MAX 16
#define MESH_RING 4096 /* packets: 16 s of a stage of 250 packets/s, 80 ms of 50,000/s */

/* What is put, and how much of a ring must stay free behind it: strangers cannot crowd out media.
 */
typedef enum MeshKind {
	MESH_MEDIA = 0,                   /* of a track */
	MESH_ROUTED = MESH_RING / 4,      /* a datagram from an address that a check has opened */
	MESH_STRANGE = MESH_RING * 3 / 4, /* a check that nobody has judged yet */
} MeshKind;

typedef struct Mesh Mesh;

/* track: its id, 0 for a datagram. The callee takes the reference. */
typedef void (*MeshTake)(unsigned from, uint64_t track, Packet *packet, void *user);

/* NULL when no descriptor is left. */
Mesh *mesh_new(unsigned workers, GError **error);
/* Lets go of what was not taken; the packets' pools are still there. */
void mesh_free(Mesh *mesh);

/* Keeps a reference of its own. False when the ring has no room for its kind. On worker `from`. */
bool mesh_put(
	Mesh *mesh, unsigned from, unsigned to, MeshKind kind, uint64_t track, Packet *packet);
/* Wakes those that something was put for since the last call. On worker `from`. */
void mesh_wake(Mesh *mesh, unsigned from);

/* Readable when there is something to take. */
int mesh_fd(const Mesh *mesh, unsigned worker);
/* Takes all that is there now, each ring in its order. On that worker. */
void mesh_take(Mesh *mesh, unsigned worker, MeshTake take, void *user);
