#include "tap_feed.h"
#include "pick.h"
#include <glib.h>

struct TapFeed {
	Stats *stats;
	/* Each side's own line of the cache: a packet costs the worker no miss while the tap reads.
	 */
	_Alignas(64) _Atomic uint64_t written; /* by the worker */
	uint64_t seen_read;                    /* what the worker last saw of `read` */
	_Alignas(64) _Atomic uint64_t read;    /* by the tap */
	uint64_t told_dropped;                 /* the tap's own */
	_Alignas(64) TapEntry ring[TAP_FEED_PLACES];
};

TapFeed *tap_feed_new(Stats *stats)
{
	TapFeed *feed = g_aligned_alloc0(1, sizeof *feed, 64);
	feed->stats = stats;
	return feed;
}

static void entry_clear(TapEntry *entry)
{
	packet_unref(entry->packet);
	g_free(entry->record);
}

void tap_feed_free(TapFeed *feed)
{
	TapEntry entry;
	if (!feed)
		return;
	while (tap_feed_take(feed, &entry))
		entry_clear(&entry);
	g_aligned_free(feed);
}

/* A place, to be filled and then given by publish(); NULL when fewer than reserve are left. */
static TapEntry *place(TapFeed *feed, unsigned reserve)
{
	uint64_t written = atomic_load_explicit(&feed->written, memory_order_relaxed);
	if (written - feed->seen_read + reserve >= TAP_FEED_PLACES) {
		feed->seen_read = atomic_load_explicit(&feed->read, memory_order_acquire);
		if (written - feed->seen_read + reserve >= TAP_FEED_PLACES)
			return NULL;
	}
	return &feed->ring[written % TAP_FEED_PLACES];
}

static void publish(TapFeed *feed)
{
	uint64_t written = atomic_load_explicit(&feed->written, memory_order_relaxed);
	atomic_store_explicit(&feed->written, written + 1, memory_order_release);
}

bool tap_feed_put(TapFeed *feed, TapRecord *record)
{
	TapEntry *entry = feed ? place(feed, 0) : NULL;
	if (!entry) {
		if (feed)
			STATS_ADD(feed->stats, tap_dropped_total, 1);
		g_free(record);
		return false;
	}
	*entry = (TapEntry){ .record = record };
	publish(feed);
	return true;
}

static TapRecord *record_of(TapType type, uint64_t track, int64_t now_us)
{
	TapRecord *record = g_new0(TapRecord, 1);
	record->type = type;
	record->track = track;
	record->time_ns = now_us * 1000;
	return record;
}

static void put_track(TapFeed *feed, const char *stage, Track *track, int64_t now_us)
{
	static const char *const codecs[CODEC_COUNT] = { "opus", "vp8", "h264" };
	if (track->tapped_id && track->tapped_id != track->id)
		tap_feed_put(feed, record_of(TAP_ENDED, track->tapped_id, now_us));
	TapRecord *record = record_of(TAP_TRACK, track->id, now_us);
	record->flags = TAP_FLOWING;
	g_strlcpy(record->stage, stage, sizeof record->stage);
	g_strlcpy(record->of_track.owner, track->owner, sizeof(TapWord));
	g_strlcpy(record->of_track.source, source_name(track->source), sizeof(TapWord));
	g_strlcpy(record->of_track.codec, codecs[track->codec], sizeof(TapWord));
	record->of_track.ssrc = track->ssrc;
	record->of_track.clock_rate = track->clock_rate;
	record->of_track.payload_type = track->media->payload_type[track->codec];
	track->tapped_id = track->id;
	track->tapped_quiet = !tap_feed_put(feed, record); /* then the next packet tells it again */
}

static void put_packet(TapFeed *feed, const char *stage, Track *track, Packet *packet)
{
	if (track->tapped_id != track->id || track->tapped_quiet)
		put_track(feed, stage, track, packet->arrived_us);
	TapEntry *entry = place(feed, TAP_FEED_RESERVE);
	if (!entry) {
		STATS_ADD(feed->stats, tap_dropped_total, 1);
		return;
	}
	*entry = (TapEntry){ .packet = packet_ref(packet), .track = track->id };
	publish(feed);
	STATS_ADD(feed->stats, tap_packets_total, 1);
}

static void put_quiet(TapFeed *feed, Track *track, int64_t now_us)
{
	if (!track->tapped_id)
		return;
	track->tapped_quiet = true;
	tap_feed_put(feed, record_of(TAP_QUIET, track->tapped_id, now_us));
}

/* From this keyframe on. What follows it may have come before it, where it had to be sent again. */
static void take_over(TapFeed *feed, const char *stage, Track *track, Packet *packet)
{
	Track *lowest = track_lowest(track), *before = lowest->tapped;
	lowest->tapped = track;
	uint64_t highest = history_highest(track->history);
	for (uint64_t sequence = packet->sequence; sequence <= highest; sequence++) {
		Packet *kept = history_find(track->history, sequence);
		if (kept)
			put_packet(feed, stage, track, kept);
	}
	put_quiet(feed, before, packet->arrived_us);
}

void tap_feed_packet(TapFeed *feed, const char *stage, Track *track, Packet *packet)
{
	if (!feed)
		return;
	Track *lowest = track_lowest(track);
	if (!lowest->tapped)
		lowest->tapped = track;
	if (lowest->tapped == track) {
		put_packet(feed, stage, track, packet);
		return;
	}
	if (pick_layer(lowest, PARAMS_LAYERS_MAX - 1, packet->arrived_us) != track)
		return;
	if (packet->keyframe && packet->rtp.payload_len)
		take_over(feed, stage, track, packet);
	else
		track_want_keyframe(track, packet->arrived_us);
}

void tap_feed_quiet(TapFeed *feed, Track *lowest, int64_t now_us)
{
	if (feed && lowest->tapped)
		put_quiet(feed, lowest->tapped, now_us);
}

void tap_feed_ended(TapFeed *feed, Track *lowest, int64_t now_us)
{
	for (Track *track = lowest; feed && track; track = track->higher) {
		if (track->tapped_id)
			tap_feed_put(feed, record_of(TAP_ENDED, track->tapped_id, now_us));
		track->tapped_id = 0;
		track->tapped = NULL;
	}
}

void tap_feed_report(TapFeed *feed, const Track *track, const RtcpSenderInfo *info, int64_t now_us)
{
	if (!feed || !track->tapped_id || track->tapped_id != track->id)
		return;
	TapRecord *record = record_of(TAP_REPORT, track->id, now_us);
	record->report.ntp = info->ntp;
	record->report.rtp = info->rtp;
	tap_feed_put(feed, record);
}

bool tap_feed_take(TapFeed *feed, TapEntry *entry)
{
	uint64_t read = atomic_load_explicit(&feed->read, memory_order_relaxed);
	if (read == atomic_load_explicit(&feed->written, memory_order_acquire))
		return false;
	*entry = feed->ring[read % TAP_FEED_PLACES];
	atomic_store_explicit(&feed->read, read + 1, memory_order_release);
	return true;
}

uint64_t tap_feed_dropped(TapFeed *feed)
{
	uint64_t all = STATS_READ(feed->stats, tap_dropped_total);
	uint64_t since = all - feed->told_dropped;
	feed->told_dropped = all;
	return since;
}
