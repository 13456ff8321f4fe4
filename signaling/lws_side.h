/* lws_side.h - what server.c, exchange.c and socket.c share behind the wall of libwebsockets
 *
 * No other file includes it. Main thread. */
#pragma once
#include "handover.h"
#include "server.h"
#include "usher.h"
#include <libwebsockets.h>

struct Server {
	GMainLoop *loop;
	struct lws_context *context;
	struct lws_vhost *http, *admin;
	void *tls; /* SSL_CTX */
	Gate *gate, *admin_gate;
	Usher *usher; /* accepts for the gate, where media comes by the same port; else NULL */
	Handover *handover;
	ServerEvents events;
	void *user;
	char *cert, *key;
	GHashTable *exchanges, *sockets; /* sets; for the clock */
	unsigned tick;
	ServerCounts counts;
};

/* What libwebsockets keeps for us with each connection. Which port it came by is remembered here:
 * lws moves a connection to the vhost that its Host header names. */
typedef struct Connection {
	Visitor *visitor;
	bool is_admin;
} Connection;

/* And with each request, each WebSocket. */
typedef struct HttpUser {
	Exchange *exchange;
} HttpUser;
typedef struct WsUser {
	Socket *socket;
} WsUser;

/* Ends it as soon as libwebsockets has control again; from anywhere. */
void server_kill(struct lws *wsi);
/* The value; empty where there is none. Free with g_free. */
char *server_header(struct lws *wsi, enum lws_token_indexes token);

/* exchange.c: what becomes of libwebsockets' calls about a request. */
int exchange_on_request(
	Server *server, struct lws *wsi, HttpUser *http, const char *path, size_t len);
int exchange_on_body(HttpUser *http, const char *in, size_t len);
void exchange_on_body_end(HttpUser *http);
int exchange_on_writable(HttpUser *http);
void exchange_detach(HttpUser *http);
/* The connection of one whose body takes too long; else NULL. */
struct lws *exchange_overdue(const Exchange *exchange, int64_t now_us);

/* socket.c: the same about a WebSocket. */
void socket_on_open(Server *server, struct lws *wsi, WsUser *ws);
void socket_on_closed(WsUser *ws);
int socket_on_message(Socket *socket, const char *in, size_t len);
void socket_on_pong(Socket *socket);
int socket_on_writable(Socket *socket);
/* Pings when it is time. The connection of one whose time is over; else NULL. */
struct lws *socket_overdue(Socket *socket, int64_t now_us);
