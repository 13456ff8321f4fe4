/* tap_news.h - what happens on a stage, told to the tap
 *
 * The worker's thread alone; a NULL feed is told nothing. */
#pragma once
#include "stage.h"
#include "tap_feed.h"

void tap_news_stage(TapFeed *feed, const char *stage, const StageWish *wish, int64_t now_us);
void tap_news_stage_gone(TapFeed *feed, const char *stage, int64_t now_us);
void tap_news_slots(
	TapFeed *feed, const char *stage, const char *const owners[SLOT_COUNT], int64_t now_us);
/* A peer is about to be freed, and its tracks with it. */
void tap_news_peer_gone(TapFeed *feed, Peer *peer, int64_t now_us);
