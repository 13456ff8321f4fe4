/* recording.h - the recorder as signaling knows it: docs/API.md §6, the calling side
 *
 * Knows which stages are being recorded and whether the recorder is well, and tells every page of a
 * forum when that changes (recording.state). Asks the recorder for its status and its lists, nothing
 * else: takes begin and end by themselves. Main thread. */
#pragma once
#include "registry.h"
#include "session.h"

/* Away for so long it does not record, and that is told; a restart takes 0.2 s. */
#define RECORDING_AWAY_MS 3000

typedef struct Recording Recording;

/* registry: borrowed. */
Recording *recording_new(const char *path, Registry *registry);
void recording_free(Recording *recording);
/* A page has taken its seat: tells it how things are. NULL recording tells nothing. */
void recording_greet(Recording *recording, Session *session);
/* The takes of a stage as the recorder lists them: docs/API.md §6; NULL: it is away. Borrowed. */
typedef void (*RecordingTakes)(json_t *takes, void *user);
void recording_takes(Recording *recording, const char *stage, RecordingTakes takes, void *user);
bool recording_is_well(const Recording *recording);
