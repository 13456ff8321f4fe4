/* test_sdp.c - offers of real stacks (tests/protocol/sdp), bad ones, and our answers */
#include "sfu/sdp.h"
#include <gio/gio.h>
#include <string.h>

#define PRINT                                                                                      \
	"6E:45:FB:51:07:0C:98:70:AC:97:DE:61:A5:37:49:A5:6C:76:CC:2D:73:D9:D2:8A:ED:95:75:56:80:"  \
	"9B:C2:11"
#define OTHER_PRINT                                                                                \
	"00:45:FB:51:07:0C:98:70:AC:97:DE:61:A5:37:49:A5:6C:76:CC:2D:73:D9:D2:8A:ED:95:75:56:80:"  \
	"9B:C2:11"

/* What OBS sends (libdatachannel): transport at session level, two groups. The tests change it. */
static const char small[] = "v=0\r\n"
			    "o=rtc 3767197920 0 IN IP4 127.0.0.1\r\n"
			    "s=-\r\n"
			    "t=0 0\r\n"
			    "a=group:BUNDLE 0 1\r\n"
			    "a=group:LS 0 1\r\n"
			    "a=msid-semantic:WMS *\r\n"
			    "a=setup:actpass\r\n"
			    "a=ice-ufrag:jBhD\r\n"
			    "a=ice-pwd:OxVEUbCrZpjHSOaKfrqnXt\r\n"
			    "a=ice-options:ice2,trickle\r\n"
			    "a=fingerprint:sha-256 " PRINT "\r\n"
			    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
			    "c=IN IP4 0.0.0.0\r\n"
			    "a=mid:0\r\n"
			    "a=sendonly\r\n"
			    "a=ssrc:1001 cname:obs\r\n"
			    "a=ssrc:1001 msid:obs obs-audio\r\n"
			    "a=msid:obs obs-audio\r\n"
			    "a=rtcp-mux\r\n"
			    "a=rtpmap:111 opus/48000/2\r\n"
			    "a=fmtp:111 minptime=10;stereo=1;useinbandfec=1\r\n"
			    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"
			    "c=IN IP4 0.0.0.0\r\n"
			    "a=mid:1\r\n"
			    "a=sendonly\r\n"
			    "a=ssrc-group:FID 2001 2002\r\n"
			    "a=ssrc:2001 cname:obs\r\n"
			    "a=ssrc:2002 cname:obs\r\n"
			    "a=msid:obs obs-video\r\n"
			    "a=rtcp-mux\r\n"
			    "a=rtpmap:96 H264/90000\r\n"
			    "a=rtcp-fb:96 nack\r\n"
			    "a=rtcp-fb:96 nack pli\r\n"
			    "a=fmtp:96 profile-level-id=42e01f;packetization-mode=1\r\n"
			    "a=rtpmap:97 rtx/90000\r\n"
			    "a=fmtp:97 apt=96\r\n";

static SdpOffer *read_text(const char *text)
{
	g_autoptr(GError) error = NULL;
	SdpOffer *offer = sdp_read_offer(text, strlen(text), &error);
	g_assert_no_error(error);
	return offer;
}

static SdpOffer *read_sample(const char *name)
{
	g_autofree char *path =
		g_strdup_printf(TEST_SOURCE_ROOT "/tests/protocol/sdp/%s.sdp", name);
	g_autofree char *text = NULL;
	g_autoptr(GError) error = NULL;
	g_file_get_contents(path, &text, NULL, &error);
	g_assert_no_error(error);
	return read_text(text);
}

/* The small offer with `from` (which must be there) replaced wherever it stands. */
static char *changed(const char *from, const char *to)
{
	g_assert_nonnull(strstr(small, from));
	g_auto(GStrv) parts = g_strsplit(small, from, -1);
	return g_strjoinv(to, parts);
}

static SdpOffer *read_changed(const char *from, const char *to)
{
	g_autofree char *text = changed(from, to);
	return read_text(text);
}

static void assert_refused_text(const char *text, size_t len, int code, const char *says)
{
	g_autoptr(GError) error = NULL;
	g_assert_null(sdp_read_offer(text, len, &error));
	g_assert_error(error, G_IO_ERROR, code);
	g_assert_nonnull(strstr(error->message, says));
	g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void assert_refused(const char *from, const char *to, int code, const char *says)
{
	g_autofree char *text = changed(from, to);
	assert_refused_text(text, strlen(text), code, says);
}

static const SdpCodec *codec_named(const SdpMedia *media, SdpCodecName name)
{
	for (unsigned i = 0; i < media->codec_count; i++)
		if (media->codecs[i].name == name)
			return &media->codecs[i];
	return NULL;
}

static void assert_ids(const SdpMedia *media, const uint8_t expected[RTP_EXT_COUNT])
{
	g_assert_cmpmem(media->extensions.id, RTP_EXT_COUNT, expected, RTP_EXT_COUNT);
}

/* Each rtx repairs a codec that is there, each section is usable. */
static void assert_sound(const SdpOffer *offer)
{
	for (unsigned i = 0; i < offer->media_count; i++) {
		const SdpMedia *media = &offer->media[i];
		g_assert_true(media->bundled && !media->rejected);
		g_assert_cmpstr(media->mid, !=, "");
		if (media->kind == SDP_OTHER)
			continue;
		g_assert_true(media->rtcp_mux);
		g_assert_true(codec_named(media, SDP_OPUS) || codec_named(media, SDP_VP8) ||
			      codec_named(media, SDP_H264));
		for (unsigned k = 0; k < media->codec_count; k++) {
			bool found = media->codecs[k].name != SDP_RTX;
			for (unsigned r = 0; r < media->codec_count; r++)
				found |= media->codecs[r].payload_type == media->codecs[k].apt;
			g_assert_true(found);
		}
	}
}

static void reads_who_only_receives(void)
{
	static const char *const names[] = { "chromium-receive", "firefox-receive",
		"webrtcbin-receive", "werift-receive" };
	for (unsigned n = 0; n < G_N_ELEMENTS(names); n++) {
		g_test_message("%s", names[n]);
		g_autoptr(SdpOffer) offer = read_sample(names[n]);
		assert_sound(offer);
		g_assert_cmpuint(offer->media_count, ==, 5);
		for (unsigned i = 0; i < 5; i++) {
			g_assert_cmpint(offer->media[i].kind, ==, i < 3 ? SDP_AUDIO : SDP_VIDEO);
			g_assert_cmpint(offer->media[i].direction, ==, SDP_RECVONLY);
			g_assert_cmpuint(offer->media[i].extensions.id[RTP_EXT_MID], >, 0);
		}
	}
}

static void reads_who_sends(void)
{
	static const char *const names[] = { "chromium-send", "firefox-send", "webrtcbin-send",
		"werift-send", "chromium-simulcast", "firefox-simulcast" };
	for (unsigned n = 0; n < G_N_ELEMENTS(names); n++) {
		g_test_message("%s", names[n]);
		g_autoptr(SdpOffer) offer = read_sample(names[n]);
		assert_sound(offer);
		g_assert_cmpuint(offer->media_count, ==, 3);
		for (unsigned i = 0; i < 3; i++) {
			const SdpMedia *media = &offer->media[i];
			g_assert_cmpint(media->kind, ==, i < 1 ? SDP_AUDIO : SDP_VIDEO);
			g_assert_true(media->direction & SDP_SENDONLY);
			bool simulcast = n >= 4 && i == 1;
			g_assert_cmpuint(media->rid_count, ==, simulcast ? 3 : 0);
			if (simulcast) {
				g_assert_cmpstr(media->rids[0], ==, "q");
				g_assert_cmpstr(media->rids[1], ==, "h");
				g_assert_cmpstr(media->rids[2], ==, "f");
				g_assert_cmpuint(media->extensions.id[RTP_EXT_RID], >, 0);
			}
		}
	}
}

static void reads_chromium(void)
{
	g_autoptr(SdpOffer) offer = read_sample("chromium-receive");
	g_assert_true(offer->extmap_allow_mixed);
	g_assert_cmpuint(strlen(offer->ice.ufrag), ==, 4);
	const SdpMedia *audio = &offer->media[0], *video = &offer->media[3];
	assert_ids(audio, (const uint8_t[]){ 4, 0, 0, 1, 3, 2, 0, 0 });
	assert_ids(video, (const uint8_t[]){ 4, 10, 11, 0, 3, 2, 13, 5 });
	g_assert_cmpstr(audio->protocol, ==, "UDP/TLS/RTP/SAVPF");
	const SdpCodec *opus = codec_named(audio, SDP_OPUS);
	g_assert_cmpuint(opus->payload_type, ==, 111);
	g_assert_cmpuint(opus->clock_rate, ==, 48000);
	g_assert_cmpstr(opus->fmtp, ==, "minptime=10;useinbandfec=1");
	g_assert_true(opus->transport_cc && !opus->nack);
	g_assert_cmpuint(codec_named(audio, SDP_RED)->payload_type, ==, 63);
	const SdpCodec *vp8 = codec_named(video, SDP_VP8), *h264 = codec_named(video, SDP_H264);
	g_assert_cmpuint(vp8->payload_type, ==, 96);
	g_assert_true(vp8->nack && vp8->nack_pli && vp8->ccm_fir && vp8->transport_cc && vp8->remb);
	g_assert_cmpuint(codec_named(video, SDP_RTX)->apt, ==, 96);
	g_assert_cmphex(h264->profile_level_id, ==, 0x42001f);
	g_assert_cmpuint(h264->packetization_mode, ==, 1);
	/* 8 H.264 and VP8 with an RTX each, RED with its: those of AV1 and VP9 took no room */
	g_assert_cmpuint(video->codec_count, ==, 20);
}

static void reads_firefox(void)
{
	g_autoptr(SdpOffer) receive = read_sample("firefox-receive");
	g_autoptr(SdpOffer) send = read_sample("firefox-simulcast");
	/* a=extmap:9/sendonly (rid) is no use where it receives, 6/recvonly (delay) where it sends
	 */
	assert_ids(&receive->media[3], (const uint8_t[]){ 3, 0, 0, 0, 7, 4, 0, 6 });
	assert_ids(&send->media[1], (const uint8_t[]){ 3, 9, 10, 0, 7, 4, 0, 0 });
	const SdpMedia *video = &send->media[1];
	g_assert_cmpuint(codec_named(video, SDP_VP8)->payload_type, ==, 120);
	g_assert_true(codec_named(video, SDP_VP8)->nack_pli); /* a=rtcp-fb stands before a=rtpmap */
	g_assert_null(codec_named(video, SDP_H264));
	g_assert_cmpuint(video->ssrc_count, ==, 3);
	g_assert_cmpuint(video->ssrcs[0], ==, 2334681922);
	g_assert_cmpuint(video->rtx_ssrcs[0], ==, 1597928856);
	g_assert_cmpuint(video->ssrcs[2], ==, 692928343);
	g_assert_cmpuint(video->rtx_ssrcs[2], ==, 2554887685);
	g_assert_cmpstr(video->msid[0], ==, "{a2d9bc46-9349-4e48-9993-d9aa50e60aa3}");
	g_assert_cmpstr(video->msid[1], ==, "{7cc39a42-b0b8-4867-bbb4-c6792aa5107b}");
	g_assert_false(video->rejected); /* port 0, but bundle-only */
}

static void reads_other_stacks(void)
{
	g_autoptr(SdpOffer) gst = read_sample("webrtcbin-send");
	g_assert_cmpint(gst->media[1].direction, ==, SDP_SENDRECV);
	g_assert_cmpstr(gst->media[2].mid, ==, "video2");
	assert_ids(&gst->media[1], (const uint8_t[RTP_EXT_COUNT]){ 0 });
	g_assert_cmpuint(gst->media[0].ssrc_count, ==, 1);
	const SdpCodec *h264 = codec_named(&gst->media[2], SDP_H264);
	g_assert_cmphex(h264->profile_level_id, ==, 0x42c015); /* behind its long parameter sets */
	g_assert_cmpstr(h264->fmtp, ==, "");
	g_assert_true(h264->nack_pli && !h264->nack);
	g_autoptr(SdpOffer) werift = read_sample("werift-send");
	g_assert_cmpuint(werift->media[0].extensions.id[RTP_EXT_MID], ==, 1);
	g_assert_cmpuint(werift->media[1].extensions.id[RTP_EXT_MID], ==, 3); /* another id */
	g_autoptr(SdpOffer) data = read_sample("firefox-data");
	g_assert_cmpint(data->media[1].kind, ==, SDP_OTHER);
	g_assert_cmpstr(data->media[1].word, ==, "application");
	g_assert_cmpstr(data->media[1].format, ==, "webrtc-datachannel");
}

static void the_session_is_the_default(void)
{
	g_autoptr(SdpOffer) offer = read_text(small);
	assert_sound(offer);
	g_assert_cmpstr(offer->ice.ufrag, ==, "jBhD");
	g_assert_cmphex(offer->fingerprint.sha256[0], ==, 0x6e);
	g_assert_cmphex(offer->fingerprint.sha256[31], ==, 0x11);
	g_assert_false(offer->extmap_allow_mixed);
	g_assert_cmpuint(offer->media[1].ssrcs[0], ==, 2001);
	g_assert_cmpuint(offer->media[1].rtx_ssrcs[0], ==, 2002);
	g_assert_cmpuint(offer->media[1].ssrc_count, ==, 1);
	g_assert_cmpstr(offer->media[1].msid[1], ==, "obs-video");
	g_autoptr(SdpOffer) turned = read_changed("a=ssrc:2001 cname:obs\r\n",
		"a=ssrc:2003 cname:obs\r\na=ssrc:2002 cname:obs\r\na=ssrc:2001 cname:obs\r\n"
		"a=ssrc-group:FEC-FR 2001 2003\r\n");
	g_assert_cmpuint(turned->media[1].ssrcs[0], ==, 2001);
	g_assert_cmpuint(turned->media[1].ssrc_count, ==, 1);

	g_autofree char *inactive = changed("t=0 0\r\n", "t=0 0\r\na=inactive\r\n");
	g_autoptr(SdpOffer) own = read_text(inactive);
	g_assert_cmpint(own->media[0].direction, ==, SDP_SENDONLY); /* its own goes before */
	g_autoptr(SdpOffer) none = read_changed("a=sendonly\r\n", "");
	g_assert_cmpint(none->media[0].direction, ==, SDP_SENDRECV);
	g_auto(GStrv) parts = g_strsplit(inactive, "a=sendonly\r\n", -1);
	g_autofree char *bare = g_strjoinv("", parts);
	g_autoptr(SdpOffer) inherited = read_text(bare);
	g_assert_cmpint(inherited->media[0].direction, ==, SDP_INACTIVE);
	g_auto(GStrv) lines = g_strsplit(small, "\r\n", -1);
	g_autofree char *unix_lines = g_strjoinv("\n", lines);
	g_autoptr(SdpOffer) lenient = read_text(unix_lines);
	assert_sound(lenient);
}

static void feedback_finds_its_codec(void)
{
	g_autoptr(SdpOffer) offer = read_changed("a=rtcp-fb:96 nack pli\r\n",
		"a=rtcp-fb:* ccm fir\r\na=rtcp-fb:126 nack pli\r\n"
		"a=rtcp-fb:x nack pli\r\na=rtcp-fb:\r\na=rtcp-fb:*\r\n");
	const SdpCodec *h264 = codec_named(&offer->media[1], SDP_H264);
	g_assert_true(h264->nack && h264->ccm_fir && !h264->nack_pli);
	g_assert_true(codec_named(&offer->media[1], SDP_RTX)->ccm_fir);
	g_assert_false(codec_named(&offer->media[0], SDP_OPUS)->ccm_fir);
}

static void codecs_are_only_those_we_can_use(void)
{
	g_autoptr(SdpOffer) orphan = read_changed("apt=96", "apt=98");
	g_assert_null(codec_named(&orphan->media[1], SDP_RTX));
	g_autoptr(SdpOffer) self = read_changed("apt=96", "apt=97");
	g_assert_null(codec_named(&self->media[1], SDP_RTX));
	g_autoptr(SdpOffer) low = read_changed("111", "72"); /* RFC 5761: reads as RTCP */
	g_assert_cmpuint(low->media[0].codec_count, ==, 0);
	g_autoptr(SdpOffer) mono = read_changed("opus/48000/2", "opus/48000");
	g_assert_cmpuint(mono->media[0].codec_count, ==, 0);
	g_autoptr(SdpOffer) twice = read_changed("SAVPF 96 97", "SAVPF 96 97 96 97 300 -1 96x");
	g_assert_cmpuint(twice->media[1].codec_count, ==, 2);
	g_autoptr(SdpOffer) shouted = read_changed("opus/48000/2", "OPUS/48000/2");
	g_assert_cmpuint(shouted->media[0].codec_count, ==, 1);
	g_autoptr(SdpOffer) hex =
		read_changed("profile-level-id=42e01f", "profile-level-id=42e01f7");
	g_assert_cmphex(codec_named(&hex->media[1], SDP_H264)->profile_level_id, ==, 0);
	g_autoptr(SdpOffer) odd = read_changed("minptime=10;", "minptime=\xc3\xa9;");
	g_assert_cmpstr(odd->media[0].codecs[0].fmtp, ==, "");
}

static void extensions_keep_to_their_rules(void)
{
	static const struct {
		const char *lines;
		uint8_t mid, level;
	} cases[] = {
		{ "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 4, 0 },
		{ "a=extmap:14 urn:ietf:params:rtp-hdrext:sdes:mid an attribute\r\n", 14, 0 },
		{ "a=extmap:0 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 0, 0 },
		{ "a=extmap:15 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 0, 0 },
		{ "a=extmap:260 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 0, 0 },
		{ "a=extmap:4x urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 0, 0 },
		{ "a=extmap:4/sendonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 4, 0 },
		{ "a=extmap:4/sendrecv urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 4, 0 },
		{ "a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 0, 0 },
		{ "a=extmap:4/inactive urn:ietf:params:rtp-hdrext:sdes:mid\r\n", 0, 0 },
		{ "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
		  "a=extmap:4 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
			4, 0 },
		{ "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
		  "a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:mid\r\n",
			4, 0 },
		{ "a=extmap:1 urn:unknown\r\n"
		  "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
			0, 0 },
		{ "a=extmap\r\na=extmap:\r\na=extmap:1\r\na=extmap:2/\r\na=extmap:3 \r\n"
		  "a=extmap:6 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
			0, 6 },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *with = g_strconcat("a=mid:0\r\n", cases[i].lines, NULL);
		g_autoptr(SdpOffer) offer = read_changed("a=mid:0\r\n", with);
		const RtpExtensionIds *ids = &offer->media[0].extensions;
		g_assert_cmpuint(ids->id[RTP_EXT_MID], ==, cases[i].mid);
		g_assert_cmpuint(ids->id[RTP_EXT_AUDIO_LEVEL], ==, cases[i].level);
	}
	/* an id that means something else in an earlier section of the bundle means nothing */
	g_autofree char *text = changed("a=mid:0\r\n",
		"a=mid:0\r\na=extmap:4 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n");
	g_auto(GStrv) parts = g_strsplit(text, "a=mid:1\r\n", -1);
	g_autofree char *both =
		g_strjoinv("a=mid:1\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", parts);
	g_autoptr(SdpOffer) offer = read_text(both);
	g_assert_cmpuint(offer->media[0].extensions.id[RTP_EXT_AUDIO_LEVEL], ==, 4);
	g_assert_cmpuint(offer->media[1].extensions.id[RTP_EXT_MID], ==, 0);
}

static void layers_come_in_the_order_they_are_sent(void)
{
	static const struct {
		const char *lines, *rids;
	} cases[] = {
		{ "a=rid:q send\r\na=rid:f send pt=96\r\na=simulcast:send f;q\r\n", "f q" },
		{ "a=rid:q send\r\na=simulcast:recv x send q\r\n", "q" },
		{ "a=rid:a send\r\na=rid:b send\r\na=rid:c send\r\na=simulcast:send a,b;~c\r\n",
			"a c" },
		{ "a=rid:a recv\r\na=simulcast:send a\r\n", "" },
		{ "a=simulcast:send a;b\r\n", "" },
		{ "a=rid:a send\r\na=simulcast:recv a\r\n", "" },
		{ "a=rid:a/b send\r\na=simulcast:send a/b;;,;~\r\n", "" },
		{ "a=rid:01234567890123456 send\r\na=simulcast:send 01234567890123456\r\n", "" },
		{ "a=rid:1 send\r\na=rid:2 send\r\na=rid:3 send\r\na=rid:4 send\r\na=rid:5 send\r\n"
		  "a=simulcast:send 1;2;3;4;5\r\n",
			"1 2 3 4" },
	};
	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *with = g_strconcat("a=mid:1\r\n", cases[i].lines, NULL);
		g_autoptr(SdpOffer) offer = read_changed("a=mid:1\r\n", with);
		g_autoptr(GString) rids = g_string_new(NULL);
		for (unsigned k = 0; k < offer->media[1].rid_count; k++)
			g_string_append_printf(rids, "%s%s", k ? " " : "", offer->media[1].rids[k]);
		g_assert_cmpstr(rids->str, ==, cases[i].rids);
	}
}

static void credentials_are_those_of_the_first_in_the_bundle(void)
{
	g_autofree char *text = changed("a=mid:1\r\n",
		"a=mid:1\r\na=ice-ufrag:second\r\na=ice-pwd:OxVEUbCrZpjHSOaKfrqnXY\r\n");
	g_autoptr(SdpOffer) first = read_text(text);
	g_assert_cmpstr(first->ice.ufrag, ==, "jBhD");
	g_auto(GStrv) parts = g_strsplit(text, "BUNDLE 0 1", -1);
	g_autofree char *turned = g_strjoinv("BUNDLE 1 0", parts);
	g_autoptr(SdpOffer) second = read_text(turned);
	g_assert_cmpstr(second->ice.ufrag, ==, "second");
	g_auto(GStrv) ports = g_strsplit(text, "m=audio 9", -1);
	g_autofree char *rejected = g_strjoinv("m=audio 0", ports);
	g_autoptr(SdpOffer) next = read_text(rejected);
	g_assert_true(next->media[0].rejected);
	g_assert_cmpstr(next->ice.ufrag, ==, "second");
}

static void the_certificate_is_one(void)
{
	int no = G_IO_ERROR_NOT_SUPPORTED, bad = G_IO_ERROR_INVALID_DATA;
	assert_refused("a=fingerprint:sha-256 " PRINT "\r\n", "", no, "fingerprint");
	assert_refused("a=mid:1\r\n", "a=mid:1\r\na=fingerprint:sha-256 " OTHER_PRINT "\r\n", no,
		"chứng thư");
	assert_refused("sha-256", "sha-1", no, "fingerprint");
	assert_refused(":9B:C2:11", ":9B:C2", bad, "fingerprint");
	assert_refused(":9B:C2:11", ":9B:C2:11:22", bad, "fingerprint");
	assert_refused(":9B:C2:11", ":9B:C2:1x", bad, "fingerprint");
	assert_refused("sha-256 " PRINT, "sha-256 ", bad, "fingerprint");
	g_autoptr(SdpOffer) same = read_changed("a=mid:1\r\n",
		"a=mid:1\r\na=fingerprint:SHA-256 " PRINT "\r\na=fingerprint:sha-1 00:11\r\n");
	g_assert_cmphex(same->fingerprint.sha256[0], ==, 0x6e);
}

static void the_transport_must_suit_us(void)
{
	int no = G_IO_ERROR_NOT_SUPPORTED, bad = G_IO_ERROR_INVALID_DATA;
	assert_refused("a=setup:actpass", "a=setup:passive", no, "setup");
	assert_refused("a=mid:1\r\n", "a=mid:1\r\na=setup:holdconn\r\n", no, "setup");
	assert_refused("a=group:BUNDLE 0 1\r\n", "", no, "BUNDLE");
	assert_refused("a=group:BUNDLE 0 1\r\n", "a=group:BUNDLE x y\r\n", no, "BUNDLE");
	assert_refused("a=rtcp-mux\r\n", "", no, "rtcp-mux");
	assert_refused("a=ice-ufrag:jBhD\r\n", "", bad, "ice-");
	assert_refused("a=ice-ufrag:jBhD\r\n", "a=ice-ufrag:abc\r\n", bad, "ice-");
	assert_refused("a=ice-ufrag:jBhD\r\n", "a=ice-ufrag:a:bcd\r\n", bad, "ice-");
	assert_refused("OxVEUbCrZpjHSOaKfrqnXt", "OxVEUbCrZpjHSOaKfrqnX", bad, "ice-");
	assert_refused("a=mid:1\r\n", "a=mid:0\r\n", bad, "mid");
	assert_refused("a=mid:1\r\n", "a=mid:01234567890123456\r\n", bad, "mid");
	assert_refused("a=mid:1\r\n", "a=mid:a b\r\n", bad, "mid");
	g_autoptr(SdpOffer) active = read_changed("a=setup:actpass", "a=setup:active");
	g_autoptr(SdpOffer) unsaid = read_changed("a=setup:actpass\r\n", "");
	g_autoptr(SdpOffer) part = read_changed("BUNDLE 0 1", "BUNDLE 1");
	g_assert_false(part->media[0].bundled);
	g_assert_true(part->media[1].bundled);
	g_autoptr(SdpOffer) plain =
		read_changed("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 RTP/AVP");
	g_assert_cmpint(plain->media[0].kind, ==, SDP_OTHER);
	g_assert_cmpstr(plain->media[0].word, ==, "audio");
}

static void bombs_are_refused(void)
{
	int no = G_IO_ERROR_NOT_SUPPORTED, bad = G_IO_ERROR_INVALID_DATA;
	g_autofree char *size = g_strnfill(SDP_SIZE_MAX + 1, 'x');
	assert_refused_text(size, SDP_SIZE_MAX + 1, bad, "64 KiB");
	g_autofree char *fill = g_strnfill(4096, 'x');
	g_autofree char *line = g_strconcat("a=mid:1\r\na=x:", fill, "\r\n", NULL);
	assert_refused("a=mid:1\r\n", line, bad, "4 KiB");
	g_autoptr(GString) sections = g_string_new(small);
	for (unsigned i = 2; i < SDP_MEDIA_MAX; i++)
		g_string_append(sections, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
	g_autoptr(SdpOffer) most = read_text(sections->str);
	g_assert_cmpuint(most->media_count, ==, SDP_MEDIA_MAX);
	g_string_append(sections, "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n");
	assert_refused_text(sections->str, sections->len, no, "32");
	/* as many lines as fit, all of the kind that is looked up again and again */
	g_autoptr(GString) ssrcs = g_string_new(small);
	for (unsigned i = 0; ssrcs->len < SDP_SIZE_MAX - 64; i++)
		g_string_append_printf(ssrcs, "a=ssrc:%u x\na=ssrc-group:FID 1 %u\n", i, i);
	g_autoptr(SdpOffer) offer = read_text(ssrcs->str);
	g_assert_cmpuint(offer->media[1].ssrc_count, <=, SDP_SSRC_MAX);
}

static void what_is_no_sdp_is_refused(void)
{
	int bad = G_IO_ERROR_INVALID_DATA, no = G_IO_ERROR_NOT_SUPPORTED;
	static const char *const texts[] = { "", "\r\n", "x", "{}", "v=1\r\n", "a=b\r\nv=0\r\n",
		"v=0\r\nhello\r\n", "v=0\r\nm=\r\n", "v=0\r\nm=audio\r\n", "v=0\r\nm=audio x y\r\n",
		"v=0\r\nm=audio 70000 UDP/TLS/RTP/SAVPF 1\r\n", "v=0\r\nM=audio 9 X 1\r\n" };
	for (unsigned i = 0; i < G_N_ELEMENTS(texts); i++)
		assert_refused_text(texts[i], strlen(texts[i]), bad, "SDP");
	assert_refused_text("v=0\r\n", 5, no, "BUNDLE");
	assert_refused_text("v=0\r\ns=\0\r\n", 10, bad, "điều khiển");
	assert_refused("s=-", "s=\x1b", bad, "điều khiển");
	for (size_t len = 0; len < strlen(small);
		len++) { /* any cut is taken or refused, cleanly */
		g_autofree char *cut = g_memdup2(small, len);
		g_autoptr(GError) error = NULL;
		g_autoptr(SdpOffer) offer = sdp_read_offer(cut, len, &error);
		g_assert_true((offer == NULL) == (error != NULL));
	}
}

static const SdpCandidate candidates[] = { { "192.0.2.1", 8444, false }, { "::1", 8444, true } };

static SdpAnswer *answer_new(void)
{
	SdpAnswer *answer = g_new0(SdpAnswer, 1);
	answer->session_id = 77;
	answer->ice_ufrag = "0abcdefg";
	answer->ice_pwd = "abcdefghijklmnopqrstuvwx";
	answer->fingerprint = PRINT;
	answer->candidates = candidates;
	answer->candidate_count = G_N_ELEMENTS(candidates);
	return answer;
}

static void answers_a_publisher(void)
{
	g_autoptr(SdpOffer) offer = read_text(small);
	g_autofree SdpAnswer *answer = answer_new();
	answer->media[0].reject = true;
	SdpAnswerMedia *video = &answer->media[1];
	video->direction = SDP_RECVONLY;
	memcpy(video->codecs, offer->media[1].codecs, 2 * sizeof *video->codecs);
	video->codec_count = 2;
	video->codecs[0].fmtp[0] = '\0';
	video->extensions.id[RTP_EXT_MID] = 9;
	video->rid_count = 2;
	strcpy(video->rids[0], "q");
	strcpy(video->rids[1], "f");
	video->bandwidth_kbps = 1300;
	g_autofree char *text = sdp_write_answer(offer, answer);
#define TRANSPORT                                                                                  \
	"a=ice-ufrag:0abcdefg\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"                           \
	"a=fingerprint:sha-256 " PRINT "\r\na=setup:passive\r\n"
	g_assert_cmpstr(text, ==,
		"v=0\r\no=- 77 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n"
		"a=group:BUNDLE 1\r\na=msid-semantic: WMS *\r\n"
		"m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 "
		"0.0.0.0\r\na=inactive\r\na=mid:0\r\n" TRANSPORT
		"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\nb=TIAS:1300000\r\n"
		"a=mid:1\r\na=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n" TRANSPORT
		"a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
		"a=rtpmap:96 H264/90000\r\n"
		"a=fmtp:96 "
		"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
		"a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
		"a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
		"a=rid:q recv\r\na=rid:f recv\r\na=simulcast:recv q;f\r\n"
		"a=candidate:1 1 udp 2130706431 192.0.2.1 8444 typ host\r\n"
		"a=candidate:2 1 tcp 1520434943 ::1 8444 typ host tcptype passive\r\n"
		"a=end-of-candidates\r\n");
}

static void answers_a_viewer(void)
{
	g_autofree char *text = changed("a=sendonly", "a=recvonly");
	g_autofree char *mixed = g_strconcat(text, "a=extmap-allow-mixed\r\n", NULL);
	g_autoptr(SdpOffer) offer = read_text(mixed);
	offer->extmap_allow_mixed = true;
	g_autofree SdpAnswer *answer = answer_new();
	for (unsigned i = 0; i < 2; i++) {
		SdpAnswerMedia *media = &answer->media[i];
		media->direction = SDP_SENDONLY;
		media->codec_count = offer->media[i].codec_count;
		memcpy(media->codecs, offer->media[i].codecs,
			media->codec_count * sizeof *media->codecs);
		media->ssrc = 500 + i;
		media->rtx_ssrc = i ? 600 : 0;
		media->stream_id = "main";
		media->track_id = i ? "main" : "a0";
		media->cname = "hall";
	}
	strcpy(answer->media[0].codecs[0].fmtp, "minptime=10;useinbandfec=1");
	g_autofree char *written = sdp_write_answer(offer, answer);
	static const char *const lines[] = { "\r\na=group:BUNDLE 0 1\r\n",
		"\r\na=extmap-allow-mixed\r\na=msid-semantic", "a=rtpmap:111 opus/48000/2\r\n",
		"a=fmtp:111 minptime=10;useinbandfec=1\r\n",
		"a=msid:main a0\r\na=ssrc:500 cname:hall\r\n",
		"a=msid:main main\r\na=ssrc-group:FID 501 600\r\na=ssrc:501 cname:hall\r\n"
		"a=ssrc:600 cname:hall\r\n" };
	for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++)
		g_assert_nonnull(strstr(written, lines[i]));
	/* candidates stand in the first section alone */
	const char *video = strstr(written, "m=video");
	g_assert_nonnull(strstr(written, "a=candidate"));
	g_assert_null(strstr(video, "a=candidate"));
	g_assert_null(strstr(video, "a=end-of-candidates"));
	g_assert_null(strstr(written, "simulcast"));
	g_assert_null(strstr(written, "b="));
}

static void rejects_everything_if_it_must(void)
{
	g_autoptr(SdpOffer) offer = read_sample("chromium-data");
	g_autofree SdpAnswer *answer = answer_new();
	for (unsigned i = 0; i < offer->media_count; i++)
		answer->media[i].reject = true;
	g_autofree char *text = sdp_write_answer(offer, answer);
	g_assert_null(strstr(text, "BUNDLE"));
	g_assert_null(strstr(text, "a=candidate"));
	g_assert_nonnull(strstr(text, "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n"));
	g_assert_nonnull(strstr(text, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sdp/reads-who-only-receives", reads_who_only_receives);
	g_test_add_func("/sdp/reads-who-sends", reads_who_sends);
	g_test_add_func("/sdp/reads-chromium", reads_chromium);
	g_test_add_func("/sdp/reads-firefox", reads_firefox);
	g_test_add_func("/sdp/reads-other-stacks", reads_other_stacks);
	g_test_add_func("/sdp/the-session-is-the-default", the_session_is_the_default);
	g_test_add_func("/sdp/feedback-finds-its-codec", feedback_finds_its_codec);
	g_test_add_func("/sdp/codecs-are-only-those-we-can-use", codecs_are_only_those_we_can_use);
	g_test_add_func("/sdp/extensions-keep-to-their-rules", extensions_keep_to_their_rules);
	g_test_add_func("/sdp/layers-come-in-the-order-they-are-sent",
		layers_come_in_the_order_they_are_sent);
	g_test_add_func("/sdp/credentials-are-those-of-the-first-in-the-bundle",
		credentials_are_those_of_the_first_in_the_bundle);
	g_test_add_func("/sdp/the-certificate-is-one", the_certificate_is_one);
	g_test_add_func("/sdp/the-transport-must-suit-us", the_transport_must_suit_us);
	g_test_add_func("/sdp/bombs-are-refused", bombs_are_refused);
	g_test_add_func("/sdp/what-is-no-sdp-is-refused", what_is_no_sdp_is_refused);
	g_test_add_func("/sdp/answers-a-publisher", answers_a_publisher);
	g_test_add_func("/sdp/answers-a-viewer", answers_a_viewer);
	g_test_add_func("/sdp/rejects-everything-if-it-must", rejects_everything_if_it_must);
	return g_test_run();
}
