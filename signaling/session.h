/* session.h - one WebSocket of a page: reads its requests, answers them
 *
 * Comes and goes; what it stands for is its Seat. Until `hello` it is a stranger's. Names itself
 * by a serial number, so that an answer that comes late finds it or finds it gone. Main thread. */
#pragma once
#include "bucket.h"
#include "refusal.h"
#include "seat.h"
#include "server.h"

#define SESSION_FAULTS_MAX 20 /* messages that are no proper requests */
#define SESSION_RATE 20       /* requests a second, and as many as this in a burst: */
#define SESSION_BURST 60      /* a page that comes back sends five */
#define OFFER_RATE 1          /* an offer costs the sfu a handshake */
#define OFFER_BURST 8

typedef struct Session {
	struct Hub *hub;
	Socket *socket;
	uint64_t serial;
	Seat *seat;                   /* NULL before hello */
	bool is_waiting, is_entering; /* is_entering: hello waits for the sfu's list */
	char device[ID_SIZE];
	unsigned faults;
	Bucket requests, offers;
	unsigned limit; /* the highest rung its page wants: line.limit */
} Session;

/* For ServerEvents: user is the Hub. */
void *session_open(Socket *socket, void *hub);
void session_receive(void *session, const char *text, size_t len);
void session_closed(void *session, bool is_silent);

/* ROLE_STRANGER before hello. */
Role session_role(const Session *session);
void session_send(Session *session, Frame *frame);
void session_notify(Session *session, const char *method, json_t *params); /* params stolen */
void session_answer(Session *session, json_t *id, json_t *result);         /* result stolen */
void session_refuse(Session *session, json_t *id, const Refusal *refusal);
/* Says `bye` with this reason, closes, and releases the session: its seat has been left. */
void session_end(Session *session, const char *reason);
