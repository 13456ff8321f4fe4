/* fz_sdp.c - offers; each that is taken is answered, and the answer is well-formed line by line */
#include "fuzz.h"
#include "sfu/sdp_ice.h"
#include <gio/gio.h>

static void assert_text(const char *text, size_t size)
{
	size_t len = strnlen(text, size);
	g_assert(len < size);
	for (size_t i = 0; i < len; i++)
		g_assert(text[i] >= ' ' && text[i] < 0x7f);
}

static void assert_codecs(const SdpMedia *media)
{
	g_assert(media->codec_count <= SDP_CODEC_MAX);
	for (unsigned i = 0; i < media->codec_count; i++) {
		const SdpCodec *codec = &media->codecs[i];
		bool repairs = codec->name != SDP_RTX;
		g_assert(codec->name != SDP_CODEC_OTHER);
		g_assert(codec->payload_type < 64 ||
			 (codec->payload_type > 95 && codec->payload_type < 128));
		for (unsigned k = 0; k < media->codec_count; k++)
			repairs |= k != i && media->codecs[k].payload_type == codec->apt &&
				   media->codecs[k].name != SDP_RTX;
		g_assert(repairs);
		assert_text(codec->fmtp, sizeof codec->fmtp);
	}
}

static void assert_media(const SdpMedia *media)
{
	assert_text(media->mid, sizeof media->mid);
	assert_text(media->word, sizeof media->word);
	assert_text(media->format, sizeof media->format);
	assert_text(media->protocol, sizeof media->protocol);
	assert_text(media->msid[0], sizeof media->msid[0]);
	assert_text(media->msid[1], sizeof media->msid[1]);
	assert_codecs(media);
	g_assert(media->rid_count <= SDP_RID_MAX && media->ssrc_count <= SDP_SSRC_MAX);
	for (unsigned i = 0; i < media->rid_count; i++) {
		g_assert(media->rids[i][0]);
		assert_text(media->rids[i], sizeof media->rids[i]);
	}
	for (int i = 0; i < RTP_EXT_COUNT; i++)
		for (int k = 0; k < RTP_EXT_COUNT; k++)
			g_assert(media->extensions.id[i] < 15 &&
				 (i == k || !media->extensions.id[i] ||
					 media->extensions.id[i] != media->extensions.id[k]));
}

static void fill_answer(SdpAnswerMedia *ours, const SdpMedia *theirs)
{
	ours->reject = theirs->kind == SDP_OTHER || theirs->rejected || !theirs->bundled ||
		       !theirs->codec_count;
	ours->direction = theirs->direction;
	ours->codec_count = MIN(theirs->codec_count, G_N_ELEMENTS(ours->codecs));
	memcpy(ours->codecs, theirs->codecs, ours->codec_count * sizeof *ours->codecs);
	ours->extensions = theirs->extensions;
	ours->ssrc = theirs->ssrcs[0];
	ours->rtx_ssrc = theirs->rtx_ssrcs[0];
	ours->stream_id = ours->track_id = "main";
	ours->cname = "hall";
	ours->rid_count = theirs->rid_count;
	memcpy(ours->rids, theirs->rids, sizeof ours->rids);
}

static void assert_answer(const SdpOffer *offer, const char *text)
{
	unsigned sections = 0;
	g_assert(g_str_has_prefix(text, "v=0\r\n"));
	while (*text) {
		size_t len = strcspn(text, "\r\n");
		g_assert(len > 2 && g_ascii_islower(text[0]) && text[1] == '=');
		g_assert(text[len] == '\r' && text[len + 1] == '\n');
		sections += text[0] == 'm';
		text += len + 2;
	}
	g_assert(sections == offer->media_count);
}

static void read_fragment(const char *text, size_t len)
{
	g_autoptr(GError) error = NULL;
	SdpIce ice;
	bool fine = sdp_read_fragment(&ice, text, len, &error);
	g_assert(fine == (error == NULL));
	if (!fine)
		return;
	assert_text(ice.ufrag, sizeof ice.ufrag);
	assert_text(ice.pwd, sizeof ice.pwd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const SdpCandidate candidates[] = { { "192.0.2.1", 8444, false },
		{ "2001:db8::1", 8444, true } };
	read_fragment((const char *)data, size);
	g_autoptr(GError) error = NULL;
	SdpOffer *offer = sdp_read_offer((const char *)data, size, &error);
	g_assert((offer == NULL) == (error != NULL));
	if (!offer) {
		g_assert(g_utf8_validate(error->message, -1, NULL));
		return 0;
	}
	SdpAnswer *answer = g_new0(SdpAnswer, 1);
	*answer = (SdpAnswer){ .session_id = UINT64_MAX,
		.ice_ufrag = "0abcdefg",
		.ice_pwd = "abcdefghijklmnopqrstuvwx",
		.fingerprint = "00:11",
		.candidates = candidates,
		.candidate_count = G_N_ELEMENTS(candidates) };
	assert_text(offer->ice.ufrag, sizeof offer->ice.ufrag);
	assert_text(offer->ice.pwd, sizeof offer->ice.pwd);
	g_assert(offer->media_count && offer->media_count <= SDP_MEDIA_MAX);
	for (unsigned i = 0; i < offer->media_count; i++) {
		assert_media(&offer->media[i]);
		fill_answer(&answer->media[i], &offer->media[i]);
	}
	char *text = sdp_write_answer(offer, answer);
	assert_answer(offer, text);
	g_free(text);
	g_free(answer);
	sdp_offer_free(offer);
	return 0;
}
