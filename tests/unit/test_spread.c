/* A stage's way to another worker: what the share is told, and what becomes of a ring that is full.
 */
#include "sfu/mesh.h"
#include "sfu/share.h"

typedef struct Setting {
	Gear home, away;
	Stats stats;
	Spread *spread;
	Mirrors *mirrors;
	Share *share;
	Track *camera;
	Track *higher[2]; /* layers of it; NULL: it has none */
	ParamsMedia media;
	unsigned told[SPREAD_PLAN + 1];
	unsigned past, taken, unknown, wishes;
	unsigned number;
} Setting;

static void on_tell(unsigned worker, SpreadNews *news, void *user)
{
	Setting *set = user;
	g_assert_cmpuint(worker, ==, 1);
	set->told[news->kind]++;
	set->past += news->past_count;
	if (share_serial(set->share) == news->serial)
		share_news(set->share, news, 1000);
	spread_news_free(news);
}

static void on_wish(Share *share, uint64_t track, void *user)
{
	Setting *set = user;
	set->wishes++;
}

static void on_take(unsigned from, uint64_t track, Packet *packet, void *user)
{
	Setting *set = user;
	if (share_packet(set->mirrors, track, packet, 1000))
		set->taken++;
	else
		set->unknown++;
	packet_unref(packet);
}

static Setting *set_up(void)
{
	Setting *set = g_new0(Setting, 1);
	Mesh *mesh = mesh_new(2, NULL);
	set->home = (Gear){ .worker = worker_new(0, NULL),
		.pool = packet_pool_new(),
		.stats = &set->stats,
		.mesh = mesh };
	set->away = (Gear){ .worker = worker_new(1, NULL), .stats = &set->stats, .mesh = mesh };
	set->media = (ParamsMedia){ .video = true, .source = SOURCE_CAMERA };
	set->media.payload_type[CODEC_H264] = 96;
	set->camera = track_new("hall", &set->media);
	set->spread = spread_new(&set->home, "stage", on_tell, set);
	set->mirrors = mirrors_new();
	set->share = share_new(&set->away, set->mirrors, "stage", 0, 7, on_wish, set);
	spread_add(set->spread, set->camera);
	return set;
}

/* The camera comes in two more sizes. */
static void add_layers(Setting *set)
{
	for (unsigned i = 0; i < 2; i++) {
		set->higher[i] = track_new("hall", &set->media);
		track_link(set->higher[i], (uint8_t)(i + 1), set->camera);
		spread_add(set->spread, set->higher[i]);
	}
}

static void tear_down(Setting *set)
{
	for (unsigned i = 0; i < 2 && set->higher[i]; i++) {
		spread_remove(set->spread, set->higher[i]);
		track_unlink(set->higher[i]);
		track_free(set->higher[i]);
	}
	spread_remove(set->spread, set->camera);
	share_free(set->share);
	mirrors_free(set->mirrors);
	spread_free(set->spread);
	track_free(set->camera);
	mesh_free(set->home.mesh);
	packet_pool_free(set->home.pool);
	worker_free(set->home.worker);
	worker_free(set->away.worker);
	g_free(set);
}

static void speak(Setting *set, bool keyframe)
{
	Packet *packet = packet_new(set->home.pool);
	packet->rtp.sequence = (uint16_t)++set->number;
	packet->rtp.payload_at = 12;
	packet->rtp.payload_len = 20;
	packet->rtp.timestamp = set->number * 3000;
	packet->data[13] = 0x80;                   /* the first slice of its picture */
	packet->data[12] = keyframe ? 0x65 : 0x61; /* H.264: IDR, or not (RFC 6184 §5.2) */
	packet->arrived_us = 1000;
	g_assert_true(track_receive(set->camera, packet, 1000));
	g_assert_cmpint(packet->keyframe, ==, keyframe);
	spread_packet(set->spread, set->camera, packet);
	packet_unref(packet);
}

static void test_past(void)
{
	Setting *set = set_up();
	for (unsigned i = 0; i < 30; i++)
		speak(set, i == 10);
	g_assert_cmpuint(set->stats.passed_on_total, ==, 0);
	spread_join(set->spread, 1, 7, 1000);
	g_assert_cmpuint(set->told[SPREAD_OPEN], ==, 1);
	g_assert_cmpuint(set->told[SPREAD_PLAN], ==, 1);
	g_assert_cmpuint(set->past, ==, 20);
	for (unsigned i = 0; i < 30; i++)
		speak(set, false);
	spread_leave(set->spread, 1, 6); /* an earlier share's */
	speak(set, false);
	mesh_take(set->away.mesh, 1, on_take, set);
	g_assert_cmpuint(set->taken, ==, 31);
	spread_leave(set->spread, 1, 7);
	speak(set, false);
	g_assert_cmpuint(set->stats.passed_on_total, ==, 31);
	tear_down(set);
}

static void test_full(void)
{
	Setting *set = set_up();
	spread_join(set->spread, 1, 7, 1000);
	for (unsigned i = 0; i < MESH_RING + 100; i++)
		speak(set, i == 0);
	g_assert_cmpuint(set->told[SPREAD_SHED], ==, 1);
	g_assert_cmpuint(set->stats.ring_full_total, ==, 100);
	mesh_take(set->away.mesh, 1, on_take, set);
	g_assert_cmpuint(set->taken, ==, MESH_RING);
	for (unsigned i = 0; i < 50; i++)
		speak(set, false); /* of no use to anybody there */
	mesh_take(set->away.mesh, 1, on_take, set);
	g_assert_cmpuint(set->taken, ==, MESH_RING);
	speak(set, true);
	speak(set, false);
	mesh_take(set->away.mesh, 1, on_take, set);
	g_assert_cmpuint(set->taken, ==, MESH_RING + 2);
	g_assert_cmpuint(set->told[SPREAD_SHED], ==, 1);
	tear_down(set);
}

static void test_anew(void)
{
	Setting *set = set_up();
	spread_join(set->spread, 1, 7, 1000);
	for (unsigned i = 0; i < 10; i++)
		speak(set, i == 0);
	track_restart(set->camera, 99);
	set->number = 60000;
	for (unsigned i = 0; i < 10; i++)
		speak(set, i == 0);
	g_assert_cmpuint(set->told[SPREAD_CLOSE], ==, 1);
	g_assert_cmpuint(set->told[SPREAD_OPEN], ==, 2);
	mesh_take(set->away.mesh, 1, on_take, set);
	g_assert_cmpuint(set->unknown, ==, 10); /* the old stream's, still on their way */
	g_assert_cmpuint(set->taken, ==, 10);
	tear_down(set);
}

static void say(Setting *set, Track *track, bool keyframe)
{
	Track *camera = set->camera;
	set->camera = track;
	speak(set, keyframe);
	set->camera = camera;
}

/* What the share has are layers of one picture, smallest first, alive as they are at home. */
static void check_mirrors(Setting *set, unsigned alive)
{
	const Track *home[] = { set->camera, set->higher[0], set->higher[1] };
	Track *mirror = share_track(set->mirrors, set->camera->id);
	for (unsigned i = 0; i < 3; i++) {
		g_assert_nonnull(mirror);
		g_assert_true(mirror == share_track(set->mirrors, home[i]->id));
		g_assert_cmpuint(mirror->layer, ==, i);
		g_assert_cmpint(track_is_alive(mirror, 2000), ==, (alive & 1u << i) != 0);
		mirror = mirror->higher;
	}
	g_assert_null(mirror);
}

/* The mirrors of a camera's layers are layers as well, whichever of them begins anew. */
static void test_layers(void)
{
	Setting *set = set_up();
	add_layers(set);
	spread_join(set->spread, 1, 7, 1000);
	check_mirrors(set, 0);
	say(set, set->camera, true);
	say(set, set->higher[1], true);
	mesh_take(set->away.mesh, 1, on_take, set);
	check_mirrors(set, 5);
	for (unsigned i = 0; i < 3; i++) {
		Track *track = i ? set->higher[i - 1] : set->camera;
		track_restart(track, 100 + i);
		say(set, track, true);
		mesh_take(set->away.mesh, 1, on_take, set);
		check_mirrors(set, i ? 7 : 5);
	}
	g_assert_cmpuint(set->told[SPREAD_CLOSE], ==, 3);
	tear_down(set);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/spread/a-share-begins-with-the-last-keyframe", test_past);
	g_test_add_func("/spread/a-full-ring-sheds-until-a-keyframe", test_full);
	g_test_add_func("/spread/a-stream-that-begins-anew-is-another", test_anew);
	g_test_add_func("/spread/layers-are-layers-there-as-well", test_layers);
	return g_test_run();
}
