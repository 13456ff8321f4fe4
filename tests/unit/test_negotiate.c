/* What we agree to with the offers that real stacks make. */
#include "sfu/negotiate.h"
#include <string.h>

static char *sample(const char *name)
{
	g_autofree char *path =
		g_build_filename(TEST_SOURCE_ROOT, "tests/protocol/sdp", name, NULL);
	char *text = NULL;
	g_autoptr(GError) error = NULL;
	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	return text;
}

static bool agree(const char *offer, Role role, const NegotiateSource *sources, unsigned count,
	Params *params, char **answer)
{
	static const SdpCandidate candidates[] = { { "192.0.2.1", 8444, false },
		{ "192.0.2.1", 8444, true } };
	const Negotiate ask = { .id = "peer",
		.stage = "stage",
		.owner = "owner",
		.role = role,
		.offer = offer,
		.sources = sources,
		.source_count = count,
		.worker = 3,
		.fingerprint = "AB:CD",
		.candidates = candidates,
		.candidate_count = 2 };
	g_autoptr(GError) error = NULL;
	bool fine = negotiate(&ask, params, answer, &error);
	g_assert_true(fine || error);
	return fine;
}

static unsigned count_of(const char *text, const char *word)
{
	unsigned count = 0;
	for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
		count++;
	return count;
}

static void test_viewers(void)
{
	static const char *const offers[] = { "chromium-receive.sdp", "firefox-receive.sdp" };
	for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
		g_autofree char *offer = sample(offers[i]);
		g_autofree char *answer = NULL;
		Params params;
		g_assert_true(agree(offer, ROLE_VIEWER, NULL, 0, &params, &answer));
		g_assert_cmpuint(params.media_count, ==, SLOT_COUNT);
		for (unsigned m = 0; m < SLOT_COUNT; m++) {
			const ParamsMedia *media = &params.media[m];
			g_assert_cmpint(media->slot, ==, (int)m);
			g_assert_cmpuint(media->ssrc, !=, 0);
			g_assert_cmpint(media->payload_type[CODEC_OPUS] != 0, ==,
				slot_is_audio(media->slot));
			g_assert_cmpint(media->payload_type[CODEC_VP8] != 0, ==,
				!slot_is_audio(media->slot));
			g_assert_cmpuint(media->extensions.id[RTP_EXT_TRANSPORT_CC], !=, 0);
			g_assert_cmpint(media->extensions.id[RTP_EXT_PLAYOUT_DELAY] != 0, ==,
				!slot_is_audio(media->slot));
			for (unsigned other = 0; other < m; other++)
				g_assert_cmpuint(params.media[other].ssrc, !=, media->ssrc);
		}
		g_assert_cmpint(ice_worker_of(params.ice.local.ufrag), ==, 3);
		g_assert_cmpuint(count_of(answer, "a=sendonly"), ==, SLOT_COUNT);
		g_assert_cmpuint(count_of(answer, "tcptype passive"), ==, 1);
		g_assert_nonnull(strstr(answer, "a=msid:main a0"));
		g_assert_null(strstr(answer, "red/90000"));
		g_assert_null(strstr(answer, "ulpfec"));
	}
}

/* Without the lines that have this word. */
static char *without(const char *text, const char *word)
{
	g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
	GString *rest = g_string_new(NULL);
	for (char **line = lines; *line; line++)
		if (**line && !strstr(*line, word))
			g_string_append_printf(rest, "%s\r\n", *line);
	return g_string_free(rest, FALSE);
}

/* Who cannot tell of each packet is asked to tell of the whole, and is sent what that takes; nobody
 * else is. */
static void test_viewers_that_tell_of_the_whole(void)
{
	g_autofree char *offer = sample("chromium-receive.sdp");
	g_autofree char *fewer = without(offer, "transport-cc");
	g_autofree char *answer = NULL, *whole = NULL;
	Params params;
	g_assert_true(agree(fewer, ROLE_VIEWER, NULL, 0, &params, &whole));
	g_assert_cmpuint(count_of(whole, "goog-remb"), ==, 4); /* two pictures, two codecs */
	for (unsigned m = 0; m < SLOT_COUNT; m++) {
		const ParamsMedia *media = &params.media[m];
		g_assert_cmpuint(media->extensions.id[RTP_EXT_TRANSPORT_CC], ==, 0);
		g_assert_cmpint(media->remb, ==, !slot_is_audio(media->slot));
		g_assert_cmpint(media->extensions.id[RTP_EXT_ABS_SEND_TIME] != 0, ==, media->remb);
	}
	g_assert_true(agree(offer, ROLE_VIEWER, NULL, 0, &params, &answer));
	g_assert_cmpuint(count_of(answer, "goog-remb"), ==, 0);
	for (unsigned m = 0; m < SLOT_COUNT; m++)
		g_assert_cmpuint(params.media[m].extensions.id[RTP_EXT_ABS_SEND_TIME], ==, 0);
}

static void test_publishers(void)
{
	static const char *const offers[] = { "chromium-send.sdp", "firefox-send.sdp" };
	for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
		g_autofree char *offer = sample(offers[i]);
		g_autofree char *answer = NULL;
		Params params;
		g_assert_true(agree(offer, ROLE_PUBLISHER, NULL, 0, &params, &answer));
		g_assert_cmpuint(params.media_count, ==, SOURCE_COUNT);
		for (unsigned m = 0; m < SOURCE_COUNT; m++) {
			g_assert_cmpint(params.media[m].source, ==, (int)m);
			g_assert_cmpuint(params.media[m].payload_type[CODEC_H264], ==, 0);
		}
		g_assert_cmpuint(count_of(answer, "a=recvonly"), ==, SOURCE_COUNT);
		g_assert_null(strstr(answer, "a=ssrc:"));
		g_assert_null(strstr(answer, "red/"));
		g_assert_cmpuint(params.media[SOURCE_MIC].red_payload_type, ==, 0);
		const char *opus = strstr(answer, "a=fmtp:");
		g_assert_nonnull(opus);
		g_assert_nonnull(strstr(opus, "useinbandfec=1"));
		g_assert_nonnull(strstr(opus, "maxaveragebitrate=24000"));
	}
}

/* Chromium offers to read RED, Firefox does not. Opus stays the first. */
static void test_red(void)
{
	static const struct {
		const char *offer, *formats;
		uint8_t payload_type;
	} offers[] = { { "chromium-receive.sdp", "UDP/TLS/RTP/SAVPF 111 63\r\n", 63 },
		{ "firefox-receive.sdp", "UDP/TLS/RTP/SAVPF 109\r\n", 0 } };
	for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
		g_autofree char *offer = sample(offers[i].offer);
		g_autofree char *answer = NULL;
		Params params;
		g_assert_true(agree(offer, ROLE_VIEWER, NULL, 0, &params, &answer));
		for (unsigned m = 0; m < SLOT_COUNT; m++)
			g_assert_cmpuint(params.media[m].red_payload_type, ==,
				slot_is_audio((SlotName)m) ? offers[i].payload_type : 0);
		g_assert_cmpuint(count_of(answer, offers[i].formats), ==, 3);
		g_assert_cmpuint(count_of(answer, "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111"),
			==, offers[i].payload_type ? 3 : 0);
	}
}

/* What we would not send, or somebody else could not read, is not agreed to. */
static void test_red_of_another_kind(void)
{
	static const struct {
		const char *from, *to;
	} changes[] = { { "a=fmtp:63 111/111", "a=fmtp:63 9/9" },
		{ "a=fmtp:63 111/111", "a=fmtp:63 111/9" }, { "a=fmtp:63 111/111", "a=x:" },
		{ "red/48000/2", "red/8000" }, { "red/48000/2", "red/48000" } };
	for (unsigned i = 0; i < G_N_ELEMENTS(changes); i++) {
		g_autofree char *whole = sample("chromium-receive.sdp");
		g_autofree char *answer = NULL;
		g_autoptr(GString) offer = g_string_new(whole);
		Params params;
		g_string_replace(offer, changes[i].from, changes[i].to, 0);
		g_assert_true(agree(offer->str, ROLE_VIEWER, NULL, 0, &params, &answer));
		g_assert_cmpuint(params.media_count, ==, SLOT_COUNT);
		g_assert_cmpuint(params.media[SLOT_A0].red_payload_type, ==, 0);
		g_assert_cmpuint(params.media[SLOT_A0].payload_type[CODEC_OPUS], ==, 111);
		g_assert_null(strstr(answer, "red/"));
	}
}

static void test_sources_as_told(void)
{
	g_autofree char *offer = sample("chromium-send.sdp");
	g_autofree char *answer = NULL;
	Params params;
	const NegotiateSource sources[] = { { "0", SOURCE_MIC }, { "1", SOURCE_SCREEN } };
	g_assert_true(agree(offer, ROLE_PUBLISHER, sources, 2, &params, &answer));
	g_assert_cmpuint(params.media_count, ==, 2);
	g_assert_cmpint(params.media[1].source, ==, SOURCE_SCREEN);
	g_assert_cmpuint(count_of(answer, "a=inactive"), ==, 1);
}

static char *changed(const char *name, const char *what, const char *into)
{
	g_autofree char *offer = sample(name);
	g_auto(GStrv) parts = g_strsplit(offer, what, -1);
	g_assert_cmpuint(g_strv_length(parts), >, 1);
	return g_strjoinv(into, parts);
}

/* How many layers the camera of this offer is taken in; "q;h;f" of them. */
static unsigned layers_of(const char *offer, const char *told)
{
	g_autofree char *answer = NULL;
	g_autofree char *line = told ? g_strdup_printf("a=simulcast:recv %s\r\n", told) : NULL;
	Params params;
	g_assert_true(agree(offer, ROLE_PUBLISHER, NULL, 0, &params, &answer));
	g_assert_cmpint(params.media[1].source, ==, SOURCE_CAMERA);
	unsigned count = params.media[1].rid_count;
	g_assert_cmpuint(count_of(answer, "a=simulcast:"), ==, told != NULL);
	g_assert_cmpuint(count_of(answer, "a=rid:"), ==, count);
	g_assert_true(!line || strstr(answer, line));
	for (unsigned m = 0; m < params.media_count; m++)
		g_assert_true(m == 1 || !params.media[m].rid_count);
	return count;
}

static void test_layers(void)
{
	static const char *const offers[] = { "chromium-simulcast.sdp", "firefox-simulcast.sdp" };
	for (unsigned i = 0; i < G_N_ELEMENTS(offers); i++) {
		g_autofree char *offer = sample(offers[i]);
		g_autofree char *nameless = changed(offers[i], "sdes:rtp-stream-id", "sdes:other");
		g_autofree char *two = changed(offers[i], "send q;h;f", "send h;f");
		g_autofree char *one = changed(offers[i], "send q;h;f", "send f");
		g_autofree char *paused = changed(offers[i], "send q;h;f", "send q;~h;~f");
		g_autofree char *twice = changed(offers[i], "send q;h;f", "send h;h;q;h");
		g_autofree char *unknown = changed(offers[i], "send q;h;f", "send x;y;z");
		g_assert_cmpuint(layers_of(offer, "q;h;f"), ==, 3);
		g_assert_cmpuint(layers_of(two, "h;f"), ==, 2);
		g_assert_cmpuint(layers_of(paused, "q;h;f"), ==, 3);
		g_assert_cmpuint(layers_of(twice, "h;q"), ==, 2);
		g_assert_cmpuint(layers_of(one, NULL), ==, 0);
		g_assert_cmpuint(layers_of(unknown, NULL), ==, 0);
		g_assert_cmpuint(layers_of(nameless, NULL), ==, 0);
	}
	g_autofree char *h264 = changed(offers[0], " VP8/90000", " VP7/90000");
	g_assert_cmpuint(layers_of(h264, NULL), ==, 0);
	g_autofree char *many = changed(
		offers[0], "a=simulcast:send q;h;f", "a=rid:x send\r\na=simulcast:send q;h;f;x");
	g_assert_cmpuint(layers_of(many, "q;h;f"), ==, 3);
}

/* A screen is like a camera in this; its small size is what weak lines see of it. */
static void test_screen_with_layers(void)
{
	g_autofree char *offer = sample("chromium-simulcast.sdp");
	g_autofree char *answer = NULL;
	Params params;
	const NegotiateSource sources[] = { { "0", SOURCE_MIC }, { "1", SOURCE_SCREEN } };
	g_assert_true(agree(offer, ROLE_PUBLISHER, sources, 2, &params, &answer));
	g_assert_cmpint(params.media[1].source, ==, SOURCE_SCREEN);
	g_assert_cmpuint(params.media[1].rid_count, ==, 3);
	g_assert_cmpuint(count_of(answer, "a=simulcast:"), ==, 1);
}

static void test_nothing_to_agree(void)
{
	g_autofree char *offer = sample("chromium-receive.sdp");
	g_autofree char *answer = NULL;
	Params params;
	/* Who only receives publishes nothing. */
	g_assert_false(agree(offer, ROLE_PUBLISHER, NULL, 0, &params, &answer));
	g_assert_false(agree("v=0\r\n", ROLE_VIEWER, NULL, 0, &params, &answer));
	g_assert_false(agree("", ROLE_VIEWER, NULL, 0, &params, &answer));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/negotiate/a-viewer-gets-three-voices-and-two-pictures", test_viewers);
	g_test_add_func(
		"/negotiate/viewers-that-tell-of-the-whole", test_viewers_that_tell_of_the_whole);
	g_test_add_func("/negotiate/a-publisher-gives-voice-camera-and-screen", test_publishers);
	g_test_add_func("/negotiate/a-viewer-who-reads-red-may-get-it", test_red);
	g_test_add_func("/negotiate/red-of-another-kind-is-left-out", test_red_of_another_kind);
	g_test_add_func("/negotiate/sources-are-what-signaling-says", test_sources_as_told);
	g_test_add_func("/negotiate/a-camera-comes-in-up-to-three-sizes", test_layers);
	g_test_add_func("/negotiate/a-screen-comes-in-several-sizes", test_screen_with_layers);
	g_test_add_func("/negotiate/nothing-in-common-is-refused", test_nothing_to_agree);
	return g_test_run();
}
