/* server.h - HTTPS and WSS on one port: requests to answer, sockets to talk through
 *
 * The wall in front of libwebsockets, which runs in GLib's loop; behind it are server.c (the
 * ports), exchange.c (a request) and socket.c (a WebSocket). The port may be shared with ICE-TCP:
 * usher.h parts them. Knows bytes and headers, no forum. Every limit on what a stranger can make us
 * read or keep stands here. Main thread. */
#pragma once
#include "gate.h"
#include <stdint.h>

#define SERVER_BODY_MAX (64 * 1024)    /* the largest offer of a browser has 12 KiB */
#define SERVER_MESSAGE_MAX (64 * 1024) /* of a WebSocket */
#define SERVER_FRAGMENTS_MAX 16        /* frames a message; browsers send one */
#define SERVER_HEADERS_MAX 8192
#define SERVER_QUEUE_MAX                                                                           \
	(1024 * 1024)    /* bytes a slow page may leave unread; 442 rows have 130 KB */
#define SERVER_HELLO_S 5 /* until a socket must be vouched for */
#define SERVER_BODY_S 10 /* until a request's body must be there */
#define SERVER_FILE_S 30 /* each piece of a file to a reader that has paused */
#define SERVER_PING_S 10
#define SERVER_SILENCE_S 15

typedef struct Server Server;
typedef struct Exchange Exchange; /* one HTTP request and its answer */
typedef struct Socket Socket;     /* one WebSocket */
typedef struct Frame Frame;       /* a text message on its way to many sockets */

/* What was asked; borrowed, gone once `request` has returned. Missing headers are empty. */
typedef struct Request {
	const char *method; /* GET, HEAD, POST, … */
	const char *path;   /* %-decoded, without `..`, without query */
	const char *query;  /* as it came */
	const char *host, *authorization, *content_type, *if_none_match, *accept_encoding, *origin;
	const char *range, *if_range, *if_match;
	const char *body; /* ends with a NUL that body_len does not count */
	size_t body_len;
	bool is_admin; /* came by the admin port */
} Request;

typedef struct ServerEvents {
	/* Answer with exchange_answer(), now or later, once. */
	void (*request)(Exchange *exchange, const Request *request, void *user);
	/* A WebSocket is open; what comes back is given to the next two. */
	void *(*open)(Socket *socket, void *user);
	void (*message)(void *session, const char *text, size_t len);
	/* Not after socket_close(). is_silent: it went without a word (no FIN, no close). */
	void (*closed)(void *session, bool is_silent);
} ServerEvents;

typedef struct ServerConfig {
	int http_fd, admin_fd; /* listening, taken over */
	/* Path of the sfu's door: media over TCP comes by http_fd too and goes on there. NULL:
	 * HTTPS alone. */
	const char *door;
	const char *cert, *key; /* PEM files */
	GateLimits limits;
} ServerConfig;

Server *server_new(GMainLoop *loop, const ServerConfig *config, const ServerEvents *events,
	void *user, GError **error);
/* No new connections; those that are there go on. */
void server_stop(Server *server);
void server_free(Server *server);
/* New connections get what now stands in the certificate's files. */
bool server_reload(Server *server, GError **error);

typedef struct ServerCounts {
	unsigned connections, parked, sockets;
	uint64_t requests, refused_upgrades, slow_closed, silent_closed;
	/* With a door: lines that have not yet said what they are, that were sent away so, given to
	 * the sfu, closed because it was away. */
	unsigned lines_waiting;
	uint64_t lines_silent, lines_handed, lines_lost;
} ServerCounts;
void server_counts(const Server *server, ServerCounts *counts);

/* The token was good: it no longer counts as a stranger of its address. */
void exchange_vouch(Exchange *exchange);
/* Both copied; at most EXCHANGE_HEADERS_MAX of them. */
void exchange_header(Exchange *exchange, const char *name, const char *value);
#define EXCHANGE_HEADERS_MAX 16
/* Answers and lets go of the exchange. type may be NULL with an empty body (NULL). body is
 * borrowed (a reference is taken). Works when the asker has gone, too. */
void exchange_answer(Exchange *exchange, unsigned status, const char *type, GBytes *body);
/* The same with length bytes of a file from offset on, read piece by piece as they are sent; fd is
 * taken over. A disk that is slow holds up this answer alone. */
void exchange_answer_file(Exchange *exchange, unsigned status, const char *type, int fd,
	uint64_t offset, uint64_t length);
void exchange_answer_text(Exchange *exchange, unsigned status, const char *type, const char *text);

Frame *frame_new(const char *text);
void frame_unref(Frame *frame);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Frame, frame_unref)
/* Queues it (takes a reference). A socket whose queue would pass SERVER_QUEUE_MAX is closed. */
void socket_send(Socket *socket, Frame *frame);
void socket_vouch(Socket *socket);
/* After what is queued has gone out. Nothing is heard of it any more. */
void socket_close(Socket *socket, unsigned code);
