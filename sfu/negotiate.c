#include "negotiate.h"
#include <gio/gio.h>
#include <openssl/rand.h>
#include <string.h>

/* FEC in band, mono speech at 24 kbit/s: in 40 ms packets it fits into 38 of the thinnest line. No
 * DTX: its gaps of 400 ms made NetEq and webrtcbin bend the speech behind them (likeness of the
 * envelope 0.4 instead of 0.9), and silence of an open microphone is short. */
#define OPUS_FMTP "minptime=10;useinbandfec=1;stereo=0;maxaveragebitrate=24000"

static uint32_t random_ssrc(void)
{
	uint32_t ssrc = 0;
	while (!ssrc)
		if (RAND_bytes((unsigned char *)&ssrc, sizeof ssrc) != 1)
			g_error("no random numbers");
	return ssrc;
}

static Codec codec_of(SdpCodecName name)
{
	return name == SDP_OPUS   ? CODEC_OPUS
	       : name == SDP_VP8  ? CODEC_VP8
	       : name == SDP_H264 ? CODEC_H264
				  : CODEC_COUNT;
}

static const SdpCodec *find_rtx(const SdpMedia *offered, uint8_t payload_type)
{
	for (unsigned i = 0; i < offered->codec_count; i++)
		if (offered->codecs[i].name == SDP_RTX && offered->codecs[i].apt == payload_type)
			return &offered->codecs[i];
	return NULL;
}

/* Of several H.264 the one that every decoder has: constrained baseline in non-interleaved mode. */
static int h264_rank(const SdpCodec *codec)
{
	int rank = codec->packetization_mode == 1 ? 2 : 0;
	uint32_t profile = codec->profile_level_id >> 8;
	return rank + (profile == 0x42e0 ? 3 : profile == 0x4200 ? 2 : 1);
}

static const SdpCodec *find_codec(const SdpMedia *offered, SdpCodecName name)
{
	const SdpCodec *best = NULL;
	for (unsigned i = 0; i < offered->codec_count; i++) {
		const SdpCodec *codec = &offered->codecs[i];
		if (codec->name != name)
			continue;
		if (!best || (name == SDP_H264 && h264_rank(codec) > h264_rank(best)))
			best = codec;
	}
	return best;
}

static void agree_codec(const SdpMedia *offered, Role role, SdpCodecName name, ParamsMedia *media,
	SdpAnswerMedia *answer)
{
	const SdpCodec *codec = find_codec(offered, name);
	if (!codec || answer->codec_count == G_N_ELEMENTS(answer->codecs))
		return;

	Codec ours = codec_of(name);
	SdpCodec *agreed = &answer->codecs[answer->codec_count++];
	*agreed = *codec;
	/* For want of anything better: what tells of each packet tells more. */
	agreed->remb = role == ROLE_VIEWER && codec->remb && !codec->transport_cc;
	media->remb |= agreed->remb;
	media->payload_type[ours] = codec->payload_type;
	media->nack |= codec->nack;
	media->transport_cc |= codec->transport_cc;
	if (name == SDP_OPUS)
		g_strlcpy(agreed->fmtp, OPUS_FMTP, sizeof agreed->fmtp);

	const SdpCodec *rtx = media->video ? find_rtx(offered, codec->payload_type) : NULL;
	if (rtx && answer->codec_count < G_N_ELEMENTS(answer->codecs)) {
		answer->codecs[answer->codec_count++] = *rtx;
		media->rtx_payload_type[ours] = rtx->payload_type;
	}
}

/* Opus with what went before (RFC 2198), where the viewer knows how to read it. Behind Opus: with
 * which of the two a packet comes is decided packet by packet. */
static void agree_red(const SdpMedia *offered, ParamsMedia *media, SdpAnswerMedia *answer)
{
	const SdpCodec *red = find_codec(offered, SDP_RED);
	uint8_t opus = media->payload_type[CODEC_OPUS];
	char blocks[8];
	g_snprintf(blocks, sizeof blocks, "%u/%u", opus, opus);
	if (!opus || !red || strcmp(red->fmtp, blocks) ||
		answer->codec_count == G_N_ELEMENTS(answer->codecs))
		return;
	answer->codecs[answer->codec_count++] = *red;
	media->red_payload_type = red->payload_type;
}

static void agree_codecs(
	const SdpMedia *offered, Role role, ParamsMedia *media, SdpAnswerMedia *answer)
{
	if (!media->video) {
		agree_codec(offered, role, SDP_OPUS, media, answer);
		/* A publisher's own would be read per packet; its line has FEC in band. */
		if (role == ROLE_VIEWER)
			agree_red(offered, media, answer);
		return;
	}
	agree_codec(offered, role, SDP_VP8, media, answer);
	/* A publisher gets one codec, so that it cannot change it on us; a viewer takes whatever
	 * the source of a slot happens to send. */
	if (role == ROLE_VIEWER || !answer->codec_count)
		agree_codec(offered, role, SDP_H264, media, answer);
}

static void agree_extensions(
	const SdpMedia *offered, Role role, ParamsMedia *media, SdpAnswerMedia *answer)
{
	static const RtpExtension viewer[] = { RTP_EXT_TRANSPORT_CC, RTP_EXT_AUDIO_LEVEL,
		RTP_EXT_ORIENTATION, RTP_EXT_PLAYOUT_DELAY, RTP_EXT_ABS_SEND_TIME };
	static const RtpExtension publisher[] = { RTP_EXT_MID, RTP_EXT_RID, RTP_EXT_REPAIRED_RID,
		RTP_EXT_TRANSPORT_CC, RTP_EXT_AUDIO_LEVEL, RTP_EXT_ORIENTATION };
	const RtpExtension *wanted = role == ROLE_VIEWER ? viewer : publisher;
	unsigned count = role == ROLE_VIEWER ? G_N_ELEMENTS(viewer) : G_N_ELEMENTS(publisher);

	for (unsigned i = 0; i < count; i++) {
		uint8_t id = offered->extensions.id[wanted[i]];
		if ((wanted[i] == RTP_EXT_AUDIO_LEVEL && media->video) ||
			(wanted[i] == RTP_EXT_ORIENTATION && !media->video) ||
			(wanted[i] == RTP_EXT_PLAYOUT_DELAY && !media->video) ||
			(wanted[i] == RTP_EXT_TRANSPORT_CC && !media->transport_cc) ||
			(wanted[i] == RTP_EXT_ABS_SEND_TIME && !media->remb))
			continue;
		media->extensions.id[wanted[i]] = id;
		answer->extensions.id[wanted[i]] = id;
	}
}

static bool find_slot(const SdpMedia *offered, unsigned audio, unsigned video, ParamsMedia *media)
{
	if (!(offered->direction & SDP_RECVONLY))
		return false;
	if (offered->kind == SDP_AUDIO && audio < 3) {
		media->slot = (SlotName)(SLOT_A0 + audio);
		return true;
	}
	if (offered->kind == SDP_VIDEO && video < 2) {
		media->slot = (SlotName)(SLOT_MAIN + video);
		return true;
	}
	return false;
}

static bool source_taken(const Params *params, Source source)
{
	for (unsigned i = 0; i < params->media_count; i++)
		if (params->media[i].source == source)
			return true;
	return false;
}

static bool find_source(
	const Negotiate *ask, const Params *params, const SdpMedia *offered, ParamsMedia *media)
{
	if (!(offered->direction & SDP_SENDONLY))
		return false;

	Source source = SOURCE_COUNT;
	for (unsigned i = 0; i < ask->source_count; i++)
		if (!strcmp(ask->sources[i].mid, offered->mid))
			source = ask->sources[i].source;
	if (!ask->source_count)
		source = offered->kind == SDP_AUDIO            ? SOURCE_MIC
			 : source_taken(params, SOURCE_CAMERA) ? SOURCE_SCREEN
							       : SOURCE_CAMERA;
	if (source == SOURCE_COUNT || source_taken(params, source) ||
		(source == SOURCE_MIC) != (offered->kind == SDP_AUDIO))
		return false;
	media->source = source;
	return true;
}

static void set_stream(ParamsMedia *media, SdpAnswerMedia *answer)
{
	media->ssrc = random_ssrc();
	media->rtx_ssrc = 0;
	for (unsigned codec = 0; codec < CODEC_COUNT; codec++)
		if (media->rtx_payload_type[codec])
			media->rtx_ssrc = media->rtx_ssrc ? media->rtx_ssrc : random_ssrc();
	answer->ssrc = media->ssrc;
	answer->rtx_ssrc = media->rtx_ssrc;
	/* The voice of the person on the main picture is played in step with it. */
	answer->stream_id = media->slot == SLOT_A0 ? slot_name(SLOT_MAIN) : slot_name(media->slot);
	answer->track_id = slot_name(media->slot);
	answer->cname = answer->stream_id;
}

static void keep_remote_ssrcs(const SdpMedia *offered, ParamsMedia *media)
{
	media->remote_ssrc_count = offered->ssrc_count;
	memcpy(media->remote_ssrcs, offered->ssrcs, sizeof media->remote_ssrcs);
	memcpy(media->remote_rtx_ssrcs, offered->rtx_ssrcs, sizeof media->remote_rtx_ssrcs);
}

static bool has_rid(const ParamsMedia *media, const char *rid)
{
	for (unsigned i = 0; i < media->rid_count; i++)
		if (!strcmp(media->rids[i], rid))
			return true;
	return false;
}

/* A camera or a screen may come in several sizes at once (RFC 8853): the first three as offered, in
 * VP8 alone, which both browsers do. Streams are told apart by their RID, so that must be agreed on
 * as well. */
static void agree_layers(const SdpMedia *offered, ParamsMedia *media, SdpAnswerMedia *answer)
{
	if (media->source == SOURCE_MIC || !media->payload_type[CODEC_VP8] ||
		!media->extensions.id[RTP_EXT_RID])
		return;
	for (unsigned i = 0; i < offered->rid_count && media->rid_count < PARAMS_LAYERS_MAX; i++)
		if (!has_rid(media, offered->rids[i]))
			memcpy(media->rids[media->rid_count++], offered->rids[i],
				sizeof media->rids[0]);
	if (media->rid_count < 2)
		media->rid_count = 0;
	answer->rid_count = media->rid_count;
	memcpy(answer->rids, media->rids, sizeof media->rids);
}

/* One section. False: it is left inactive or refused. */
static bool agree_media(const Negotiate *ask, const SdpMedia *offered, unsigned audio,
	unsigned video, Params *params, SdpAnswerMedia *answer)
{
	ParamsMedia media = { .video = offered->kind == SDP_VIDEO };

	if (offered->kind == SDP_OTHER || offered->rejected || !offered->bundled) {
		answer->reject = true;
		return false;
	}
	g_strlcpy(media.mid, offered->mid, sizeof media.mid);
	bool wanted = params->media_count < PARAMS_MEDIA_MAX &&
		      (ask->role == ROLE_VIEWER ? find_slot(offered, audio, video, &media)
						: find_source(ask, params, offered, &media));
	agree_codecs(offered, ask->role, &media, answer);
	if (!answer->codec_count) {
		answer->reject = true;
		return false;
	}
	agree_extensions(offered, ask->role, &media, answer);
	if (!wanted) {
		answer->direction = SDP_INACTIVE;
		return false;
	}
	answer->direction = ask->role == ROLE_VIEWER ? SDP_SENDONLY : SDP_RECVONLY;
	if (ask->role == ROLE_VIEWER) {
		set_stream(&media, answer);
	} else {
		keep_remote_ssrcs(offered, &media);
		agree_layers(offered, &media, answer);
	}
	params->media[params->media_count++] = media;
	return true;
}

bool negotiate(const Negotiate *ask, Params *params, char **answer_text, GError **error)
{
	g_autoptr(SdpOffer) offer = sdp_read_offer(ask->offer, strlen(ask->offer), error);
	if (!offer)
		return false;

	*params = (Params){ .role = ask->role, .fingerprint = offer->fingerprint };
	g_strlcpy(params->id, ask->id, sizeof params->id);
	g_strlcpy(params->stage, ask->stage, sizeof params->stage);
	g_strlcpy(params->owner, ask->owner, sizeof params->owner);
	g_strlcpy(params->ice.remote_ufrag, offer->ice.ufrag, sizeof params->ice.remote_ufrag);
	ice_credentials_make(&params->ice.local, ask->worker);
	params->rtcp_ssrc = random_ssrc();

	g_autofree SdpAnswer *answer = g_new0(SdpAnswer, 1);
	unsigned audio = 0, video = 0;
	for (unsigned i = 0; i < offer->media_count; i++) {
		const SdpMedia *media = &offer->media[i];
		if (!agree_media(ask, media, audio, video, params, &answer->media[i]))
			continue;
		audio += media->kind == SDP_AUDIO;
		video += media->kind == SDP_VIDEO;
	}
	if (!params->media_count) {
		g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
			"Máy chủ không phục vụ được bản SDP gửi lên: không có phần tiếng Opus hay "
			"hình "
			"VP8, H.264 nào dùng được.");
		return false;
	}

	answer->session_id = (uint64_t)random_ssrc() << 30 | random_ssrc();
	answer->ice_ufrag = params->ice.local.ufrag;
	answer->ice_pwd = params->ice.local.pwd;
	answer->fingerprint = ask->fingerprint;
	answer->candidates = ask->candidates;
	answer->candidate_count = ask->candidate_count;
	*answer_text = sdp_write_answer(offer, answer);
	return true;
}
