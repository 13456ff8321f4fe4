#include "offer.h"
#include <gio/gio.h>
#include <string.h>

static void random_letters(char *out, size_t len)
{
	static const char letters[65] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < len; i++)
		out[i] = letters[g_random_int() & 63];
	out[len] = '\0';
}

static uint32_t random_ssrc(void)
{
	return g_random_int() | 1;
}

void offer_renew(Offer *offer)
{
	random_letters(offer->ufrag, sizeof offer->ufrag - 1);
	random_letters(offer->pwd, sizeof offer->pwd - 1);
}

void offer_init(Offer *offer, const char *fingerprint, bool publishes)
{
	*offer = (Offer){ .fingerprint = fingerprint };
	offer_renew(offer);
	if (!publishes)
		return;
	offer->mic_ssrc = random_ssrc();
	offer->camera_ssrc = random_ssrc();
	offer->camera_rtx_ssrc = random_ssrc();
}

static GString *begin(const char *mids)
{
	GString *out = g_string_new(NULL);
	g_string_printf(out,
		"v=0\r\no=- %u 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
		"a=group:BUNDLE %s\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n",
		g_random_int(), mids);
	return out;
}

static void write_section(
	GString *out, const Offer *offer, bool video, unsigned mid, const char *direction)
{
	g_string_append_printf(out,
		"m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
		"a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=ice-options:trickle\r\n"
		"a=fingerprint:sha-256 %s\r\na=setup:active\r\na=mid:%u\r\n",
		video ? "video" : "audio", video ? "96 97" : "111", offer->ufrag, offer->pwd,
		offer->fingerprint, mid);
	g_string_append_printf(
		out, "a=extmap:%u %s\r\n", 3u, rtp_extension_uri(RTP_EXT_TRANSPORT_CC));
	g_string_append_printf(out, "a=extmap:%u %s\r\n", 4u, rtp_extension_uri(RTP_EXT_MID));
	g_string_append_printf(
		out, "a=extmap:%u %s\r\n", 2u, rtp_extension_uri(RTP_EXT_ABS_SEND_TIME));
	if (!video)
		g_string_append_printf(
			out, "a=extmap:%u %s\r\n", 1u, rtp_extension_uri(RTP_EXT_AUDIO_LEVEL));
	g_string_append_printf(out, "a=%s\r\na=rtcp-mux\r\na=rtcp-rsize\r\n", direction);
	if (!video) {
		g_string_append(out, "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
				     "a=fmtp:111 minptime=10;useinbandfec=1\r\n");
		return;
	}
	g_string_append(out, "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\n"
			     "a=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\n"
			     "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n"
			     "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n");
}

char *offer_write_viewer(const Offer *offer)
{
	GString *out = begin("0 1 2 3 4");
	for (unsigned mid = 0; mid < OFFER_MEDIA_MAX; mid++)
		write_section(out, offer, mid >= 3, mid, "recvonly");
	return g_string_free(out, FALSE);
}

char *offer_write_publisher(const Offer *offer)
{
	GString *out = begin("0 1");
	write_section(out, offer, false, 0, "sendonly");
	g_string_append_printf(out, "a=msid:load mic\r\na=ssrc:%u cname:load\r\n", offer->mic_ssrc);
	write_section(out, offer, true, 1, "sendonly");
	g_string_append_printf(out,
		"a=msid:load camera\r\na=ssrc-group:FID %u %u\r\n"
		"a=ssrc:%u cname:load\r\na=ssrc:%u cname:load\r\n",
		offer->camera_ssrc, offer->camera_rtx_ssrc, offer->camera_ssrc,
		offer->camera_rtx_ssrc);
	return g_string_free(out, FALSE);
}

/* A line of theirs in our answer; what is theirs alone is left out. */
static void answer_line(GString *out, const Offer *ours, const char *line)
{
	static const char *const theirs[] = { "a=candidate:", "a=end-of-candidates", "a=ssrc",
		"a=msid:", "a=ice-lite", "a=ice-options:", "a=extmap-allow-mixed", NULL };
	for (unsigned i = 0; theirs[i]; i++)
		if (g_str_has_prefix(line, theirs[i]))
			return;
	if (g_str_has_prefix(line, "a=ice-ufrag:"))
		g_string_append_printf(out, "a=ice-ufrag:%s", ours->ufrag);
	else if (g_str_has_prefix(line, "a=ice-pwd:"))
		g_string_append_printf(out, "a=ice-pwd:%s", ours->pwd);
	else if (g_str_has_prefix(line, "a=fingerprint:"))
		g_string_append_printf(out, "a=fingerprint:sha-256 %s", ours->fingerprint);
	else if (g_str_has_prefix(line, "a=setup:"))
		g_string_append(out, "a=setup:active");
	else if (!strcmp(line, "a=sendonly"))
		g_string_append(out, "a=recvonly");
	else
		g_string_append(out, line);
	g_string_append(out, "\r\n");
}

char *answer_write(const Offer *ours, const char *theirs)
{
	g_auto(GStrv) lines = g_strsplit(theirs, "\n", 1000);
	GString *out = g_string_new(NULL);
	for (unsigned i = 0; lines[i]; i++)
		if (*g_strchomp(lines[i]))
			answer_line(out, ours, lines[i]);
	return g_string_free(out, FALSE);
}

/* The rest of a line that begins so, else NULL. */
static const char *after(const char *line, const char *prefix)
{
	return g_str_has_prefix(line, prefix) ? line + strlen(prefix) : NULL;
}

static void read_candidate(Answer *answer, const char *value)
{
	g_auto(GStrv) words = g_strsplit(value, " ", 9); /* RFC 8839 §5.1 */
	if (g_strv_length(words) < 8 || g_ascii_strcasecmp(words[2], "udp") ||
		answer->candidate_count == OFFER_CANDIDATES_MAX)
		return;
	AnswerCandidate *candidate = &answer->candidates[answer->candidate_count++];
	g_strlcpy(candidate->address, words[4], sizeof candidate->address);
	candidate->port = (unsigned)g_ascii_strtoull(words[5], NULL, 10);
}

static bool read_fingerprint(Answer *answer, const char *hex)
{
	for (unsigned i = 0; i < sizeof answer->fingerprint; i++, hex += 3) {
		if (!g_ascii_isxdigit(hex[0]) || !g_ascii_isxdigit(hex[1]))
			return false;
		answer->fingerprint[i] =
			(uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
		if (i + 1 < sizeof answer->fingerprint && hex[2] != ':')
			return false;
	}
	return true;
}

static void read_extension(AnswerMedia *media, const char *value)
{
	const char *uri = strchr(value, ' ');
	unsigned id = (unsigned)g_ascii_strtoull(value, NULL, 10);
	int which = uri ? rtp_extension_of(uri + 1) : -1;
	if (which >= 0 && id >= 1 && id <= 14)
		media->extensions.id[which] = (uint8_t)id;
}

static void read_media_line(AnswerMedia *media, const char *line)
{
	const char *value;
	if ((value = after(line, "a=extmap:"))) {
		read_extension(media, value);
	} else if ((value = after(line, "a=ssrc-group:FID "))) {
		char *second;
		media->ssrc = (uint32_t)g_ascii_strtoull(value, &second, 10);
		media->rtx_ssrc = (uint32_t)g_ascii_strtoull(second, NULL, 10);
	} else if ((value = after(line, "a=ssrc:")) && !media->ssrc) {
		media->ssrc = (uint32_t)g_ascii_strtoull(value, NULL, 10);
	} else if (!strcmp(line, "a=inactive")) {
		media->taken = false;
	}
}

bool answer_read(Answer *answer, const char *sdp, GError **error)
{
	g_auto(GStrv) lines = g_strsplit(sdp, "\n", 1000);
	AnswerMedia *media = NULL;
	bool has_fingerprint = false;
	*answer = (Answer){ 0 };
	for (unsigned i = 0; lines[i]; i++) {
		const char *line = g_strchomp(lines[i]), *value;
		if ((value = after(line, "m="))) {
			if (answer->media_count == OFFER_MEDIA_MAX)
				break;
			media = &answer->media[answer->media_count++];
			value = strchr(value, ' ');
			media->taken = value && g_ascii_strtoull(value, NULL, 10);
			media->video = g_str_has_prefix(line, "m=video");
		} else if ((value = after(line, "a=ice-ufrag:"))) {
			g_strlcpy(answer->ufrag, value, sizeof answer->ufrag);
		} else if ((value = after(line, "a=ice-pwd:"))) {
			g_strlcpy(answer->pwd, value, sizeof answer->pwd);
		} else if ((value = after(line, "a=fingerprint:sha-256 "))) {
			has_fingerprint = read_fingerprint(answer, value);
		} else if ((value = after(line, "a=candidate:"))) {
			read_candidate(answer, value);
		} else if (media) {
			read_media_line(media, line);
		}
	}
	if (answer->ufrag[0] && answer->pwd[0] && has_fingerprint && answer->candidate_count &&
		answer->media_count)
		return true;
	g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
		"the answer lacks credentials, a fingerprint or a UDP candidate");
	return false;
}
