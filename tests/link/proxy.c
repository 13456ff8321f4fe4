#include "proxy.h"
#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define SEGMENT 1448 /* of an Ethernet's 1500 */
#define HEADERS 52   /* IPv4, TCP and its timestamps */
#define WINDOW (256 * 1024)
#define BUFFER (64 * 1024) /* of a socket: what stands before the line is felt by who sends */
#define BATCH 16           /* segments or connections between two looks at the other descriptors */

typedef struct Stream Stream;

/* One direction: read at one end, written at the other. */
typedef struct Half {
	Stream *stream;
	Way way;
	int *from, *to;
	guint reading, writing; /* sources, 0: none */
	size_t under_way;       /* bytes read and not yet written */
	GByteArray *arrived;    /* of them, over the road */
	bool ended, ending;     /* the end was read, has arrived */
	bool shut;              /* and was passed on */
} Half;

struct Stream {
	Proxy *proxy;
	unsigned slot;
	uint64_t birth;
	int client, server;
	bool connected;
	Half halves[2];
};

struct Proxy {
	Road *road;
	unsigned port;
	int fd;
	guint accepting;
	Address to, from;
	Stream *streams[ROAD_STREAMS_MAX];
	uint64_t births;
	bool on;
	ProxyStats stats;
};

static void put(Stream *stream, Way way, ParcelKind kind, const uint8_t *data, size_t len)
{
	Proxy *proxy = stream->proxy;
	Parcel *parcel = g_rc_box_alloc(sizeof *parcel + len);
	*parcel = (Parcel){ .kind = kind,
		.port = proxy->port,
		.slot = stream->slot,
		.birth = stream->birth,
		.len = len };
	if (len)
		memcpy(parcel->data, data, len);
	const LanePacket packet = { .data = parcel,
		.bytes = (unsigned)len + HEADERS,
		.flow = 1 + proxy->port * ROAD_STREAMS_MAX + stream->slot };
	lane_put(proxy->road->lanes[way], &packet, g_get_monotonic_time());
}

static void stop_source(guint *source)
{
	if (*source)
		g_source_remove(*source);
	*source = 0;
}

static void stream_free(Stream *stream)
{
	stream->proxy->streams[stream->slot] = NULL;
	for (unsigned i = 0; i < 2; i++) {
		stop_source(&stream->halves[i].reading);
		stop_source(&stream->halves[i].writing);
		g_byte_array_unref(stream->halves[i].arrived);
	}
	close(stream->client);
	if (stream->server >= 0)
		close(stream->server);
	g_free(stream);
}

static void set_reset(int fd)
{
	const struct linger at_once = { .l_onoff = 1 };
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void stream_reset(Stream *stream)
{
	stream->proxy->stats.reset++;
	set_reset(stream->client);
	if (stream->server >= 0)
		set_reset(stream->server);
	stream_free(stream);
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer user);

/* Reads from an end while the road and the window have room. */
static void look(Half *half)
{
	const Stream *stream = half->stream;
	bool open = half->way == UP || stream->connected;
	bool wanted = open && !half->ended && half->under_way < WINDOW &&
		      !lane_is_full(stream->proxy->road->lanes[half->way]);
	if (!wanted)
		stop_source(&half->reading);
	else if (!half->reading)
		half->reading = g_unix_fd_add(*half->from, G_IO_IN, on_readable, half);
}

static gboolean on_readable(gint fd, GIOCondition condition, gpointer user)
{
	Half *half = user;
	Stream *stream = half->stream;
	Road *road = stream->proxy->road;
	uint8_t segment[SEGMENT];
	for (unsigned i = 0; i < BATCH && !half->ended; i++) {
		if (lane_is_full(road->lanes[half->way]))
			break;
		ssize_t len = read(fd, segment, sizeof segment);
		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (len < 0) {
			stream_reset(stream);
			return G_SOURCE_REMOVE;
		}
		half->ended = len == 0;
		half->under_way += (size_t)len;
		put(stream, half->way, len ? PARCEL_DATA : PARCEL_END, segment, (size_t)len);
	}
	look(half);
	road->moved(road->user);
	return G_SOURCE_CONTINUE;
}

static gboolean on_writable(gint fd, GIOCondition condition, gpointer user);

static void await_writable(Half *half)
{
	if (!half->writing)
		half->writing = g_unix_fd_add(*half->to, G_IO_OUT, on_writable, half);
}

/* Writes what has arrived, and its end. The stream may be gone afterwards. */
static void flush(Half *half)
{
	Stream *stream = half->stream;
	while (half->arrived->len) {
		ssize_t len =
			send(*half->to, half->arrived->data, half->arrived->len, MSG_NOSIGNAL);
		if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
			await_writable(half);
			return;
		}
		if (len < 0) {
			stream_reset(stream);
			return;
		}
		g_byte_array_remove_range(half->arrived, 0, (guint)len);
		half->under_way -= (size_t)len;
	}
	stop_source(&half->writing);
	if (half->ending && !half->shut) {
		half->shut = true;
		shutdown(*half->to, SHUT_WR);
	}
	if (stream->halves[UP].shut && stream->halves[DOWN].shut)
		stream_free(stream);
	else
		look(half);
}

static gboolean on_writable(gint fd, GIOCondition condition, gpointer user)
{
	Half *half = user;
	Stream *stream = half->stream;
	if (half->way == UP && !stream->connected) {
		stream->connected = true; /* or refused: who reads is told so */
		look(&stream->halves[DOWN]);
	}
	flush(half);
	return G_SOURCE_CONTINUE;
}

static int open_socket(const Address *local, GError **error)
{
	int on = 1, buffer = BUFFER;
	int fd = socket(local->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	}
	if (fd < 0 ||
		(local->len && bind(fd, (const struct sockaddr *)&local->at, local->len) < 0)) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "TCP socket: %s",
			g_strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static void dial(Stream *stream)
{
	const Proxy *proxy = stream->proxy;
	const Address any = { .at.ss_family = proxy->to.at.ss_family };
	stream->server = open_socket(proxy->from.len ? &proxy->from : &any, NULL);
	if (stream->server < 0 || (connect(stream->server, (const struct sockaddr *)&proxy->to.at,
					   proxy->to.len) < 0 &&
					  errno != EINPROGRESS)) {
		stream_reset(stream);
		return;
	}
	await_writable(&stream->halves[UP]);
}

static unsigned free_slot(const Proxy *proxy)
{
	unsigned slot = 0;
	while (slot < ROAD_STREAMS_MAX && proxy->streams[slot])
		slot++;
	return slot;
}

static void add_stream(Proxy *proxy, int fd, unsigned slot)
{
	int on = 1;
	Stream *stream = g_new0(Stream, 1);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	*stream = (Stream){
		.proxy = proxy, .slot = slot, .birth = ++proxy->births, .client = fd, .server = -1
	};
	for (Way way = UP; way <= DOWN; way++)
		stream->halves[way] = (Half){ .stream = stream,
			.way = way,
			.from = way == UP ? &stream->client : &stream->server,
			.to = way == UP ? &stream->server : &stream->client,
			.arrived = g_byte_array_new() };
	proxy->streams[slot] = stream;
	put(stream, UP, PARCEL_OPEN, NULL, 0);
	look(&stream->halves[UP]);
}

static gboolean on_connection(gint listening, GIOCondition condition, gpointer user)
{
	Proxy *proxy = user;
	for (unsigned i = 0; i < BATCH; i++) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			break;
		unsigned slot = free_slot(proxy);
		if (proxy->on && slot < ROAD_STREAMS_MAX) {
			add_stream(proxy, fd, slot);
			continue;
		}
		proxy->stats.refused++;
		set_reset(fd);
		close(fd);
	}
	proxy->road->moved(proxy->road->user);
	return G_SOURCE_CONTINUE;
}

Proxy *proxy_new(
	Road *road, unsigned port, const Address *listening, const Address *to, GError **error)
{
	int fd = open_socket(listening, error);
	if (fd < 0)
		return NULL;
	if (listen(fd, ROAD_STREAMS_MAX) < 0) {
		g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), "listen: %s",
			g_strerror(errno));
		close(fd);
		return NULL;
	}
	Proxy *proxy = g_new0(Proxy, 1);
	proxy->road = road;
	proxy->port = port;
	proxy->fd = fd;
	proxy->to = *to;
	proxy->on = true;
	proxy->accepting = g_unix_fd_add(fd, G_IO_IN, on_connection, proxy);
	return proxy;
}

static void reset_all(Proxy *proxy)
{
	for (unsigned i = 0; i < ROAD_STREAMS_MAX; i++)
		if (proxy->streams[i])
			stream_reset(proxy->streams[i]);
}

void proxy_free(Proxy *proxy)
{
	if (!proxy)
		return;
	reset_all(proxy);
	g_source_remove(proxy->accepting);
	close(proxy->fd);
	g_free(proxy);
}

void proxy_take(Proxy *proxy, const Parcel *parcel, Way way)
{
	Stream *stream = proxy->streams[parcel->slot];
	if (!stream || stream->birth != parcel->birth)
		return;
	Half *half = &stream->halves[way];
	if (parcel->kind == PARCEL_OPEN) {
		dial(stream);
		return;
	}
	if (parcel->kind == PARCEL_END)
		half->ending = true;
	g_byte_array_append(half->arrived, parcel->data, (guint)parcel->len);
	if (!half->writing) /* else it is not connected yet, or full */
		flush(half);
}

void proxy_look(Proxy *proxy)
{
	for (unsigned i = 0; i < ROAD_STREAMS_MAX; i++)
		for (Way way = UP; proxy->streams[i] && way <= DOWN; way++)
			look(&proxy->streams[i]->halves[way]);
}

void proxy_rebind(Proxy *proxy, const Address *from)
{
	if (from)
		proxy->from = *from;
	reset_all(proxy);
}

void proxy_set_on(Proxy *proxy, bool on)
{
	proxy->on = on;
	if (!on)
		reset_all(proxy);
}

unsigned proxy_connections(const Proxy *proxy)
{
	unsigned count = 0;
	for (unsigned i = 0; i < ROAD_STREAMS_MAX; i++)
		count += proxy->streams[i] != NULL;
	return count;
}

const ProxyStats *proxy_stats(const Proxy *proxy)
{
	return &proxy->stats;
}
