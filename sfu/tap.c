#include "tap.h"
#include <errno.h>
#include <glib-unix.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_BUFFER                                                                                \
	(1024 * 1024)       /* the system's limit, often 208 KiB, holds unless we are root         \
			     */
#define ENTRIES_A_TURN 4096 /* then what came is sent and forgotten */

/* Someone who dialled. */
typedef struct Caller {
	Tap *tap;
	int fd;
	WorkerWatch *watch;
	bool asked;
	uint64_t want; /* the next number to send */
	GQueue first;  /* of GBytes: to be sent before it */
} Caller;

struct Tap {
	Worker *worker;
	int listen_fd;
	WorkerWatch *listen_watch;
	TapWord boot;
	int64_t clock_us; /* CLOCK_REALTIME minus CLOCK_MONOTONIC, read once: no step shows */
	TapHistory *history;
	GPtrArray *feeds, *callers;
	GHashTable *tracks;         /* id → TapRecord: those in the history or after it */
	GHashTable *stages, *slots; /* id → TapRecord */
	TapStats stats;
};

G_STATIC_ASSERT(TAP_RTP_MAX >= sizeof(((Packet *)0)->data));

/* -- what came from the workers -- */

static void copy_rtp(uint8_t *to, const Packet *packet, bool repaired)
{
	const RtpHeader *rtp = &packet->rtp;
	if (!repaired) {
		memcpy(to, packet->data, packet->len);
		return;
	}
	/* A repaired packet becomes what it was: its own header again, without the two bytes of
	 * RFC 4588 and without the padding of the repair. */
	size_t header = rtp->payload_at - 2u;
	memcpy(to, packet->data, header);
	to[0] &= 0xdf;
	to[1] = (uint8_t)((to[1] & 0x80) | rtp->payload_type);
	Writer out = writer_of(to + 2, 2);
	write_u16(&out, rtp->sequence);
	out = writer_of(to + 8, 4);
	write_u32(&out, rtp->ssrc);
	memcpy(to + header, packet->data + rtp->payload_at, rtp->payload_len);
}

static void take_packet(Tap *tap, const TapEntry *entry, int64_t now_us)
{
	const Packet *packet = entry->packet;
	Reader in = reader_of(packet->data + 8, 4);
	bool repaired = read_u32(&in) != packet->rtp.ssrc;
	size_t len = repaired ? packet->rtp.payload_at - 2u + packet->rtp.payload_len : packet->len;
	uint8_t flags = (packet->keyframe && packet->video ? TAP_KEYFRAME : 0) |
			(repaired ? TAP_REPAIRED : 0);
	uint8_t *room =
		tap_history_add_packet(tap->history, (packet->arrived_us + tap->clock_us) * 1000,
			entry->track, flags, (uint16_t)len, now_us);
	copy_rtp(room, packet, repaired);
}

static gboolean is_of_stage(void *key, void *value, void *stage)
{
	const TapRecord *track = value;
	return !strcmp(track->stage, stage);
}

/* What holds now, for those who dial later. False: it holds already. */
static bool learn(Tap *tap, const TapRecord *record)
{
	GHashTable *table = record->type == TAP_STAGE ? tap->stages : tap->slots;
	TapRecord *track;
	switch (record->type) {
	case TAP_TRACK:
		track = g_memdup2(record, sizeof *record);
		g_hash_table_replace(tap->tracks, &track->track, track);
		return true;
	case TAP_QUIET:
	case TAP_ENDED:
		track = g_hash_table_lookup(tap->tracks, &record->track);
		if (!track)
			return false;
		track->flags &= (uint8_t)~TAP_FLOWING;
		track->number = record->type == TAP_ENDED ? tap_history_next(tap->history) : 0;
		return true;
	case TAP_STAGE:
	case TAP_SLOTS_NOW:
		track = g_hash_table_lookup(table, record->stage);
		if (track && !memcmp(&track->of_stage, &record->of_stage, sizeof track->of_stage))
			return false;
		track = g_memdup2(record, sizeof *record);
		g_hash_table_replace(table, track->stage, track);
		return true;
	case TAP_STAGE_GONE:
		g_hash_table_foreach_remove(
			tap->tracks, is_of_stage, (void *)(uintptr_t)record->stage);
		g_hash_table_remove(tap->slots, record->stage);
		return g_hash_table_remove(tap->stages, record->stage);
	default:
		return true;
	}
}

static void take_record(Tap *tap, TapRecord *record, int64_t now_us)
{
	record->time_ns += tap->clock_us * 1000;
	if (learn(tap, record))
		tap_history_add(tap->history, record, now_us);
	g_free(record);
}

static void tell_dropped(Tap *tap, TapFeed *feed, int64_t now_us)
{
	uint64_t dropped = tap_feed_dropped(feed);
	if (!dropped)
		return;
	g_autofree TapRecord *record = g_new0(TapRecord, 1);
	record->type = TAP_DROPPED;
	record->time_ns = (now_us + tap->clock_us) * 1000;
	record->dropped = dropped;
	tap_history_add(tap->history, record, now_us);
}

/* False when there is more. */
static bool drain(Tap *tap, TapFeed *feed, int64_t now_us)
{
	TapEntry entry;
	unsigned n = 0;
	while (n < ENTRIES_A_TURN && tap_feed_take(feed, &entry)) {
		if (entry.packet)
			take_packet(tap, &entry, now_us);
		else
			take_record(tap, entry.record, now_us);
		packet_unref(entry.packet);
		n++;
	}
	tell_dropped(tap, feed, now_us);
	return n < ENTRIES_A_TURN;
}

static gboolean is_forgotten(void *key, void *value, void *oldest)
{
	const TapRecord *track = value;
	return track->number && track->number < *(uint64_t *)oldest;
}

static void settle_history(Tap *tap, int64_t now_us)
{
	tap_history_seal(tap->history, now_us);
	uint64_t oldest = tap_history_oldest(tap->history);
	g_hash_table_foreach_remove(tap->tracks, is_forgotten, &oldest);
	atomic_store(&tap->stats.history_bytes, tap_history_bytes(tap->history));
	atomic_store(&tap->stats.next, tap_history_next(tap->history));
}

/* -- to those who dialled -- */

static void caller_free(void *data)
{
	Caller *caller = data;
	worker_unwatch(caller->watch);
	g_queue_clear_full(&caller->first, (GDestroyNotify)g_bytes_unref);
	close(caller->fd);
	g_free(caller);
}

static void queue_record(Caller *caller, const TapRecord *record)
{
	uint8_t data[sizeof *record + 32];
	Writer out = writer_of(data, sizeof data);
	tap_write(&out, record);
	g_assert(out.ok);
	g_queue_push_tail(&caller->first, g_bytes_new(data, writer_len(&out)));
}

typedef enum Sent { SENT, SENT_NOT_NOW, SENT_NEVER } Sent;

static Sent send_page(const Caller *caller, const void *data, size_t len)
{
	if (send(caller->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return SENT;
	return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == EINTR
		       ? SENT_NOT_NOW
		       : SENT_NEVER;
}

/* His place is no longer kept: says so, once he can hear it, and goes on with the oldest there is.
 */
static Sent send_gap(Caller *caller, uint64_t oldest)
{
	uint8_t data[64];
	Writer out = writer_of(data, sizeof data);
	g_autofree TapRecord *gap = g_new0(TapRecord, 1);
	gap->type = TAP_GAP;
	gap->gap.from = caller->want;
	gap->gap.to = oldest - 1;
	tap_write(&out, gap);
	Sent sent = send_page(caller, data, writer_len(&out));
	if (sent == SENT) {
		atomic_fetch_add(&caller->tap->stats.overrun_total, oldest - caller->want);
		caller->want = oldest;
	}
	return sent;
}

/* As much as his socket takes; the rest at the next turn. False: he is gone. */
static bool pump(Caller *caller)
{
	TapHistory *history = caller->tap->history;
	Sent sent = SENT;
	if (!caller->asked)
		return true;
	while (sent == SENT) {
		GBytes *first = g_queue_peek_head(&caller->first);
		if (first) {
			gsize len;
			const void *data = g_bytes_get_data(first, &len);
			sent = send_page(caller, data, len);
			if (sent == SENT)
				g_bytes_unref(g_queue_pop_head(&caller->first));
			continue;
		}
		if (caller->want < tap_history_oldest(history)) {
			sent = send_gap(caller, tap_history_oldest(history));
			continue;
		}
		const TapPage *page = tap_history_find(history, caller->want);
		if (!page)
			break;
		sent = send_page(caller, page->data, page->len);
		if (sent == SENT)
			caller->want = page->last + 1;
	}
	return sent != SENT_NEVER;
}

static void drop_caller(Tap *tap, Caller *caller)
{
	g_ptr_array_remove_fast(tap->callers, caller);
	atomic_store(&tap->stats.callers, tap->callers->len);
}

static void pump_all(Tap *tap)
{
	for (unsigned i = tap->callers->len; i-- > 0;)
		if (!pump(tap->callers->pdata[i]))
			drop_caller(tap, tap->callers->pdata[i]);
}

static void queue_all(Caller *caller, GHashTable *table)
{
	GHashTableIter iter;
	void *value;
	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		TapRecord record = *(TapRecord *)value;
		record.number = 0;
		queue_record(caller, &record);
	}
}

/* He knows the stream up to a number, or begins anew with all that is kept. */
static void answer(Caller *caller, const TapRecord *ask)
{
	Tap *tap = caller->tap;
	uint64_t next = tap_history_next(tap->history);
	bool goes_on = !strcmp(ask->hello.boot, tap->boot) && ask->hello.next <= next;
	caller->asked = true;
	caller->want = goes_on ? MAX(ask->hello.next, 1) : tap_history_oldest(tap->history);

	TapRecord *hello = g_new0(TapRecord, 1);
	hello->type = TAP_HELLO;
	hello->hello.version = TAP_VERSION;
	hello->hello.next = next;
	memcpy(hello->hello.boot, tap->boot, sizeof tap->boot);
	queue_record(caller, hello);
	g_free(hello);
	queue_all(caller, tap->stages);
	queue_all(caller, tap->tracks);
	queue_all(caller, tap->slots);
}

static void on_caller(uint32_t events, void *user)
{
	Caller *caller = user;
	uint8_t data[256];
	ssize_t len = recv(caller->fd, data, sizeof data, MSG_DONTWAIT);
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	g_autofree TapRecord *ask = g_new0(TapRecord, 1);
	Reader in = reader_of(data, len > 0 ? (size_t)len : 0);
	if (len > 0 && !caller->asked && tap_read(&in, ask) && ask->type == TAP_ASK &&
		ask->hello.version == TAP_VERSION) {
		answer(caller, ask);
		return;
	}
	drop_caller(caller->tap, caller);
}

static void on_listen(uint32_t events, void *user)
{
	Tap *tap = user;
	int fd = accept4(tap->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (tap->callers->len >= TAP_CALLERS_MAX) {
		close(fd);
		return;
	}
	int size = SEND_BUFFER;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	Caller *caller = g_new0(Caller, 1);
	caller->tap = tap;
	caller->fd = fd;
	caller->watch = worker_watch(tap->worker, fd, EPOLLIN, on_caller, caller);
	g_ptr_array_add(tap->callers, caller);
	atomic_store(&tap->stats.callers, tap->callers->len);
}

static void on_tick(int64_t now_us, void *user)
{
	Tap *tap = user;
	for (unsigned i = 0; i < tap->feeds->len; i++)
		drain(tap, tap->feeds->pdata[i], now_us);
	settle_history(tap, now_us);
	pump_all(tap);
}

/* -- life -- */

static void name_thread(void *user)
{
	pthread_setname_np(pthread_self(), "tap");
}

Tap *tap_new(int listen_fd, const char *boot, GError **error)
{
	static const WorkerEvents events = { .tick = on_tick };
	Worker *worker = worker_new(0, error);
	if (!worker) {
		close(listen_fd);
		return NULL;
	}
	Tap *tap = g_new0(Tap, 1);
	tap->worker = worker;
	tap->listen_fd = listen_fd;
	g_strlcpy(tap->boot, boot, sizeof tap->boot);
	tap->clock_us = g_get_real_time() - g_get_monotonic_time();
	tap->history = tap_history_new(TAP_HISTORY_BYTES, TAP_HISTORY_US);
	tap->feeds = g_ptr_array_new();
	tap->callers = g_ptr_array_new_with_free_func(caller_free);
	tap->tracks = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
	tap->stages = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	tap->slots = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	g_unix_set_fd_nonblocking(listen_fd, TRUE, NULL);
	tap->listen_watch = worker_watch(worker, listen_fd, EPOLLIN, on_listen, tap);
	worker_start(worker, &events, tap);
	worker_post(worker, name_thread, NULL);
	return tap;
}

void tap_free(Tap *tap)
{
	if (!tap)
		return;
	worker_stop(tap->worker);
	on_tick(g_get_monotonic_time(), tap);
	g_ptr_array_unref(tap->callers);
	worker_unwatch(tap->listen_watch);
	worker_free(tap->worker);
	close(tap->listen_fd);
	tap_history_free(tap->history);
	g_ptr_array_unref(tap->feeds);
	g_hash_table_unref(tap->tracks);
	g_hash_table_unref(tap->stages);
	g_hash_table_unref(tap->slots);
	g_free(tap);
}

/* A change of the feeds, made on the tap's thread while the caller waits. */
typedef struct Change {
	Tap *tap;
	TapFeed *feed;
	sem_t done;
} Change;

static void add_feed(void *user)
{
	Change *change = user;
	g_ptr_array_add(change->tap->feeds, change->feed);
	sem_post(&change->done);
}

static void remove_feed(void *user)
{
	Change *change = user;
	Tap *tap = change->tap;
	int64_t now_us = worker_now_us(tap->worker);
	while (!drain(tap, change->feed, now_us))
		tap_history_seal(tap->history, now_us);
	g_ptr_array_remove_fast(tap->feeds, change->feed);
	sem_post(&change->done);
}

static void make_change(Tap *tap, TapFeed *feed, PostFunc func)
{
	Change change = { .tap = tap, .feed = feed };
	sem_init(&change.done, 0, 0);
	worker_post(tap->worker, func, &change);
	while (sem_wait(&change.done) && errno == EINTR)
		;
	sem_destroy(&change.done);
}

TapFeed *tap_add_feed(Tap *tap, Stats *stats)
{
	if (!tap)
		return NULL;
	TapFeed *feed = tap_feed_new(stats);
	make_change(tap, feed, add_feed);
	return feed;
}

void tap_remove_feed(Tap *tap, TapFeed *feed)
{
	if (!feed)
		return;
	make_change(tap, feed, remove_feed);
	tap_feed_free(feed);
}

const TapStats *tap_stats(const Tap *tap)
{
	return &tap->stats;
}
