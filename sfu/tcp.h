/* tcp.h - ICE-TCP: connections that carry datagrams in RFC 4571 frames (RFC 6544, passive)
 *
 * One Tcp listens for a worker; each connection is a TcpLine. A line that no valid check has
 * adopted within TCP_ADOPT_US is closed. A line keeps at most TCP_BACKLOG_MAX unsent bytes: what
 * does not fit is dropped whole, never a part of a frame. A line may move to the Tcp of another
 * worker, once and before anybody owns it. The worker's thread alone. */
#pragma once
#include "address.h"
#include "worker.h"
#include <stddef.h>

#define TCP_LINES_MAX 2048 /* 1,000 viewers and as many newcomers */
#define TCP_ADOPT_US 10000000
#define TCP_FRAME_MAX 1500            /* largest frame taken; a longer one ends the line */
#define TCP_BACKLOG_MAX (96 * 1024)   /* 0.5 s of 1.5 Mbit/s */
#define TCP_BACKLOG_VIDEO (32 * 1024) /* past this the caller should send voice alone */

typedef struct Tcp Tcp;
typedef struct TcpLine TcpLine;

typedef struct TcpEvents {
	/* One datagram; the bytes may be changed. The line may be closed from inside. */
	void (*datagram)(TcpLine *line, uint8_t *data, size_t len, void *user);
	/* The other end or an error closed it; the pointer is dead after this. Not called for
	 * tcp_line_close(). */
	void (*closed)(TcpLine *line, void *user);
} TcpEvents;

/* A line between two workers. */
typedef struct TcpParcel {
	int fd;
	Address remote;
	int64_t opened_us;
	size_t len; /* what was read of it */
	uint8_t data[TCP_FRAME_MAX + 2];
} TcpParcel;

/* listen_fd: taken over; -1 for none: its lines come from other workers, or by tcp_take(). */
Tcp *tcp_new(Worker *worker, int listen_fd, const TcpEvents *events, void *user);
void tcp_free(Tcp *tcp);
/* A connection that was accepted elsewhere, taken over. It is closed where there is no room for it,
 * or nobody at its other end. */
void tcp_take(Tcp *tcp, int fd);
/* Closes lines that nobody adopted in time. Call about once a second. */
void tcp_tick(Tcp *tcp, int64_t now_us);

const Address *tcp_line_remote(const TcpLine *line);
/* owner: what the line belongs to from now on, for tcp_line_owner(); NULL until then. */
void tcp_line_adopt(TcpLine *line, void *owner);
void *tcp_line_owner(const TcpLine *line);
/* False: dropped. */
bool tcp_line_send(TcpLine *line, const uint8_t *data, size_t len);
size_t tcp_line_backlog(const TcpLine *line);
void tcp_line_close(TcpLine *line);
/* Packs a line up from inside datagram(), that datagram first: it is closed here. False: it cannot
 * move. */
bool tcp_line_pack(TcpLine *line, const uint8_t *data, size_t len, TcpParcel *parcel);
/* Goes on with a line of another worker. */
void tcp_unpack(Tcp *tcp, const TcpParcel *parcel);
