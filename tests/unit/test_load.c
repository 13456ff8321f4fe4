#include "sfu/ice.h"
#include "tests/bench/fragment.h"
#include "tests/bench/histogram.h"
#include "tests/bench/source.h"
#include "tests/bench/stamp.h"
#include "tests/bench/stream.h"
#include "tests/bench/stun.h"
#include <glib.h>
#include <netinet/in.h>
#include <string.h>

static void receive(Stream *stream, uint16_t sequence)
{
	stream_packet(stream, sequence, sequence * 3000u, 1000, sequence * 1000);
}

static void counts_across_the_wrap(void)
{
	Stream stream;
	stream_init(&stream, 1, 2, 90000);
	for (unsigned i = 0; i < 70000; i++)
		receive(&stream, (uint16_t)(65000 + i));
	g_assert_cmpuint(stream.counts.received, ==, 70000);
	g_assert_cmpuint(stream.counts.missing, ==, 0);
	g_assert_cmpuint(stream.highest - stream.first, ==, 69999);
}

static void asks_for_what_is_missing_and_sees_it_mended(void)
{
	Stream stream;
	uint16_t lost[STREAM_ASK_MAX];
	stream_init(&stream, 1, 2, 90000);
	receive(&stream, 65534);
	receive(&stream, 2); /* 65535, 0, 1 */
	g_assert_cmpuint(stream.counts.missing, ==, 3);
	g_assert_cmpuint(stream_due(&stream, lost, 1), ==, 3);
	g_assert_cmpuint(lost[0], ==, 65535);
	g_assert_cmpuint(lost[2], ==, 1);
	g_assert_cmpuint(stream_due(&stream, lost, 2), ==, 0); /* not so soon again */
	stream_repair(&stream, 65535, 1000);
	stream_repair(&stream, 65535, 1000);
	receive(&stream, 0);
	receive(&stream, 0);
	g_assert_cmpuint(stream.counts.repaired, ==, 1);
	g_assert_cmpuint(stream.counts.late, ==, 1);
	g_assert_cmpuint(stream.counts.duplicates, ==, 2);
	g_assert_cmpuint(stream.counts.received, ==, 4);
	g_assert_cmpuint(stream_due(&stream, lost, STREAM_ASK_US + 1), ==, 1);
	g_assert_cmpuint(lost[0], ==, 1);
}

static void gives_up_asking(void)
{
	Stream stream;
	uint16_t lost[STREAM_ASK_MAX];
	int64_t now_us = 1;
	stream_init(&stream, 1, 2, 90000);
	receive(&stream, 10);
	receive(&stream, 12);
	for (unsigned i = 0; i < STREAM_TRIES; i++, now_us += STREAM_ASK_US)
		g_assert_cmpuint(stream_due(&stream, lost, now_us), ==, 1);
	g_assert_cmpuint(stream_due(&stream, lost, now_us), ==, 0);
	g_assert_cmpuint(stream.gap_count, ==, 0);
}

static void survives_an_outage(void)
{
	Stream stream;
	stream_init(&stream, 1, 2, 90000);
	receive(&stream, 0);
	receive(&stream, 20000);
	receive(&stream, 20001);
	g_assert_cmpuint(stream.counts.missing, ==, 19999);
	g_assert_cmpuint(stream.counts.received, ==, 3);
	g_assert_cmpuint(stream.gap_count, <=, STREAM_ASK_MAX);
}

static void quantiles_are_near(void)
{
	g_autofree Histogram *histogram = g_new0(Histogram, 1);
	for (int64_t i = 1; i <= 100000; i++)
		histogram_add(histogram, i);
	histogram_add(histogram, -5);
	g_assert_cmpint(histogram_quantile(histogram, 0.5), >=, 50000);
	g_assert_cmpint(histogram_quantile(histogram, 0.5), <=, 51600);
	g_assert_cmpint(histogram_quantile(histogram, 0.99), <=, 100000);
	g_assert_cmpint(histogram_quantile(histogram, 1), ==, 100000);
	g_assert_cmpint(histogram->max, ==, 100000);
	*histogram = (Histogram){ 0 };
	g_assert_cmpint(histogram_quantile(histogram, 0.5), ==, 0);
}

static const char *password_of(const char *ufrag, const char **remote, void *user)
{
	*remote = "theirs";
	return strcmp(ufrag, "aservers") == 0 ? "a-password-of-the-server" : NULL;
}

/* The other's codec reads what ours writes, and ours what the other's writes. */
static void check_and_answer_agree_with_libnice(void)
{
	StunCheck check = { .username = "aservers:theirs",
		.password = "a-password-of-the-server",
		.tie_breaker = 7,
		.transaction = "abcdefghijkl" };
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(5000) };
	uint8_t data[STUN_CHECK_MAX];
	IceCheck seen;
	Ice *ice = ice_new();
	size_t len = stun_write_check(data, sizeof data, &check);
	g_assert_cmpint(
		ice_read(ice, data, len, (struct sockaddr *)&from, password_of, NULL, &seen), ==,
		ICE_CHECK);
	g_assert_true(seen.nominated);
	g_assert_true(stun_is_answer(seen.reply, seen.reply_len, &check));
	for (size_t i = 0; i < seen.reply_len; i++) {
		bool covered = i < seen.reply_len - 8u; /* FINGERPRINT is not looked at */
		seen.reply[i] ^= 1;
		g_assert_true(!covered || !stun_is_answer(seen.reply, seen.reply_len, &check));
		seen.reply[i] ^= 1;
	}
	ice_free(ice);
}

/* What a full agent wants to hear: the success, its own address, our password. */
static void a_check_is_answered_as_libnice_would(void)
{
	StunCheck check = { .username = "aservers:theirs",
		.password = "a-password-of-the-server",
		.transaction = "abcdefghijkl",
		.controlled = true };
	const uint8_t mapped[] = { 0, 0x20, 0, 8, 0, 1, 0x13 ^ 0x21, 0x88 ^ 0x12, 10 ^ 0x21,
		99 ^ 0x12, 0 ^ 0xa4, 1 ^ 0x42 };
	struct sockaddr_in from = {
		.sin_family = AF_INET, .sin_port = htons(5000), .sin_addr.s_addr = htonl(0x0a630001)
	};
	uint8_t request[STUN_CHECK_MAX], data[STUN_CHECK_MAX];
	size_t len = stun_write_check(request, sizeof request, &check);
	g_assert_true(stun_is_request(request, len));
	len = stun_write_answer(data, sizeof data, request, &from, check.password);
	g_assert_false(stun_is_request(data, len));
	g_assert_true(stun_is_answer(data, len, &check));
	g_assert_cmpmem(data + 20, sizeof mapped, mapped, sizeof mapped);
	g_assert_cmpuint(stun_write_answer(data, 40, request, &from, check.password), ==, 0);
}

static void a_restart_names_new_credentials(void)
{
	Offer offer;
	offer_init(&offer, "AB:CD", true);
	const Offer before = offer;
	offer_renew(&offer);
	g_assert_cmpstr(offer.ufrag, !=, before.ufrag);
	g_assert_cmpstr(offer.pwd, !=, before.pwd);
	g_assert_cmpuint(offer.camera_ssrc, ==, before.camera_ssrc);
	g_assert_cmpstr(offer.fingerprint, ==, "AB:CD");

	g_autofree char *fragment = fragment_write(&offer);
	g_autofree char *expected = g_strdup_printf("a=group:BUNDLE 0\r\n"
						    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
						    "a=mid:0\r\n"
						    "a=ice-ufrag:%s\r\n"
						    "a=ice-pwd:%s\r\n",
		offer.ufrag, offer.pwd);
	g_assert_cmpstr(fragment, ==, expected);
}

#define PWD "a+password/of+the+server1"

static void their_new_credentials_are_read(void)
{
	static const char *const fragments[] = {
		"a=ice-lite\r\na=group:BUNDLE 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
		"a=ice-ufrag:Anew/one\r\na=ice-pwd:" PWD "\r\n"
		"a=candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host\r\n"
		"a=end-of-candidates\r\n",
		"a=ice-pwd:" PWD "\na=ice-ufrag:Anew/one\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0",
		"a=ice-ufrag:Anew/one\r\na=ice-pwd:" PWD "\r\na=ice-ufrag:another\r\n",
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(fragments); i++) {
		Answer answer = { .ufrag = "before", .pwd = "before", .candidate_count = 1 };
		g_autoptr(GError) error = NULL;
		g_assert_true(fragment_read(&answer, fragments[i], &error));
		g_assert_no_error(error);
		g_assert_cmpstr(answer.ufrag, ==, "Anew/one");
		g_assert_cmpstr(answer.pwd, ==, PWD);
		g_assert_cmpuint(answer.candidate_count, ==, 1);
	}
}

static void what_names_no_credentials_is_refused(void)
{
	g_autofree char *long_name = g_strnfill(257, 'a');
	g_autofree char *too_long =
		g_strdup_printf("a=ice-ufrag:%s\r\na=ice-pwd:" PWD "\r\n", long_name);
	const char *const fragments[] = { "", "a=ice-ufrag:Anew/one\r\n", "a=ice-pwd:" PWD "\r\n",
		"a=ice-ufrag:Ane\r\na=ice-pwd:" PWD "\r\n",
		"a=ice-ufrag:Anew/one\r\na=ice-pwd:tooshort\r\n",
		"a=ice-ufrag:Anew:one\r\na=ice-pwd:" PWD "\r\n", too_long };
	for (unsigned i = 0; i < G_N_ELEMENTS(fragments); i++) {
		Answer answer = { .ufrag = "before", .pwd = "before" };
		g_autoptr(GError) error = NULL;
		g_assert_false(fragment_read(&answer, fragments[i], &error));
		g_assert_nonnull(error);
		g_assert_cmpstr(answer.ufrag, ==, "before");
		g_assert_cmpstr(answer.pwd, ==, "before");
	}
}

static void frames_have_the_wanted_rate(void)
{
	Source *source = source_new(NULL, 1500);
	Frame frame;
	size_t sum = 0, largest = 0;
	unsigned keyframes = 0;
	for (unsigned i = 0; i < 60 * SOURCE_FPS; i++) {
		source_next(source, false, &frame);
		sum += frame.len;
		largest = MAX(largest, frame.len);
		keyframes += frame.keyframe;
		g_assert_true(frame.keyframe == !(frame.data[0] & 1));
	}
	g_assert_cmpuint(keyframes, ==, 60 / SOURCE_KEYFRAME_S);
	g_assert_cmpuint(sum * 8 / 60000, >=, 1470);
	g_assert_cmpuint(sum * 8 / 60000, <=, 1530);
	g_assert_cmpuint(largest, >, 3 * sum / (60 * SOURCE_FPS));
	source_next(source, true, &frame);
	g_assert_true(frame.keyframe);
	source_free(source);
}

static void a_stamp_comes_back(void)
{
	uint8_t payload[SOURCE_SOUND_LEN];
	int64_t sent_us = 0;
	source_sound(payload);
	g_assert_false(stamp_read(payload, sizeof payload, &sent_us));
	stamp_write(payload, sizeof payload, 123456789);
	g_assert_true(stamp_read(payload, sizeof payload, &sent_us));
	g_assert_cmpint(sent_us, ==, 123456789);
	g_assert_false(stamp_read(payload, STAMP_LEN - 1, &sent_us));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/load/stream/counts-across-the-wrap", counts_across_the_wrap);
	g_test_add_func("/load/stream/asks-for-what-is-missing-and-sees-it-mended",
		asks_for_what_is_missing_and_sees_it_mended);
	g_test_add_func("/load/stream/gives-up-asking", gives_up_asking);
	g_test_add_func("/load/stream/survives-an-outage", survives_an_outage);
	g_test_add_func("/load/histogram/quantiles-are-near", quantiles_are_near);
	g_test_add_func("/load/stun/a-check-is-answered-as-libnice-would",
		a_check_is_answered_as_libnice_would);
	g_test_add_func("/load/stun/check-and-answer-agree-with-libnice",
		check_and_answer_agree_with_libnice);
	g_test_add_func(
		"/load/fragment/a-restart-names-new-credentials", a_restart_names_new_credentials);
	g_test_add_func(
		"/load/fragment/their-new-credentials-are-read", their_new_credentials_are_read);
	g_test_add_func("/load/fragment/what-names-no-credentials-is-refused",
		what_names_no_credentials_is_refused);
	g_test_add_func("/load/source/frames-have-the-wanted-rate", frames_have_the_wanted_rate);
	g_test_add_func("/load/stamp/comes-back", a_stamp_comes_back);
	return g_test_run();
}
