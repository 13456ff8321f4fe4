#include "sdp_text.h"
#include "sdp.h"

#define LINE_LEN_MAX 4096 /* bytes; the longest line of a browser, an m-line, has 150 */

void sdp_malformed(GError **error, const char *why)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
		"Bản SDP gửi lên không đọc được: %s.", why);
}

void sdp_refused(GError **error, const char *why)
{
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
		"Máy chủ không phục vụ được bản SDP gửi lên: %s.", why);
}

static bool is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)text[i] < ' ' && text[i] != '\r' && text[i] != '\n' && text[i] != '\t')
			return false;
	return true;
}

char *sdp_text_take(const char *text, size_t len, GError **error)
{
	if (len <= SDP_SIZE_MAX && is_plain(text, len))
		return g_strndup(len ? text : "", len);
	sdp_malformed(error, len > SDP_SIZE_MAX ? "lớn quá 64 KiB" : "có ký tự điều khiển");
	return NULL;
}

GArray *sdp_text_cut(char *text, GError **error)
{
	g_autoptr(GArray) lines = g_array_new(FALSE, FALSE, sizeof(Line));
	while (*text) {
		size_t len = strcspn(text, "\n");
		char *next = text + len + (text[len] == '\n');
		text[len] = '\0';
		if (len && text[len - 1] == '\r')
			text[--len] = '\0';
		if (len > LINE_LEN_MAX) {
			sdp_malformed(error, "có dòng dài quá 4 KiB");
			return NULL;
		}
		if (len && (!g_ascii_islower(text[0]) || text[1] != '=')) {
			sdp_malformed(error, "có dòng không theo dạng x=…");
			return NULL;
		}
		if (len) {
			Line line = { .type = text[0], .name = "", .value = text + 2 };
			if (line.type == 'a') {
				char *colon = strchr(text + 2, ':');
				line.name = text + 2;
				line.value = colon ? colon + 1 : "";
				if (colon)
					*colon = '\0';
			}
			g_array_append_val(lines, line);
		}
		text = next;
	}
	return g_steal_pointer(&lines);
}
