/* What waits to go out on a stage: gathered, paced, shed. */
#include "seed.h"
#include "sfu/feed.h"

typedef struct Setting {
	PacketPool *pool;
	Feed *feed;
	Track *camera, *screen, *mic;
	ParamsMedia video, audio;
	unsigned number;
} Setting;

static void set_up(Setting *set)
{
	*set = (Setting){ .pool = packet_pool_new(), .feed = g_new0(Feed, 1) };
	set->video = (ParamsMedia){ .video = true, .payload_type[CODEC_VP8] = 96 };
	set->audio = (ParamsMedia){ .payload_type[CODEC_OPUS] = 111 };
	set->camera = track_new("hall", &set->video);
	set->screen = track_new("hall", &set->video);
	set->mic = track_new("hall", &set->audio);
}

static void tear_down(Setting *set)
{
	feed_forget(set->feed, NULL);
	track_free(set->camera);
	track_free(set->screen);
	track_free(set->mic);
	g_free(set->feed);
	packet_pool_free(set->pool);
}

static bool add(Setting *set, Track *track, bool marker, int64_t now_us)
{
	Packet *packet = packet_new(set->pool);
	packet->video = track != set->mic;
	packet->rtp = (RtpHeader){ .marker = marker, .payload_len = 100 };
	packet->sequence = ++set->number;
	bool kept = feed_add(set->feed, track, packet, now_us);
	packet_unref(packet);
	return kept;
}

static void drop(FeedItem *round, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		packet_unref(round[i].packet);
}

static void test_ripe(void)
{
	Setting set;
	FeedItem round[FEED_ROUND_MAX];
	set_up(&set);
	g_assert_false(feed_is_ripe(set.feed, 0, 0));
	add(&set, set.mic, true, 1000); /* a voice's marker ends no picture */
	g_assert_true(feed_is_ripe(set.feed, 1000, 0));
	g_assert_false(feed_is_ripe(set.feed, 4999, 4000));
	g_assert_true(feed_is_ripe(set.feed, 5000, 4000));
	add(&set, set.camera, false, 1500);
	g_assert_false(feed_is_ripe(set.feed, 1500, 4000));
	add(&set, set.camera, true, 1600);
	g_assert_true(feed_is_ripe(set.feed, 1600, 4000));

	g_assert_cmpuint(feed_take(set.feed, round, FEED_ROUND_VIDEO), ==, 3);
	g_assert_true(round[0].track == set.camera && round[1].track == set.camera);
	g_assert_true(round[2].track == set.mic);
	drop(round, 3);
	g_assert_false(feed_is_ripe(set.feed, 9999999, 0));
	tear_down(&set);
}

/* For any mix each track goes out whole and in its order, in rounds that keep their limits. */
static void test_rounds(void)
{
	g_autoptr(GRand) random = seeded_random();
	for (unsigned run = 0; run < 200; run++) {
		Setting set;
		FeedItem round[FEED_ROUND_MAX];
		uint64_t last[3] = { 0 };
		unsigned added = 0, taken = 0;
		set_up(&set);
		Track *tracks[] = { set.camera, set.screen, set.mic };
		while (taken < 2000) {
			if (added < 2000 && g_rand_int_range(random, 0, 40)) {
				added += add(&set, tracks[g_rand_int_range(random, 0, 3)],
					g_rand_boolean(random), added);
				continue;
			}
			unsigned max = g_rand_boolean(random) ? FEED_ROUND_VIDEO : 0;
			unsigned count = feed_take(set.feed, round, max), videos = 0;
			bool voices = false;
			g_assert_cmpuint(count, <=, FEED_ROUND_MAX);
			for (unsigned i = 0; i < count; i++) {
				unsigned which = round[i].track == set.camera   ? 0
						 : round[i].track == set.screen ? 1
										: 2;
				g_assert_cmpuint(round[i].packet->sequence, >, last[which]);
				last[which] = round[i].packet->sequence;
				voices = voices || which == 2;
				g_assert_false(voices && which != 2); /* video stands first */
				videos += which != 2;
			}
			g_assert_cmpuint(videos, <=, max);
			drop(round, count);
			taken += count;
		}
		g_assert_cmpuint(added, ==, taken);
		g_assert_cmpuint(set.feed->whole, ==, 0);
		tear_down(&set);
	}
}

static void count_shed(Track *track, void *user)
{
	GPtrArray *shed = user;
	g_ptr_array_add(shed, track);
}

static void test_shed(void)
{
	Setting set;
	FeedItem round[FEED_ROUND_MAX];
	g_autoptr(GPtrArray) shed = g_ptr_array_new();
	set_up(&set);
	add(&set, set.camera, true, 0);
	add(&set, set.mic, true, 0);
	add(&set, set.screen, true, 100000);
	add(&set, set.camera, false, 140000);
	g_assert_cmpuint(feed_shed(set.feed, FEED_VIDEO_AGE_US, count_shed, shed), ==, 0);
	/* One packet of the camera is too old: none of it is of use before a keyframe. */
	g_assert_cmpuint(feed_shed(set.feed, FEED_VIDEO_AGE_US + 1, count_shed, shed), ==, 2);
	g_assert_cmpuint(shed->len, ==, 1);
	g_assert_true(shed->pdata[0] == set.camera);
	g_assert_cmpuint(feed_take(set.feed, round, FEED_ROUND_VIDEO), ==, 2);
	g_assert_true(round[0].track == set.screen && round[1].track == set.mic);
	drop(round, 2);

	/* A voice is kept for longer. */
	add(&set, set.mic, false, 0);
	g_assert_cmpuint(feed_shed(set.feed, FEED_AUDIO_AGE_US, count_shed, shed), ==, 0);
	g_assert_cmpuint(feed_shed(set.feed, FEED_AUDIO_AGE_US + 1, count_shed, shed), ==, 1);
	g_assert_cmpuint(shed->len, ==, 1);
	tear_down(&set);
}

static void test_full(void)
{
	Setting set;
	set_up(&set);
	for (unsigned i = 0; i < FEED_MAX; i++)
		g_assert_true(add(&set, i % 2 ? set.camera : set.mic, true, 0));
	g_assert_false(add(&set, set.camera, true, 0));
	feed_forget(set.feed, set.camera);
	g_assert_cmpuint(set.feed->count, ==, FEED_MAX / 2);
	g_assert_cmpuint(set.feed->whole, ==, 0);
	g_assert_true(add(&set, set.camera, true, 0));
	tear_down(&set);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/feed/a-round-starts-with-a-whole-picture-or-after-the-hold", test_ripe);
	g_test_add_func(
		"/feed/each-track-goes-out-whole-in-order-and-in-bounded-rounds", test_rounds);
	g_test_add_func("/feed/what-waited-too-long-is-shed-as-whole-pictures", test_shed);
	g_test_add_func("/feed/full-is-told-and-a-track-can-be-forgotten", test_full);
	return g_test_run();
}
