#include "tcp.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 32

struct TcpLine {
	Tcp *tcp;
	TcpLine *next, **link;
	int fd;
	WorkerWatch *watch;
	Address remote;
	int64_t opened_us;
	void *owner;
	bool moved;   /* from another worker: here it stays */
	bool writing; /* EPOLLOUT is asked for */
	uint8_t in[TCP_FRAME_MAX + 2];
	size_t in_len;
	uint8_t *out; /* TCP_BACKLOG_MAX, made when first needed */
	size_t out_at, out_len;
};

/* A frame of a line is with the caller. What he does may deliver from other lines meanwhile. */
typedef struct Delivery {
	TcpLine *line; /* NULL once it is closed */
	struct Delivery *outer;
} Delivery;

struct Tcp {
	Worker *worker;
	int fd;
	WorkerWatch *watch;
	TcpEvents events;
	void *user;
	TcpLine *lines;
	unsigned count;
	bool paused;         /* no descriptor was left: accept again at the next tick */
	Delivery *deliveries;
};

/* Frees the line; its descriptor stays. */
static void line_free(TcpLine *line)
{
	worker_unwatch(line->watch);
	*line->link = line->next;
	if (line->next)
		line->next->link = line->link;
	line->tcp->count--;
	for (Delivery *delivery = line->tcp->deliveries; delivery; delivery = delivery->outer)
		if (delivery->line == line)
			delivery->line = NULL;
	g_free(line->out);
	g_free(line);
}

void tcp_line_close(TcpLine *line)
{
	int fd = line->fd;
	line_free(line);
	close(fd);
}

static void line_lost(TcpLine *line)
{
	Tcp *tcp = line->tcp;
	tcp->events.closed(line, tcp->user);
	tcp_line_close(line);
}

static bool line_flush(TcpLine *line)
{
	while (line->out_len) {
		ssize_t sent = send(line->fd, line->out + line->out_at, line->out_len,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (sent <= 0)
			return false;
		line->out_at += (size_t)sent;
		line->out_len -= (size_t)sent;
	}
	line->out_at = 0;
	g_clear_pointer(&line->out, g_free);
	return true;
}

static void line_want_out(TcpLine *line)
{
	bool writing = line->out_len > 0;
	if (writing == line->writing)
		return;
	line->writing = writing;
	worker_watch_change(line->watch, EPOLLIN | (writing ? (uint32_t)EPOLLOUT : 0));
}

/* Hands on each whole frame. False: the line must go. *gone: the caller closed it. */
static bool line_deliver(TcpLine *line, bool *gone)
{
	Tcp *tcp = line->tcp;
	while (line->in_len >= 2) {
		size_t len = (size_t)line->in[0] << 8 | line->in[1];
		if (!len || len > TCP_FRAME_MAX)
			return false;
		if (line->in_len < len + 2)
			return true;

		uint8_t frame[TCP_FRAME_MAX + 48]; /* room as in Packet */
		memcpy(frame, line->in + 2, len);
		line->in_len -= len + 2;
		memmove(line->in, line->in + len + 2, line->in_len);

		Delivery delivery = { .line = line, .outer = tcp->deliveries };
		tcp->deliveries = &delivery;
		tcp->events.datagram(line, frame, len, tcp->user);
		tcp->deliveries = delivery.outer;
		if (!delivery.line) {
			*gone = true;
			return true;
		}
	}
	return true;
}

static void on_line(uint32_t events, void *user)
{
	TcpLine *line = user;
	bool gone = false;

	if (events & EPOLLOUT) {
		if (!line_flush(line)) {
			line_lost(line);
			return;
		}
		line_want_out(line);
	}
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	for (unsigned turn = 0; turn < 16; turn++) {
		ssize_t got = recv(line->fd, line->in + line->in_len,
			sizeof line->in - line->in_len, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (got <= 0) {
			line_lost(line);
			return;
		}
		line->in_len += (size_t)got;
		bool fine = line_deliver(line, &gone);
		if (gone)
			return;
		if (!fine) {
			line_lost(line);
			return;
		}
	}
}

static TcpLine *line_open(Tcp *tcp, int fd, const Address *remote, int64_t opened_us)
{
	TcpLine *line = g_new0(TcpLine, 1);
	line->tcp = tcp;
	line->fd = fd;
	line->opened_us = opened_us;
	line->remote = *remote;
	line->next = tcp->lines;
	line->link = &tcp->lines;
	if (line->next)
		line->next->link = &line->next;
	tcp->lines = line;
	tcp->count++;
	line->watch = worker_watch(tcp->worker, fd, EPOLLIN, on_line, line);
	return line;
}

static void line_accept(Tcp *tcp, int fd, const struct sockaddr_storage *from)
{
	const int on = 1, low = 16 * 1024;
	Address remote = { 0 };
	if (tcp->count >= TCP_LINES_MAX) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low, sizeof low);
	address_read(&remote, (const struct sockaddr *)from);
	line_open(tcp, fd, &remote, worker_now_us(tcp->worker));
}

static void on_accept(uint32_t events, void *user)
{
	Tcp *tcp = user;
	for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof from;
		int fd = accept4(
			tcp->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE) {
				tcp->paused = true;
				worker_watch_change(tcp->watch, 0);
			}
			return;
		}
		line_accept(tcp, fd, &from);
	}
}

void tcp_take(Tcp *tcp, int fd)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof from;
	if (getpeername(fd, (struct sockaddr *)&from, &len))
		close(fd);
	else
		line_accept(tcp, fd, &from);
}

Tcp *tcp_new(Worker *worker, int listen_fd, const TcpEvents *events, void *user)
{
	Tcp *tcp = g_new0(Tcp, 1);
	tcp->worker = worker;
	tcp->fd = listen_fd;
	tcp->events = *events;
	tcp->user = user;
	if (listen_fd >= 0)
		tcp->watch = worker_watch(worker, listen_fd, EPOLLIN, on_accept, tcp);
	return tcp;
}

void tcp_free(Tcp *tcp)
{
	if (!tcp)
		return;
	while (tcp->lines)
		tcp_line_close(tcp->lines);
	worker_unwatch(tcp->watch);
	if (tcp->fd >= 0)
		close(tcp->fd);
	g_free(tcp);
}

void tcp_tick(Tcp *tcp, int64_t now_us)
{
	if (tcp->paused) {
		tcp->paused = false;
		worker_watch_change(tcp->watch, EPOLLIN);
	}
	for (TcpLine *line = tcp->lines, *next; line; line = next) {
		next = line->next;
		if (!line->owner && now_us - line->opened_us > TCP_ADOPT_US)
			tcp_line_close(line);
	}
}

bool tcp_line_pack(TcpLine *line, const uint8_t *data, size_t len, TcpParcel *parcel)
{
	if (line->owner || line->moved || line->out_len)
		return false;
	parcel->fd = line->fd;
	parcel->remote = line->remote;
	parcel->opened_us = line->opened_us;
	parcel->len = len + 2 + line->in_len;
	g_assert(parcel->len <= sizeof parcel->data); /* it all was in `in` */
	parcel->data[0] = (uint8_t)(len >> 8);
	parcel->data[1] = (uint8_t)len;
	memcpy(parcel->data + 2, data, len);
	memcpy(parcel->data + 2 + len, line->in, line->in_len);
	line_free(line);
	return true;
}

void tcp_unpack(Tcp *tcp, const TcpParcel *parcel)
{
	bool gone = false;
	if (tcp->count >= TCP_LINES_MAX) {
		close(parcel->fd);
		return;
	}
	TcpLine *line = line_open(tcp, parcel->fd, &parcel->remote, parcel->opened_us);
	line->moved = true;
	line->in_len = parcel->len;
	memcpy(line->in, parcel->data, parcel->len);
	if (!line_deliver(line, &gone) && !gone)
		line_lost(line);
}

const Address *tcp_line_remote(const TcpLine *line)
{
	return &line->remote;
}

void tcp_line_adopt(TcpLine *line, void *owner)
{
	line->owner = owner;
}

void *tcp_line_owner(const TcpLine *line)
{
	return line->owner;
}

bool tcp_line_send(TcpLine *line, const uint8_t *data, size_t len)
{
	uint8_t head[2] = { (uint8_t)(len >> 8), (uint8_t)len };
	size_t sent = 0;

	if (!line->out_len) {
		struct iovec parts[2] = { { head, 2 }, { (void *)(uintptr_t)data, len } };
		struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
		ssize_t done = sendmsg(line->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (done == (ssize_t)len + 2)
			return true;
		sent = done > 0 ? (size_t)done : 0;
	}
	if (line->out_len + len + 2 - sent > TCP_BACKLOG_MAX)
		return false;
	if (!line->out)
		line->out = g_malloc(TCP_BACKLOG_MAX);
	if (line->out_at + line->out_len + len + 2 - sent > TCP_BACKLOG_MAX) {
		memmove(line->out, line->out + line->out_at, line->out_len);
		line->out_at = 0;
	}

	uint8_t *to = line->out + line->out_at + line->out_len;
	size_t head_left = sent < 2 ? 2 - sent : 0;
	memcpy(to, head + 2 - head_left, head_left);
	size_t data_sent = sent > 2 ? sent - 2 : 0;
	memcpy(to + head_left, data + data_sent, len - data_sent);
	line->out_len += head_left + len - data_sent;
	line_want_out(line);
	return true;
}

size_t tcp_line_backlog(const TcpLine *line)
{
	return line->out_len;
}
