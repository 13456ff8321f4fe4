/* media.h - the sfu as signaling knows it: docs/API.md §4, the calling side
 *
 * Keeps a list of the peers it made or found, and after every (re)connect compares it with the
 * sfu's own (`dump`) before anything else is asked: then `synced` is called and calls are taken.
 * A sfu with another boot id has forgotten everything. Main thread. */
#pragma once
#include "id.h"
#include "refusal.h"
#include "rung.h"
#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

typedef struct Media Media;

typedef struct MediaPeer {
	char id[ID_SIZE], stage[ID_SIZE], owner[ID_SIZE];
	bool is_publisher, is_connected;
	char transport[4];
	uint64_t rev; /* rises with each ICE restart */
	uint64_t rev_asked;
	Rung rung; /* of a viewer */
} MediaPeer;

typedef struct MediaEvents {
	void (*synced)(bool restarted, void *user);
	void (*away)(void *user);
	/* A peer lives in the sfu that this life of ours did not make. Adopt or delete it. */
	void (*found)(const MediaPeer *peer, void *user);
	void (*state)(const MediaPeer *peer, void *user);
	/* The rung of a viewer, or the reason for it, has changed. */
	void (*rung)(const MediaPeer *peer, void *user);
	/* It is gone, and not by our wish. */
	void (*closed)(const MediaPeer *peer, const char *reason, void *user);
	void (*track)(
		const char *stage, const char *owner, const char *source, bool flowing, void *user);
} MediaEvents;

/* The answer to media_put_peer and media_restart_peer: refusal is NULL when it worked; else detail
 * may say more for the log (never for a screen). All borrowed. */
typedef struct MediaAnswer {
	const char *peer, *sdp;
	json_t *slots;
	const Refusal *refusal;
	const char *detail;
} MediaAnswer;
typedef void (*MediaPut)(const MediaAnswer *answer, void *user);
typedef void (*MediaStats)(json_t *stats, void *user); /* NULL when the sfu is away */

Media *media_new(const char *path, const MediaEvents *events, void *user);
void media_free(Media *media);
bool media_is_synced(const Media *media);
bool media_has_peer(const Media *media, const char *peer);
/* The highest revision of a stage that the sfu has told of; 0 for none. */
uint64_t media_stage_rev(const Media *media, const char *stage);

/* params are stolen; lost while not synced (`synced` is when to put all stages again). */
void media_put_stage(Media *media, json_t *params);
/* Offers a new peer. sources (stolen) may be NULL. put is called once, never from inside. */
void media_put_peer(Media *media, const char *stage, const char *owner, bool is_publisher,
	const char *offer, json_t *sources, MediaPut put, void *user);
/* Restarts the ICE of a peer with what a fragment (RFC 8840) says. The answer's sdp is the fragment
 * to be sent back, NULL when there was nothing to restart. restarted is called once, never from
 * inside. */
void media_restart_peer(
	Media *media, const char *peer, const char *fragment, MediaPut restarted, void *user);
/* The revision that a peer has now; 0 when there is none. */
uint64_t media_peer_rev(const Media *media, const char *peer);
/* What the sfu has told of a viewer so far; nothing is known of one that is not there. */
Rung media_peer_rung(const Media *media, const char *peer);
/* The highest rung that a viewer is given; lost while not synced. May be said again. */
void media_limit_peer(Media *media, const char *peer, unsigned rung);
void media_delete_peer(Media *media, const char *peer);
void media_stats(Media *media, MediaStats reply, void *user);
