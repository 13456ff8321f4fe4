#include "sdp_media.h"

#define PAYLOAD_TYPES 128
#define CLOCK_RATE_MAX 192000

/* Codecs */

/* "96 rest", "*" and " rest" being left to the caller: the payload type, -1 if it is none. */
static int payload_type(const char *text, const char **rest)
{
	uint64_t type;
	if (!number(text, 10, PAYLOAD_TYPES - 1, " ", &type))
		return -1;
	*rest = text + strcspn(text, " ");
	*rest += strspn(*rest, " ");
	return (int)type;
}

static SdpCodecName codec_name(SdpKind kind, const char *rtpmap)
{
	if (kind == SDP_AUDIO && !g_ascii_strcasecmp(rtpmap, "opus/48000/2"))
		return SDP_OPUS;
	if (kind == SDP_VIDEO && !g_ascii_strcasecmp(rtpmap, "VP8/90000"))
		return SDP_VP8;
	if (kind == SDP_VIDEO && !g_ascii_strcasecmp(rtpmap, "H264/90000"))
		return SDP_H264;
	if (!g_ascii_strncasecmp(rtpmap, "rtx/", 4))
		return SDP_RTX;
	if (!g_ascii_strcasecmp(rtpmap, kind == SDP_AUDIO ? "red/48000/2" : "red/90000"))
		return SDP_RED;
	return SDP_CODEC_OTHER;
}

static SdpCodec *codec_of(SdpMedia *media, uint64_t type)
{
	for (unsigned i = 0; i < media->codec_count; i++)
		if (media->codecs[i].payload_type == type)
			return &media->codecs[i];
	return NULL;
}

static void read_fmtp(SdpCodec *codec, const char *fmtp)
{
	if (codec->name == SDP_H264) {
		codec->profile_level_id =
			(uint32_t)parameter_number(fmtp, "profile-level-id", 16, 0xffffff);
		codec->packetization_mode =
			(uint8_t)parameter_number(fmtp, "packetization-mode", 10, 2);
	}
	/* It may be written into an answer: whole, and visible in one line, or not at all. */
	for (const char *at = fmtp; *at; at++)
		if (*at < ' ' || *at >= 0x7f)
			return;
	if (strlen(fmtp) < sizeof codec->fmtp)
		strcpy(codec->fmtp, fmtp);
}

static void add_codec(
	SdpMedia *media, uint8_t type, const char *const *rtpmaps, const char *const *fmtps)
{
	const char *rtpmap = rtpmaps[type] ? rtpmaps[type] : "";
	SdpCodec codec = { .name = codec_name(media->kind, rtpmap), .payload_type = type };
	uint64_t rate;
	if (codec.name == SDP_CODEC_OTHER || media->codec_count == SDP_CODEC_MAX ||
		!number(strchr(rtpmap, '/') + 1, 10, CLOCK_RATE_MAX, "/", &rate))
		return;
	codec.clock_rate = (uint32_t)rate;
	if (codec.name == SDP_RTX) {
		codec.apt = (uint8_t)parameter_number(fmtps[type], "apt", 10, PAYLOAD_TYPES - 1);
		/* Chromium offers eight that repair codecs unknown here: they must not fill the
		 * table */
		const char *repaired = rtpmaps[codec.apt];
		if (!repaired || codec_name(media->kind, repaired) == SDP_CODEC_OTHER)
			return;
	}
	if (fmtps[type] &&
		(codec.name == SDP_H264 || codec.name == SDP_OPUS || codec.name == SDP_RED))
		read_fmtp(&codec, fmtps[type]);
	media->codecs[media->codec_count++] = codec;
}

static void drop_orphan_rtx(SdpMedia *media)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < media->codec_count; i++) {
		const SdpCodec *codec = &media->codecs[i];
		const SdpCodec *repaired =
			codec->name == SDP_RTX ? codec_of(media, codec->apt) : NULL;
		if (codec->name != SDP_RTX || (repaired && repaired->name != SDP_RTX))
			media->codecs[kept++] = *codec;
	}
	media->codec_count = kept;
}

static void add_feedback(SdpCodec *codec, const char *what)
{
	codec->nack |= !strcmp(what, "nack");
	codec->nack_pli |= !strcmp(what, "nack pli");
	codec->ccm_fir |= !strcmp(what, "ccm fir");
	codec->transport_cc |= !strcmp(what, "transport-cc");
	codec->remb |= !strcmp(what, "goog-remb");
}

/* a=rtcp-fb:96 nack pli, or for all: a=rtcp-fb:* nack pli. Firefox leaves some for payload types
 * that are gone. */
static void read_feedback(SdpMedia *media, const char *value)
{
	const char *what = value + strcspn(value, " ");
	what += strspn(what, " ");
	int type = payload_type(value, &what);
	for (unsigned i = 0; i < media->codec_count; i++)
		if (type == media->codecs[i].payload_type || g_str_has_prefix(value, "* "))
			add_feedback(&media->codecs[i], what);
}

static void read_codecs(SdpMedia *media, Lines in, char *formats)
{
	const char *rtpmaps[PAYLOAD_TYPES] = { NULL }, *fmtps[PAYLOAD_TYPES] = { NULL };
	bool named[PAYLOAD_TYPES] = { false };
	for (unsigned i = 0; i < in.count; i++) {
		const char **table = NULL, *rest;
		if (!strcmp(in.line[i].name, "rtpmap"))
			table = rtpmaps;
		else if (!strcmp(in.line[i].name, "fmtp"))
			table = fmtps;
		int type = table ? payload_type(in.line[i].value, &rest) : -1;
		if (type >= 0 && !table[type])
			table[type] = rest;
	}
	for (char *word; (word = next_word(&formats));) {
		uint64_t type;
		if (!number(word, 10, PAYLOAD_TYPES - 1, "", &type) || named[type])
			continue;
		named[type] = true;
		if (type >= 64 && type <= 95) /* RFC 5761 §4: with rtcp-mux these read as RTCP */
			continue;
		add_codec(media, (uint8_t)type, rtpmaps, fmtps);
	}
	drop_orphan_rtx(media);
	for (unsigned i = 0; i < in.count; i++)
		if (!strcmp(in.line[i].name, "rtcp-fb"))
			read_feedback(media, in.line[i].value);
}

/* Extensions */

static SdpDirection direction_of(const char *word, size_t len)
{
	static const char *const words[] = { "inactive", "sendonly", "recvonly", "sendrecv" };
	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
		if (strlen(words[i]) == len && !memcmp(words[i], word, len))
			return (SdpDirection)i;
	return SDP_INACTIVE;
}

/* a=extmap:ID[/DIRECTION] URI. The direction is the offerer's, within that of the section (RFC 8285
 * §7): of use is what the one side may send and the other side hear, so an id is kept when both
 * have a direction in common. In a section offered recvonly (we send) that leaves out Firefox's
 * extmap:9/sendonly for rids, in one offered sendonly (we hear) its extmap:6/recvonly.
 *
 * `meanings` holds what each id means in this bundle (an RtpExtension, or RTP_EXT_COUNT for one we
 * do not know): RFC 9143 §8 wants it equal in all sections, the first one counts. */
static void read_extension(SdpMedia *media, const char *value, int meanings[SDP_EXTENSION_IDS])
{
	uint64_t id;
	if (!number(value, 10, (SDP_EXTENSION_IDS - 1), "/ ", &id) || !id)
		return;
	SdpDirection direction = SDP_SENDRECV;
	const char *at = value + strspn(value, "0123456789");
	if (*at == '/')
		direction = direction_of(at + 1, strcspn(at + 1, " "));
	at += strcspn(at, " ");
	at += strspn(at, " ");

	char uri[128];
	g_strlcpy(uri, at, MIN(sizeof uri, strcspn(at, " ") + 1));
	int extension = rtp_extension_of(uri);
	int meaning = extension < 0 ? RTP_EXT_COUNT : extension;
	if (meanings[id] < 0)
		meanings[id] = meaning;
	if (extension < 0 || meanings[id] != meaning || media->extensions.id[extension])
		return;
	if (direction & media->direction)
		media->extensions.id[extension] = (uint8_t)id;
}

static void read_extensions(SdpMedia *media, Lines in, int meanings[SDP_EXTENSION_IDS])
{
	for (unsigned i = 0; i < in.count; i++)
		if (!strcmp(in.line[i].name, "extmap"))
			read_extension(media, in.line[i].value, meanings);
}

/* Streams */

static bool has_send_rid(Lines in, const char *rid)
{
	size_t len = strlen(rid);
	for (unsigned i = 0; i < in.count; i++)
		if (!strcmp(in.line[i].name, "rid") && !strncmp(in.line[i].value, rid, len) &&
			g_str_has_prefix(in.line[i].value + len, " send"))
			return true;
	return false;
}

/* a=simulcast:send q;h;f [recv …], RFC 8853: of alternatives (a,b) the first, "~" is paused. */
static void read_simulcast(SdpMedia *media, Lines in)
{
	const char *value = find(in, "simulcast");
	const char *send = value ? strstr(value, "send ") : NULL;
	if (!send)
		return;
	send += strlen("send ");
	while (*send && *send != ' ' && media->rid_count < SDP_RID_MAX) {
		send += strspn(send, ";~");
		size_t len = strcspn(send, ";, ");
		char *rid = media->rids[media->rid_count];
		if (len && len <= RTP_ID_MAX) {
			memcpy(rid, send, len);
			rid[len] = '\0';
			if (all_of(rid, "-_") && has_send_rid(in, rid))
				media->rid_count++;
			else
				rid[0] = '\0';
		}
		send += strcspn(send, "; ");
	}
}

/* a=ssrc-group:FID MEDIA RTX: both numbers; false for another kind of group. */
static bool read_pair(const char *value, const char *semantics, uint32_t *first, uint32_t *second)
{
	uint64_t a, b;
	size_t len = strlen(semantics);
	if (strncmp(value, semantics, len) || value[len] != ' ' ||
		!number(value + len + 1, 10, UINT32_MAX, " ", &a))
		return false;
	const char *space = strchr(value + len + 1, ' ');
	if (!space || !number(space + 1, 10, UINT32_MAX, " ", &b))
		return false;
	*first = (uint32_t)a;
	*second = (uint32_t)b;
	return true;
}

/* True if some group says that ssrc repairs another one. */
static bool ssrc_repairs(Lines in, uint32_t ssrc)
{
	uint32_t first, second;
	for (unsigned i = 0; i < in.count; i++)
		if (!strcmp(in.line[i].name, "ssrc-group") &&
			(read_pair(in.line[i].value, "FID", &first, &second) ||
				read_pair(in.line[i].value, "FEC-FR", &first, &second)) &&
			second == ssrc)
			return true;
	return false;
}

static uint32_t rtx_of(Lines in, uint32_t ssrc)
{
	uint32_t first, second;
	for (unsigned i = 0; i < in.count; i++)
		if (!strcmp(in.line[i].name, "ssrc-group") &&
			read_pair(in.line[i].value, "FID", &first, &second) && first == ssrc)
			return second;
	return 0;
}

static bool has_ssrc(const SdpMedia *media, uint32_t ssrc)
{
	for (unsigned i = 0; i < media->ssrc_count; i++)
		if (media->ssrcs[i] == ssrc || media->rtx_ssrcs[i] == ssrc)
			return true;
	return false;
}

static void read_ssrcs(SdpMedia *media, Lines in)
{
	unsigned tries = 0;
	for (unsigned i = 0; i < in.count && media->ssrc_count < SDP_SSRC_MAX; i++) {
		uint64_t ssrc;
		if (strcmp(in.line[i].name, "ssrc") ||
			!number(in.line[i].value, 10, UINT32_MAX, " ", &ssrc) || !ssrc ||
			has_ssrc(media, (uint32_t)ssrc))
			continue;
		/* each try walks the section: no more of them than honest offers can need */
		if (tries++ == 16 * SDP_SSRC_MAX)
			return;
		if (ssrc_repairs(in, (uint32_t)ssrc))
			continue;
		media->rtx_ssrcs[media->ssrc_count] = rtx_of(in, (uint32_t)ssrc);
		media->ssrcs[media->ssrc_count++] = (uint32_t)ssrc;
	}
}

static void read_msid(SdpMedia *media, const char *value)
{
	g_auto(GStrv) words = g_strsplit(value, " ", 3);
	for (unsigned i = 0; i < 2 && words[i]; i++)
		copy(media->msid[i], sizeof media->msid[i], words[i]);
}

/* Sections */

static bool is_rtp(const char *protocol)
{
	return !strcmp(protocol, "UDP/TLS/RTP/SAVPF") || !strcmp(protocol, "TCP/DTLS/RTP/SAVPF") ||
	       !strcmp(protocol, "RTP/SAVPF"); /* RFC 8829 §5.1.2: all are taken */
}

/* The m-line, and what makes a section at all; *formats stands behind "m=audio 9 PROTOCOL". */
static bool read_m_line(SdpMedia *media, Lines in, char **formats, GError **error)
{
	*formats = (char *)in.line[0].value; /* ours, made by sdp_text_cut() */
	char *what = next_word(formats), *port = next_word(formats);
	char *protocol = next_word(formats);
	uint64_t port_number;
	if (!protocol || !number(port, 10, UINT16_MAX, "/", &port_number) ||
		!copy(media->word, sizeof media->word, what) ||
		!copy(media->protocol, sizeof media->protocol, protocol)) {
		sdp_malformed(error, "có dòng m= sai");
		return false;
	}
	g_autofree char *first = g_strndup(*formats, strcspn(*formats, " "));
	copy(media->format, sizeof media->format, first);
	if (is_rtp(protocol) && !strcmp(what, "audio"))
		media->kind = SDP_AUDIO;
	if (is_rtp(protocol) && !strcmp(what, "video"))
		media->kind = SDP_VIDEO;
	media->rejected = !port_number && !find(in, "bundle-only");

	const char *mid = find(in, "mid");
	if (mid && (!copy(media->mid, sizeof media->mid, mid) ||
			   !all_of(mid, "!#$%&'*+-.^_`{|}~"))) { /* token, RFC 8866 §9 */
		sdp_malformed(error, "có a=mid sai hoặc dài quá 16 ký tự");
		return false;
	}
	return true;
}

static SdpDirection read_direction(Lines in, SdpDirection otherwise)
{
	static const char *const words[] = { "sendrecv", "sendonly", "recvonly", "inactive" };
	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
		if (find(in, words[i]))
			return direction_of(words[i], strlen(words[i]));
	return otherwise;
}

bool sdp_media_read(
	SdpMedia *media, Lines in, Lines session, int meanings[SDP_EXTENSION_IDS], GError **error)
{
	char *formats;
	if (!read_m_line(media, in, &formats, error))
		return false;
	media->direction = read_direction(in, read_direction(session, SDP_SENDRECV));
	media->rtcp_mux = find(in, "rtcp-mux") != NULL;
	if (media->kind == SDP_OTHER || media->rejected)
		return true;
	read_codecs(media, in, formats);
	read_extensions(media, session, meanings);
	read_extensions(media, in, meanings);
	read_simulcast(media, in);
	read_ssrcs(media, in);
	read_msid(media, find(in, "msid") ? find(in, "msid") : "");
	return true;
}
