#include "sdp.h"
#include "sdp_ice.h"

static void write_codec(GString *out, const SdpCodec *codec)
{
	static const char *const names[] = { [SDP_CODEC_OTHER] = "",
		[SDP_OPUS] = "opus",
		[SDP_VP8] = "VP8",
		[SDP_H264] = "H264",
		[SDP_RTX] = "rtx",
		[SDP_RED] = "red" };
	unsigned type = codec->payload_type;
	bool stereo =
		codec->name == SDP_OPUS || (codec->name == SDP_RED && codec->clock_rate == 48000);
	g_string_append_printf(out, "a=rtpmap:%u %s/%u%s\r\n", type, names[codec->name],
		codec->clock_rate, stereo ? "/2" : ""); /* RFC 7587 §7: always two */

	if (codec->name == SDP_RTX)
		g_string_append_printf(out, "a=fmtp:%u apt=%u\r\n", type, codec->apt);
	else if (codec->fmtp[0])
		g_string_append_printf(out, "a=fmtp:%u %s\r\n", type, codec->fmtp);
	else if (codec->name == SDP_H264)
		g_string_append_printf(out,
			"a=fmtp:%u level-asymmetry-allowed=1;packetization-mode=%u;"
			"profile-level-id=%06x\r\n",
			type, codec->packetization_mode,
			codec->profile_level_id ? codec->profile_level_id : 0x42e01f);

	const struct {
		bool on;
		const char *what;
	} feedback[] = { { codec->transport_cc, "transport-cc" }, { codec->remb, "goog-remb" },
		{ codec->ccm_fir, "ccm fir" }, { codec->nack, "nack" },
		{ codec->nack_pli, "nack pli" } };
	for (unsigned i = 0; i < G_N_ELEMENTS(feedback); i++)
		if (feedback[i].on)
			g_string_append_printf(out, "a=rtcp-fb:%u %s\r\n", type, feedback[i].what);
}

static void write_streams(GString *out, const SdpAnswerMedia *ours)
{
	if (ours->stream_id && ours->track_id)
		g_string_append_printf(out, "a=msid:%s %s\r\n", ours->stream_id, ours->track_id);
	if (ours->ssrc && ours->rtx_ssrc)
		g_string_append_printf(
			out, "a=ssrc-group:FID %u %u\r\n", ours->ssrc, ours->rtx_ssrc);
	const uint32_t ssrcs[] = { ours->ssrc, ours->rtx_ssrc };
	for (unsigned i = 0; i < G_N_ELEMENTS(ssrcs); i++)
		if (ssrcs[i] && ours->cname)
			g_string_append_printf(
				out, "a=ssrc:%u cname:%s\r\n", ssrcs[i], ours->cname);

	for (unsigned i = 0; i < ours->rid_count; i++)
		g_string_append_printf(out, "a=rid:%s recv\r\n", ours->rids[i]);
	for (unsigned i = 0; i < ours->rid_count; i++)
		g_string_append_printf(out, "%s%s", i ? ";" : "a=simulcast:recv ", ours->rids[i]);
	if (ours->rid_count)
		g_string_append(out, "\r\n");
}

static void write_transport(GString *out, const SdpAnswer *answer)
{
	g_string_append_printf(out,
		"a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:passive\r\n",
		answer->ice_ufrag, answer->ice_pwd, answer->fingerprint);
}

static void write_rejection(GString *out, const SdpAnswer *answer, const SdpMedia *theirs)
{
	g_string_append_printf(out, "m=%s 0 %s %s\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n",
		theirs->word, theirs->protocol, theirs->format[0] ? theirs->format : "0");
	if (theirs->mid[0])
		g_string_append_printf(out, "a=mid:%s\r\n", theirs->mid);
	write_transport(out, answer); /* webrtcbin refuses an answer with a section that has none */
}

static void write_media(GString *out, const SdpAnswer *answer, const SdpMedia *theirs,
	const SdpAnswerMedia *ours, bool tagged)
{
	static const char *const directions[] = { [SDP_INACTIVE] = "inactive",
		[SDP_SENDONLY] = "sendonly",
		[SDP_RECVONLY] = "recvonly",
		[SDP_SENDRECV] = "sendrecv" };
	g_string_append_printf(out, "m=%s 9 %s", theirs->word, theirs->protocol);
	for (unsigned i = 0; i < ours->codec_count; i++)
		g_string_append_printf(out, " %u", ours->codecs[i].payload_type);
	g_string_append(out, "\r\nc=IN IP4 0.0.0.0\r\n");
	if (ours->bandwidth_kbps)
		g_string_append_printf(out, "b=TIAS:%u\r\n", ours->bandwidth_kbps * 1000);
	g_string_append_printf(out,
		"a=mid:%s\r\na=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
		"a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:passive\r\n",
		theirs->mid, directions[ours->direction], answer->ice_ufrag, answer->ice_pwd,
		answer->fingerprint);
	for (int i = 0; i < RTP_EXT_COUNT; i++)
		if (ours->extensions.id[i])
			g_string_append_printf(out, "a=extmap:%u %s\r\n", ours->extensions.id[i],
				rtp_extension_uri((RtpExtension)i));
	for (unsigned i = 0; i < ours->codec_count; i++)
		write_codec(out, &ours->codecs[i]);
	write_streams(out, ours);
	if (tagged)
		sdp_ice_write_candidates(out, answer->candidates, answer->candidate_count);
}

char *sdp_write_answer(const SdpOffer *offer, const SdpAnswer *answer)
{
	GString *out = g_string_sized_new(4096);
	/* RFC 8829 §5.2.1: the id fits in 63 bits */
	g_string_append_printf(out,
		"v=0\r\no=- %" G_GUINT64_FORMAT
		" 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n",
		answer->session_id & INT64_MAX);
	bool grouped = false;
	for (unsigned i = 0; i < offer->media_count; i++) {
		if (answer->media[i].reject)
			continue;
		g_string_append_printf(
			out, "%s%s", grouped ? " " : "a=group:BUNDLE ", offer->media[i].mid);
		grouped = true;
	}
	g_string_append(out, grouped ? "\r\n" : "");
	if (offer->extmap_allow_mixed)
		g_string_append(out, "a=extmap-allow-mixed\r\n");
	g_string_append(out, "a=msid-semantic: WMS *\r\n");

	bool tagged = true; /* the first that is taken carries the transport of all */
	for (unsigned i = 0; i < offer->media_count; i++) {
		if (answer->media[i].reject) {
			write_rejection(out, answer, &offer->media[i]);
			continue;
		}
		write_media(out, answer, &offer->media[i], &answer->media[i], tagged);
		tagged = false;
	}
	return g_string_free(out, FALSE);
}
