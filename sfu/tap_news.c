#include "tap_news.h"

G_STATIC_ASSERT(TAP_ON_AIR_MAX == STAGE_ON_AIR_MAX);
G_STATIC_ASSERT(TAP_WORD_MAX == PARAMS_ID_MAX);
G_STATIC_ASSERT(TAP_SLOTS == (int)SLOT_COUNT);

static TapRecord *record_of(TapType type, const char *stage, int64_t now_us)
{
	TapRecord *record = g_new0(TapRecord, 1);
	record->type = type;
	record->time_ns = now_us * 1000;
	g_strlcpy(record->stage, stage, sizeof record->stage);
	return record;
}

void tap_news_stage(TapFeed *feed, const char *stage, const StageWish *wish, int64_t now_us)
{
	if (!feed)
		return;
	TapRecord *record = record_of(TAP_STAGE, stage, now_us);
	g_strlcpy(record->of_stage.main, wish->main, sizeof(TapWord));
	g_strlcpy(record->of_stage.slides, wish->slides, sizeof(TapWord));
	record->of_stage.count = (uint8_t)wish->on_air_count;
	for (unsigned i = 0; i < wish->on_air_count; i++) {
		g_strlcpy(record->of_stage.on_air[i], wish->on_air[i], sizeof(TapWord));
		record->of_stage.muted[i] = wish->muted[i];
	}
	tap_feed_put(feed, record);
}

void tap_news_stage_gone(TapFeed *feed, const char *stage, int64_t now_us)
{
	if (feed)
		tap_feed_put(feed, record_of(TAP_STAGE_GONE, stage, now_us));
}

void tap_news_slots(
	TapFeed *feed, const char *stage, const char *const owners[SLOT_COUNT], int64_t now_us)
{
	if (!feed)
		return;
	TapRecord *record = record_of(TAP_SLOTS_NOW, stage, now_us);
	for (unsigned i = 0; i < SLOT_COUNT; i++)
		g_strlcpy(record->slots[i], owners[i], sizeof(TapWord));
	tap_feed_put(feed, record);
}

void tap_news_peer_gone(TapFeed *feed, Peer *peer, int64_t now_us)
{
	for (unsigned source = 0; source < SOURCE_COUNT; source++)
		tap_feed_ended(feed, peer_track(peer, (Source)source), now_us);
}
