/* hub.h - everything that lives: sessions, forums, the sfu; carries every change to all of them
 *
 * A change is made in a Forum, then hub_settle() carries it to the store (gathered), the sfu and
 * every page, and hub_commit() answers whoever asked for it once it is on disk. Main thread. */
#pragma once
#include "desk.h"
#include "media.h"
#include "news.h"
#include "recording.h"
#include "registry.h"
#include "session.h"

#define SYNC_WAIT_MS 1500 /* how long a hello that resumes peers waits for the sfu's list */

typedef struct Hub {
	Store *store; /* borrowed, as registry */
	Registry *registry;
	Media *media;
	Recording *recording;   /* borrowed; NULL: nobody records */
	char *base;             /* https://HOST:PORT */
	const char *recordings; /* folder; borrowed */
	GHashTable *sessions;   /* serial -> Session */
	uint64_t serials;
	GHashTable *staged; /* Forum that the sfu knows in this life of it */
	News *news;
	DeskCounts desk;
	GHashTable *away;    /* Seat left a while ago: see seating_tick */
	GPtrArray *entering; /* hellos that wait for the sfu's list */
	unsigned tick, entering_timer;
	bool is_ending;
} Hub;

Hub *hub_new(Store *store, Registry *registry, const char *sfu_path, const char *base);
void hub_free(Hub *hub);

void hub_add_session(Hub *hub, Session *session);
void hub_drop_session(Hub *hub, Session *session);
/* NULL when it has gone. */
Session *hub_session(Hub *hub, uint64_t serial);

/* Carries what changed in the forum to store, sfu and pages. Commit afterwards. */
void hub_settle(Hub *hub, Forum *forum);
void hub_commit(Hub *hub, void (*done)(bool ok, void *user), void *user);
/* Settles, commits, and then answers the request; refuses it when the disk did. result stolen. */
void hub_answer(Hub *hub, Forum *forum, Session *session, json_t *id, json_t *result);

/* The sfu knows the forum's stage: to be called before a peer is put on it. False: sfu away. */
bool hub_stage_ready(Hub *hub, Forum *forum);
/* Off stage, and its media with it. An encoder's seat ends there. */
const Refusal *hub_take_off_air(Hub *hub, Seat *seat);
/* A WHIP or WHEP peer has ended: its row goes, and its seat. Settle afterwards. */
void hub_end_http_peer(Hub *hub, HttpPeer *peer);
/* The rung of the seat's receive peer has changed: told to its page and to staff. */
void hub_tell_line(Hub *hub, Seat *seat);
/* The sfu is told how much the seat's page wants to receive, where it may believe otherwise. */
void hub_limit(Hub *hub, Seat *seat);
/* Deletes one PeerConnection of a seat in the sfu, if there is one. */
void hub_close_peer(Hub *hub, SeatPeer *peer);

/* Runs `enter` once the sfu's list is known, or after SYNC_WAIT_MS. id and params are kept. */
typedef void (*HubEnter)(Session *session, json_t *id, json_t *params);
void hub_enter_later(Hub *hub, Session *session, json_t *id, json_t *params, HubEnter enter);
