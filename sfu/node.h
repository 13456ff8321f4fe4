/* node.h - the sfu as a whole: its rosters, its certificate, and what is known of every peer
 *
 * The control thread's view: requests state the desired outcome with a revision and may be
 * repeated; news from the workers comes back to the control thread. Owned by main, touched by the
 * main thread alone. */
#pragma once
#include "negotiate.h"
#include "roster.h"
#include <jansson.h>

typedef struct Node Node;

typedef struct NodeSettings {
	RosterSockets *sockets; /* one a worker, taken over */
	unsigned workers;
	char **announce; /* addresses for candidates, as literals */
	int media_port, tcp_port; /* for candidates; tcp_port is the HTTPS port where that is shared */
	int64_t egress_bps; /* what all viewers may be given together, IP and all; 0: no limit */
	int tap_fd; /* listening socket of the recorder's tap, taken over; -1 for none */
} NodeSettings;

/* News for signaling; params are given away. */
typedef void (*NodeNotify)(const char *method, json_t *params, void *user);

Node *node_new(const NodeSettings *settings, NodeNotify notify, void *user, GError **error);
/* Closes every peer with a goodbye. */
void node_free(Node *node);

const char *node_boot(const Node *node);

typedef enum NodeRefusal {
	NODE_FINE,
	NODE_BAD_OFFER,
	NODE_NO_STAGE,
	NODE_NO_PEER,
	NODE_BUSY,
	NODE_FULL
} NodeRefusal;

typedef struct NodePeer {
	const char *id, *stage, *owner, *offer;
	json_int_t rev;
	Role role;
	const NegotiateSource *sources;
	unsigned source_count;
} NodePeer;

/* NULL with *refusal and error (a sentence) when it cannot be; else the result of peer.put, to be
 * released by the caller. */
json_t *node_put_peer(Node *node, const NodePeer *ask, NodeRefusal *refusal, GError **error);
/* ICE restart (RFC 8445 §9): fragment (RFC 8840 §9) brings the peer's new credentials, fresh ones of
 * ours are in the result, to be released; DTLS and SRTP stay. When they are the ones it has
 * already there is nothing to restart, and no fragment in the result. NULL as above. */
json_t *node_restart_peer(Node *node, const char *id, json_int_t rev, const char *fragment,
	NodeRefusal *refusal, GError **error);
/* The highest rung of the ladder that this viewer is given. False: there is no such viewer. */
bool node_limit_peer(Node *node, const char *id, unsigned rung);
void node_delete_peer(Node *node, const char *id);
/* Returns the revision that holds now. */
json_int_t node_put_stage(Node *node, const char *id, json_int_t rev, const StageWish *wish);
void node_delete_stage(Node *node, const char *id);
/* after: id to go on behind, NULL for the first page. */
json_t *node_dump(Node *node, const char *after);
json_t *node_stats(Node *node);
